"""Bugs in what becomes of memories that expire."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone

from contract.sabotage.engines import Engine, Keeping, Telling
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import LookingAway

from memstore import InvalidMemoryError, MemoryPage
from memstore.filters import TRUE, Comparison, Field, Not, Operator
from memstore.filters.instants import format_instant
from memstore.operations import Reading
from memstore_in_memory import InMemoryMemoryStore

_EXPIRES_AT = Field(("expires_at",))


class Told(InMemoryMemoryStore):
    """Takes as an expiry what was `told`."""

    def told(self, expires_at):
        return expires_at

    def add_memories(self, *, expires_at=None, **arguments):
        return super().add_memories(expires_at=self.told(expires_at), **arguments)


@sabotage(
    caught_by="test_an_expired_memory_is_not_found",
    source="langchain-ai/langgraph#8902: expired rows returned, until the sweeper has come",
)
class HiddenBySweeping(InMemoryMemoryStore):
    """Finds what has expired until it is purged."""

    def _may_hold_expiring(self):
        return False


@sabotage(
    caught_by="test_an_expired_memory_is_not_found",
    source="writing a backend: the second form of a search has a query of its own",
)
class SingleMessageLooksAway(LookingAway):
    """Writes what has expired into the single message."""

    def search_memories_as_single_message(self, **arguments):
        with self.looking_away():
            return super().search_memories_as_single_message(**arguments)


@sabotage(
    caught_by="test_an_expired_memory_is_not_found",
    source="writing an HTTP backend: the filter that the caller gives takes the place of the store's",
)
class FiltersReplaceTheCondition(LookingAway):
    """Finds what has expired where a filter is given."""

    def search_memories(self, *, filters=None, **arguments):
        if filters is None:
            return super().search_memories(**arguments)
        with self.looking_away():
            return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_an_expired_memory_takes_no_place_in_a_ranking",
    source="writing a vector backend: expiry is looked at in what the index returns",
)
class DroppedFromTheBest(Engine):
    """Takes the best `top_k`, and drops what has expired of them."""

    def _reading(self, wanted):
        self.wanted = wanted
        return super()._reading(wanted)

    def _rank(self, query, filter, limit):
        hits, _ = super()._rank(query, self.wanted, limit)
        return [hit for hit in hits if self.holds(filter, hit[0])], True


@sabotage(
    caught_by="test_an_expired_memory_is_not_listed",
    source="DynamoDB: a scan has what is past its time to live, until it is deleted within days",
)
class ListsTheExpired(LookingAway):
    """Lists what has expired."""

    def list_memories(self, **arguments):
        with self.looking_away():
            return super().list_memories(**arguments)


@sabotage(
    caught_by="test_an_expired_memory_is_not_listed",
    source="writing an HTTP backend: `while page.memories`",
)
class EndsAtAnExpiredPage(LookingAway):
    """Drops what has expired from a page, and takes one that is empty then for the end."""

    def list_memories(self, **arguments):
        with self.looking_away():
            page = super().list_memories(**arguments)
        kept = [m for m in page.memories if m.expires_at is None or m.expires_at > self._clock()]
        return MemoryPage(kept, page.cursor if kept else None)


@sabotage(
    caught_by="test_an_expired_memory_is_not_counted",
    source="MongoDB: an estimated count is of the collection, and the TTL monitor runs every 60 seconds",
)
class CountsTheExpired(LookingAway):
    """Counts what has expired."""

    def count_memories(self, **arguments):
        with self.looking_away():
            return super().count_memories(**arguments)


@sabotage(
    caught_by="test_an_expired_memory_cannot_be_updated",
    source="SQL: UPDATE ... WHERE id = ?, and nothing else",
)
class UpdatesTheExpired(LookingAway):
    """Updates what has expired."""

    def update_memory(self, memory_id, **arguments):
        with self.looking_away():
            return super().update_memory(memory_id, **arguments)


@sabotage(
    caught_by="test_an_expired_memory_has_no_history",
    source="writing a SQL backend: the table of states has no expires_at",
)
class HistoryOfTheExpired(LookingAway):
    """Tells the history of what has expired."""

    def memory_history(self, memory_id):
        with self.looking_away():
            return super().memory_history(memory_id)


@sabotage(
    caught_by="test_an_expired_memory_cannot_be_deleted",
    source="SQL: DELETE ... WHERE id = ?, and its row count",
)
class DeletesTheExpired(LookingAway):
    """Deletes what has expired as if it were there."""

    def delete_memory(self, memory_id):
        with self.looking_away():
            return super().delete_memory(memory_id)


@sabotage(
    caught_by="test_a_memory_is_found_until_it_expires",
    source="writing a backend: seconds, divided by 1,000 as if they came from JavaScript",
)
class TakenForMilliseconds(Keeping):
    """Takes seconds since 1970 for milliseconds."""

    def kept(self, memory):
        if memory.expires_at is None:
            return memory
        return replace(memory, expires_at=datetime.fromtimestamp(memory.expires_at.timestamp() / 1000, UTC))


@sabotage(
    caught_by="test_a_memory_without_an_expiry_stays",
    source="SQL: WHERE expires_at > now() is not true of NULL",
)
class NullIsNotLater(InMemoryMemoryStore):
    """Finds what expires later, and not what never does."""

    def _reading(self, wanted):
        reading = super()._reading(wanted)
        later = Comparison(_EXPIRES_AT, Operator.GT, format_instant(self._clock()))
        return reading if reading.expiry == TRUE else reading._replace(expiry=later)


@sabotage(
    caught_by="test_a_memory_without_an_expiry_stays",
    source="Python: `if expires_at:`",
)
class ZeroIsNever(Told):
    """Takes an expiry of 0, the beginning of 1970, for none."""

    def told(self, expires_at):
        return expires_at or None


@sabotage(
    caught_by="test_a_memory_that_expired_already_is_never_found",
    source="SQL: WHERE expires_at >= now()",
)
class FoundAtItsMoment(InMemoryMemoryStore):
    """Finds a memory at the moment of its expiry."""

    def _reading(self, wanted):
        past = Comparison(_EXPIRES_AT, Operator.LT, format_instant(self._clock()))
        return Reading(self.filter_support, wanted, Not(past))


@sabotage(
    caught_by="test_a_memory_that_expired_already_is_never_found",
    source="Redis: SET with EX wants one second at least, so max(1, seconds)",
)
class LivesForASecond(Told):
    """Lets every memory live for a second at least."""

    def told(self, expires_at):
        moment = datetime.fromtimestamp(expires_at, UTC) if isinstance(expires_at, int | float) else expires_at
        return moment and max(moment, self._clock() + timedelta(seconds=1))


@sabotage(
    caught_by="test_a_memory_that_expired_already_is_never_found",
    source="Redis: SET with EX 0 is an error, invalid expire time",
    raises=InvalidMemoryError,
)
class PastRefused(Told):
    """Refuses a moment in the past."""

    def told(self, expires_at):
        if isinstance(expires_at, int | float) and expires_at < 0:
            raise InvalidMemoryError("expires_at: a moment to come")
        return expires_at


@sabotage(
    caught_by="test_an_expiry_is_shown_in_utc",
    source="mem0.md: expiration_date is a day",
)
class ExpiresOnADay(Keeping):
    """Keeps the day of an expiry."""

    def kept(self, memory):
        return replace(memory, expires_at=memory.expires_at and datetime.combine(memory.expires_at, time(), UTC))


@sabotage(
    caught_by="test_an_expiry_is_shown_in_utc",
    source="writing a SQL backend: NOT NULL, for the sake of an index",
)
class NeverIsTheYear9999(Keeping):
    """Keeps the end of all time where a memory never expires."""

    def kept(self, memory):
        return replace(memory, expires_at=memory.expires_at or datetime.max.replace(tzinfo=UTC))


@sabotage(
    caught_by="test_an_expiry_is_shown_in_utc",
    source="DynamoDB: a time to live is a number, of Unix seconds",
)
class ShownAsSeconds(Telling):
    """Shows an expiry as Unix seconds."""

    def own(self, own):
        moment = own["expires_at"]
        return {**own, "expires_at": moment and int(datetime.fromisoformat(moment).timestamp())}


@sabotage(
    caught_by="test_an_expiry_is_an_instant",
    source="Python: datetime.timestamp() takes a naive datetime for local time",
)
class NaiveIsLocalTime(Told):
    """Takes a naive datetime for the server's local time, two hours ahead of UTC."""

    def told(self, expires_at):
        naive = isinstance(expires_at, datetime) and expires_at.tzinfo is None
        return expires_at.replace(tzinfo=timezone(timedelta(hours=2))) if naive else expires_at


