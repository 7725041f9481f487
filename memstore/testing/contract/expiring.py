"""Expiring: from its moment on a memory is found by nothing, and purging deletes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from memstore.errors import InvalidMemoryError, MemoryConflictError, MemoryNotFoundError
from memstore.filters import parse
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import exclusive, needs
from memstore.testing.contract.reading import equals, listed, only, present
from memstore.testing.truth_table import all_of, any_of, where

_SOON: Final = timedelta(seconds=1)
_LATER: Final = timedelta(days=2)
_UNTIL_THEN: Final = 1.25
"""Seconds after which what expires soon has expired, and what expires later has not."""
_BEYOND_A_PAGE: Final = 1200


class Expiring(Harness):
    """`add_memories(expires_at=...)` and `purge_expired_memories`."""

    @needs("expiration")
    def test_an_expired_memory_is_not_found(self, store: Any) -> None:
        """A search without a query does not find what has expired, by ids or by a filter, in either form.

        If this fails, check that every read asks for what has not expired *now*; a job that deletes comes too late.
        """
        user = self.new_id()
        self._some_expire(store, user)
        expect.equal(self.texts(store, user_id=user), ["lasting"], "texts found by ids")
        expect.equal(self.texts(store, filters=equals(user_id=user)), ["lasting"], "texts found by a filter")
        message = store.search_memories_as_single_message(user_id=user)
        expect.equal(message.text, "- MEMORY #1: lasting", "the single message")

    @needs("expiration")
    def test_memories_expire_whatever_becomes_of_others(self, store: Any) -> None:
        """A memory expires also when others, with an expiry or without, were deleted before.

        If this fails, check what is remembered of there being memories that expire.
        """
        user = self.new_id()
        now = present(self, store)
        gone = [self.add_one(store, "gone", user_id=user, expires_at=now + _LATER)]
        gone.append(self.add_one(store, "plain", user_id=user))
        self.add(store, "expires", user_id=user, expires_at=now + _SOON)
        self.add(store, "lasting", user_id=user, expires_at=now + _LATER)
        for memory_id in gone:
            store.delete_memory(memory_id)
        self.elapse(_UNTIL_THEN)
        expect.equal(self.texts(store, user_id=user), ["lasting"], "texts found after one has expired")

    @needs("expiration")
    def test_filters_hold_where_memories_expire(self, store: Any) -> None:
        """Beside memories that expire, every condition of a filter holds, and what has expired is not found by it.

        If this fails, check how expiry is joined to what was asked for: it must take the place of no condition.
        """
        user, soon = self.new_id(), present(self, store) + _SOON
        for number, metadata in enumerate(({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}, {})):
            self.add(store, f"lasting {number}", user_id=user, metadata=metadata)
            self.add(store, f"expired {number}", user_id=user, metadata=metadata, expires_at=soon)
        self.elapse(_UNTIL_THEN)
        for filters, numbers in (
            (equals(user_id=user, a=1), (0, 1)),
            (equals(user_id=user, a=1, b=2), (1,)),
            (all_of(where("user_id", "==", user), any_of(where("a", "==", 2), where("b", "==", 1))), (0, 2)),
            (all_of(where("user_id", "==", user), where("a", "!=", 1), where("b", "<", 3)), (2,)),
        ):
            for query in (None, "lasting"):
                found = self.texts(store, filters=filters, query=query)
                expect.same(found, [f"lasting {number}" for number in numbers], f"texts found by {parse(filters)}")

    @needs("expiration")
    def test_an_expired_memory_takes_no_place_in_a_ranking(self, store: Any) -> None:
        """A ranked search leaves out what has expired before it takes the best `top_k`.

        If this fails, check that expiry is part of what the engine filters by, not taken from its results.
        """
        user, soon = self.new_id(), present(self, store) + _SOON
        self.add(store, *["the violin concert tonight"] * 12, user_id=user, expires_at=soon)
        lasting = self.add(store, "a violin", "the violins", "a concert", user_id=user)
        self.elapse(_UNTIL_THEN)
        for filters in ({"user_id": user}, {"filters": equals(user_id=user)}):
            found = self.found_ids(store, query="the violin concert tonight", top_k=3, **filters)
            expect.same(found, lasting, f"ids found by a query with top_k=3 and {' and '.join(filters)}")

    @needs("expiration", "list")
    def test_an_expired_memory_is_not_listed(self, store: Any) -> None:
        """A listing leaves out what has expired, and its pages go on past it.

        If this fails, check that expiry is evaluated before a page is cut.
        """
        user = self.new_id()
        self._some_expire(store, user)
        for limit in (1, 100):
            found = [memory.text for memory in listed(store, user_id=user, limit=limit)]
            expect.equal(found, ["lasting"], f"texts listed with limit={limit}")

    @needs("expiration", "count")
    def test_an_expired_memory_is_not_counted(self, store: Any) -> None:
        """A count leaves out what has expired.

        If this fails, check that counting asks what searching asks.
        """
        user = self.new_id()
        self._some_expire(store, user)
        expect.equal(store.count_memories(user_id=user), 1, "memories counted by ids, of one that lasts")
        expect.equal(store.count_memories(filters=equals(user_id=user)), 1, "memories counted by a filter")

    @needs("expiration", "update")
    def test_an_expired_memory_cannot_be_updated(self, store: Any) -> None:
        """Updating what has expired is a `MemoryNotFoundError`, and brings nothing back.

        If this fails, check that an update looks for its memory as a search does.
        """
        user = self.new_id()
        memory_id = self._expired(store, user)
        with expect.raises(MemoryNotFoundError, "update_memory of a memory that has expired"):
            store.update_memory(memory_id, text="back again")
        expect.equal(self.texts(store, user_id=user), [], "texts found")

    @needs("expiration", "history")
    def test_an_expired_memory_has_no_history(self, store: Any) -> None:
        """The history of what has expired is a `MemoryNotFoundError`.

        If this fails, check that the present state's expiry is looked at.
        """
        memory_id = self._expired(store, self.new_id())
        with expect.raises(MemoryNotFoundError, "memory_history of a memory that has expired"):
            store.memory_history(memory_id)

    @needs("expiration")
    def test_an_expired_memory_cannot_be_deleted(self, store: Any) -> None:
        """Deleting what has expired by its id is a `MemoryNotFoundError`, as for what never was.

        If this fails, check that deleting looks for its memory as a search does: purging is what deletes it.
        """
        memory_id = self._expired(store, self.new_id())
        with expect.raises(MemoryNotFoundError, "delete_memory of a memory that has expired"):
            store.delete_memory(memory_id)

    @needs("expiration")
    def test_a_memory_is_found_until_it_expires(self, store: Any) -> None:
        """A memory that expires later is found by ids, filters and queries until then.

        If this fails, check the direction of the comparison, and seconds taken for milliseconds.
        """
        user = self.new_id()
        self.add(store, "lasting", user_id=user, expires_at=present(self, store) + _LATER)
        arguments: dict[str, Any]
        for arguments in ({"user_id": user}, {"filters": equals(user_id=user)}, {"user_id": user, "query": "lasting"}):
            expect.equal(self.texts(store, **arguments), ["lasting"], f"texts found by {' and '.join(arguments)}")

    @needs("expiration")
    def test_a_memory_without_an_expiry_stays(self, store: Any) -> None:
        """A memory that was added without `expires_at` is found for ever, whatever expires beside it.

        If this fails, check how no expiry is compared: null is not a time long ago, and 0 is one.
        """
        user = self.new_id()
        self.add(store, "for ever", user_id=user)
        self.add(store, "expired", user_id=user, expires_at=0)
        self.elapse(0.1)
        for when in ("before", "after"):
            expect.equal(self.texts(store, user_id=user), ["for ever"], f"texts found {when} purging")
            found = self.texts(store, user_id=user, query="for ever")
            expect.equal(found, ["for ever"], f"texts found by a query {when} purging")
            store.purge_expired_memories(user_id=user)
            self.settle()

    @needs("expiration")
    def test_a_memory_that_expired_already_is_never_found(self, store: Any) -> None:
        """A memory whose `expires_at` is the present moment, or earlier, is added and never found.

        If this fails, check the comparison at the moment itself: found while the clock is before `expires_at`.
        """
        user, now = self.new_id(), present(self, store)
        for moment in (now, now - timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC), -1.5):
            self.add(store, f"expired {moment}", user_id=user, expires_at=moment)
        expect.equal(self.texts(store, user_id=user), [], "texts found")
        expect.equal(self.texts(store, user_id=user, query="expired"), [], "texts found by a query")

    @needs("expiration")
    def test_an_expiry_is_shown_in_utc(self, store: Any) -> None:
        """`memory_metadata` has `expires_at` as an ISO 8601 string in UTC, and null for what never expires.

        If this fails, check how times are written; on every store it is "2024-05-01T12:00:00Z".
        """
        moment = datetime(2199, 5, 1, 12, tzinfo=UTC)
        for given, shown in ((moment, "2199-05-01T12:00:00Z"), (None, None)):
            user = self.new_id()
            self.add(store, "note", user_id=user, **({} if given is None else {"expires_at": given}))
            expect.equal(only(self, store, user).get("expires_at", "missing"), shown, f"expires_at, added with {given}")

    @needs("expiration")
    def test_an_expiry_is_an_instant(self, store: Any) -> None:
        """An expiry is the same moment as a datetime of any zone, a naive one in UTC, or Unix seconds.

        If this fails, check that naive datetimes are not taken for local time, and that fractions are kept.
        """
        moment = datetime(2199, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
        tokyo = timezone(timedelta(hours=9))
        for what, given in (
            ("a datetime in UTC", moment),
            ("a datetime of another zone", moment.astimezone(tokyo)),
            ("a naive datetime", moment.replace(tzinfo=None)),
            ("Unix seconds", moment.timestamp()),
        ):
            user = self.new_id()
            self.add(store, "note", user_id=user, expires_at=given)
            expect.equal(only(self, store, user)["expires_at"], "2199-05-01T12:00:00.250000Z", f"expires_at of {what}")

    @needs("expiration")
    def test_refuses_impossible_expiries(self, store: Any) -> None:
        """An expiry that is no moment is an `InvalidMemoryError`, and nothing is stored.

        If this fails, check NaN, years beyond 9999, strings and booleans.
        """
        user = self.new_id()
        for expires_at in (float("nan"), float("inf"), 1e18, "2199-05-01", True):
            with expect.raises(InvalidMemoryError, f"expires_at={expires_at!r}"):
                self.add(store, "note", user_id=user, expires_at=expires_at)
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")

    @needs("expiration")
    def test_purging_counts_what_it_deletes(self, store: Any) -> None:
        """`purge_expired_memories` returns how many memories had expired; the next time, there are none.

        If this fails, check that what is purged is gone, and that the count is of memories that were there.
        """
        user = self.new_id()
        self._some_expire(store, user)
        for time, expected in (("first", 2), ("second", 0)):
            expect.equal(store.purge_expired_memories(user_id=user), expected, f"memories purged the {time} time")
            self.settle()

    @needs("expiration")
    def test_purging_keeps_what_has_not_expired(self, store: Any) -> None:
        """Purging leaves what expires later, and what never does.

        If this fails, check that it deletes by the same comparison that hides.
        """
        user = self.new_id()
        self.add(store, "never", user_id=user)
        self.add(store, "later", user_id=user, expires_at=present(self, store) + _LATER)
        self.add(store, "expired", user_id=user, expires_at=0)
        store.purge_expired_memories(user_id=user)
        self.settle()
        expect.same(self.texts(store, user_id=user), ["never", "later"], "texts found after purging")

    @needs("expiration")
    def test_purging_keeps_to_its_scope(self, store: Any) -> None:
        """Purging with ids deletes what has expired of this scope, and nothing of another.

        If this fails, check that every id given narrows what is purged.
        """
        user, other, run = self.new_id(), self.new_id(), self.new_id("run")
        for scope in ({"user_id": user}, {"user_id": user, "run_id": run}, {"user_id": other, "run_id": run}):
            self.add(store, "expired", **scope, expires_at=0)
        for what, scope in (
            ("a user's run", {"user_id": user, "run_id": run}),
            ("the same user", {"user_id": user}),
            ("the same run, of which another user's memory is left", {"run_id": run}),
        ):
            expect.equal(store.purge_expired_memories(**scope), 1, f"memories purged of {what}")
            self.settle()

    @needs("expiration")
    @exclusive
    def test_purging_without_ids_is_everywhere(self, store: Any) -> None:
        """Purging without any id deletes what has expired of everybody.

        If this fails, check that no id means no condition.
        """
        for scope in ({"user_id": self.new_id()}, {"run_id": self.new_id("run")}, {"app_id": self.new_id("app")}):
            self.add(store, "expired", **scope, expires_at=0)
        expect.equal(store.purge_expired_memories(), 3, "memories purged of three scopes")

    @needs("expiration")
    def test_purging_goes_past_every_page_size(self, store: Any) -> None:
        """Purging deletes 1,200 expired memories in one call.

        If this fails, check that it repeats until nothing expired is left.
        """
        user = self.new_id()
        self.add(store, *(f"note {number}" for number in range(_BEYOND_A_PAGE)), user_id=user, expires_at=0)
        expect.equal(store.purge_expired_memories(user_id=user), _BEYOND_A_PAGE, "memories purged")

    @needs("expiration")
    def test_deleting_all_deletes_what_has_expired(self, store: Any) -> None:
        """`delete_all_memories` deletes what has expired too, so that nothing is left to purge.

        If this fails, check that deleting everything does not look away from what reads hide.
        """
        user = self.new_id()
        self._expired(store, user)
        self.add(store, "lasting", user_id=user)
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(store.purge_expired_memories(user_id=user), 0, "memories left to purge")

    @needs("expiration", "client_ids")
    def test_an_expired_memory_holds_its_id(self, store: Any) -> None:
        """Until it is purged, a memory that has expired holds its id: another one under it is a `MemoryConflictError`.

        If this fails, check that an id which is taken is looked for among expired memories too.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        self.add(store, "expired", user_id=user, ids=[memory_id], expires_at=0)
        with expect.raises(MemoryConflictError, "adding under the id of a memory that has expired"):
            self.add(store, "another", user_id=user, ids=[memory_id])
        expect.equal(self.texts(store, user_id=user), [], "texts found")

    @needs("expiration", "client_ids")
    def test_purging_frees_the_id(self, store: Any) -> None:
        """The id of a memory that was purged can be used again.

        If this fails, check that purging deletes the record itself, not only an entry of an index.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        self.add(store, "expired", user_id=user, ids=[memory_id], expires_at=0)
        store.purge_expired_memories(user_id=user)
        self.settle()
        expect.equal(self.add(store, "another", user_id=user, ids=[memory_id]), [memory_id], "ids of the entries")
        expect.equal(self.texts(store, user_id=user), ["another"], "texts found")

    def _some_expire(self, store: Any, user: str) -> None:
        """Two memories of the user that have expired since they were added, and one that lasts."""
        soon = present(self, store) + _SOON
        self.add(store, "expired", user_id=user, expires_at=soon)
        self.add(store, "lasting", user_id=user, expires_at=soon + _LATER)
        self.add(store, "expired", user_id=user, expires_at=soon)
        self.elapse(_UNTIL_THEN)

    def _expired(self, store: Any, user: str) -> str:
        """The id of a memory of the user that had expired before it was added."""
        return self.add_one(store, "expired", user_id=user, expires_at=0)
