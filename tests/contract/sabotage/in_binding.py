"""Bugs in what a bound store finds, adds and deletes."""

from __future__ import annotations

from dataclasses import replace

from contract.sabotage.engines import Rewriting
from contract.sabotage.registry import sabotage
from contract.sabotage.views import View, Viewed

from memstore import MemoryNotFoundError
from memstore.filters import And, Comparison, Not, Or
from memstore.memory import SCOPE_FIELDS, Scope


@sabotage(
    caught_by="test_bound_filters_still_filter",
    source="writing a bound view by hand: ids are handed on, and filters beside ids are ignored",
)
class BoundFiltersIgnored(Viewed):
    """Ignores the filters that are given to a bound store."""

    def within(self, own, given):
        return own


@sabotage(
    caught_by="test_bound_filters_still_filter",
    source="mem0.md: an object with AND and a sibling NOT drops the sibling",
)
class BoundNegationsDropped(Viewed):
    """Drops a negation beside a bound scope."""

    def within(self, own, given):
        return own if isinstance(given, Not) else own & given


@sabotage(
    caught_by="test_bound_or_stays_inside",
    source="SQL: f'user_id = ? AND {condition}', without brackets",
)
class ScopeBindsTheFirst(Viewed):
    """Puts the scope before a filter without brackets, so that it holds for the first part of an OR."""

    def within(self, own, given):
        if isinstance(given, Or) and given.children:
            return Or((own & given.children[0], *given.children[1:]))
        return own & given


@sabotage(
    caught_by="test_bound_or_stays_inside",
    source="semantics.md: ids beside filters are ignored, which a view by hand forgets",
)
class ScopeBesideFilters(Viewed):
    """Searches with a filter and the bound ids beside it."""

    class view(View):
        def _target(self, filters, scope):
            return {"filters": filters, **self._scope.narrowed(scope).ids}


@sabotage(
    caught_by="test_bound_not_stays_inside",
    source="Elasticsearch: the scope is pushed into the bool query of the filter, and lands in its must_not",
)
class ScopeNegatedToo(Viewed):
    """Puts the scope inside of a negation."""

    def within(self, own, given):
        return Not(own & given.child) if isinstance(given, Not) else own & given


@sabotage(
    caught_by="test_bound_not_stays_inside",
    source='mem0-haystack 1.0.0 turns NOT [a, b] into "none of"',
)
class ScopeIsOneOfTheNegated(Viewed):
    """Adds the scope to the conditions of which a negation says that none holds."""

    def within(self, own, given):
        return And((Not(own), given)) if isinstance(given, Not) else own & given


@sabotage(
    caught_by="test_bound_filters_that_name_an_id_stay_inside",
    source="Python: {**scope, **filters}",
)
class FiltersReplaceTheScope(Viewed):
    """Lets a condition on an id take the place of the bound one."""

    def within(self, own, given):
        named = isinstance(given, Comparison) and given.field.path[0] in SCOPE_FIELDS
        return given if named else own & given


@sabotage(
    caught_by="test_bound_filters_that_name_an_id_stay_inside",
    source="mem0.md: `*` on Qdrant and Chroma is no condition at all",
)
class StarInFiltersIsNoCondition(Viewed):
    """Drops a condition that an id is `*`."""

    def within(self, own, given):
        return own if isinstance(given, Comparison) and given.value == "*" else own & given


class Overridden(Scope):
    """A scope that other ids override."""

    __slots__ = ()

    def narrowed(self, other):
        return replace(self, **other.ids)


class Insistent(Scope):
    """A scope that other ids do not change."""

    __slots__ = ()

    def narrowed(self, other):
        return replace(self, **{**other.ids, **self.ids})


class Rigid(Scope):
    """A scope that nothing narrows."""

    __slots__ = ()

    def narrowed(self, other):
        super().narrowed(other)
        return self


@sabotage(
    caught_by="test_bound_ids_cannot_be_contradicted",
    source="Python: functools.partial(store.search_memories, user_id=...), whose keywords a caller overrides",
)
class BoundIdsOverridden(Viewed):
    """Lets the ids of a call override those that are bound."""

    scope_type = Overridden


@sabotage(
    caught_by="test_bound_ids_cannot_be_contradicted",
    source="Python: {**ids, **scope}",
)
class OtherIdsIgnoredInSilence(Viewed):
    """Does for the bound user what was asked for another."""

    scope_type = Insistent


