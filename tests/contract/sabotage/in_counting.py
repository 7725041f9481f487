"""Bugs in how many memories there are said to be."""

from __future__ import annotations

from collections import Counter

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage

from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_a_count_is_what_a_search_finds",
    source="writing a SQL backend: count(DISTINCT text), because a join repeats rows",
)
class CountsDifferentTexts(InMemoryMemoryStore):
    """Counts how many different texts there are."""

    def count_memories(self, **arguments):
        return len({message.text for message in self.search_memories(**arguments)})


@sabotage(
    caught_by="test_a_count_is_what_a_search_finds",
    source="SQLite: json_extract() makes 1 of true, and only the count is left to it",
)
class CountsTrueAsOne(Engine):
    """Counts true where a filter says 1."""

    counting = False

    def count_memories(self, **arguments):
        self.counting = True
        try:
            return super().count_memories(**arguments)
        finally:
            self.counting = False

    def equal(self, found, value):
        return found == value if self.counting else super().equal(found, value)


@sabotage(
    caught_by="test_a_count_is_what_a_search_finds",
    source="mem0ai/mem0#3773: what several ids mean",
)
class CountsByTheFirstId(InMemoryMemoryStore):
    """Counts what has the first of the ids given."""

    def count_memories(self, *, filters=None, **ids):
        return super().count_memories(filters=filters, **dict([*ids.items()][:1]))


@sabotage(
    caught_by="test_a_count_of_nothing_is_zero",
    source="SQL: sum() of no rows is NULL",
)
class NothingIsNone(InMemoryMemoryStore):
    """Returns None where there is nothing to count."""

    def count_memories(self, **arguments):
        return super().count_memories(**arguments) or None


@sabotage(
    caught_by="test_a_count_of_nothing_is_zero",
    source="Redis: INCR in adding, and no DECR in deleting",
)
class CountNeverFalls(InMemoryMemoryStore):
    """Counts how many memories of a user were ever added."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.added = Counter()

    def _insert(self, memories):
        self.added.update(memory.user_id for memory in memories)
        return super()._insert(memories)

    def count_memories(self, *, filters=None, **ids):
        return (
            self.added[ids["user_id"]] if ids.keys() == {"user_id"} else super().count_memories(filters=filters, **ids)
        )


@sabotage(
    caught_by="test_a_count_goes_past_every_page_size",
    source="OpenSearch: hits.total ends at 10,000 unless track_total_hits is set; here it is a page of 1,000",
)
class CountsAPage(InMemoryMemoryStore):
    """Counts the memories of the first page."""

    def count_memories(self, **arguments):
        return len(self.list_memories(**arguments, limit=1000).memories)


@sabotage(
    caught_by="test_counting_needs_an_id_or_a_filter",
    source="Chroma: count() is of the whole collection",
)
class CountsEverybody(InMemoryMemoryStore):
    """Counts everybody's memories where no id is given."""

    def count_memories(self, *, filters=None, **ids):
        return super().count_memories(filters=filters, **ids) if filters is not None or ids else len(self._memories)


@sabotage(
    caught_by="test_counting_needs_an_id_or_a_filter",
    source="needs.md: an empty-string id dropping the scope",
)
class EmptyIdCountsEverybody(InMemoryMemoryStore):
    """Drops an id that is empty, and with it the scope of a count."""

    def count_memories(self, *, filters=None, **ids):
        given = {name: value for name, value in ids.items() if value}
        if ids and not given:
            return len(self._memories)
        return super().count_memories(filters=filters, **given)
