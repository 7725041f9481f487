"""Bugs in which ids a memory has, and in how they narrow a search."""

from __future__ import annotations

from dataclasses import replace

from contract.sabotage.engines import Engine, Keeping, Rewriting, Telling
from contract.sabotage.registry import sabotage

from memstore.arguments import given_filters
from memstore.filters import TRUE, And, Comparison, Field, In, Operator, Or
from memstore.memory import SCOPE_FIELDS, Scope, pinned_ids
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_ids_narrow_a_search",
    source="writing a SQL backend: ' OR '.join(conditions)",
)
class IdsJoinedByOr(InMemoryMemoryStore):
    """Finds a memory when one of the ids given is its own."""

    def _target(self, filters, scope):
        return super()._target(filters, scope) if given_filters(filters) else Or(tuple(_each(scope)))


@sabotage(
    caught_by="test_ids_narrow_a_search",
    source="mem0ai/mem0#3773: where several ids are given, one of them counts",
)
class FirstIdOnly(InMemoryMemoryStore):
    """Narrows by the first of the ids given."""

    def _target(self, filters, scope):
        wanted = super()._target(filters, scope)
        return wanted if given_filters(filters) else _each(scope)[0]


@sabotage(
    caught_by="test_ids_narrow_a_search",
    source="mem0.md: older documentation says that what a filter does not mention has to be null",
)
class OtherIdsMustBeNull(InMemoryMemoryStore):
    """Finds only memories that have no other ids than those given."""

    def _target(self, filters, scope):
        wanted = super()._target(filters, scope)
        others = [name for name in SCOPE_FIELDS if name not in scope.ids]
        nulls = [Comparison(Field((name,)), Operator.EQ, None) for name in others]
        return wanted if given_filters(filters) else And((wanted, *nulls))


@sabotage(
    caught_by="test_ids_narrow_a_search",
    source="mem0.md: a fact of a user message is written with user_id and without agent_id, whatever was passed",
)
class AgentsOfUsersForgotten(Keeping):
    """Keeps no `agent_id` of what a user said."""

    def kept(self, memory):
        return replace(memory, agent_id=None) if memory.user_id and memory.role == "user" else memory


@sabotage(
    caught_by="test_ids_narrow_a_ranked_search",
    source="Pinecone: one namespace in a query, and so one id",
)
class RankedByOneId(InMemoryMemoryStore):
    """Ranks what has the first of the ids given."""

    def _rank(self, query, filter, limit):
        ids, rest = pinned_ids(filter)
        first = [_is(name, value) for name, value in ids.items()][:1]
        return super()._rank(query, And((*first, rest)), limit)


@sabotage(
    caught_by="test_ids_narrow_a_ranked_search",
    source="Elasticsearch: `should` beside a query makes hits better, and leaves none out",
)
class IdsOnlyBoost(Engine):
    """Ranks memories with the right ids first, and others behind them."""

    def _rank(self, query, filter, limit):
        ids, rest = pinned_ids(filter)
        hits = rank(query, self._matching(rest), 1000)
        right = [hit for hit in hits if self.holds(filter, hit[0])]
        return [*right, *(hit for hit in hits if ids and hit not in right)][:limit], True


@sabotage(
    caught_by="test_app_id_narrows_like_the_others",
    source="mem0.md: Mem0 OSS has no app_id, and **kwargs swallow it",
)
class AppIdSwallowed(InMemoryMemoryStore):
    """Leaves `app_id` out of a search where there are other ids."""

    def search_memories(self, *, app_id=None, **arguments):
        others = any(arguments.get(name) for name in SCOPE_FIELDS)
        return super().search_memories(app_id=None if others else app_id, **arguments)


@sabotage(
    caught_by="test_app_id_narrows_like_the_others",
    source="writing a SQL backend: app_id came later, and INSERT has no column for it",
)
class AppIdNotKept(Keeping):
    """Keeps no `app_id`."""

    def kept(self, memory):
        return replace(memory, app_id=None)


@sabotage(
    caught_by="test_each_id_has_a_place_of_its_own",
    source="writing a vector backend: one `owner` tag, whoever the owner is",
)
class OnePlaceForIds(Engine):
    """Compares an id with all ids that a memory has."""

    def leaf(self, leaf, memory):
        if isinstance(leaf, Comparison) and leaf.field.path[0] in SCOPE_FIELDS:
            return leaf.value in memory.scope.values
        return super().leaf(leaf, memory)


class Glued(Engine):
    """Compares ids by the key that is made of them."""

    def key(self, ids):
        return [ids[name] for name in SCOPE_FIELDS if name in ids]

    def all_of(self, children, memory):
        ids, rest = pinned_ids(And(children))
        own = {name: getattr(memory, name) or "" for name in ids}
        return self.key(own) == self.key(ids) and (rest == TRUE or self.holds(rest, memory))


@sabotage(
    caught_by="test_each_id_has_a_place_of_its_own",
    source="Redis: f'{user_id}:{run_id}'",
)
class KeysOfJoinedIds(Glued):
    """Joins ids with a colon to one key."""

    def key(self, ids):
        return ":".join(super().key(ids))


@sabotage(
    caught_by="test_each_id_has_a_place_of_its_own",
    source="writing a backend: hashlib.update() for one id after the other",
)
class KeysOfHashedIds(Glued):
    """Makes one key of ids by writing them one behind the other."""

    def key(self, ids):
        return "".join(super().key(ids))