@sabotage(
    caught_by="test_bound_ids_cannot_be_contradicted",
    source="writing a bound view by hand: ids beside filters are ignored, so they are not looked at",
)
class IdsBesideFiltersUnchecked(Viewed):
    """Ignores another user's id where a bound store is given a filter."""

    class view(View):
        def _target(self, filters, scope):
            return super()._target(filters, Scope() if filters else scope)


@sabotage(
    caught_by="test_bound_scopes_take_further_ids",
    source="writing a bound view by hand: def delete_all(self): store.delete_all(**self.ids)",
)
class FurtherIdsDropped(Viewed):
    """Ignores ids of a call beside those that are bound."""

    scope_type = Rigid


@sabotage(
    caught_by="test_bound_metadata_sets_no_id",
    source="mem0ai/mem0#6277: metadata moves a memory to another tenant",
)
class BoundMetadataSetsIds(Viewed):
    """Takes ids in the metadata of a bound add for those of the memory."""

    class view(View):
        def add_memories(self, *, metadata=None, **arguments):
            meta = dict(metadata or {})
            ids = {name: meta.pop(name) for name in SCOPE_FIELDS if name in meta}
            return self._store.add_memories(metadata=meta, **{**arguments, **self._scope.ids, **ids})


@sabotage(
    caught_by="test_bound_metadata_sets_no_id",
    source="mem0.md: OSS drops metadata keys that are named like the ids",
)
class BoundMetadataCleaned(Viewed):
    """Drops a bound message's own metadata that is named like an id, and stores the rest."""

    class view(View):
        def add_memories(self, *, messages, **arguments):
            kept = [{k: v for k, v in message.meta.items() if k not in SCOPE_FIELDS} for message in messages]
            messages = [replace(message, _meta=meta) for message, meta in zip(messages, kept, strict=True)]
            return super().add_memories(messages=messages, **arguments)


@sabotage(
    caught_by="test_bound_deletes_its_own_memories",
    source="Chroma: ids are no part of `where`",
    raises=MemoryNotFoundError,
)
class FiltersKnowNoId(Rewriting):
    """Looks for the `id` that a filter names among the keys of metadata."""

    def comparison(self, condition):
        return {**condition, "field": "meta.id"} if condition["field"] == "id" else condition


@sabotage(
    caught_by="test_bound_deletes_no_foreign_memory",
    source="writing a bound view by hand: what takes no user_id is handed on",
)
class BoundDeletesByIdAlone(Viewed):
    """Deletes a memory through a bound store whosever it is."""

    class view(View):
        def delete_memory(self, memory_id):
            self._store.delete_memory(memory_id)


class Forbidden(MemoryNotFoundError):
    """Says that a memory is somebody else's."""

    def __str__(self):
        return f"the memory {self.memory_id!r} is not yours"


@sabotage(
    caught_by="test_bound_deletes_no_foreign_memory",
    source="HTTP: 403 where 404 is meant",
)
class TellsThatItIsForeign(Viewed):
    """Says of a foreign memory that it is not the caller's."""

    class view(View):
        def delete_memory(self, memory_id):
            by_id = {"field": "id", "operator": "==", "value": memory_id}
            if memory_id in self._store._memories and not self.search_memories(filters=by_id):
                raise Forbidden(memory_id)
            super().delete_memory(memory_id)


@sabotage(
    caught_by="test_bound_delete_all_deletes_exactly_the_scope",
    source="Chroma: delete_collection(), since the view is thought to have one of its own",
)
class BoundDeletesEverybody(Viewed):
    """Deletes everybody's memories through a bound store."""

    class view(View):
        def delete_all_memories(self, **ids):
            self._store._delete(list(self._store._memories))


@sabotage(
    caught_by="test_bound_delete_all_deletes_exactly_the_scope",
    source="Redis: DEL of the scope's own key, and not of those below it",
)
class BoundDeletesOneLevel(Viewed):
    """Deletes through a bound store what has the bound ids and no others."""

    class view(View):
        def delete_all_memories(self, **ids):
            exact = self._scope.narrowed(Scope(**ids)).values
            known = self._store._memories.values()
            self._store._delete([memory.id for memory in known if memory.scope.values == exact])
