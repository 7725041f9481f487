"""Bugs in pages, and in how many memories there are."""

from __future__ import annotations

import json
from dataclasses import replace

from contract.references import DurableReference
from contract.sabotage.engines import Keeping
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Pager
from contract.sqlite_store import SQLiteReference

from memstore import Memory, MemoryPage
from memstore.filters import TRUE, Or, matches
from memstore.filters.instants import instant_of
from memstore.memory import Scope, pinned_ids


def by_offset(known, limit, cursor):
    """A page of what is known, from so many memories on as the cursor says."""
    start = int(cursor or 0)
    return MemoryPage(known[start : start + limit], str(start + limit) if len(known) > start + limit else None)


@sabotage(
    caught_by="test_pages_hold_every_memory_once",
    source="writing a SQL backend: the cursor is the row that was one too many, and the next page begins behind it",
)
class SkipsOneBetweenPages(Pager):
    """Begins a page behind the memory that it should begin with."""

    def place(self, page, behind):
        return behind[0].position


@sabotage(
    caught_by="test_pages_hold_every_memory_once",
    source="Redis: ZRANGEBYSCORE includes its ends, unless a parenthesis stands before them",
)
class RepeatsOneBetweenPages(Pager):
    """Begins a page with the last memory of the page before."""

    def follows(self, memory, after):
        return memory.position >= after


@sabotage(
    caught_by="test_a_page_keeps_to_its_limit",
    source="writing an HTTP backend: the parameter is page_size, and the server ignores what it does not know",
)
class LimitNotUnderstood(Pager):
    """Lists a hundred memories a page, whatever `limit` is."""

    def list_memories(self, *, limit=100, **arguments):
        return super().list_memories(limit=100, **arguments)


@sabotage(
    caught_by="test_a_page_keeps_to_its_limit",
    source="writing a backend: PAGE_SIZE for the default",
)
class LargePagesByDefault(Pager):
    """Lists a thousand memories a page unless `limit` is given."""

    def list_memories(self, *, limit=1000, **arguments):
        return super().list_memories(limit=limit, **arguments)


@sabotage(
    caught_by="test_the_last_page_has_no_cursor",
    source="writing a SQL backend: a page that is full is taken for one that is not the last",
)
class FullPagesGoOn(Pager):
    """Returns a cursor with every page that is full."""

    def list_memories(self, *, filters=None, limit=100, **arguments):
        page = super().list_memories(filters=filters, limit=limit, **arguments)
        wanted = self.wanted(filters, {name: arguments[name] for name in arguments.keys() - {"cursor"}})
        full = len(page.memories) == limit
        return MemoryPage(page.memories, self.cursor(page.memories[-1].position, wanted)) if full else page


@sabotage(
    caught_by="test_the_last_page_has_no_cursor",
    source="Google's APIs: next_page_token is an empty string at the end",
)
class EndsWithAnEmptyCursor(Pager):
    """Returns an empty cursor with the last page."""

    def list_memories(self, **arguments):
        page = super().list_memories(**arguments)
        return MemoryPage(page.memories, page.cursor or "")


@sabotage(
    caught_by="test_a_listing_goes_past_every_page_size",
    source="mem0ai/mem0#3114: a cap on all memories; OpenSearch has one as well, max_result_window",
)
class EndsAtAThousand(Pager):
    """Ends a listing after a thousand memories."""

    def known(self, wanted):
        return super().known(wanted)[:1000]


@sabotage(
    caught_by="test_a_listing_goes_past_every_page_size",
    source="mem0.md: the platform's pages have 200 memories at most; a shorter one than asked for seems to be the last",
)
class ShortPagesAreTheLast(Pager):
    """Takes a page for the last when it is shorter than asked for, though it cannot be longer."""

    def list_memories(self, *, limit=100, **arguments):
        page = super().list_memories(limit=min(limit, 200), **arguments)
        return page if len(page.memories) == limit else MemoryPage(page.memories)


@sabotage(
    caught_by="test_a_listing_is_oldest_first",
    source="writing a SQL backend: ORDER BY rowid",
)
class ListedAsAdded(Pager):
    """Lists memories in the order in which they were added."""

    def known(self, wanted):
        rows = list(self._memories)
        return sorted(super().known(wanted), key=lambda memory: rows.index(memory.id))

    def follows(self, memory, after):
        rows = list(self._memories)
        return rows.index(memory.id) > rows.index(after[1])


