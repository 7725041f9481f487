"""LangGraph's stores behind the memory protocol, by their own put, search and delete."""

from __future__ import annotations

import sqlite3
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from haystack import default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage
from langgraph.store.base import SearchItem
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from memstore import Memory, MemoryNotFoundError, Scope, ScopeError
from memstore.filters import Filter

from .langgraph_filters import translated

DIMENSIONS: Final = 256
PAGE: Final = 100


def hashed_words(texts: Sequence[str]) -> list[list[float]]:
    """Embeddings without a model: how often words fall into each of so many buckets."""
    vectors = [[0.001] * DIMENSIONS for _ in texts]
    for vector, text in zip(vectors, texts, strict=True):
        for word in text.lower().split():
            vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1.0
    return vectors


class LangGraphMemoryStore:
    """A user's memories are a namespace; the other ids and metadata are fields to filter by.

    Args:
        path: of an SQLite file; without one, an `InMemoryStore` is used.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path
        if path is None:
            self.store: Any = InMemoryStore(index={"dims": DIMENSIONS, "embed": hashed_words, "fields": ["text"]})
        else:
            # Without an index, which needs an extension that many builds of Python cannot load.
            self.store = SqliteStore(sqlite3.connect(path, check_same_thread=False, isolation_level=None))
            self.store.setup()

    def to_dict(self) -> dict[str, Any]:
        """The path."""
        return default_to_dict(self, path=self.path)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LangGraphMemoryStore:
        """A store on the same path."""
        return default_from_dict(cls, data)

    def close(self) -> None:
        """Close the SQLite connection."""
        if self.path is not None:
            self.store.conn.close()

    def add_memories(
        self,
        *,
        messages: Sequence[ChatMessage],
        infer: bool = True,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        async_mode: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Put an item for each message with text; there is no model to infer with."""
        scope, added = _scope(user_id, run_id, agent_id, app_id), []
        for message in messages:
            if message.text:
                key = f"{time.time_ns():020}-{uuid.uuid4()}"
                own = {"id": key, "text": message.text, "role": message.role.value, "name": message.name}
                self.store.put(_namespace(scope), key, {**own, **scope.ids, "meta": dict(metadata or {})})
                added.append({"memory_id": key, "memory": message.text})
        return added

    def search_memories(
        self,
        *,
        query: str | None = None,
        filters: Mapping[str, Any] | Filter | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        include_memory_metadata: bool = False,
    ) -> list[ChatMessage]:
        """Search a namespace, or page through it."""
        scope = Scope() if filters else _scope(user_id, run_id, agent_id, app_id)
        where = translated(filters, dotted=self.path is not None) if filters else scope.ids
        if query and query.strip():
            items = self.store.search(_namespace(scope), query=query, filter=where, limit=top_k)
        else:
            items = sorted(self._all(scope, where), key=lambda item: (item.created_at, item.key))
        return [
            _memory(item).to_chat_message(score=item.score, include_memory_metadata=include_memory_metadata)
            for item in items
        ]

    def search_memories_as_single_message(self, **arguments: Any) -> ChatMessage:
        """The same as one message."""
        found = enumerate(self.search_memories(**arguments), start=1)
        return ChatMessage.from_system("\n".join(f"- MEMORY #{number}: {message.text}" for number, message in found))

    def delete_all_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> None:
        """Delete what has these ids."""
        scope = _scope(user_id, run_id, agent_id, app_id)
        for item in self._all(scope, scope.ids):
            self.store.delete(item.namespace, item.key)

    def delete_memory(self, memory_id: str) -> None:
        """Delete one; LangGraph wants its namespace for that."""
        for item in self._all(Scope(), {"id": memory_id}):
            self.store.delete(item.namespace, item.key)
            return
        raise MemoryNotFoundError(memory_id)

    def _all(self, scope: Scope, where: Mapping[str, Any]) -> list[SearchItem]:
        items: list[SearchItem] = []
        while page := self.store.search(_namespace(scope), filter=where, limit=PAGE, offset=len(items)):
            items += page
        return items


def _scope(*ids: str | None) -> Scope:
    scope = Scope(*ids)
    if not scope:
        raise ScopeError("at least one of user_id, run_id, agent_id and app_id is needed")
    return scope


def _namespace(scope: Scope) -> tuple[str, ...]:
    return ("memories", scope.user_id) if scope.user_id else ("memories",)


def _memory(item: SearchItem) -> Memory:
    times = {"created_at": item.created_at, "updated_at": item.updated_at}
    return Memory(**item.value, **{name: moment.replace(tzinfo=UTC) for name, moment in times.items()})


def in_memory() -> LangGraphMemoryStore:
    """An empty `InMemoryStore`."""
    return LangGraphMemoryStore()


@contextmanager
def sqlite() -> Iterator[LangGraphMemoryStore]:
    """A `SqliteStore` on a new file."""
    with tempfile.TemporaryDirectory() as folder:
        store = LangGraphMemoryStore(str(Path(folder, "memories.db")))
        yield store
        store.close()