@sabotage(
    caught_by="test_an_expiry_is_an_instant",
    source="Redis: EXPIREAT takes whole seconds",
)
class ExpiresInWholeSeconds(Keeping):
    """Cuts an expiry to seconds."""

    def kept(self, memory):
        return replace(memory, expires_at=memory.expires_at and memory.expires_at.replace(microsecond=0))


@sabotage(
    caught_by="test_refuses_impossible_expiries",
    source="Python: float('inf') for never, which many APIs take",
)
class InfinityIsNever(Told):
    """Takes a number that is not finite for no expiry."""

    def told(self, expires_at):
        return None if isinstance(expires_at, float) and not math.isfinite(expires_at) else expires_at


@sabotage(
    caught_by="test_refuses_impossible_expiries",
    source="mem0.md: expiration_date, a string such as 2199-05-01",
)
class StringsAreMoments(Told):
    """Reads a string as a moment."""

    def told(self, expires_at):
        return datetime.fromisoformat(expires_at) if isinstance(expires_at, str) else expires_at


@sabotage(
    caught_by="test_memories_expire_whatever_becomes_of_others",
    source="writing an in-memory backend: a count of what expires that is set where it should be lowered",
)
class CountsWhatExpiresAnew(InMemoryMemoryStore):
    """Takes the number of expiring memories among those deleted for the number of those left."""

    def _delete(self, ids):
        gone = super()._delete(ids)
        self._expiring = 0
        return gone
