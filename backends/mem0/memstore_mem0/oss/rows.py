"""The rows of a vector store as memories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from memstore import Memory, MemoryConflictError
from memstore.errors import MemoryStoreError
from memstore.filters import TRUE, And, Comparison, Field, Filter, In, Operator, compile_filter, split_filter
from memstore_mem0.memories import Mem0Memory
from memstore_mem0.oss.filters import to_oss
from memstore_mem0.oss.payload import from_payload, point_id, to_payload
from memstore_mem0.oss.support import Engine

_ALL: Final = 1_000_000_000
_ID: Final = Field(("id",))


class Rows:
    """Reads and writes memories, in Mem0's layout, of one vector store. Not safe between threads."""

    def __init__(self, vector_store: Any, engine: Engine, lemmatize: Callable[[str], str]) -> None:
        """`vector_store` is a `mem0.Memory`'s, and `lemmatize` what it makes keywords with."""
        self._vector_store = vector_store
        self._engine = engine
        self._lemmatize = lemmatize

    def by_id(self, memory_ids: Iterable[str]) -> dict[str, Mem0Memory]:
        """The memories with these ids that are there."""
        found = {}
        for memory_id in memory_ids:
            row = self._vector_store.get(point_id(memory_id))
            memory = None if row is None else from_payload(str(row.id), row.payload or {})
            if memory is not None and memory.id == memory_id:
                found[memory_id] = memory
        return found

    def matching(self, filter: Filter) -> list[Mem0Memory]:
        """Every memory that matches, in no order."""
        ids = _ids_in(filter)
        candidates = self._listed(self.pushed(filter)) if ids is None else self.by_id(dict.fromkeys(ids)).values()
        keep = compile_filter(filter)
        return [memory for memory in candidates if keep(memory)]

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows(None))

    def pushed(self, filter: Filter) -> dict[str, Any] | None:
        """What of a filter the vector store is asked for: a value for each key; None for every row."""
        native = split_filter(filter, self._engine.pushed).native
        if native == TRUE:
            return None
        first: dict[Field, Filter] = {}
        for part in native.children if isinstance(native, And) else (native,):
            if isinstance(part, Comparison):
                first.setdefault(part.field, part)  # an object has a key once, and what is returned is looked at again
        return to_oss(And(tuple(first.values())))

    def insert(self, memories: Sequence[Memory], vectors: Sequence[list[float]]) -> None:
        """Write new rows, all or none.

        Raises:
            MemoryConflictError: a row with an id is there.
        """
        ids = [point_id(memory.id) for memory in memories]
        for memory, row_id in zip(memories, ids, strict=True):
            if self._vector_store.get(row_id) is not None:
                raise MemoryConflictError(memory.id)
        payloads = [self.payload(memory) for memory in memories]
        try:
            self._vector_store.insert(vectors=list(vectors), payloads=payloads, ids=ids)
        except BaseException:
            self.delete(ids)
            raise

    def replace(self, memory: Memory, vector: list[float]) -> None:
        """Write a row anew. With its vector: Qdrant keeps the old payload's keys where it gets none."""
        self._vector_store.update(vector_id=point_id(memory.id), vector=vector, payload=self.payload(memory))

    def delete(self, row_ids: Iterable[str]) -> None:
        """Delete rows by their own ids; those that are not there do not matter."""
        for row_id in row_ids:
            self._vector_store.delete(vector_id=row_id)

    def payload(self, memory: Memory) -> dict[str, Any]:
        """What a memory's row holds beside the vector."""
        return to_payload(memory, self._lemmatize(memory.text))

    def _listed(self, pushed: dict[str, Any] | None) -> Iterable[Mem0Memory]:
        rows = (from_payload(str(row.id), row.payload or {}) for row in self._rows(pushed))
        return (memory for memory in rows if memory is not None)

    def _rows(self, pushed: dict[str, Any] | None) -> Sequence[Any]:
        """Rows as the vector store lists them.

        Raises:
            MemoryStoreError: there may be more than it lists.
        """
        limit = self._engine.lists or _ALL
        rows = unwrapped(self._vector_store.list(filters=pushed, top_k=limit))
        if len(rows) >= limit:
            raise MemoryStoreError(f"this vector store lists no more than {limit:,} memories at once, and has more")
        return rows


def unwrapped(listed: Any) -> Sequence[Any]:
    """What `list` of a vector store returns, which may be rows, or a list or pair that has them first."""
    if isinstance(listed, list | tuple) and listed and isinstance(listed[0], list | tuple):
        return listed[0]
    return listed or ()


def _ids_in(filter: Filter) -> Sequence[str] | None:
    """The ids among which every match has its own, where the filter names them."""
    for part in filter.children if isinstance(filter, And) else (filter,):
        match part:
            case Comparison(field, Operator.EQ, str(memory_id)) if field == _ID:
                return [memory_id]
            case In(field, values) if field == _ID:
                return [value for value in values if isinstance(value, str)]
    return None
