"""Bound operations: what is optional stays inside of a bound scope too."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import EventNotFoundError, MemoryConflictError, MemoryNotFoundError, ScopeError, UnsupportedError
from memstore.filters import field, serialize
from memstore.testing.contract import expect
from memstore.testing.contract.binding import EVERYTHING, bound
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs

OPERATIONS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "list": ("list_memories", {}),
    "count": ("count_memories", {}),
    "client_ids": ("add_memories", {"messages": [ChatMessage.from_user("more")], "infer": False, "ids": ["more"]}),
    "wait": ("wait", {"event_ids": []}),
    "expiration": ("purge_expired_memories", {}),
    "export": ("import_memories", {"lines": []}),
}
"""Operations with arguments that a store which offers them would take."""


class BoundOperations(Harness):
    """A bound store's optional operations keep to its scope."""

    @needs("list")
    def test_bound_listing_stays_inside(self, store: Any) -> None:
        """`list_memories` of a bound store lists the memories of its scope, whatever the filter says.

        If this fails, check that `list_memories` honours filters as a search does.
        """
        users, mine, _ = self._bound_pair(store)
        for filters in (None, EVERYTHING, serialize(~(field("user_id") == self.new_id()))):
            listed = [memory.text for memory in mine.list_memories(filters=filters).memories]
            expect.equal(listed, ["mine"], f"texts that the bound store lists by {filters}")
        theirs = mine.list_memories(filters=serialize(field("user_id") == users[1])).memories
        expect.equal([memory.text for memory in theirs], [], "texts of the other user that the bound store lists")

    @needs("list")
    def test_bound_listing_refuses_foreign_cursors(self, store: Any) -> None:
        """A cursor of another scope's listing is a `ValueError` in a bound store.

        If this fails, check that a cursor is tied to its ids and filters.
        """
        _, mine, theirs = self._bound_pair(store)
        self.add(theirs, "theirs, second")
        cursor = theirs.list_memories(limit=1).cursor
        with expect.raises(ValueError, "listing a bound scope with another scope's cursor"):
            mine.list_memories(limit=1, cursor=cursor)

    @needs("count")
    def test_bound_counting_stays_inside(self, store: Any) -> None:
        """`count_memories` of a bound store counts the memories of its scope, whatever the filter says.

        If this fails, check that `count_memories` honours filters as a search does.
        """
        users, mine, _ = self._bound_pair(store)
        expect.equal(mine.count_memories(), 1, "memories counted in the bound scope")
        expect.equal(mine.count_memories(filters=EVERYTHING), 1, "memories counted by a filter that matches all")
        theirs = serialize(field("user_id") == users[1])
        expect.equal(mine.count_memories(filters=theirs), 0, "memories of the other user counted in the bound scope")

    @needs("update")
    def test_bound_updates_stay_inside(self, store: Any) -> None:
        """To a bound store's `update_memory` a foreign memory does not exist, and it stays as it is.

        If this fails, check that `update_memory` is not reached before the memory is known to be of the scope.
        """
        _, mine, theirs = self._bound_pair(store)
        self._same_answer(mine, theirs, lambda memory_id: mine.update_memory(memory_id, text="changed"))
        expect.same(self.texts(theirs), ["theirs", "theirs too"], "texts in the other scope")
        mine.update_memory(self.add_one(mine, "old"), text="new")
        self.settle()
        expect.same(self.texts(mine), ["mine", "new"], "texts in the bound scope after an update of its own")

    @needs("history")
    def test_bound_histories_stay_inside(self, store: Any) -> None:
        """To a bound store's `memory_history` a foreign memory does not exist.

        If this fails, check that a history is not reached before the memory is known to be of the scope.
        """
        _, mine, theirs = self._bound_pair(store)
        self._same_answer(mine, theirs, mine.memory_history)
        states = [state.text for state in mine.memory_history(self.add_one(mine, "state"))]
        expect.equal(states, ["state"], "history of a memory of the bound scope")

    @needs("export")
    def test_bound_exports_stay_inside(self, store: Any) -> None:
        """`export_memories` of a bound store writes the memories of its scope, whatever the filter says.

        If this fails, check that `export_memories` honours filters as a search does.
        """
        users, mine, _ = self._bound_pair(store)
        theirs = serialize(field("user_id") == users[1])
        for filters, expected in ((None, ["mine"]), (EVERYTHING, ["mine"]), (theirs, [])):
            file = io.StringIO()
            mine.export_memories(file, filters=filters)
            written = [json.loads(line).get("text") for line in file.getvalue().splitlines()[1:]]
            expect.equal(written, expected, f"texts that the bound store exports by {filters}")

    @needs("export")
    def test_bound_imports_stay_inside(self, store: Any) -> None:
        """Importing a memory of another scope into a bound store is a `ScopeError`, and it is not stored.

        If this fails, check that `bound` of the store is `memstore.bind`, or refuses as it does.
        """
        users, mine, theirs = self._bound_pair(store)
        file = io.StringIO()
        theirs.export_memories(file)
        theirs.delete_all_memories()
        with expect.raises(ScopeError, "importing another user's memory into a bound store"):
            mine.import_memories(file.getvalue().splitlines(keepends=True))
        self.settle()
        expect.equal(self.texts(store, user_id=users[1]), [], "texts in the other scope")
        expect.equal(self.texts(mine), ["mine"], "texts in the bound scope")

    @needs("expiration", "count")
    def test_bound_purges_stay_inside(self, store: Any) -> None:
        """`purge_expired_memories` of a bound store deletes what expired in its scope, and nothing else.

        If this fails, check that `purge_expired_memories` honours ids as a search does.
        """
        _, mine, theirs = self._bound_pair(store)
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        for scope in (mine, theirs):
            self.add(scope, "passing", "passing too", expires_at=soon)
        for _ in range(10):
            if mine.count_memories() == theirs.count_memories() == 1:
                break
            self.elapse(0.4)
        expect.equal(mine.purge_expired_memories(), 2, "memories that the bound store purged")
        expect.equal(theirs.purge_expired_memories(), 2, "memories that were left to purge in the other scope")
        expect.equal([*self.texts(mine), *self.texts(theirs)], ["mine", "theirs"], "texts left in both scopes")

    @needs("client_ids")
    def test_bound_ids_overwrite_no_foreign_memory(self, store: Any) -> None:
        """Adding under an id that a foreign memory has is a `MemoryConflictError`, and that memory stays.

        If this fails, check for upserts by id: ids are unique in the whole store.
        """
        _, mine, theirs = self._bound_pair(store)
        taken = self.new_id("memory")
        self.add(theirs, "first", ids=[taken])
        for text in ("second", "first"):
            with expect.raises(MemoryConflictError, "adding under an id of another scope"):
                self.add(mine, text, ids=[taken])
        expect.same(self.texts(theirs), ["theirs", "first"], "texts in the other scope")
        expect.equal(self.texts(mine), ["mine"], "texts in the bound scope")

    @needs("wait")
    def test_bound_waiting_stays_inside(self, store: Any) -> None:
        """A bound store waits for its own pending adds; to it, those of other scopes do not exist.

        If this fails, check that events are known by id only to whoever added.
        """
        _, mine, theirs = self._bound_pair(store)
        for scope in (mine, theirs):
            messages = [ChatMessage.from_user("later")]
            added = scope.add_memories(messages=messages, infer=False, async_mode=True)
            events = [entry["event_id"] for entry in added if entry.get("event_id")]
            if events and scope is theirs:
                with expect.raises(EventNotFoundError, "waiting for another scope's event"):
                    mine.wait(events)
            if events:
                expect.equal([entry["memory"] for entry in scope.wait(events)], ["later"], "what was waited for")
        self.settle()
        expect.same(self.texts(mine), ["mine", "later"], "texts in the bound scope")

    def test_bound_refuses_what_the_store_does(self, store: Any) -> None:
        """An operation that the store does not claim raises `UnsupportedError` in a bound store too.

        If this fails, check that `bound` of the store is `memstore.bind`, and refuses as the store does.
        """
        mine = bound(store, user_id=self.new_id())
        for capability, (name, arguments) in OPERATIONS.items():
            if capability in self.claims:
                continue
            with expect.raises(UnsupportedError, f"{name} of a bound store", partial(_names, capability)):
                getattr(mine, name)(**arguments)
        expect.equal(self.texts(mine), [], "texts in the bound scope after refused calls")

    def _bound_pair(self, store: Any) -> tuple[tuple[str, str], Any, Any]:
        """Two users, and the store as bound to each of them, each with a memory."""
        users = (self.new_id(), self.new_id())
        mine, theirs = bound(store, user_id=users[0]), bound(store, user_id=users[1])
        self.add(theirs, "theirs")
        self.add(mine, "mine")
        return users, mine, theirs

    def _same_answer(self, mine: Any, theirs: Any, call: Callable[[str], object]) -> None:
        """A call with a foreign memory's id says what it says of an unknown one."""
        foreign, unknown = self.add_one(theirs, "theirs too"), self.new_id("memory")
        said = []
        for what, memory_id in (("a foreign memory", foreign), ("an unknown memory", unknown)):
            try:
                call(memory_id)
            except MemoryNotFoundError as error:
                said.append(str(error).replace(memory_id, "<ID>"))
            else:
                raise AssertionError(f"a bound store accepted the id of {what}")
        expect.equal(said[0], said[1], "the error of a foreign id, compared with that of an unknown one")


def _names(capability: str, error: UnsupportedError) -> bool:
    return error.capability == capability
