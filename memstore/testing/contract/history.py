"""History: what a memory was before each change."""

from __future__ import annotations

from typing import Any

from memstore.errors import MemoryNotFoundError
from memstore.memory import Memory
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import only, updated


class History(Harness):
    """`memory_history` tells the states that a memory has had."""

    @needs("history")
    def test_a_new_memory_has_one_state(self, store: Any) -> None:
        """The history of a memory that was never changed is the memory itself.

        If this fails, check that the present state is part of a history, and that adding makes no second one.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user, metadata={"a": [1, True]})
        states = self._history(store, memory_id)
        expect.equal(len(states), 1, "states of a memory that was never changed")
        self._is_present(store, user, states[0])

    @needs("history", "update")
    def test_a_history_has_every_state_in_order(self, store: Any) -> None:
        """A history has every state, oldest first, with versions 1, 2, 3 and the text and metadata of then.

        If this fails, check that each update keeps the whole old record, and the order in which they are read.
        """
        memory_id = self.add_one(store, "text 1", user_id=self.new_id(), metadata={"a": 1})
        updated(self, store, memory_id, text="text 2")
        updated(self, store, memory_id, metadata={"a": None, "b": [2]})
        for version in range(4, 12):  # two digits: "10" must not come before "2"
            updated(self, store, memory_id, text=f"text {version}")
        states = self._history(store, memory_id)
        expected: list[Any] = [(1, "text 1", {"a": 1}), (2, "text 2", {"a": 1}), (3, "text 2", {"b": [2]})]
        expected += [(version, f"text {version}", {"b": [2]}) for version in range(4, 12)]
        expect.equal([(state.version, state.text, state.meta) for state in states], expected, "states, oldest first")

    @needs("history", "update")
    def test_a_history_ends_with_the_present_state(self, store: Any) -> None:
        """The last state of a history is the memory as a search finds it.

        If this fails, check that the present record is read with the older ones.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user, metadata={"a": 1})
        updated(self, store, memory_id, text="text 2", metadata={"b": 2})
        self._is_present(store, user, self._history(store, memory_id)[-1])

    @needs("history", "update")
    def test_states_say_when_they_were_written(self, store: Any) -> None:
        """All states of a memory have its `created_at`, and each the `updated_at` of its own writing.

        If this fails, check that old states are kept as they were, and not stamped when they are moved.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        written = [only(self, store, user)["updated_at"]]
        created = only(self, store, user)["created_at"]
        for number in (2, 3):
            self.elapse(0.05)
            updated(self, store, memory_id, text=f"text {number}")
            written.append(only(self, store, user)["updated_at"])
        states = [state.to_dict() for state in self._history(store, memory_id)]
        expect.equal([state["created_at"] for state in states], [created] * 3, "created_at of the states")
        expect.equal(
            [state["updated_at"] for state in states], written, "updated_at of the states, as it was found then"
        )

    @needs("history", "update")
    def test_earlier_states_are_found_by_no_search(self, store: Any) -> None:
        """Earlier states are told by the history only: no search and no filter finds them.

        If this fails, check that they are kept apart from the memories, or left out of every read.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "the secret garden", user_id=user)
        updated(self, store, memory_id, text="the open field")
        for what, arguments in (
            ("all", {"user_id": user}),
            ("by a query", {"user_id": user, "query": "the secret garden", "top_k": 10}),
            ("by a filter", {"filters": {"field": "id", "operator": "==", "value": memory_id}}),
        ):
            expect.equal(self.texts(store, **arguments), ["the open field"], f"texts found, {what}")

    @needs("history", "update")
    def test_a_history_is_of_one_memory(self, store: Any) -> None:
        """A history has no state of another memory, whoever's it is.

        If this fails, check that states are kept by the memory's id, and not by scope or text.
        """
        user = self.new_id()
        one, two = self.add(store, "one", "two", user_id=user)
        foreign = self.add_one(store, "three", user_id=self.new_id())
        for memory_id in (one, two, foreign, one):
            updated(self, store, memory_id, metadata={"seen": True})
        for memory_id, text, count in ((one, "one", 3), (two, "two", 2), (foreign, "three", 2)):
            states = [(state.id, state.text) for state in self._history(store, memory_id)]
            expect.equal(states, [(memory_id, text)] * count, f"id and text of the states of {text!r}")

    @needs("history")
    def test_the_history_of_an_unknown_memory_is_an_error(self, store: Any) -> None:
        """The history of a memory that never was is a `MemoryNotFoundError`, not an empty list.

        If this fails, check what is made of no rows.
        """
        with expect.raises(MemoryNotFoundError, "memory_history of an unknown memory"):
            store.memory_history(self.new_id("memory"))

    @needs("history", "update")
    def test_the_history_of_a_deleted_memory_is_gone(self, store: Any) -> None:
        """Once a memory is deleted, by its id or with its scope, its history is a `MemoryNotFoundError`.

        If this fails, check that both ways of deleting delete the earlier states too.
        """
        user = self.new_id()
        one, two = self.add(store, "one", "two", user_id=user)
        for memory_id in (one, two):
            updated(self, store, memory_id, text="changed")
        store.delete_memory(one)
        self.settle()
        with expect.raises(MemoryNotFoundError, "memory_history after delete_memory"):
            store.memory_history(one)
        store.delete_all_memories(user_id=user)
        self.settle()
        with expect.raises(MemoryNotFoundError, "memory_history after delete_all_memories"):
            store.memory_history(two)

    @needs("history", "update", "client_ids")
    def test_a_history_does_not_come_back(self, store: Any) -> None:
        """A memory that takes the id of a deleted one begins a history of its own.

        If this fails, check for states that outlive their memory.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        self.add(store, "old", user_id=user, ids=[memory_id])
        updated(self, store, memory_id, text="older")
        store.delete_memory(memory_id)
        self.add(store, "new", user_id=user, ids=[memory_id])
        expect.equal([state.text for state in self._history(store, memory_id)], ["new"], "texts of the states")

    @needs("history", "update")
    def test_refused_updates_leave_no_state(self, store: Any) -> None:
        """An update that is refused adds no state.

        If this fails, check that the old record is kept in the same step that writes the new one.
        """
        memory_id = self.add_one(store, "text 1", user_id=self.new_id())
        updated(self, store, memory_id, text="text 2")
        for arguments in ({"text": "late", "expected_version": 1}, {"text": "a\0b"}, {"metadata": {"a": float("nan")}}):
            with expect.raises((ValueError, RuntimeError), f"update_memory with {arguments}"):
                store.update_memory(memory_id, **arguments)
        self.settle()
        texts = [state.text for state in self._history(store, memory_id)]
        expect.equal(texts, ["text 1", "text 2"], "texts of the states after refused updates")

    @needs("history", "update")
    def test_states_are_copies(self, store: Any) -> None:
        """Changing the metadata of a state changes nothing in the store.

        If this fails, check that every state is copied when it is read, nested values too.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user, metadata={"a": [1]})
        updated(self, store, memory_id, text="text 2")
        for state in self._history(store, memory_id):
            state.meta.get("a", []).append(2)
            state.meta["b"] = 1
        expect.equal(
            [state.meta for state in self._history(store, memory_id)], [{"a": [1]}] * 2, "metadata of the states"
        )
        expect.equal(only(self, store, user)["meta"], {"a": [1]}, "metadata found")

    def _history(self, store: Any, memory_id: str) -> list[Memory]:
        """The states, which must be a list of `Memory`."""
        states = store.memory_history(memory_id)
        expect.true(isinstance(states, list), f"memory_history returned a {type(states).__name__}, not a list")
        strange = [type(state).__name__ for state in states if not isinstance(state, Memory)]
        expect.true(not strange, f"memory_history returned {strange[:1]}, not Memory records")
        return list(states)

    def _is_present(self, store: Any, user: str, state: Memory) -> None:
        found = only(self, store, user)
        for name, value in state.to_dict().items():
            expect.equal(value, found[name], f"{name} of the last state, compared with what is found")
