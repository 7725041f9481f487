"""A memory store in one JSON file, as docs/writing-a-backend.md writes it."""

import json
import os
import threading
from pathlib import Path
from typing import Any

from haystack.core.serialization import default_to_dict

from memstore import BASE_CAPABILITIES, BaseMemoryStore, Memory, MemoryConflictError, Position
from memstore.filters import Filter


class JSONFileMemoryStore(BaseMemoryStore):
    """Memories in one JSON file, for one process at a time."""

    capabilities = BASE_CAPABILITIES | {"durable"}

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._lock = Path(path), threading.Lock()

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, path=str(self._path))

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        with self._lock:
            stored = self._read()
            if taken := [memory.id for memory in memories if memory.id in stored]:
                raise MemoryConflictError(taken[0])
            self._write(stored | {memory.id: memory for memory in memories})
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        with self._lock:
            memories = sorted(self._read().values(), key=lambda memory: memory.position)
        return [memory for memory in memories if after is None or memory.position > after][:limit]

    def _delete(self, ids: list[str]) -> list[str]:
        with self._lock:
            stored = self._read()
            deleted = [memory_id for memory_id in ids if stored.pop(memory_id, None)]
            self._write(stored)
        return deleted

    def _read(self) -> dict[str, Memory]:
        records = json.loads(self._path.read_text()) if self._path.exists() else []
        return {record["id"]: Memory.from_dict(record) for record in records}

    def _write(self, stored: dict[str, Memory]) -> None:
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump([memory.to_dict() for memory in stored.values()], file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
