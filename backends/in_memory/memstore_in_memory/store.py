"""The in-memory store: what a memory store must do, in the fewest words.

Everything a caller sees (the methods, their checks, filters, bound views, async twins) is made by
`BaseMemoryStore` of the primitives below: insert, select and delete; replace and history, for
memories that change; and rank, which answers queries from an index instead of reading everything.
Each takes the lock, does its work on the records of one scope and is done, so that no reader ever
sees half of a write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice

from memstore import BASE_CAPABILITIES, BaseMemoryStore, Memory, MemoryConflictError, Position
from memstore.filters import TRUE, And, Comparison, Field, Filter, FilterSupport, In, Not, Operator, compile_filter
from memstore.filters.fields import EXPIRES_AT
from memstore.memory import pinned_ids
from memstore.primitives import Ranked
from memstore_in_memory.scopes import Scopes, View, count_expiring


class InMemoryMemoryStore(BaseMemoryStore):
    """Memories in this process, gone with it; safe to share between threads. URL: ``memory://``."""

    capabilities = BASE_CAPABILITIES | {"update", "history", "erasure"}
    filter_support = FilterSupport.everything()

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        """Start empty.

        Args:
            clock: what time it is, in UTC; the system's clock unless given.
        """
        super().__init__(clock=clock)
        self._lock = threading.Lock()
        self._memories: dict[str, Memory] = {}
        self._earlier: dict[str, list[Memory]] = {}
        self._scopes = Scopes(self._memories)
        self._expiring = 0

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        """All or nothing: ids are looked at before the first record is kept."""
        with self._lock:
            for memory in memories:
                if memory.id in self._memories:
                    raise MemoryConflictError(memory.id)
            self._memories.update((memory.id, memory) for memory in memories)
            self._scopes.add(memories)
            self._expiring += count_expiring(memories)
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        """Listing order is (created_at, id): the same in every store, whatever order records came in."""
        with self._lock:
            return list(islice(_matching(*self._candidates(filter, after)), limit))

    def _delete(self, ids: list[str]) -> list[str]:
        """Gone from every read at once: from the records, their earlier states, the scopes and their indexes."""
        with self._lock:
            gone = [memory for memory_id in ids if (memory := self._memories.pop(memory_id, None)) is not None]
            for memory in gone:
                self._earlier.pop(memory.id, None)
            self._scopes.remove(gone)
            self._expiring -= count_expiring(gone)
        return [memory.id for memory in gone]

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        """Compare and swap: of two writers who read the same version, the second is told to look again."""
        with self._lock:
            old = self._memories.get(memory.id)
            if old is None or old.version != expected_version:
                return False
            self._memories[memory.id] = memory
            self._earlier.setdefault(memory.id, []).append(old)
            self._scopes.remove([old])
            self._scopes.add([memory])
        return True

    def _history(self, memory_id: str) -> list[Memory]:
        """Every state is a record of its own; none is ever changed."""
        with self._lock:
            present = self._memories.get(memory_id)
            return [] if present is None else [*self._earlier.get(memory_id, ()), present]

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked:
        """Statistics come from the memories that match and no others."""
        with self._lock:
            ids, rest = pinned_ids(filter)
            view = self._scopes.view(ids)
            rest = _telling(rest, view)
            hits = view.index.rank(query, limit, None if rest == TRUE else compile_filter(rest))
        return hits, len(hits) < limit

    def _may_hold_expiring(self) -> bool:
        return self._expiring > 0

    def _close(self) -> None:
        with self._lock:
            self._memories.clear()
            self._earlier.clear()
            self._scopes = Scopes(self._memories)
            self._expiring = 0

    def _candidates(self, filter: Filter, after: Position | None) -> tuple[Iterable[Memory], Filter]:
        """Records among which all matches are, in listing order, and the filter that is left to evaluate."""
        ids, rest = pinned_ids(filter)
        for part in rest.children if isinstance(rest, And) else (rest,):
            match part:
                case Comparison(Field(("id",)), Operator.EQ, str(memory_id)):
                    return self._known([memory_id], after), _without(part, filter)
                case In(Field(("id",)), memory_ids):
                    return self._known(memory_ids, after), _without(part, filter)
        view = self._scopes.view(ids)
        return view.after(after), _telling(rest, view)

    def _known(self, ids: Iterable[object], after: Position | None) -> list[Memory]:
        known = [self._memories[memory_id] for memory_id in ids if memory_id in self._memories]
        return sorted((m for m in known if after is None or m.position > after), key=lambda memory: memory.position)


def _matching(memories: Iterable[Memory], condition: Filter) -> Iterable[Memory]:
    return memories if condition == TRUE else filter(compile_filter(condition), memories)


def _telling(condition: Filter, view: View) -> Filter:
    """Less what holds for all of a view: another scope's memory that expires costs this one nothing."""
    if view.expiring or condition == TRUE:
        return condition
    parts = condition.children if isinstance(condition, And) else (condition,)
    rest = tuple(part for part in parts if not _has_not_expired(part))
    return rest[0] if len(rest) == 1 else And(rest)


def _has_not_expired(condition: Filter) -> bool:
    match condition:
        case Not(Comparison(field, Operator.LE)) if field == EXPIRES_AT:
            return True
    return False


def _without(part: Filter, filter: Filter) -> Filter:
    return And(tuple(child for child in filter.children if child is not part)) if isinstance(filter, And) else TRUE
