"""Vector stores as Mem0 has them, filled with rows that tell filters apart."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backends.mem0_oss.contracts import IN_MEMORY
from backends.mem0_oss.postgres import pgvector_config

from memstore import Memory
from memstore.filters import Filter, matches
from memstore_mem0.oss.filters import to_oss
from memstore_mem0.oss.library import open_library
from memstore_mem0.oss.payload import from_payload, to_payload
from memstore_mem0.oss.rows import unwrapped

NOW = datetime(2024, 5, 1, tzinfo=UTC)
VALUES = ["tea", "Tea", "tea ", "te", "5", "*", "2024-05-01", "2024-05-01T00:00:00Z", "", 5, 5.0, 0, True, None]
DEEP = [["tea"], [5], {"tea": "tea"}]


def memories() -> list[Memory]:
    """One for each value, as metadata and as each id where it can be one, and one that has nothing."""
    records: list[dict[str, Any]] = [{"user_id": "maya", "meta": {"topic": value}} for value in [*VALUES, *DEEP]]
    for name in ("user_id", "run_id", "agent_id", "app_id"):
        records += [{name: value} for value in ("tea", "Tea", "5", "2024-05-01", "Maya Lind", "日本")]
    records.append({"user_id": "maya", "run_id": "tea", "meta": {"topic": "tea", "other": "tea"}})
    return [Memory(str(uuid.uuid4()), f"note {n}", **r, created_at=NOW, updated_at=NOW) for n, r in enumerate(records)]


def foreign(provider: str) -> list[dict[str, Any]]:
    """Payloads as plain Mem0 may have written them; Chroma takes no null, and Mem0 no list, there."""
    values = [value for value in VALUES if value is not None] if provider == "chroma" else [*VALUES, *DEEP]
    return [{"data": "foreign", "user_id": "noor", "topic": value} for value in values]


class Filled:
    """A vector store with rows in it, and the memories that they are."""

    def __init__(self, provider: str, vector_store: Any) -> None:
        self.vector_store = vector_store
        rows = [(memory.id, to_payload(memory, memory.text)) for memory in memories()]
        rows += [(str(uuid.uuid4()), payload) for payload in foreign(provider)]
        vectors = [[1.0 + n, *[1.0] * 255] for n in range(len(rows))]
        vector_store.insert(vectors=vectors, payloads=[payload for _, payload in rows], ids=[row for row, _ in rows])
        self.memories = [memory for row in rows if (memory := from_payload(*row))]

    def wanted(self, filter: Filter) -> set[str]:
        return {memory.id for memory in self.memories if matches(filter, memory)}

    def listed(self, filter: Filter) -> set[str]:
        return {str(row.id) for row in unwrapped(self.vector_store.list(filters=to_oss(filter), top_k=1000))}

    def searched(self, filter: Filter, top_k: int) -> set[str]:
        found = self.vector_store.search(query="", vectors=[1.0] * 256, top_k=top_k, filters=to_oss(filter))
        return {str(row.id) for row in found}

    def verdict(self, filter: Filter) -> str:
        """How what is listed compares with what matches."""
        try:
            listed = self.listed(filter)
        except Exception:
            return "raises"
        missed, extra = self.wanted(filter) - listed, listed - self.wanted(filter)
        return " and ".join([*(["misses"] if missed else []), *(["returns too much"] if extra else [])]) or "exact"


@contextmanager
def filled(provider: str) -> Iterator[Filled]:
    section = pgvector_config() if provider == "pgvector" else {"provider": provider}
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        library = open_library({"vector_store": section}, Path(folder))
        try:
            yield Filled(provider, library.vector_store)
        finally:
            library.close()
