"""Erasing: what is deleted is gone from Mem0's history database, entities and files too.

Mem0 keeps every text that was ever added in its history, the last messages of every conversation, and
names of things that occur in memories. SQLite overwrites what it deletes only when it is told to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
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
        said_in = {(scope_key(memory.ids),) for memory in memories}
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
                [(key,) for key in keys if ids.items() <= _ids_in(key).items()],
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


def _ids_in(key: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in key.split("&"))
    return {name: unquote(value) for name, _, value in pairs}