@sabotage(
    caught_by="test_a_listing_is_oldest_first",
    source="MongoDB: a date has milliseconds",
)
class ListedByMilliseconds(Keeping):
    """Keeps a time to the millisecond."""

    def kept(self, memory):
        moment = memory.created_at
        return replace(memory, created_at=moment.replace(microsecond=moment.microsecond // 1000 * 1000))


@sabotage(
    caught_by="test_memories_of_one_moment_are_all_listed",
    source="writing a SQL backend: WHERE created_at > :cursor",
)
class MomentsCutBetweenPages(Pager):
    """Goes on with what is later than the last memory of a page."""

    def follows(self, memory, after):
        return memory.created_at > after[0]


@sabotage(
    caught_by="test_memories_of_one_moment_are_listed_by_id",
    source="SQL: a collation that ignores case, as MySQL's and SQL Server's do unless told",
    reference=DurableReference,
)
class IdsInTheOrderOfACollation(SQLiteReference):
    """Lists memories of one moment by their ids in any case."""

    def _select(self, filter, after, limit):
        said, memory_id = (-(2**63), "") if after is None else (instant_of(after[0]), after[1])
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT record FROM memories WHERE said > ?1 OR said = ?1 AND id COLLATE NOCASE > ?2 "
                "ORDER BY said, id COLLATE NOCASE LIMIT ?3",
                (said, memory_id, limit),
            ).fetchall()
        return [Memory.from_dict(json.loads(record)) for (record,) in rows]


@sabotage(
    caught_by="test_memories_of_one_moment_are_listed_by_id",
    source="writing a SQL backend: ORDER BY created_at, and then as the rows lie",
)
class MomentsAsAdded(Pager):
    """Lists memories of one moment in the order in which they were added."""

    def known(self, wanted):
        return sorted(super().known(wanted), key=self.row)

    def follows(self, memory, after):
        return self.row(memory) > self.row(self._memories[after[1]])

    def row(self, memory):
        return memory.created_at, list(self._memories).index(memory.id)


@sabotage(
    caught_by="test_a_listing_keeps_to_its_scope",
    source="writing an HTTP backend: the URL of the next page has the cursor, and the ids are forgotten",
)
class NextPageOfEverybody(Pager):
    """Goes on, from the second page, with everybody's memories."""

    def rows(self, wanted, after, count):
        return super().rows(wanted if after is None else TRUE, after, count)


@sabotage(
    caught_by="test_a_listing_keeps_to_its_scope",
    source="mem0ai/mem0#5224: what several ids mean",
)
class ListsByAnyId(Pager):
    """Lists what has any of the ids given."""

    def wanted(self, filters, ids):
        return Or(Scope(**ids).filter.children) if len(ids) > 1 else super().wanted(filters, ids)


@sabotage(
    caught_by="test_a_listing_keeps_to_its_filter",
    source="writing a vector backend: a page is scrolled to, and its payloads looked at",
)
class FiltersWhatThePageHolds(Pager):
    """Evaluates a filter on the memories of a page, and ends when they are fewer than it asked for."""

    def rows(self, wanted, after, count):
        ids, _ = pinned_ids(wanted)
        return [memory for memory in super().rows(Scope(**ids).filter, after, count) if matches(wanted, memory)]


@sabotage(
    caught_by="test_a_listing_equals_a_search_without_a_query",
    source="writing an HTTP backend: what people see in an application begins with today",
)
class ListsTheNewestFirst(Pager):
    """Lists the newest memory first."""

    def known(self, wanted):
        return super().known(wanted)[::-1]

    def follows(self, memory, after):
        return memory.position < after


@sabotage(
    caught_by="test_listed_memories_are_complete",
    source="mem0.md: listing calls a memory's run session_id, searching calls it run_id",
)
class RunsUnderAnotherName(Pager):
    """Lists memories without their run, which it looks for under another name."""

    def told(self, memory):
        record = memory.to_dict()
        record["session_id"] = record.pop("run_id")
        return Memory.from_dict({name: record.get(name) for name in Memory.__slots__})


@sabotage(
    caught_by="test_listed_memories_are_complete",
    source="SQLAlchemy: DateTime, without timezone=True",
)
class TimesWithoutAZone(Pager):
    """Lists memories with times that have no zone."""

    def told(self, memory):
        return replace(super().told(memory), created_at=memory.created_at.replace(tzinfo=None))


@sabotage(
    caught_by="test_listed_memories_are_copies",
    source="Python: dataclasses.replace() copies no field",
)
class ListsItsOwnRecords(Pager):
    """Lists records whose metadata is that in the store."""

    def told(self, memory):
        return replace(memory)


@sabotage(
    caught_by="test_adds_between_pages_hide_nothing",
    source="writing an HTTP backend: ?page=2 of a server that lists what is new first",
)
class PagesOfTheNewest(Pager):
    """Lists by an offset from the newest memory."""

    def list_memories(self, *, filters=None, limit=100, cursor=None, **ids):
        return by_offset(self.known(self.wanted(filters, ids))[::-1], limit, cursor)


@sabotage(
    caught_by="test_old_adds_between_pages_repeat_nothing",
    source="writing a SQL backend: OFFSET, while rows are added",
)
class PagesByOffset(Pager):
    """Begins a page after so many memories, of which there may be more by now."""

    def list_memories(self, *, filters=None, limit=100, cursor=None, **ids):
        return by_offset(self.known(self.wanted(filters, ids)), limit, cursor)


@sabotage(
    caught_by="test_deletes_between_pages_hide_nothing",
    source="mem0.md: pages of the platform have numbers",
)
class PagesByNumber(Pager):
    """Numbers pages, and what is deleted moves memories from one to the page before."""

    def list_memories(self, *, filters=None, limit=100, cursor="1", **ids):
        known, number = self.known(self.wanted(filters, ids)), int(cursor)
        page = known[(number - 1) * limit : number * limit]
        return MemoryPage(page, str(number + 1) if len(known) > number * limit else None)


@sabotage(
    caught_by="test_deletes_between_pages_hide_nothing",
    source="Stripe: starting_after names a record, which may be gone",
)
class CursorIsARecord(Pager):
    """Ends a listing when the memory that its cursor names is gone."""

    def rows(self, wanted, after, count):
        return super().rows(wanted, after, count) if after is None or after[1] in self._memories else []
