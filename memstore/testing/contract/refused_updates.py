"""Updates that are refused, and change nothing."""

from __future__ import annotations

from typing import Any

from memstore.errors import InvalidMemoryError, MemoryNotFoundError, ScopeError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import only


class RefusedUpdates(Harness):
    """`update_memory` of what is not there, to what cannot be."""

    @needs("update")
    def test_an_update_of_an_unknown_memory_is_refused(self, store: Any) -> None:
        """Updating a memory that never was, or was deleted, is a `MemoryNotFoundError`, and adds nothing.

        If this fails, check for an upsert.
        """
        user = self.new_id()
        deleted = self.add_one(store, "old", user_id=user)
        store.delete_memory(deleted)
        self.settle()
        for what, memory_id in (("unknown", self.new_id("memory")), ("deleted", deleted)):
            with expect.raises(MemoryNotFoundError, f"update_memory of a memory that is {what}"):
                store.update_memory(memory_id, text="new")
        expect.equal(self.texts(store, user_id=user), [], "texts found")

    @needs("update")
    def test_an_update_of_nothing_is_refused(self, store: Any) -> None:
        """An update without text and without metadata is a `ValueError`, and no version.

        If this fails, check the arguments before the record is written.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user)
        with expect.raises(ValueError, "update_memory with neither text nor metadata"):
            store.update_memory(memory_id)
        expect.equal(only(self, store, user)["version"], 1, "version after a refused update")

    @needs("update")
    def test_an_update_refuses_impossible_texts(self, store: Any) -> None:
        """A text that is empty, blank, or has U+0000 or a lone surrogate, is an `InvalidMemoryError`.

        If this fails, check that an update checks texts as an add does, and that "" is not taken for None.
        """
        memory_id = self.add_one(store, "old", user_id=self.new_id())
        for text in ("", " \n\t", "a\0b", "a\ud800b", 7):
            with expect.raises(InvalidMemoryError, f"update_memory with text={text!r}"):
                store.update_memory(memory_id, text=text)

    @needs("update")
    def test_an_update_refuses_impossible_metadata(self, store: Any) -> None:
        """Metadata that is no JSON is an `InvalidMemoryError`.

        If this fails, check that an update checks metadata as an add does: NaN, sets, keys that are no strings.
        """
        memory_id = self.add_one(store, "old", user_id=self.new_id())
        for metadata in ({"a": float("nan")}, {"a": {1, 2}}, {1: 2}, {"a": 2**63}, {"a": "\0"}, {"\ud800": 1}, [1]):
            with expect.raises(InvalidMemoryError, f"update_memory with metadata={metadata!r}"):
                store.update_memory(memory_id, metadata=metadata)

    @needs("update")
    def test_an_update_cannot_move_a_memory(self, store: Any) -> None:
        """Metadata named like an id is a `ScopeError`, and the memory stays whose it was.

        If this fails, check that an update refuses the reserved keys as an add does, None as their value too.
        """
        user, other = self.new_id(), self.new_id()
        memory_id = self.add_one(store, "mine", user_id=user)
        for key in ("user_id", "run_id", "agent_id", "app_id", "memory_metadata"):
            for value in (other, None):
                with expect.raises(ScopeError, f"update_memory with metadata={{{key!r}: {value!r}}}"):
                    store.update_memory(memory_id, metadata={key: value})
        expect.equal(self.texts(store, user_id=user), ["mine"], "texts found of the owner")

    @needs("update")
    def test_a_refused_update_changes_nothing(self, store: Any) -> None:
        """When its text or its metadata is refused, an update changes neither.

        If this fails, check that everything is looked at before anything is written.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user, metadata={"a": 1})
        before = only(self, store, user)
        for arguments in (
            {"text": "new", "metadata": {"b": float("nan")}},
            {"text": "new", "metadata": {"user_id": "mallory"}},
            {"text": "a\0b", "metadata": {"b": 1}},
        ):
            with expect.raises(ValueError, f"update_memory with {arguments}"):
                store.update_memory(memory_id, **arguments)
            self.settle()
            expect.equal(only(self, store, user), before, "the memory after a refused update")
