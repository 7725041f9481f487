"""The stores that the contract is shown to accept, and that sabotaged ones are made of."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.sqlite_store import SQLiteReference

from memstore.testing import ManualClock, StoreContract
from memstore_in_memory import InMemoryMemoryStore


class InMemoryReference(StoreContract):
    """The in-memory store, with a clock that tests advance."""

    store_type: Any = InMemoryMemoryStore
    claims = InMemoryMemoryStore.capabilities

    @contextmanager
    def new_store(self) -> Iterator[Any]:
        self.clock = ManualClock()
        with self.store_type(clock=self.clock) as store:
            yield store

    def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)


class DurableReference(StoreContract):
    """A store in SQLite, in a folder of its own for each test."""

    store_type: Any = SQLiteReference
    claims = SQLiteReference.capabilities

    @contextmanager
    def new_store(self) -> Iterator[Any]:
        self.clock = ManualClock()
        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder)
            with self.store_type(str(self.folder / "memories.db"), clock=self.clock) as store:
                yield store

    def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def raw_dump(self) -> bytes:
        return b"\n".join(path.read_bytes() for path in sorted(self.folder.iterdir()))


class AwaitableStore(InMemoryMemoryStore):
    """The in-memory store with awaitable primitives, each done at once."""

    capabilities = InMemoryMemoryStore.capabilities | {"native_async"}

    async def _insert_async(self, memories: Any) -> Any:
        return self._insert(memories)

    async def _select_async(self, filter: Any, after: Any, limit: int) -> Any:
        return self._select(filter, after, limit)

    async def _delete_async(self, ids: list[str]) -> Collection[str]:
        return self._delete(ids)

    async def _rank_async(self, query: str, filter: Any, limit: int) -> Any:
        return self._rank(query, filter, limit)

    async def _replace_async(self, memory: Any, expected_version: int) -> bool:
        return self._replace(memory, expected_version)

    async def _history_async(self, memory_id: str) -> Any:
        return self._history(memory_id)


class AwaitableReference(InMemoryReference):
    """A store that never holds a thread."""

    store_type = AwaitableStore
    claims = AwaitableStore.capabilities


class OwnIdsStore(InMemoryMemoryStore):
    """The in-memory store as services are that make ids themselves, in no order."""

    capabilities = InMemoryMemoryStore.capabilities - {"client_ids", "export"}

    def _insert(self, memories: Any) -> Any:
        return super()._insert([replace(memory, id=str(uuid.uuid4())) for memory in memories])


class OwnIdsReference(InMemoryReference):
    """A store whose memories of one moment come in no order."""

    store_type = OwnIdsStore
    claims = OwnIdsStore.capabilities


class OwnIdsDurableStore(SQLiteReference):
    """The durable store with ids of its own, in no order."""

    capabilities = SQLiteReference.capabilities - {"client_ids", "export"}

    def _insert(self, memories: Any) -> Any:
        return super()._insert([replace(memory, id=str(uuid.uuid4())) for memory in memories])


class OwnIdsDurableReference(DurableReference):
    """A durable store whose memories of one moment come in no order."""

    store_type = OwnIdsDurableStore
    claims = OwnIdsDurableStore.capabilities
