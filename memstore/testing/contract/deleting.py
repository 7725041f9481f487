"""Deleting: gone is gone, from every read, and nothing else is gone with it."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import Any, Final

from memstore.errors import MemoryNotFoundError
from memstore.filters import field, serialize
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import exclusive, needs

MANY: Final = 1_500
"""More memories than stores and their clients handle at a time."""

ODD: Final = (
    *("-1", "1.5", "00000000-0000-0000-0000-000000000000", "a", "*", "%", "null", "x" * 300, "日本語", "Zoë", "a b"),
    *("a/b", "../..", "a'b", 'a"b', "x' OR '1'='1", "x'; DROP TABLE memories; --", "{}", "2024-05-01"),
)
"""Ids that no memory has, in forms that an engine may trip over."""

IMPOSSIBLE: Final = ("", " ", "\n", None, 5, True, b"x", ["x"], {"id": "x"}, "a\0", "a\ud800")
"""What is no id of a memory."""


class Deleting(Harness):
    """Deletes exactly what was asked."""

    def test_a_deleted_memory_is_not_found(self, store: Any) -> None:
        """After `delete_memory` the memory is in no search, and the others are.

        If this fails, check that the right record is deleted, and before the call returns.
        """
        user, doomed = self._three(store)
        expect.same(self.texts(store, user_id=user), ["note one", "note three"], "texts found after deleting one")
        message = store.search_memories_as_single_message(user_id=user)
        expect.true("two" not in (message.text or ""), "the deleted memory is in the single message")
        filters = serialize((field("user_id") == user) & (field("id") == doomed))
        expect.equal(self.texts(store, filters=filters), [], "texts found by the id of the deleted memory")

    def test_a_deleted_memory_is_not_ranked(self, store: Any) -> None:
        """After `delete_memory` no query finds the memory, also if one has found it before.

        If this fails, check that the memory is taken out of the index that ranks, and out of caches.
        """
        user, _ = self._three(store, query="note two")
        expect.same(
            self.texts(store, user_id=user, query="note two", top_k=3),
            ["note one", "note three"],
            "texts found by a query",
        )

    @needs("list")
    def test_a_deleted_memory_is_not_listed(self, store: Any) -> None:
        """After `delete_memory` the memory is in no listing.

        If this fails, check that `list_memories` reads the records that are there.
        """
        user, _ = self._three(store)
        listed = [memory.text for memory in store.list_memories(user_id=user).memories]
        expect.same(listed, ["note one", "note three"], "texts listed after deleting one")

    @needs("count")
    def test_a_deleted_memory_is_not_counted(self, store: Any) -> None:
        """After `delete_memory` the memory is not counted.

        If this fails, check for a counter beside the records.
        """
        user, _ = self._three(store)
        expect.equal(store.count_memories(user_id=user), 2, "memories counted after deleting one of three")

    @needs("history")
    def test_a_deleted_memory_has_no_history(self, store: Any) -> None:
        """After `delete_memory` the memory's history is gone with it.

        If this fails, check that deleting a memory deletes the states it had.
        """
        _, doomed = self._three(store)
        with expect.raises(MemoryNotFoundError, "the history of a deleted memory"):
            store.memory_history(doomed)

    @needs("update")
    def test_a_deleted_memory_is_not_updated(self, store: Any) -> None:
        """`update_memory` of a deleted memory is a `MemoryNotFoundError`, and does not bring it back.

        If this fails, check for upserts.
        """
        user, doomed = self._three(store)
        with expect.raises(MemoryNotFoundError, "an update of a deleted memory"):
            store.update_memory(doomed, text="back again")
        self.settle()
        expect.same(self.texts(store, user_id=user), ["note one", "note three"], "texts found")

    def test_deleting_twice_says_so(self, store: Any) -> None:
        """Deleting a memory a second time is a `MemoryNotFoundError`, and deletes nothing.

        If this fails, check that the number of deleted records is looked at.
        """
        user, doomed = self._three(store)
        with expect.raises(MemoryNotFoundError, "deleting a deleted memory"):
            store.delete_memory(doomed)
        self.settle()
        expect.same(self.texts(store, user_id=user), ["note one", "note three"], "texts found")

    def test_deleting_an_unknown_memory_says_so(self, store: Any) -> None:
        """Deleting an id that no memory has is a `MemoryNotFoundError`.

        If this fails, check that the engine's answer is looked at, where it deletes nothing in silence.
        """
        user = self.new_id()
        self.add(store, "stays", user_id=user)
        with expect.raises(MemoryNotFoundError, "deleting an unknown id"):
            store.delete_memory(self.new_id("memory"))
        self.settle()
        expect.equal(self.texts(store, user_id=user), ["stays"], "texts found")

    @exclusive  # a store that fails may delete everything
    def test_deleting_an_id_of_odd_form_says_so(self, store: Any) -> None:
        """An id in a form that the store never gives is an unknown one: a `MemoryNotFoundError`.

        If this fails, check ids that are no UUID, long, with quotes, slashes or letters beyond ASCII.
        """
        user = self.new_id()
        self.add(store, "stays", user_id=user)
        for memory_id in ODD:
            with expect.raises(MemoryNotFoundError, f"deleting {memory_id[:40]!r}"):
                store.delete_memory(memory_id)
        self.settle()
        expect.equal(self.texts(store, user_id=user), ["stays"], "texts found")

    @exclusive  # a store that fails may delete everything
    def test_refuses_to_delete_impossible_ids(self, store: Any) -> None:
        """An id that is empty, blank, surrounded by blanks or no string is a `ValueError`, and nothing is deleted.

        If this fails, check the id before the engine, for which an empty one may mean all.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "stays", user_id=user)
        for impossible in (*IMPOSSIBLE, f" {memory_id}", f"{memory_id}\n"):
            with expect.raises(ValueError, f"deleting {impossible!r}"):
                store.delete_memory(impossible)
        self.settle()
        expect.equal(self.texts(store, user_id=user), ["stays"], "texts found")

    def test_deleting_keeps_a_twin(self, store: Any) -> None:
        """Of two memories with the same text, only the one whose id was given is deleted.

        If this fails, check that records are deleted by id, not by text or its hash.
        """
        user = self.new_id()
        first = self.add_one(store, "the same words", user_id=user, metadata={"n": 1})
        self.add(store, "the same words", user_id=user, metadata={"n": 2})
        store.delete_memory(first)
        self.settle()
        left = [message.meta for message in self.search(store, user_id=user)]
        expect.equal(left, [{"n": 2}], "metadata of what is left after deleting the first of two twins")

    def test_a_deleted_text_can_be_added_again(self, store: Any) -> None:
        """The text of a deleted memory can be added again, as a new memory.

        If this fails, check for deduplication against what is deleted, and for tombstones.
        """
        user = self.new_id()
        for _ in range(2):
            memory_id = self.add_one(store, "again and again", user_id=user)
            expect.equal(self.texts(store, user_id=user), ["again and again"], "texts found after adding")
            store.delete_memory(memory_id)
            self.settle()

    @needs("client_ids")
    def test_a_deleted_id_can_be_used_again(self, store: Any) -> None:
        """The id of a deleted memory can be given to another one.

        If this fails, check that ids which are taken are those of memories that are there.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        self.add(store, "first", user_id=user, ids=[memory_id])
        store.delete_memory(memory_id)
        expect.equal(self.add(store, "second", user_id=user, ids=[memory_id]), [memory_id], "ids of the entries")
        expect.equal(self.texts(store, user_id=user), ["second"], "texts found")

    # Deleting all.

    def test_delete_all_deletes_exactly_the_scope(self, store: Any) -> None:
        """`delete_all_memories` deletes the memories whose own ids equal every id given, and no others.

        If this fails, check that ids are joined by AND, none is left out, and an id not given is no condition.
        """
        self._deletes_all_combinations(store, self.ids_of(store))

    def test_delete_all_honours_app_ids(self, store: Any) -> None:
        """`delete_all_memories` takes `app_id` like the other ids, in every combination of the four.

        If this fails, check that `app_id` is not swallowed by **kwargs: the deletion would be too wide.
        """
        self._deletes_all_combinations(store, (*self.ids_of(store), "app_id"))

    def test_delete_all_goes_past_every_page(self, store: Any) -> None:
        """`delete_all_memories` deletes 1,500 memories as well as one.

        If this fails, check that it goes on until nothing is left: clients list and delete by the page.
        """
        user, other, over = self.new_id(), self.new_id(), {self.second_id(store): "over"}
        self.add(store, *[f"note {number}" for number in range(MANY)], user_id=user)
        self.add(store, "stays", user_id=other)
        self.add(store, *["goes"] * 50, user_id=other, **over)
        expect.equal(len(self.texts(store, user_id=other, query="stays", top_k=60)), 51, "texts found of another user")
        store.delete_all_memories(user_id=other, **over)
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(len(self.texts(store, user_id=user)), 0, f"memories left of {MANY:,}")
        expect.equal(self.texts(store, user_id=other), ["stays"], "texts of another user")
        expect.equal(self.texts(store, user_id=other, query="goes"), ["stays"], "texts of another user, ranked")

    def test_delete_all_leaves_nothing_to_rank(self, store: Any) -> None:
        """After `delete_all_memories` no query finds the memories, also if one has found them before.

        If this fails, check that the memories are taken out of the index that ranks, and out of caches.
        """
        user = self.new_id()
        self.add(store, "note one", "note two", user_id=user)
        expect.equal(len(self.texts(store, user_id=user, query="note")), 2, "texts found by a query before")
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(self.texts(store, user_id=user, query="note"), [], "texts found by a query after deleting all")

    @needs("count")
    def test_delete_all_leaves_nothing_to_count(self, store: Any) -> None:
        """After `delete_all_memories` the memories are not counted.

        If this fails, check for a counter beside the records.
        """
        user = self.new_id()
        self.add(store, "note one", "note two", user_id=user)
        expect.equal(store.count_memories(user_id=user), 2, "memories counted before")
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(store.count_memories(user_id=user), 0, "memories counted after deleting all")

    def test_delete_all_of_nothing_deletes_nothing(self, store: Any) -> None:
        """`delete_all_memories` of a scope without memories is harmless: no error, and nothing is deleted.

        If this fails, check what the engine deletes for an empty list of ids: it may be everything.
        """
        user, run = self.new_id(), {self.second_id(store): self.new_id("run")}
        self.add(store, "stays", user_id=user, **run)
        for scope in ({"user_id": self.new_id()}, {"user_id": self.new_id(), **run}, {self.ids_of(store)[-1]: user}):
            store.delete_all_memories(**scope)
            self.settle()
            expect.equal(self.texts(store, user_id=user), ["stays"], "texts found after deleting all of another scope")

    def test_a_scope_can_be_used_after_delete_all(self, store: Any) -> None:
        """After `delete_all_memories` the scope takes memories again, and deleting all works again.

        If this fails, check for scopes that are marked as deleted.
        """
        user = self.new_id()
        for _ in range(2):
            self.add(store, "again", user_id=user)
            expect.equal(self.texts(store, user_id=user), ["again"], "texts found after adding")
            store.delete_all_memories(user_id=user)
            self.settle()
            expect.equal(self.texts(store, user_id=user), [], "texts found after deleting all")

    def _three(self, store: Any, query: str | None = None) -> tuple[str, str]:
        """Three memories that were read in every way, of which the second was deleted then; their user, and its id."""
        user = self.new_id()
        _, doomed, _ = self.add_each(store, "note one", "note two", "note three", user_id=user)
        found = self.texts(store, user_id=user, query=query, top_k=3)
        expect.equal(len(found), 3, "memories found before deleting one")
        self._reads(store, user, doomed)
        store.delete_memory(doomed)
        self.settle()
        return user, doomed

    def _reads(self, store: Any, user: str, memory_id: str) -> None:
        """Read as the tests do it after a deletion, so that what a store caches is cached."""
        self.texts(store, user_id=user)
        store.search_memories_as_single_message(user_id=user)
        self.texts(store, filters=serialize((field("user_id") == user) & (field("id") == memory_id)))
        if "list" in self.claims:
            store.list_memories(user_id=user)
        if "count" in self.claims:
            store.count_memories(user_id=user)

    def _deletes_all_combinations(self, store: Any, names: Collection[str]) -> None:
        """For each combination of ids: a memory with every combination, of which those that match are deleted."""
        every = [some for size in range(1, len(names) + 1) for some in combinations(names, size)]
        for doomed in every:
            if "app_id" in names and "app_id" not in doomed:
                continue
            values = {name: self.new_id(name) for name in names}
            for some in every:
                self.add(store, " ".join(some), **{name: values[name] for name in some})
            store.delete_all_memories(**{name: values[name] for name in doomed})
            self.settle()
            left = [" ".join(some) for some in every if not set(doomed) <= set(some)]
            found = {text for name in names for text in self.texts(store, **{name: values[name]})}
            expect.same(found, left, f"texts left after deleting all with {', '.join(doomed)}")
