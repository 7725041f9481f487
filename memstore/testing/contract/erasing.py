"""Erasing: nothing of a deleted memory stays in what the store keeps."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs

ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be")
"""How a sentinel may lie in the bytes; JSON, SQL and escapes leave its letters and digits as they are."""


class Erasing(Harness):
    """Deleting erases, proven on the bytes that the store keeps."""

    @needs("erasure")
    def test_a_deleted_text_is_erased(self, store: Any) -> None:
        """After `delete_memory` the text is nowhere in what the store keeps.

        If this fails, check histories, journals, write-ahead logs, freed pages and soft deletes.
        """
        sentinel = self._sentinel()
        memory_id = self.add_one(store, f"the harbour {sentinel} at dawn", user_id=self.new_id())
        self._shows(sentinel, "the text of a memory that is there")
        store.delete_memory(memory_id)
        self._is_gone(sentinel, "the text", "delete_memory")

    @needs("erasure")
    def test_a_deleted_metadata_value_is_erased(self, store: Any) -> None:
        """After `delete_memory` the values of the memory's metadata are nowhere in what the store keeps.

        If this fails, check where metadata is kept a second time: columns, key-value tables, indexes.
        """
        sentinel = self._sentinel()
        metadata = {"where": {"harbours": ["old", sentinel]}}
        memory_id = self.add_one(store, "the harbour", user_id=self.new_id(), metadata=metadata)
        self._shows(sentinel, "a metadata value of a memory that is there")
        store.delete_memory(memory_id)
        self._is_gone(sentinel, "a metadata value", "delete_memory")

    @needs("erasure")
    def test_a_deleted_metadata_key_is_erased(self, store: Any) -> None:
        """After `delete_memory` the keys of the memory's metadata are nowhere in what the store keeps.

        If this fails, check for a schema that learns keys: columns, dictionaries, caches of compiled paths.
        """
        sentinel = self._sentinel()
        memory_id = self.add_one(store, "the harbour", user_id=self.new_id(), metadata={sentinel: 1})
        self._shows(sentinel, "a metadata key of a memory that is there")
        store.delete_memory(memory_id)
        self._is_gone(sentinel, "a metadata key", "delete_memory")

    @needs("erasure")
    def test_delete_all_erases(self, store: Any) -> None:
        """After `delete_all_memories` the texts and metadata are nowhere in what the store keeps.

        If this fails, check that deleting many erases as deleting one does.
        """
        user, text, value = self.new_id(), self._sentinel(), self._sentinel()
        self.add(store, "one", f"two {text}", user_id=user, metadata={"a": value})
        self._shows(text, "the text of a memory that is there")
        self._shows(value, "a metadata value of a memory that is there")
        store.delete_all_memories(user_id=user)
        self._is_gone(text, "the text", "delete_all_memories")
        self._is_gone(value, "a metadata value", "delete_all_memories")

    @needs("erasure")
    def test_a_text_that_was_searched_is_erased(self, store: Any) -> None:
        """Also when queries and filters have found a memory, nothing of it stays after it is deleted.

        If this fails, check indexes made by the first query, and caches of results, terms and vectors.
        """
        user, sentinel = self.new_id(), self._sentinel()
        memory_id = self.add_one(store, f"the harbour {sentinel} at dawn", user_id=user)
        for _ in range(2):
            expect.equal(len(self.texts(store, user_id=user, query="the harbour")), 1, "memories found by a query")
            by_id = {"field": "id", "operator": "==", "value": memory_id}
            expect.equal(len(self.texts(store, filters=by_id)), 1, "memories found by a filter")
        store.delete_memory(memory_id)
        self._is_gone(sentinel, "the text", "searches and delete_memory")

    @needs("erasure", "update")
    def test_a_text_that_was_replaced_is_erased(self, store: Any) -> None:
        """After an updated memory is deleted, its earlier text and metadata are nowhere in what the store keeps.

        If this fails, check that deleting a memory deletes its history and every earlier version.
        """
        user, text, value = self.new_id(), self._sentinel(), self._sentinel()
        memory_id = self.add_one(store, f"the harbour {text}", user_id=user, metadata={"a": value})
        self._shows(text, "the text of a memory that is there")
        store.update_memory(memory_id, text="the station", metadata={"a": None})
        store.delete_memory(memory_id)
        self._is_gone(text, "the text before an update", "delete_memory")
        self._is_gone(value, "a metadata value before an update", "delete_memory")

    @needs("erasure", "update")
    def test_delete_all_erases_what_was_replaced(self, store: Any) -> None:
        """After `delete_all_memories` the earlier texts of updated memories are nowhere in what the store keeps.

        If this fails, check that deleting many deletes histories as deleting one does.
        """
        user, sentinel = self.new_id(), self._sentinel()
        memory_id = self.add_one(store, f"the harbour {sentinel}", user_id=user)
        self._shows(sentinel, "the text of a memory that is there")
        store.update_memory(memory_id, text="the station")
        store.delete_all_memories(user_id=user)
        self._is_gone(sentinel, "the text before an update", "delete_all_memories")

    @needs("erasure", "expiration")
    def test_purging_erases(self, store: Any) -> None:
        """After `purge_expired_memories` nothing of an expired memory is in what the store keeps.

        If this fails, check that purging erases as deleting does.
        """
        user, sentinel = self.new_id(), self._sentinel()
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        self.add(store, f"the harbour {sentinel}", user_id=user, expires_at=soon)
        self._shows(sentinel, "the text of a memory that was added")
        for _ in range(10):  # the store's clock may stand still, and be behind
            if not self.texts(store, user_id=user):
                break
            self.elapse(0.4)
        expect.equal(store.purge_expired_memories(user_id=user), 1, "memories purged")
        self._is_gone(sentinel, "the text", "purge_expired_memories")

    @needs("erasure")
    def test_erasing_keeps_the_others(self, store: Any) -> None:
        """Erasing a memory leaves the others readable, word for word.

        If this fails, check what else lies where bytes are overwritten.
        """
        user = self.new_id()
        kept = [f"the harbour {number}" for number in range(20)]
        doomed, *_ = self.add_each(store, "the harbour", *kept, user_id=user, metadata={"n": 1})
        store.delete_memory(doomed)
        self.settle()
        expect.same(self.texts(store, user_id=user), kept, "texts found after one of their neighbours was erased")

    def _sentinel(self) -> str:
        """Letters that occur nowhere else; made here, since an id of the store's own may be kept."""
        return f"s{uuid.uuid4().hex}"

    def _shows(self, sentinel: str, what: str) -> None:
        expect.true(
            _holds(self.raw_dump(), sentinel),
            f"raw_dump() does not show {what}, so that it cannot prove erasure: let it return all bytes that "
            "the store keeps, uncompressed and unencrypted",
        )

    def _is_gone(self, sentinel: str, what: str, how: str) -> None:
        self.settle()
        expect.true(
            not _holds(self.raw_dump(), sentinel), f"{what} of a memory is still in what the store keeps, after {how}"
        )


def _holds(dump: bytes, sentinel: str) -> bool:
    folded = dump.lower()
    return any(sentinel.encode(encoding) in folded for encoding in ENCODINGS)
