"""Bugs in how a bound store searches, is bound again, and is one of many on a store."""

from __future__ import annotations

from contract.sabotage.registry import sabotage
from contract.sabotage.views import View, Viewed

from memstore import BASE_CAPABILITIES, StoreClosedError


@sabotage(
    caught_by="test_bound_refuses_unknown_keywords",
    source="writing a bound view by hand: **kwargs, for the engine's own options",
)
class BoundTakesAnyKeyword(Viewed):
    """Ignores a keyword of a bound search that it does not know."""

    class view(View):
        def search_memories(self, *, scope=None, **arguments):
            return super().search_memories(**arguments)


@sabotage(
    caught_by="test_binding_again_narrows",
    source="writing a bound view by hand: bound() of a view is handed on to the store",
)
class BindingAgainReplaces(Viewed):
    """Binds a bound store anew, to the new ids alone."""

    class view(View):
        def bound(self, **ids):
            return self._store.bound(**ids)


@sabotage(
    caught_by="test_binding_again_narrows",
    source="writing a bound view by hand: a view is bound already",
)
class BindingAgainDoesNothing(Viewed):
    """Returns a bound store as it is where it should be narrowed."""

    class view(View):
        def bound(self, **ids):
            return self


@sabotage(
    caught_by="test_bound_search_is_not_starved",
    source="needs.md: nearer rows of other users starve a scoped search",
)
class BoundSearchChecksThePage(Viewed):
    """Searches for everybody's best memories, and shows those of the scope."""

    class view(View):
        def search_memories(self, **arguments):
            own = set(map(str, super().search_memories(**{**arguments, "query": None})))
            filters = arguments.get("filters") or {"operator": "AND", "conditions": []}
            found = self._store.search_memories(**{**arguments, "filters": filters})
            return [message for message in found if str(message) in own]


@sabotage(
    caught_by="test_bound_ranking_is_that_of_the_scope",
    source="writing a bound view by hand: the scope's memories are read, and the view has a ranking of its own",
)
class BoundRankingIsAnother(Viewed):
    """Counts the letters that a query and a memory share, where a store is bound."""

    class view(View):
        def search_memories(self, *, query=None, top_k=5, **arguments):
            found = super().search_memories(**arguments)
            if query:
                found = sorted(found, key=lambda message: -len(set(message.text) & set(query)))[:top_k]
                for own in (m.meta["memory_metadata"] for m in found if "memory_metadata" in m.meta):
                    own["score"] = 1.0
            return found


@sabotage(
    caught_by="test_bound_ranking_is_that_of_the_scope",
    source="OpenSearch: a scope in `filter` takes no part in the score, and one in `must` does",
)
class ScoresOfTheScopeItself(Viewed):
    """Scores by a bound store everything a little better, for the scope that it matches."""

    class view(View):
        def search_memories(self, **arguments):
            found = super().search_memories(**arguments)
            for own in (m.meta["memory_metadata"] for m in found if "memory_metadata" in m.meta):
                own["score"] = own["score"] and own["score"] + 1
            return found


@sabotage(
    caught_by="test_binding_needs_a_scope",
    source="writing a bound view by hand: bound(**request.ids), and a request without ids",
)
class BindsToEverybody(Viewed):
    """Returns itself where it is bound to nothing."""

    def bound(self, **ids):
        return super().bound(**ids) if ids else self


@sabotage(
    caught_by="test_binding_needs_a_scope",
    source="writing a bound view by hand: ids are checked when they are used",
)
class BindsToAnything(Viewed):
    """Binds to an id that is no string, as to its letters."""

    def bound(self, **ids):
        return super().bound(**{name: str(value) for name, value in ids.items()})


@sabotage(
    caught_by="test_bound_configuration_nests",
    source="writing a bound view by hand: __getattr__ hands to_dict on",
)
class BoundConfigurationIsTheStores(Viewed):
    """Writes a bound store down as the whole store."""

    class view(View):
        def to_dict(self):
            return self._store.to_dict()


@sabotage(
    caught_by="test_bound_capabilities_are_the_stores",
    source="writing a bound view by hand: it is a BaseMemoryStore, with the capabilities of one",
)
class BoundCapabilitiesAreTheBases(Viewed):
    """Says of a bound store that it offers what every store does, and no more."""

    class view(View):
        @property
        def capabilities(self):
            return BASE_CAPABILITIES


@sabotage(
    caught_by="test_closing_a_bound_store_leaves_the_store_open",
    source="writing a bound view by hand: close() closes the connection",
    raises=StoreClosedError,
)
class ClosingAViewClosesAll(Viewed):
    """Closes the store when a view of it is closed."""

    class view(View):
        def close(self):
            super().close()
            self._store.close()
