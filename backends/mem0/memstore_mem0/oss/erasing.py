"""Erasing: what is deleted is gone from Mem0's history database, entities and files too.

Mem0 keeps every text that was ever added in its history, the last messages of every conversation, and
names of things that occur in memories. SQLite overwrites what it deletes only when it is told to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from memstore import Memory
from memstore_mem0.oss.checking import scope_key
from memstore_mem0.oss.payload import point_id
from memstore_mem0.oss.rows import unwrapped
from memstore_mem0.oss.support import Engine

_ALL = 1_000_000_000


class Eraser:
    """Deletes traces of memories in one `mem0.Memory`. Not safe between threads."""

    def __init__(self, memory: Any, engine: Engine, entities: str) -> None:
        """`entities` is the name of the collection in which Mem0 keeps what memories speak of."""
        self._memory = memory
        self._engine = engine
        self._entities = entities
        memory.db.connection.execute("PRAGMA secure_delete = ON")

    def forget_texts(self, memories: Sequence[Memory]) -> None:
        """Take texts and names out of the history; that something was added and deleted stays there."""
        connection: sqlite3.Connection = self._memory.db.connection
        rows = [(point_id(memory.id),) for memory in memories]
        said_in = {(scope_key(memory.scope.ids),) for memory in memories}
        with connection:
            connection.executemany(
                "UPDATE history SET old_memory = NULL, new_memory = NULL, actor_id = NULL WHERE memory_id = ?", rows
            )
            connection.executemany("DELETE FROM messages WHERE session_scope = ?", said_in)

    def note_deletion(self, memories: Sequence[Memory]) -> None:
        """Write into the history that memories were deleted, as Mem0 does, but for the text."""
        now = datetime.now(UTC).isoformat()
        self._memory.db.batch_add_history(
            [
                {
                    "memory_id": point_id(memory.id),
                    "event": "DELETE",
                    "created_at": memory.created_at.isoformat(),
                    "updated_at": now,
                    "is_deleted": 1,
                    "role": memory.role,
                }
                for memory in memories
            ]
        )

    def forget_history(self, memories: Sequence[Memory]) -> None:
        """Take memories out of the history, as if they never had been added."""
        with self._memory.db.connection as connection:
            connection.executemany("DELETE FROM history WHERE memory_id = ?", [(point_id(m.id),) for m in memories])

    def forget_conversations(self, ids: Mapping[str, str]) -> None:
        """Take out of the history what was said under these ids, whatever came of it."""
        connection: sqlite3.Connection = self._memory.db.connection
        keys = [key for (key,) in connection.execute("SELECT DISTINCT session_scope FROM messages")]
        with connection:
            connection.executemany(
                "DELETE FROM messages WHERE session_scope = ?",
                [(key,) for key in keys if ids.items() <= _ids_of(key).items()],
            )

    def unlink(self, row_ids: Collection[str]) -> None:
        """Take memories out of the entities, and those entities that no other memory speaks of."""
        if not self._engine.has_collection(self._memory.vector_store, self._entities):
            return
        gone = set(row_ids)
        entities = self._memory.entity_store
        for row in unwrapped(entities.list(filters=None, top_k=_ALL)):
            payload = row.payload or {}
            linked = payload.get("linked_memory_ids")
            if not isinstance(linked, list) or not gone.intersection(linked):
                continue
            if rest := [row_id for row_id in linked if row_id not in gone]:
                entities.update(vector_id=row.id, vector=None, payload={**payload, "linked_memory_ids": rest})
            else:
                entities.delete(vector_id=row.id)


@contextmanager
def batched(databases: Sequence[sqlite3.Connection], rows: int, *, erasing: bool = False) -> Iterator[None]:
    """Let many rows be written at the price of one.

    Embedded Qdrant commits, and waits for the disk several times, for every row. With a write-ahead
    log it waits once for a row and need not for many: a crash would lose the latest rows, but never
    harm others. At the end of the block everything is on the disk and, where something is to be
    erased, the log is empty.
    """
    logged = [database for database in databases if _mode(database, "WAL") == "wal"]
    for database in logged:
        database.execute("PRAGMA secure_delete = ON")
        database.execute(f"PRAGMA synchronous = {'FULL' if rows == 1 else 'NORMAL'}")
    try:
        yield
    finally:
        for database in logged if erasing or rows > 1 else ():
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def leave_as_found(databases: Sequence[sqlite3.Connection]) -> None:
    """Give the files back in the mode that Mem0 and Qdrant make them in.

    A history that another store has open too stays as it is; the last one to close it gives it back.
    """
    for database in databases:
        database.execute("PRAGMA busy_timeout = 0")
        try:
            _mode(database, "DELETE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise


def databases_of(memory: Any) -> list[sqlite3.Connection]:
    """The SQLite databases of a `mem0.Memory`: its history, and an embedded Qdrant's."""
    return [memory.db.connection, *embedded_databases(memory.vector_store)]


def _mode(database: sqlite3.Connection, mode: str) -> str:
    (actual,) = database.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    return str(actual)


def embedded_databases(vector_store: Any) -> Iterable[sqlite3.Connection]:
    """The SQLite databases of an embedded Qdrant; none of any other vector store.

    Qdrant's client has no public way to them, so each step is looked for; where a version has them
    elsewhere, `tests/backends/mem0_oss/test_erasing.py` says so.
    """
    local = getattr(getattr(vector_store, "client", None), "_client", None)
    collections = getattr(local, "collections", None)
    for collection in collections.values() if isinstance(collections, dict) else ():
        connection = getattr(getattr(collection, "storage", None), "storage", None)
        if isinstance(connection, sqlite3.Connection):
            yield connection


def _ids_of(key: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in key.split("&"))
    return {name: unquote(value) for name, _, value in pairs}
