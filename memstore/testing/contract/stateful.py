"""Any sequence of calls, compared with a model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final

from haystack.dataclasses import ChatMessage
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from memstore.errors import MemoryNotFoundError
from memstore.filters import parse, serialize
from memstore.testing import strategies
from memstore.testing.contract import expect
from memstore.testing.contract.awaited import AwaitedStore
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.model import Entry, Model
from memstore.testing.contract.reading import listed, records

_STEPS: Final = 30
_MANY: Final = 4
_PEOPLE: Final = ("maya", "tom")
_USERS: Final = st.sampled_from(_PEOPLE)
_READERS: Final = st.sampled_from(("anyone", "anyone", *_PEOPLE))
_RUNS: Final = st.sampled_from((None, "monday", "tuesday"))
_READ_RUNS: Final = st.sampled_from((None, None, None, "monday"))
_TEXTS: Final = st.sampled_from([text for text in strategies.TEXTS if text])
_NOTES: Final = st.tuples(_USERS, _RUNS, _TEXTS, strategies.metadata())
_QUERIES: Final = st.sampled_from(("alice", "bob null", "日本", "nobody said this"))
_SPEAKERS: Final[dict[str, Callable[[str], ChatMessage]]] = {
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
    "system": ChatMessage.from_system,
}
_ROLES: Final = st.sampled_from(sorted(_SPEAKERS))
_PATCHES: Final = st.dictionaries(
    st.sampled_from(strategies.KEYS), st.none() | strategies.json_values(), min_size=1, max_size=2
)
_FILTERS: Final = st.none() | st.runner().flatmap(lambda calls: calls.filters)


class Stateful(Harness):
    """The store against the model."""

    def test_any_sequence_of_calls_agrees_with_a_model(self, store: Any) -> None:
        """After any sequence of calls, every read returns what a plain dictionary of memories would.

        If this fails, check the last step of the sequence that is shown; it takes the steps before it to see it.
        """
        self.add_one(store, "is an id told?", user_id=self.new_id())  # or the sequence that is shown says nothing
        with ExitStack() as stack:
            opened = _Opened(self, store, stack)
            run_state_machine_as_test(
                lambda: Calls(opened),  # type: ignore[arg-type]  # a function will do, says its docstring
                settings=settings(self.examples(0.3), stateful_step_count=_STEPS),
            )


class _Opened:
    """The store under test, whichever instance it is by now."""

    def __init__(self, harness: Harness, store: Any, stack: ExitStack) -> None:
        self.harness = harness
        self.claims = frozenset(harness.claims)
        self.has_runs = "run_id" in harness.ids_of(store)
        self.store = store
        self._stack = stack

    def reopen(self) -> None:
        """Close the store, and open it again."""
        self.store.close()
        self._stack.close()
        again = self._stack.enter_context(self.harness.reopen())
        self.store = AwaitedStore(again, self.store._runner) if isinstance(self.store, AwaitedStore) else again


class Calls(RuleBasedStateMachine):
    """One call a step; the model says what must come of it. Users and runs are this example's own."""

    memories: Bundle[str] = Bundle("memories")
    deleted: Bundle[str] = Bundle("deleted")

    def __init__(self, opened: _Opened) -> None:
        super().__init__()
        self.opened = opened
        self.model = Model()
        self.unique = opened.harness.new_id("x")[:10]
        unknown = {"updated_at"} if "timestamp" in opened.claims else {"updated_at", "created_at"}
        fields = strategies.fields().filter(lambda on: on.path[0] not in unknown)
        self.filters = strategies.filters(fields).map(serialize)

    @initialize(
        target=memories, notes=st.lists(st.tuples(_USERS, _RUNS, _TEXTS, strategies.metadata()), min_size=1, max_size=8)
    )
    def begin(self, notes: list[tuple[str, str | None, str, dict[str, Any]]]) -> MultipleResults[str]:
        """Some memories to begin with: most calls say little about an empty store."""
        return multiple(
            *(
                memory_id
                for day, (user, run, text, metadata) in enumerate(notes)
                for memory_id in self._add(user, run, [("user", text)], metadata, 1 + day % 2)
            )
        )

    @rule(
        target=memories,
        user=_USERS,
        run=_RUNS,
        said=st.lists(st.tuples(_ROLES, _TEXTS), min_size=1, max_size=3),
        metadata=strategies.metadata(),
        day=st.integers(1, 2),
    )
    def add(
        self, user: str, run: str | None, said: list[tuple[str, str]], metadata: dict[str, Any], day: int
    ) -> MultipleResults[str]:
        """One to three messages, said on the first or second of May where the store can be told."""
        return multiple(*self._add(user, run, said, metadata, day))

    @precondition(lambda self: "update" in self.opened.claims)
    @rule(memory_id=memories, text=_TEXTS)
    def rewrite(self, memory_id: str, text: str) -> None:
        """Another text, of one that is there or went with its scope."""
        self._update(memory_id, text, None)

    @precondition(lambda self: "update" in self.opened.claims)
    @rule(memory_id=memories, text=st.none() | _TEXTS, metadata=_PATCHES)
    def patch(self, memory_id: str, text: str | None, metadata: dict[str, Any]) -> None:
        """Other metadata, and perhaps another text, of one that is there or went with its scope."""
        self._update(memory_id, text, metadata)

    @rule(target=deleted, memory_id=consumes(memories))
    def delete(self, memory_id: str) -> str:
        """One that is there or went with its scope."""
        if memory_id not in self.model:
            with expect.raises(MemoryNotFoundError, "delete_memory of a deleted memory"):
                self.opened.store.delete_memory(memory_id)
            return memory_id
        self.opened.store.delete_memory(memory_id)
        self.opened.harness.settle()
        self.model.delete(memory_id)
        return memory_id

    @rule(memory_id=deleted)
    def touch_deleted(self, memory_id: str) -> None:
        """What was deleted cannot be deleted again, nor updated."""
        with expect.raises(MemoryNotFoundError, "delete_memory of a deleted memory"):
            self.opened.store.delete_memory(memory_id)
        if "update" in self.opened.claims:
            with expect.raises(MemoryNotFoundError, "update_memory of a deleted memory"):
                self.opened.store.update_memory(memory_id, text="back again")

    @precondition(lambda self: len(self.model) >= _MANY)
    @rule(user=_USERS, run=_RUNS)
    def delete_all(self, user: str, run: str | None) -> None:
        """Of a user, or of a user's run."""
        self.opened.store.delete_all_memories(**self._scope(user, run))
        self.opened.harness.settle()
        for entry in self._matching(user, run, None):
            self.model.delete(entry.id)

    @precondition(lambda self: {"durable", "lifecycle"} <= self.opened.claims)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self.opened.reopen()

    @rule(user=_READERS, run=_READ_RUNS, filters=_FILTERS)
    def search(self, user: str, run: str | None, filters: dict[str, Any] | None) -> None:
        """Without a query: everything that matches."""
        found = self._search(**self._target(user, run, filters))
        self.model.check(found, self._matching(user, run, filters), "memories found without a query")
        self.model.check_order(found, "memories found without a query", by_id="client_ids" in self.opened.claims)

    @rule(user=_READERS, run=_READ_RUNS, filters=_FILTERS, query=_QUERIES)
    def rank(self, user: str, run: str | None, filters: dict[str, Any] | None, query: str) -> None:
        """With a query, and room for everything that matches."""
        expected = self._matching(user, run, filters)
        found = self._search(**self._target(user, run, filters), query=query, top_k=max(1, len(expected)))
        self.model.check(found, expected, "memories found by a query, with room for all that match")

    @rule(user=_READERS, run=_READ_RUNS, filters=_FILTERS, query=_QUERIES, top_k=st.integers(1, 3))
    def rank_some(self, user: str, run: str | None, filters: dict[str, Any] | None, query: str, top_k: int) -> None:
        """With a query, and room for a few."""
        expected = self._matching(user, run, filters)
        found = self._search(**self._target(user, run, filters), query=query, top_k=top_k)
        expect.equal(len(found), min(top_k, len(expected)), f"number of memories found by a query, top_k={top_k}")
        ids = {record["id"] for record in found}
        self.model.check(found, [entry for entry in expected if entry.id in ids], "memories found by a query")

    @precondition(lambda self: "list" in self.opened.claims)
    @rule(user=_READERS, run=_READ_RUNS, filters=_FILTERS, limit=st.integers(1, 3))
    def walk(self, user: str, run: str | None, filters: dict[str, Any] | None, limit: int) -> None:
        """List page by page."""
        memories = listed(self.opened.store, **self._target(user, run, filters), limit=limit)
        found = [memory.to_dict() for memory in memories]
        self.model.check(found, self._matching(user, run, filters), "memories listed")
        self.model.check_order(found, "memories listed", by_id="client_ids" in self.opened.claims)

    @precondition(lambda self: "count" in self.opened.claims)
    @rule(user=_READERS, run=_READ_RUNS, filters=_FILTERS)
    def count(self, user: str, run: str | None, filters: dict[str, Any] | None) -> None:
        """How many match."""
        counted = self.opened.store.count_memories(**self._target(user, run, filters))
        expect.equal(counted, len(self._matching(user, run, filters)), "memories counted")

    def teardown(self) -> None:
        """At the end, every way to read finds what it must, of each user and of a run of theirs."""
        for user in _PEOPLE:
            for run in (None, "monday"):
                self.search(user, run, None)
                self.rank(user, run, None, "alice")
                if "list" in self.opened.claims:
                    self.walk(user, run, None, 3)
                if "count" in self.opened.claims:
                    self.count(user, run, None)

    def _add(
        self, user: str, run: str | None, said: list[tuple[str, str]], metadata: dict[str, Any], day: int
    ) -> list[str]:
        moment = datetime(2024, 5, day, tzinfo=UTC) if "timestamp" in self.opened.claims else None
        scope = self._scope(user, run)
        arguments = scope if moment is None else {**scope, "timestamp": moment}
        messages = [_SPEAKERS[role](text) for role, text in said]
        harness = self.opened.harness
        ids = harness.add_messages(self.opened.store, messages, metadata=metadata, **arguments)
        harness.all_told(ids, len(said))
        for memory_id, (role, text) in zip(ids, said, strict=True):
            self.model.add(Entry(memory_id, text, role, scope, metadata, moment))
        return ids

    def _update(self, memory_id: str, text: str | None, metadata: dict[str, Any] | None) -> None:
        if memory_id not in self.model:
            with expect.raises(MemoryNotFoundError, "update_memory of a deleted memory"):
                self.opened.store.update_memory(memory_id, text=text, metadata=metadata)
            return
        self.opened.store.update_memory(memory_id, text=text, metadata=metadata)
        self.opened.harness.settle()
        self.model.update(memory_id, text, metadata)

    def _scope(self, user: str, run: str | None) -> dict[str, str]:
        given = {"user_id": user} if run is None or not self.opened.has_runs else {"user_id": user, "run_id": run}
        return {name: f"{value}-{self.unique}" for name, value in given.items()}

    def _filter(self, user: str, run: str | None, filters: dict[str, Any] | None) -> dict[str, Any]:
        """Whom a read is about, as a filter."""
        if user == "anyone":
            everyone = [self._scope(person, None)["user_id"] for person in _PEOPLE]
            conditions: list[dict[str, Any]] = [{"field": "user_id", "operator": "in", "value": everyone}]
        else:
            conditions = [{"field": "user_id", "operator": "==", "value": self._scope(user, None)["user_id"]}]
        if run is not None and self.opened.has_runs:
            conditions.append({"field": "run_id", "operator": "==", "value": self._scope(user, run)["run_id"]})
        return {"operator": "AND", "conditions": conditions if filters is None else [*conditions, filters]}

    def _target(self, user: str, run: str | None, filters: dict[str, Any] | None) -> dict[str, Any]:
        """Whom a read is about, by ids where they can say it."""
        if filters is None and user != "anyone":
            return dict(self._scope(user, run))
        return {"filters": self._filter(user, run, filters)}

    def _matching(self, user: str, run: str | None, filters: dict[str, Any] | None) -> list[Entry]:
        return self.model.matching(parse(self._filter(user, run, filters)))

    def _search(self, **arguments: Any) -> list[dict[str, Any]]:
        return records(self.opened.harness, self.opened.store, **arguments)
