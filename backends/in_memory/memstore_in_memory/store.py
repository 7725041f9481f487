"""The in-memory store: what a memory store must do, in the fewest words.

Everything a caller sees (the methods, their checks, filters, bound views, async twins) is made by
`BaseMemoryStore` of the three primitives below: insert, select and delete. A fourth, rank, answers
queries from an index instead of reading everything. Each takes the lock, does its work on the
records of one scope and is done, so that no reader ever sees half of a write.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice

from memstore import BASE_CAPABILITIES, BaseMemoryStore, Memory, MemoryConflictError, Position
from memstore.base import Ranked
from memstore.filters import TRUE, Comparison, Field, Filter, FilterSupport, In, Operator, compile_filter
from memstore.memory import pinned_ids
from memstore_in_memory.scopes import Scopes


class InMemoryMemoryStore(BaseMemoryStore):
    """Memories in this process, gone with it; safe to share between threads. URL: ``memory://``."""

    capabilities = BASE_CAPABILITIES
    filter_support = FilterSupport.everything()

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._memories: dict[str, Memory] = {}
        self._scopes = Scopes(self._memories)

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        """All or nothing: ids are looked at before the first record is kept."""
        with self._lock:
            for memory in memories:
                if memory.id in self._memories:
                    raise MemoryConflictError(memory.id)
            self._memories.update((memory.id, memory) for memory in memories)
            self._scopes.add(memories)
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        """Listing order is (created_at, id): the same in every store, whatever order records came in."""
        with self._lock:
            candidates, rest = self._candidates(filter, after)
            keep = compile_filter(rest)
            return list(islice((memory for memory in candidates if keep(memory)), limit))

    def _delete(self, ids: list[str]) -> list[str]:
        """Gone from every read at once: from the records, the scopes and their indexes."""
        with self._lock:
            gone = [memory for memory_id in ids if (memory := self._memories.pop(memory_id, None)) is not None]
            self._scopes.remove(gone)
        return [memory.id for memory in gone]

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked:
        """Statistics come from the memories that match and no others."""
        with self._lock:
            ids, rest = pinned_ids(filter)
            index = self._scopes.view(ids).index
            hits = index.rank(query, limit, None if rest == TRUE else compile_filter(rest))
        return hits, True

    def _close(self) -> None:
        with self._lock:
            self._memories.clear()
            self._scopes = Scopes(self._memories)

    def _candidates(self, filter: Filter, after: Position | None) -> tuple[Iterable[Memory], Filter]:
        """Records among which all matches are, in listing order, and the filter that is left to evaluate."""
        ids, rest = pinned_ids(filter)
        match rest:
            case Comparison(Field(("id",)), Operator.EQ, str(memory_id)):
                return self._known([memory_id], after), filter
            case In(Field(("id",)), memory_ids):
                return self._known(memory_ids, after), filter
        return self._scopes.view(ids).after(after), rest

    def _known(self, ids: Iterable[object], after: Position | None) -> list[Memory]:
        known = [memory for memory_id in ids if (memory := self._memories.get(str(memory_id))) is not None]
        return sorted((m for m in known if after is None or m.position > after), key=lambda memory: memory.position)
