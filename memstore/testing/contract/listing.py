"""Listing: every memory once, page after page, in one order, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import ScopeError
from memstore.filters import parse
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import equals, listed, only_listed, page_of, pages_of
from memstore.testing.truth_table import all_of, where

_SEVERAL: Final = 10
_BEYOND_A_PAGE: Final = 1200
_BATCH: Final = 400
_START: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
_NO_CURSORS: Final = ("", "page 2", "10", "👩‍👩‍👧", "bnVsbA==", "WzEsIDIsIDNd")
"""The last two are null and [1, 2, 3] in base64."""


class Listing(Harness):
    """`list_memories` pages through memories."""

    @needs("list")
    def test_pages_hold_every_memory_once(self, store: Any) -> None:
        """Page after page, whatever the limit, a listing has every memory of its scope exactly once.

        If this fails, check where a page begins: after the cursor's memory, not at it and not by an offset.
        """
        user = self.new_id()
        ids = [memory_id for number in range(_SEVERAL) for memory_id in self.add(store, f"note {number}", user_id=user)]
        for limit in (1, 3, _SEVERAL - 1, _SEVERAL, _SEVERAL + 1):
            found = [memory.id for memory in listed(store, user_id=user, limit=limit)]
            expect.same(found, ids, f"ids listed with limit={limit}")

    @needs("list")
    def test_a_page_keeps_to_its_limit(self, store: Any) -> None:
        """A page holds at most `limit` memories, and at most 100 when no limit is given.

        If this fails, check that `limit` reaches the engine, and the default.
        """
        user = self.new_id()
        self.add(store, *(f"note {number}" for number in range(101)), user_id=user)
        for arguments, most in (({"limit": 1}, 1), ({"limit": 7}, 7), ({}, 100)):
            sizes = [len(page.memories) for page in pages_of(store, user_id=user, **arguments)]
            expect.true(max(sizes) <= most, f"pages of {max(sizes)} memories, asked for {arguments or 'no limit'}")

    @needs("list")
    def test_the_last_page_has_no_cursor(self, store: Any) -> None:
        """The last page's cursor is None: also when it is full, when it is the only one, and when nothing is there.

        If this fails, check how the end is found: ask for one memory more than the page holds.
        """
        user = self.new_id()
        self.add(store, *(f"note {number}" for number in range(_SEVERAL)), user_id=user)
        for limit in (_SEVERAL, _SEVERAL + 1):
            page = page_of(store, user_id=user, limit=limit)
            expect.equal(page.cursor, None, f"cursor of a page with all {_SEVERAL} memories, limit={limit}")
        nothing = page_of(store, user_id=self.new_id())
        expect.equal((nothing.memories, nothing.cursor), ([], None), "memories and cursor of an empty scope")

    @needs("list")
    def test_a_listing_goes_past_every_page_size(self, store: Any) -> None:
        """A listing of 1,200 memories has them all, in large pages and asked for in one.

        If this fails, check for a cap of the engine, such as 100 or 1,000 results, that ends a listing early.
        """
        user = self.new_id()
        ids: list[str] = []
        for start in range(0, _BEYOND_A_PAGE, _BATCH):
            ids += self.add(store, *(f"note {number}" for number in range(start, start + _BATCH)), user_id=user)
        for limit in (500, 5000):
            found = [memory.id for memory in listed(store, user_id=user, limit=limit)]
            expect.equal(len(found), _BEYOND_A_PAGE, f"memories listed with limit={limit}")
            expect.same(found, ids, f"ids listed with limit={limit}")

    @needs("list", "timestamp")
    def test_a_listing_is_oldest_first(self, store: Any) -> None:
        """Memories are listed by `created_at`, whatever order they were added in, across pages too.

        If this fails, check that the engine sorts by time, and that times are kept to the microsecond.
        """
        user = self.new_id()
        for number in (5, 2, 9, 0, 7, 3, 8, 1, 6, 4):
            moment = _START + timedelta(microseconds=number)
            self.add(store, f"note {number}", user_id=user, timestamp=moment)
        for limit in (3, 100):
            found = [memory.text for memory in listed(store, user_id=user, limit=limit)]
            expect.equal(found, [f"note {number}" for number in range(10)], f"texts listed with limit={limit}")

    @needs("list", "timestamp")
    def test_memories_of_one_moment_are_all_listed(self, store: Any) -> None:
        """Memories with the same `created_at` are listed once each, on whatever page they come.

        If this fails, check that a cursor holds the id beside the time: "later than" skips the rest of the moment.
        """
        user = self.new_id()
        ids = self.add(store, *(f"note {number}" for number in range(30)), user_id=user, timestamp=_START)
        expect.same([memory.id for memory in listed(store, user_id=user, limit=7)], ids, "ids listed with limit=7")

    @needs("list", "timestamp", "client_ids")
    def test_memories_of_one_moment_are_listed_by_id(self, store: Any) -> None:
        """Memories with the same `created_at` are listed by id, letter by letter.

        If this fails, check the second key of the order, and the engine's collation: "B" comes before "a".
        """
        user, unique = self.new_id(), self.new_id("memory")
        ids = [f"{unique}-{end}" for end in ("b", "B", "é", "a", "10", "9", "A", "_")]
        self.add(store, *ids, user_id=user, timestamp=_START, ids=ids)
        for limit in (3, 100):
            found = [memory.id for memory in listed(store, user_id=user, limit=limit)]
            expect.equal(found, sorted(ids), f"ids listed with limit={limit}")

    @needs("list")
    def test_a_listing_keeps_to_its_scope(self, store: Any) -> None:
        """A listing has the memories that have every id given, and no others.

        If this fails, check that ids narrow together, on every page.
        """
        user, other, run = self.new_id(), self.new_id(), self.new_id("run")
        for number in range(3):
            self.add(store, f"mine {number}", user_id=user)
            self.add(store, f"mine in the run {number}", user_id=user, run_id=run)
            self.add(store, f"foreign {number}", user_id=other, run_id=run)
        for scope, kinds in (
            ({"user_id": user}, ("mine", "mine in the run")),
            ({"run_id": run}, ("mine in the run", "foreign")),
            ({"user_id": user, "run_id": run}, ("mine in the run",)),
        ):
            found = [memory.text for memory in listed(store, **scope, limit=2)]
            expected = [f"{kind} {number}" for kind in kinds for number in range(3)]
            expect.same(found, expected, f"texts listed by {' and '.join(scope)}")

    @needs("list")
    def test_a_listing_keeps_to_its_filter(self, store: Any) -> None:
        """A listing has the memories that match its filter, and all of them, even when few of each page match.

        If this fails, check that filters are evaluated before a page is cut, not on what the page holds.
        """
        user = self.new_id()
        texts = self.add_records(store, [{"group": {"third": number % 3 == 0}} for number in range(30)], user_id=user)
        for limit in (1, 4, 100):
            found = listed(store, filters=equals(**{"user_id": user, "group.third": True}), limit=limit)
            expect.same([memory.text for memory in found], texts[::3], f"texts listed with limit={limit}")

    @needs("list")
    def test_a_listing_by_ids_has_pages(self, store: Any) -> None:
        """A listing whose filter names memories by `id` has each of them once, page after page.

        If this fails, check that memories which are read by their ids begin behind the cursor too.
        """
        user = self.new_id()
        ids = self.add_each(store, *(f"note {number}" for number in range(_SEVERAL)), user_id=user)
        filters = all_of(where("user_id", "==", user), where("id", "in", ids[1:8]))
        for limit in (1, 3, 7):
            found = [memory.id for memory in listed(store, filters=filters, limit=limit)]
            expect.same(found, ids[1:8], f"ids listed of 7 that the filter names, limit={limit}")

    @needs("list")
    def test_a_listing_equals_a_search_without_a_query(self, store: Any) -> None:
        """A listing has the same memories in the same order as a search without a query.

        If this fails, check that both read by (created_at, id).
        """
        user = self.new_id()
        self.add_records(store, [{"even": number % 2 == 0} for number in range(12)], user_id=user)
        for arguments in ({"user_id": user}, {"filters": equals(user_id=user, even=True)}):
            found = self.found_ids(store, **arguments)
            expect.equal(
                [memory.id for memory in listed(store, **arguments, limit=5)],
                found,
                f"ids listed by {' and '.join(arguments)}, compared with those that a search found",
            )

    @needs("list")
    def test_listed_memories_are_complete(self, store: Any) -> None:
        """A listed memory has every field: id, text, role, name, ids, metadata, UTC times, version 1.

        If this fails, check how records become `Memory` objects.
        """
        scope = {name: self.new_id(name) for name in ("user_id", "run_id", "agent_id", "app_id")}
        said, meta = ChatMessage.from_user("I like tea.", name="maya"), {"a": [1, 1.0, True, None, {"b": "ü"}]}
        ids = self.add_messages(store, [said], metadata=meta, **scope)
        memory = only_listed(store, scope["user_id"])
        expected = {"id": ids[0], "text": said.text, "role": "user", "name": "maya", "meta": meta, **scope}
        for name, value in expected.items():
            expect.equal(getattr(memory, name), value, f"{name} of the listed memory")
        expect.equal((memory.version, memory.expires_at), (1, None), "version and expires_at of the listed memory")
        for name in ("created_at", "updated_at"):
            moment = getattr(memory, name)
            expect.true(isinstance(moment, datetime), f"{name} is a {type(moment).__name__}, not a datetime")
            expect.equal(moment.utcoffset(), timedelta(0), f"offset of {name} from UTC")

    @needs("list")
    def test_listed_memories_are_copies(self, store: Any) -> None:
        """Changing the metadata of a listed memory changes nothing in the store.

        If this fails, check that nested lists and objects are copied when they are read.
        """
        user = self.new_id()
        self.add(store, "note", user_id=user, metadata={"a": [1], "b": {"c": 1}})
        memory = only_listed(store, user)
        memory.meta.get("a", []).append(2)
        memory.meta.get("b", {})["c"] = 2
        memory.meta["d"] = 1
        expect.equal(only_listed(store, user).meta, {"a": [1], "b": {"c": 1}}, "metadata listed again")

    @needs("list")
    def test_adds_between_pages_hide_nothing(self, store: Any) -> None:
        """What was there when a listing began is listed exactly once, whatever is added between its pages.

        If this fails, check for paging by offset, and for new memories that come before old ones.
        """
        user = self.new_id()
        ids = self.add(store, *(f"note {number}" for number in range(_SEVERAL)), user_id=user)
        found: list[str] = []
        for number, page in enumerate(pages_of(store, user_id=user, limit=3)):
            found += [memory.id for memory in page.memories]
            if number < _SEVERAL:  # or the listing would rightly go on for ever
                self.add(store, f"new {number}", user_id=user)
        expect.same(set(found) & set(ids), ids, "ids listed, of those that were there at first")
        expect.equal(len(set(found)), len(found), "different ids among those listed")

    @needs("list", "timestamp")
    def test_old_adds_between_pages_repeat_nothing(self, store: Any) -> None:
        """A memory that is added with an older timestamp between two pages moves no other onto a second page.

        If this fails, check for paging by offset: a cursor names a place in the order, not a number of memories.
        """
        user = self.new_id()
        ids = self.add(store, *(f"note {number}" for number in range(_SEVERAL)), user_id=user, timestamp=_START)
        found: list[str] = []
        for number, page in enumerate(pages_of(store, user_id=user, limit=3)):
            found += [memory.id for memory in page.memories]
            self.add(store, "old", user_id=user, timestamp=_START - timedelta(days=number + 1))
        expect.same(found, ids, "ids listed, while older memories were added")

    @needs("list")
    def test_deletes_between_pages_hide_nothing(self, store: Any) -> None:
        """Deleting what was listed already, the memory that the cursor points at too, hides nothing that stays.

        If this fails, check for paging by offset, and for a cursor that must find its memory again.
        """
        user = self.new_id()
        ids = self.add(store, *(f"note {number}" for number in range(_SEVERAL)), user_id=user)
        found: list[str] = []
        for page in pages_of(store, user_id=user, limit=3):
            found += [memory.id for memory in page.memories]
            for memory in page.memories:
                store.delete_memory(memory.id)
            self.settle()
        expect.same(found, ids, "ids listed, each page deleted before the next was asked for")

    @needs("list")
    def test_a_cursor_belongs_to_its_listing(self, store: Any) -> None:
        """A cursor of a listing with other filters or ids is a `ValueError`, not a page of something.

        If this fails, check that a cursor holds a fingerprint of its filter.
        """
        user, other = self.new_id(), self.new_id()
        self.add(store, "one", "two", "three", user_id=user)
        self.add(store, "one", "two", "three", user_id=other)
        cursor = page_of(store, user_id=user, limit=1).cursor
        expect.true(cursor is not None, "list_memories with limit=1 has no cursor, though there are three memories")
        for what, arguments in (
            ("another user", {"user_id": other}),
            ("one id more", {"user_id": user, "run_id": self.new_id("run")}),
            ("another filter", {"filters": equals(user_id=user, text="two")}),
        ):
            with expect.raises(ValueError, f"the cursor of one listing in a listing of {what}"):
                store.list_memories(**arguments, limit=1, cursor=cursor)

    @needs("list")
    def test_cursors_tell_like_filters_apart(self, store: Any) -> None:
        r"""A cursor is a `ValueError` also in a listing whose filter differs a little: `a == [2]`, and not `a == [1]`.

        If this fails, check that all of a filter goes into the fingerprint, with the types and parts of its values.
        """
        user = self.new_id()
        self.add_records(store, [{"a": [1], "b": {"c": 1}, "b.c": 1, "d": 1}] * 2, user_id=user)
        for filters, other in (
            (where("a", "==", [1]), where("a", "==", [2])),
            (where("b", "==", {"c": 1}), where("b", "==", {"c": 2})),
            (where("b.c", "==", 1), where(r"b\.c", "==", 1)),
            (where("d", "==", 1), where("d", "!=", 1)),
            (where("d", "in", [1, 2]), where("d", "in", [1, "2"])),
            (where("d", "<", 2), where("d", "<=", 2)),
        ):
            mine, like = ({"filters": all_of(where("user_id", "==", user), some)} for some in (filters, other))
            cursor = page_of(store, **mine, limit=1).cursor
            expect.true(cursor is not None, f"no cursor of the first of two memories that match {parse(filters)}")
            with expect.raises(ValueError, f"the cursor of {parse(filters)} in a listing of {parse(other)}"):
                store.list_memories(**like, limit=1, cursor=cursor)

    @needs("list")
    def test_refuses_malformed_cursors(self, store: Any) -> None:
        """A cursor that `list_memories` never returned is a `ValueError`, not the first page and not the end.

        If this fails, check that cursors are parsed strictly, the empty string too.
        """
        user = self.new_id()
        self.add(store, "one", "two", user_id=user)
        cursor = page_of(store, user_id=user, limit=1).cursor or ""
        for malformed in (*_NO_CURSORS, cursor[: len(cursor) // 2]):
            with expect.raises(ValueError, f"cursor={malformed!r}"):
                store.list_memories(user_id=user, limit=1, cursor=malformed)

    @needs("list")
    def test_refuses_impossible_limits(self, store: Any) -> None:
        """A limit that is no positive integer is a `ValueError` or `TypeError`.

        If this fails, check 0, which some engines read as "no limit", negative numbers and booleans.
        """
        user = self.new_id()
        self.add(store, "one", "two", user_id=user)
        for limit in (0, -1, True, 2.5, "10"):
            with expect.raises((ValueError, TypeError), f"limit={limit!r}"):
                store.list_memories(user_id=user, limit=limit)

    @needs("list")
    def test_listing_needs_an_id_or_a_filter(self, store: Any) -> None:
        """Listing without an id and without a filter is a `ScopeError`, not a listing of everybody's memories.

        If this fails, check the ids before the engine is asked; `filters={}` is no filter.
        """
        self.add(store, "private", user_id=self.new_id())
        calls: tuple[dict[str, Any], ...] = ({}, {"filters": {}}, {"user_id": ""})
        for arguments in calls:
            with expect.raises(ScopeError, f"list_memories with {arguments or 'no ids'}"):
                store.list_memories(**arguments)
