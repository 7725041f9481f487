"""Binding: what `memstore.bind` makes of the store shows one scope, whatever is asked of it."""

from __future__ import annotations

from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.binding import bind
from memstore.errors import MemoryNotFoundError, ScopeError
from memstore.filters import field, serialize
from memstore.testing.contract import expect
from memstore.testing.contract.awaited import AwaitedStore
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import sync_only

EVERYTHING: Final = {"operator": "AND", "conditions": []}
NEARER: Final = 300
"""How many memories of another scope stand between a query and the scope's own."""


def bound(store: Any, **scope: str) -> Any:
    """`store` as seen from one scope; where a store is asked through its async methods, the bound one is too."""
    inner = store._store if isinstance(store, AwaitedStore) else store
    narrowed = inner.bound(**scope) if hasattr(inner, "bound") else bind(inner, **scope)
    return AwaitedStore(narrowed, store._runner) if isinstance(store, AwaitedStore) else narrowed


class Binding(Harness):
    """A bound store is indistinguishable from a store that holds only the memories of its scope."""

    def test_bound_filters_still_filter(self, store: Any) -> None:
        """A filter given to a bound store chooses among the memories of its scope.

        If this fails, check filters of more than one level: the scope is ANDed around the caller's filter.
        """
        _, mine, _ = self._two_scopes(store)
        self.add(mine, "milk", metadata={"n": 2})
        for filters, expected in (
            (serialize(field("n") == 2), ["milk"]),
            (serialize(~(field("n") == 2)), ["mine, the secret"]),
            ({}, ["mine, the secret", "milk"]),
            (EVERYTHING, ["mine, the secret", "milk"]),
        ):
            expect.same(self.texts(mine, filters=filters), expected, f"texts that the bound store finds by {filters}")

    def test_bound_or_stays_inside(self, store: Any) -> None:
        """A filter with an OR does not reach past a bound scope.

        If this fails, check that `a AND (b OR c)` keeps its brackets in the engine's own language.
        """
        ids, mine, theirs = self._two_scopes(store)
        is_bob = field("user_id") == ids[1]
        for reaching in (is_bob | (field("user_id") == ids[0]), is_bob | (field("n") != 1), (field("n") != 1) | is_bob):
            self._sees_only_mine(mine, serialize(reaching), found=True)
        self._sees_only_mine(mine, {"operator": "OR", "conditions": [serialize(is_bob), EVERYTHING]}, found=True)
        self._sees_only_mine(mine, serialize(is_bob | (field("n") == 1)), found=False)
        expect.equal(self.texts(theirs), ["theirs, the secret"], "texts in the other scope")

    def test_bound_not_stays_inside(self, store: Any) -> None:
        """A filter with a NOT does not reach past a bound scope.

        If this fails, check that a negation covers the caller's filter only, and not the scope beside it.
        """
        ids, mine, _ = self._two_scopes(store)
        self._sees_only_mine(mine, serialize(~(field("user_id") == ids[0])), found=False)
        self._sees_only_mine(mine, serialize(field("user_id").not_in([ids[0]])), found=False)
        for reaching in (~(field("n") == 1), field("user_id") != self.new_id(), field("user_id").not_in([])):
            self._sees_only_mine(mine, serialize(reaching), found=True)
        nothing = {"operator": "OR", "conditions": []}
        self._sees_only_mine(mine, {"operator": "NOT", "conditions": [nothing]}, found=True)

    def test_bound_filters_that_name_an_id_stay_inside(self, store: Any) -> None:
        """A filter that names an id of another scope finds nothing in a bound store.

        If this fails, check that a second condition on an id does not replace the first.
        """
        ids, mine, _ = self._two_scopes(store)
        for value in (ids[1], "*", "%"):
            self._sees_only_mine(mine, serialize(field("user_id") == value), found=False)
        self._sees_only_mine(mine, serialize(field("user_id").is_in([ids[1], "*"])), found=False)
        self._sees_only_mine(mine, serialize(field("user_id").is_in([*ids, "*"])), found=True)

    def test_bound_ids_cannot_be_contradicted(self, store: Any) -> None:
        """Another value for a bound id is a `ScopeError` in every call, also beside a filter; nothing is done.

        If this fails, check that `bound` of the store is `memstore.bind`, or refuses as it does.
        """
        ids, mine, theirs = self._two_scopes(store)
        with expect.raises(ScopeError, "adding to another user through a bound store"):
            self.add(mine, "planted", user_id=ids[1])
        for name in ("search_memories", "search_memories_as_single_message", "delete_all_memories"):
            with expect.raises(ScopeError, f"{name} of another user through a bound store"):
                getattr(mine, name)(user_id=ids[1])
        with expect.raises(ScopeError, "a search beside a filter, of another user, through a bound store"):
            mine.search_memories(filters=EVERYTHING, user_id=ids[1])
        self.settle()
        expect.equal(self.texts(theirs), ["theirs, the secret"], "texts in the other scope")
        expect.equal(self.texts(mine), ["mine, the secret"], "texts in the bound scope")

    def test_bound_scopes_take_further_ids(self, store: Any) -> None:
        """Ids that are not bound are set on adding, and narrow a search or a deletion within the scope.

        If this fails, check that the ids of a call are joined with the bound ones.
        """
        ids, mine, theirs = self._two_scopes(store)
        one, two = self.new_id("run"), self.new_id("run")
        self.add(mine, "in run one", run_id=one)
        self.add(mine, "in run two", run_id=two, user_id=ids[0])
        self.add(theirs, "theirs in run one", run_id=one)
        expect.equal(self.texts(mine, run_id=one), ["in run one"], "texts of the run in the bound scope")
        expect.equal(self.texts(store, user_id=ids[0], run_id=two), ["in run two"], "texts of the user and run")
        mine.delete_all_memories(run_id=one)
        self.settle()
        expect.same(self.texts(mine), ["mine, the secret", "in run two"], "texts left after deleting a run")
        expect.equal(self.texts(theirs, run_id=one), ["theirs in run one"], "texts of that run in the other scope")

    def test_bound_metadata_sets_no_id(self, store: Any) -> None:
        """Metadata named like an id, of a batch or of a message, is a `ScopeError` in a bound store; nothing is stored.

        If this fails, check that `bound` of the store is `memstore.bind`, or refuses as it does.
        """
        ids, mine, theirs = self._two_scopes(store)
        for name in ("user_id", "run_id", "agent_id", "app_id"):
            with expect.raises(ScopeError, f"metadata with {name}"):
                self.add(mine, "planted", metadata={name: ids[1]})
            planted = ChatMessage.from_user("planted", meta={name: ids[1]})
            with expect.raises(ScopeError, f"a message's own metadata with {name}"):
                self.add_messages(mine, [ChatMessage.from_user("first"), planted])
        expect.equal(self.texts(theirs), ["theirs, the secret"], "texts in the other scope")
        expect.equal(self.texts(mine), ["mine, the secret"], "texts in the bound scope")

    def test_bound_deletes_its_own_memories(self, store: Any) -> None:
        """A memory of the scope can be deleted through a bound store, by its id.

        If this fails, check that a filter finds a memory by its `id`.
        """
        _, mine, _ = self._two_scopes(store)
        mine.delete_memory(self.add_one(mine, "another"))
        self.settle()
        expect.equal(self.texts(mine), ["mine, the secret"], "texts left in the bound scope")

    def test_bound_deletes_no_foreign_memory(self, store: Any) -> None:
        """A foreign memory's id gives the same `MemoryNotFoundError`, to the letter, as an unknown id.

        If this fails, check what the error says and carries: it must not tell that there is such a memory.
        """
        _, mine, theirs = self._two_scopes(store)
        foreign, unknown = self.add_one(theirs, "theirs too"), self.new_id("memory")
        said = {}
        for memory_id in (foreign, unknown):
            try:
                mine.delete_memory(memory_id)
            except MemoryNotFoundError as error:
                said[memory_id] = repr((str(error), error.__cause__)).replace(memory_id, "<ID>")
            else:
                raise AssertionError(
                    f"a bound store deleted the {'foreign' if memory_id == foreign else 'unknown'} memory"
                )
        self.settle()
        expect.same(self.texts(theirs), ["theirs, the secret", "theirs too"], "texts in the other scope")
        expect.equal(said[foreign], said[unknown], "the error of a foreign id, compared with that of an unknown one")

    def test_bound_delete_all_deletes_exactly_the_scope(self, store: Any) -> None:
        """`delete_all_memories()` of a bound store deletes its scope, and nothing else.

        If this fails, check that a deletion honours ids as a search does.
        """
        ids, mine, theirs = self._two_scopes(store)
        self.add(mine, "in a run", run_id=self.new_id("run"))
        mine.delete_all_memories()
        self.settle()
        expect.equal(self.texts(mine), [], "texts in the bound scope")
        expect.equal(self.texts(store, user_id=ids[0]), [], "texts of the user in the whole store")
        expect.equal(self.texts(theirs), ["theirs, the secret"], "texts in the other scope")

    def test_bound_refuses_unknown_keywords(self, store: Any) -> None:
        """A keyword that the protocol does not know is a `TypeError` in a bound store; nothing is done.

        If this fails, check that `bound` of the store passes nothing on to the engine.
        """
        _, mine, _ = self._two_scopes(store)
        for name, arguments in (
            ("add_memories", {"messages": [ChatMessage.from_user("x")], "infer": False}),
            ("search_memories", {}),
            ("search_memories_as_single_message", {}),
            ("delete_all_memories", {}),
        ):
            with expect.raises(TypeError, f"{name} with the keyword 'scope'"):
                getattr(mine, name)(**arguments, scope="everyone")
        self.settle()
        expect.equal(self.texts(mine), ["mine, the secret"], "texts in the bound scope")

    def test_binding_again_narrows(self, store: Any) -> None:
        """Binding a bound store narrows it; another value for an id that is bound is a `ScopeError`.

        If this fails, check that `bound` of the store is `memstore.bind`, or does the same.
        """
        ids, mine, theirs = self._two_scopes(store)
        run = self.new_id("run")
        self.add(theirs, "theirs in the run", run_id=run)
        narrow = bound(mine, run_id=run)
        self.add(narrow, "in the run")
        expect.equal(self.texts(narrow), ["in the run"], "texts in the narrowed scope")
        expect.equal(self.texts(store, user_id=ids[0], run_id=run), ["in the run"], "texts of the user and run")
        with expect.raises(ScopeError, "binding a bound store to another user"):
            bound(mine, user_id=ids[1])

    def test_bound_search_is_not_starved(self, store: Any) -> None:
        """Nearer memories of other scopes take no place in what a bound store finds, with a filter or without.

        If this fails, check that the engine filters before it cuts to `top_k`, or is asked for more.
        """
        _, mine, theirs = self._two_scopes(store)
        query = "green tea ceremony in Kyoto"
        self.add(theirs, *[query] * NEARER)
        own = [f"tea, note {number}" for number in range(3)]
        self.add(mine, *own, metadata={"tea": True})
        expect.same(self.texts(mine, query=query, top_k=3), own, "texts found by top_k=3")
        filters = serialize(field("tea") == True)  # noqa: E712  # it makes a filter
        expect.same(self.texts(mine, query=query, top_k=3, filters=filters), own, "texts found by top_k=3 and a filter")

    def test_bound_ranking_is_that_of_the_scope(self, store: Any) -> None:
        """A query finds the same in a bound store, with the same scores, as in the store with the same ids.

        If this fails, check that a bound store ranks by the store's own engine, also where there is a filter.
        """
        ids, mine, theirs = self._two_scopes(store)
        query = "green tea in Kyoto"
        own = ("a bicycle", "tea", "green paint in the hall", "green tea in Kyoto", "tea, green")
        for number, text in enumerate(own):
            self.add(mine, text, metadata={"n": number % 2})
        self.add(theirs, *own)
        scope, odd = field("user_id") == ids[0], field("n") == 1
        for what, inside, outside in (
            ("a query", {}, {"user_id": ids[0]}),
            ("a query and a filter", {"filters": serialize(odd)}, {"filters": serialize(scope & odd)}),
        ):
            expect.equal(
                self._ranking(mine, query=query, top_k=4, **inside),
                self._ranking(store, query=query, top_k=4, **outside),
                f"texts and scores found by {what} in a bound store, compared with those of the store",
            )

    @sync_only
    def test_binding_needs_a_scope(self, store: Any) -> None:
        """Binding to no id, or to an impossible one, is a `ScopeError`: nothing is ever bound to everything.

        If this fails, check that `bound` of the store is `memstore.bind`, or refuses as it does.
        """
        for ids in ({}, {"user_id": ""}, {"user_id": " a"}, {"user_id": "*"}, {"run_id": 5}):
            with expect.raises(ScopeError, f"binding to {ids or 'nothing'}"):
                bound(store, **ids)

    @sync_only
    def test_bound_configuration_nests(self, store: Any) -> None:
        """`to_dict` of a bound store holds the store's own configuration and the bound ids.

        If this fails, check that `bound` of the store is `memstore.bind`.
        """
        user = self.new_id()
        parameters = bound(store, user_id=user).to_dict()["init_parameters"]
        expect.equal(parameters, {"store": store.to_dict(), "user_id": user}, "parameters of the bound store")

    @sync_only
    def test_bound_capabilities_are_the_stores(self, store: Any) -> None:
        """A bound store has the capabilities of the store underneath.

        If this fails, check that capabilities are read from the instance, not kept in the bound store.
        """
        own: frozenset[str] = getattr(store, "capabilities", frozenset())
        expect.same(bound(store, user_id=self.new_id()).capabilities, own, "capabilities of the bound store")

    @sync_only
    def test_closing_a_bound_store_leaves_the_store_open(self, store: Any) -> None:
        """Closing a bound store closes this view only.

        If this fails, check who owns the engine's connection: its opener, not a view of it.
        """
        user = self.new_id()
        with bound(store, user_id=user) as mine:
            self.add(mine, "mine")
        expect.equal(self.texts(store, user_id=user), ["mine"], "texts found in the store after the view was closed")

    def _ranking(self, store: Any, **arguments: Any) -> list[tuple[str | None, float]]:
        found = self.search(store, include_memory_metadata=True, **arguments)
        return [(message.text, message.meta["memory_metadata"]["score"]) for message in found]

    def _two_scopes(self, store: Any) -> tuple[tuple[str, str], Any, Any]:
        """Two users, and the store as bound to each of them, each with a memory."""
        users = (self.new_id(), self.new_id())
        mine, theirs = bound(store, user_id=users[0]), bound(store, user_id=users[1])
        self.add(theirs, "theirs, the secret")
        self.add(mine, "mine, the secret")
        return users, mine, theirs

    def _sees_only_mine(self, mine: Any, filters: dict[str, Any], *, found: bool) -> None:
        """However it searches, the bound store finds its own memory or none, and nothing foreign."""
        expected = ["mine, the secret"] if found else []
        expect.equal(self.texts(mine, filters=filters), expected, f"texts found by {filters}")
        ranked = self.texts(mine, filters=filters, query="the secret", top_k=50)
        expect.equal(ranked, expected, f"texts found by a query and {filters}")
        message = mine.search_memories_as_single_message(filters=filters)
        expect.true("theirs" not in (message.text or ""), f"a foreign memory is in the message for {filters}")
