"""A reference that lasts: memories in SQLite, so that what only a durable store can get wrong has a store to be in.

Small and slow; it keeps whole records and evaluates no filters.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from haystack.core.serialization import default_to_dict

from memstore import BASE_CAPABILITIES, BaseMemoryStore, Memory, MemoryConflictError, Position
from memstore.filters import Filter
from memstore.filters.instants import instant_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS memories (id TEXT PRIMARY KEY, said INTEGER, version INTEGER, record TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS earlier (id TEXT, version INTEGER, record TEXT, PRIMARY KEY (id, version)) WITHOUT ROWID;
"""


class SQLiteReference(BaseMemoryStore):
    """Memories in one SQLite file, for any number of threads and processes."""

    capabilities = BASE_CAPABILITIES | {"update", "history", "durable", "multiprocess", "erasure"}

    def __init__(self, path: str, clock: Any = None) -> None:
        super().__init__(clock=clock)
        self.path = path

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, path=self.path)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        connection.execute("PRAGMA synchronous = OFF")  # outlives the process, not a power cut; tests are quicker
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.executescript(SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        with self._transaction() as connection:
            for memory in memories:
                try:
                    connection.execute("INSERT INTO memories VALUES (?, ?, ?, ?)", _row(memory))
                except sqlite3.IntegrityError:
                    raise MemoryConflictError(memory.id) from None
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        said, memory_id = (-(2**63), "") if after is None else (instant_of(after[0]), after[1])
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT record FROM memories WHERE (said, id) > (?, ?) ORDER BY said, id LIMIT ?",
                (said, memory_id, limit),
            ).fetchall()
        return [Memory.from_dict(json.loads(record)) for (record,) in rows]

    def _delete(self, ids: list[str]) -> list[str]:
        with self._transaction() as connection:
            gone = [i for i in ids if connection.execute("DELETE FROM memories WHERE id = ?", (i,)).rowcount]
            connection.executemany("DELETE FROM earlier WHERE id = ?", [(i,) for i in gone])
        return gone

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        with self._transaction() as connection:
            which = (memory.id, expected_version)
            connection.execute(
                "INSERT INTO earlier SELECT id, version, record FROM memories WHERE id = ? AND version = ?", which
            )
            memory_id, said, version, record = _row(memory)
            done = connection.execute(
                "UPDATE memories SET said = ?, version = ?, record = ? WHERE id = ? AND version = ?",
                (said, version, record, *which),
            )
            return done.rowcount == 1

    def _history(self, memory_id: str) -> list[Memory]:
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT version, record FROM earlier WHERE id = ?1 "
                "UNION SELECT version, record FROM memories WHERE id = ?1 ORDER BY version",
                (memory_id,),
            ).fetchall()
            there = connection.execute("SELECT count(*) FROM memories WHERE id = ?", (memory_id,)).fetchone()[0]
        return [Memory.from_dict(json.loads(record)) for _, record in rows] if there else []


def _row(memory: Memory) -> tuple[str, int, int, str]:
    return (memory.id, instant_of(memory.created_at), memory.version, json.dumps(memory.to_dict()))
