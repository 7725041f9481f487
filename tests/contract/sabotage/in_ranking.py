"""Bugs in what a ranking depends on."""

from __future__ import annotations

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage

from memstore.filters import TRUE
from memstore.memory import Scope, pinned_ids
from memstore.ranking import rank


class Among(Engine):
    """Ranks among `among`, whose statistics it takes, and keeps what matches."""

    def among(self, filter):
        return self._matching(filter)

    def _rank(self, query, filter, limit):
        known = self.among(filter)
        return [hit for hit in rank(query, known, len(known)) if self.holds(filter, hit[0])][:limit], True


@sabotage(
    caught_by="test_foreign_memories_change_neither_order_nor_scores",
    source="SQLite: bm25() of FTS5 counts in the whole table",
)
class StatisticsOfEverybody(Among):
    """Takes the statistics of all memories of the store."""

    def among(self, filter):
        return self._matching(TRUE)


@sabotage(
    caught_by="test_what_a_filter_leaves_out_changes_no_score",
    source="OpenSearch: a filter takes no part in scoring, so idf is the index's",
)
class StatisticsOfTheScope(Among):
    """Takes the statistics of a scope before its memories are filtered."""

    def among(self, filter):
        ids, _ = pinned_ids(filter)
        return self._matching(Scope(**ids).filter)


@sabotage(
    caught_by="test_deleted_memories_leave_no_trace_in_scores",
    source="Lucene: a deleted document counts until its segment is merged",
)
class StatisticsOfTheDeleted(Among):
    """Takes the statistics of deleted memories too."""

    def among(self, filter):
        return [*self._matching(filter), *self.__dict__.get("deleted", ())]

    def _delete(self, ids):
        self.__dict__.setdefault("deleted", []).extend(self._memories[memory_id] for memory_id in ids)
        return super()._delete(ids)

    def holds(self, filter, memory):
        return memory.id in self._memories and super().holds(filter, memory)
