"""Durability: what was added is there again after the end of the process, and what was deleted is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryNotFoundError
from memstore.testing.contract import expect
from memstore.testing.contract.children import Child, children
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs, sync_only


class Durability(Harness):
    """A store that is closed, or killed, and opened again has everything."""

    @needs("durable")
    def test_texts_survive_reopening(self, store: Any) -> None:
        """Texts and metadata are the same after the store was closed and opened again.

        If this fails, check that the file or database is named in `to_dict`, and that writes are committed.
        """
        user, meta = self.new_id(), {"a": [1, 2.5, None, True, {"b": "Zo\u00eb"}], "n": 2**53 + 1}
        texts = ("one", "two\nlines, '; --", "日本語")
        self.add(store, *texts, user_id=user, metadata=meta)
        with self._opened_again(store) as again:
            found = self.search(again, user_id=user)
            expect.same([message.text for message in found], texts, "texts found after reopening")
            expect.equal([message.meta for message in found], [meta] * 3, "metadata found after reopening")

    @needs("durable")
    def test_ids_and_times_survive_reopening(self, store: Any) -> None:
        """Ids, roles, names, times and versions are the same after the store was opened again.

        If this fails, check which fields are not stored, but made anew when a memory is read.
        """
        user = self.new_id()
        self.add_messages(
            store,
            [ChatMessage.from_user("one", name="maya"), ChatMessage.from_assistant("two")],
            user_id=user,
            run_id=self.new_id("run"),
        )
        before = self.own_fields(store, user_id=user)
        with self._opened_again(store) as again:
            expect.equal(self.own_fields(again, user_id=user), before, "own fields of the memories after reopening")

    @needs("durable")
    def test_queries_work_after_reopening(self, store: Any) -> None:
        """A query finds the same, in the same order, after the store was opened again.

        If this fails, check that the index is stored too, or made anew from what is stored.
        """
        user, query = self.new_id(), "green tea in Kyoto"
        self.add(store, "green tea in Kyoto", "green paint in the hall", "a bicycle", "tea, green", user_id=user)
        before = self.texts(store, user_id=user, query=query, top_k=3)
        with self._opened_again(store) as again:
            after = self.texts(again, user_id=user, query=query, top_k=3)
            expect.equal(after, before, "texts found by a query after reopening")
            expect.equal(after[:1], ["green tea in Kyoto"], "best match after reopening")

    @needs("durable")
    def test_deletions_survive_reopening(self, store: Any) -> None:
        """What was deleted is still gone after the store was opened again.

        If this fails, check that deletions are committed, and reach logs from which a store is restored.
        """
        user, other = self.new_id(), self.new_id()
        doomed, _ = self.add_each(store, "deleted", "stays", user_id=user)
        self.add(store, "all deleted", user_id=other)
        store.delete_memory(doomed)
        store.delete_all_memories(user_id=other)
        self.settle()
        with self._opened_again(store) as again:
            expect.equal(self.texts(again, user_id=user), ["stays"], "texts found after reopening")
            expect.equal(self.texts(again, user_id=other), [], "texts of a user whose memories were all deleted")
            with expect.raises(MemoryNotFoundError, "deleting a memory that was deleted before reopening"):
                again.delete_memory(doomed)

    @needs("durable", "update")
    def test_updates_survive_reopening(self, store: Any) -> None:
        """What was changed is still changed after the store was opened again.

        If this fails, check that updates are committed, with time and version.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user, metadata={"a": 1, "b": 2})
        store.update_memory(memory_id, text="new", metadata={"a": 3})
        self.settle()
        before = self.own_fields(store, user_id=user)
        with self._opened_again(store) as again:
            found = [(message.text, message.meta) for message in self.search(again, user_id=user)]
            expect.equal(found, [("new", {"a": 3, "b": 2})], "text and metadata found after reopening")
            expect.equal(self.own_fields(again, user_id=user), before, "own fields of the memory after reopening")

    @needs("durable", "history")
    def test_histories_survive_reopening(self, store: Any) -> None:
        """A memory's history is the same after the store was opened again.

        If this fails, check that earlier states are stored, not kept in the process.
        """
        memory_id = self.add_one(store, "old", user_id=self.new_id())
        if "update" in self.claims:
            store.update_memory(memory_id, text="new")
        before = [(state.text, state.version, state.updated_at) for state in store.memory_history(memory_id)]
        with self._opened_again(store) as again:
            after = [(state.text, state.version, state.updated_at) for state in again.memory_history(memory_id)]
            expect.equal(after, before, "history after reopening")

    @needs("durable", "expiration")
    def test_expirations_survive_reopening(self, store: Any) -> None:
        """When a memory expires is the same after the store was opened again.

        If this fails, check that `expires_at` is stored.
        """
        user = self.new_id()
        self.add(store, "passing", user_id=user, expires_at=datetime(9000, 1, 1, tzinfo=UTC))
        with self._opened_again(store) as again:
            found = [own["expires_at"] for own in self.own_fields(again, user_id=user)]
            expect.equal(found, ["9000-01-01T00:00:00Z"], "expires_at after reopening")

    @needs("durable")
    def test_a_reopened_store_takes_more(self, store: Any) -> None:
        """Memories that are added after reopening stand behind those from before, with ids of their own.

        If this fails, check for counters that start again.
        """
        user = self.new_id()
        ids = self.add(store, "one", "two", user_id=user)
        self.later()
        with self._opened_again(store) as again:
            ids += self.add(again, "three", "four", user_id=user)
            found = self.texts(again, user_id=user)
            self.in_order(found, ["one", "two"], ["three", "four"], what="texts, oldest first")
            expect.equal(len(set(ids)), 4, "different ids")

    @needs("durable")
    def test_reopening_twice_changes_nothing(self, store: Any) -> None:
        """Opening a store again and again neither loses nor doubles memories.

        If this fails, check what is replayed, migrated or filled in when a store is opened.
        """
        user = self.new_id()
        self.add(store, "one", "two", user_id=user)
        with self._opened_again(store) as again:
            expect.same(self.texts(again, user_id=user), ["one", "two"], "texts found after reopening")
        with self.reopen() as again:
            expect.same(self.texts(again, user_id=user), ["one", "two"], "texts found after reopening twice")

    @needs("durable")
    def test_closing_keeps_what_is_pending(self, store: Any) -> None:
        """What was added with `async_mode=True` is there after the store was closed and opened again.

        If this fails, check that `close` finishes pending adds before it releases the engine.
        """
        user = self.new_id()
        messages = [ChatMessage.from_user("one"), ChatMessage.from_user("two")]
        store.add_memories(messages=messages, infer=False, user_id=user, async_mode=True)
        with self._opened_again(store) as again:
            self.settle()
            expect.same(self.texts(again, user_id=user), ["one", "two"], "texts found after reopening")

    @needs("durable")
    @sync_only
    def test_a_killed_process_loses_nothing(self, store: Any) -> None:
        """What `add_memories` has returned is there, though the process ends at once and never closes the store.

        If this fails, check that a write is committed before the call returns, not in `close` or a thread.
        """
        user, texts = self.new_id(), [f"note {number}" for number in range(10)]
        configuration = store.to_dict()
        getattr(store, "close", bool)()
        child = Child(configuration, texts, killed=True, user_id=user)
        with children(child):
            child.finished()
        with self.reopen() as again:
            self.settle()
            expect.same(self.texts(again, user_id=user), texts, "texts that a killed process had added")

    @contextmanager
    def _opened_again(self, store: Any) -> Iterator[Any]:
        """The store after it was closed, where it can be, and opened anew."""
        getattr(store, "close", bool)()
        with self.reopen() as again:
            yield again