@sabotage(
    caught_by="test_a_memory_says_whose_it_is",
    source="LangChain: session_id defaults to a constant",
)
class RunsFilledIn(Keeping):
    """Gives a memory without a `run_id` one of its own."""

    def kept(self, memory):
        return replace(memory, run_id=memory.run_id or "default")


@sabotage(
    caught_by="test_a_memory_says_whose_it_is",
    source="mem0.md: listing calls a memory's run session_id, search calls it run_id",
)
class RunsByAnotherName(Telling):
    """Tells a memory's run as `session_id`."""

    def own(self, own):
        return {("session_id" if name == "run_id" else name): value for name, value in own.items()}


@sabotage(
    caught_by="test_a_memory_says_whose_it_is",
    source="Neo4j: a missing property comes back as no key",
)
class MissingIdsNotTold(Telling):
    """Leaves out the ids that a memory does not have."""

    def own(self, own):
        return {name: value for name, value in own.items() if value is not None or name not in SCOPE_FIELDS}


# Scope, metadata and filters.


@sabotage(
    caught_by="test_nested_metadata_sets_no_id",
    source="mem0ai/mem0#6277: metadata moves a memory to another tenant",
)
class CamelCaseKeyMovesMemories(Keeping):
    """Takes a `userId` of the metadata for the memory's user."""

    def kept(self, memory):
        return replace(memory, user_id=memory.meta.get("userId", memory.user_id))


@sabotage(
    caught_by="test_nested_metadata_sets_no_id",
    source="writing a vector backend: metadata is flattened into the payload that holds the ids",
)
class IdsSoughtDeepInMetadata(Engine):
    """Looks for an id in what lies deeper in the metadata too."""

    def leaf(self, leaf, memory):
        name = leaf.field.path[0]
        if isinstance(leaf, Comparison) and name in SCOPE_FIELDS and leaf.value is not None:
            nested = [value.get(name) for value in memory.meta.values() if isinstance(value, dict)]
            return leaf.value in (getattr(memory, name), *nested)
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_nested_metadata_sets_no_id",
    source="writing a backend: keys in lower case, and then the ids are taken out of the metadata",
)
class MetadataCleaned(Keeping):
    """Drops keys that are an id's name in other letters."""

    def kept(self, memory):
        meta = {key: value for key, value in memory.meta.items() if key.lower() not in SCOPE_FIELDS}
        return replace(memory, meta=meta)


@sabotage(
    caught_by="test_ids_beside_filters_are_ignored",
    source="mem0.md: sibling keys of a filter are ANDed, and the ids become such keys",
)
class IdsAndedWithFilters(InMemoryMemoryStore):
    """Finds what matches the filter and the ids beside it."""

    def _target(self, filters, scope):
        return And((super()._target(filters, scope), scope.filter))


@sabotage(
    caught_by="test_ids_beside_filters_are_ignored",
    source="writing a backend: `if user_id: ... elif filters: ...`",
)
class FiltersBesideIdsIgnored(InMemoryMemoryStore):
    """Ignores a filter where ids are given."""

    def _target(self, filters, scope):
        return super()._target(None if scope else filters, scope)


@sabotage(
    caught_by="test_filters_name_ids",
    source="mem0-haystack 1.0.0 reads every field as a key of metadata",
)
class IdsSoughtInMetadata(Rewriting):
    """Looks for the ids that a filter names among the keys of metadata."""

    def comparison(self, condition):
        name = condition["field"]
        return {**condition, "field": f"meta.{name}" if name in SCOPE_FIELDS else name}


@sabotage(
    caught_by="test_filters_name_ids",
    source="mem0.md: the session_id of a listing, so that run_id is a field that nothing has",
)
class RunsHaveAnotherField(Rewriting):
    """Knows a filter's `run_id` by another name."""

    def comparison(self, condition):
        return {**condition, "field": "session_id"} if condition["field"] == "run_id" else condition


@sabotage(
    caught_by="test_filters_negate_ids",
    source="mem0-haystack 1.0.0 sends `not in` on ids as `ne` with a list, which no id equals",
)
class NotInListIsNotEqual(Rewriting):
    """Takes `not in` on an id for a comparison with the whole list."""

    def comparison(self, condition):
        every = {"operator": "AND", "conditions": []}
        return every if condition["field"] in SCOPE_FIELDS and condition["operator"] == "not in" else condition


@sabotage(
    caught_by="test_filters_negate_ids",
    source="SQL: NULL <> 'maya' is NULL",
)
class NegatedIdsNeedOne(Engine):
    """Finds by a negated id only what has an id there."""

    def negated(self, child, memory):
        if isinstance(child, Comparison | In) and child.field.path[0] in SCOPE_FIELDS:
            null = isinstance(child, Comparison) and child.value is None
            return (null or getattr(memory, child.field.path[0]) is not None) and super().negated(child, memory)
        return super().negated(child, memory)


@sabotage(
    caught_by="test_filters_negate_ids",
    source="mem0.md: a filter is a dictionary by field, so that of two conditions on one field the last is kept",
)
class LastNegatedIdCounts(Rewriting):
    """Keeps the last of several conditions that negate an id."""

    def rewritten(self, filters):
        conditions = filters.get("conditions", []) if isinstance(filters, dict) else []
        if len([part for part in conditions if part.get("operator") == "!="]) > 1:
            return conditions[-1]
        if any("conditions" in part for part in conditions):
            return {**filters, "conditions": [self.rewritten(part) for part in conditions]}
        return filters


def _is(name, value):
    return Comparison(Field((name,)), Operator.EQ, value)


def _each(scope: Scope):
    return [_is(name, value) for name, value in scope.ids.items()]
