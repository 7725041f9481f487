"""The stores that are compared, each filled with the same sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from haystack import Document
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from langgraph.store.memory import InMemoryStore

from memstore_in_memory import InMemoryMemoryStore

HAYSTACK: Final = "Haystack InMemoryDocumentStore"
LANGGRAPH: Final = "LangGraph InMemoryStore"

Batch: TypeAlias = tuple[dict[str, Any], list[ChatMessage]]
"""The messages of one session, and the ids they are added under."""


def fill_memstore(batches: Iterable[Batch], store: InMemoryMemoryStore | None = None) -> InMemoryMemoryStore:
    """Our store with these sessions, or a given one with them added."""
    store = store or InMemoryMemoryStore()
    for ids, messages in batches:
        store.add_memories(messages=messages, infer=False, **ids)
    return store


def fill_haystack(batches: Iterable[Batch]) -> InMemoryDocumentStore:
    """Haystack's store: a document for each message, its ids in the metadata."""
    store = InMemoryDocumentStore(shared=False)
    for ids, messages in batches:
        store.write_documents([Document(content=message.text, meta={**message.meta, **ids}) for message in messages])
    return store


def fill_langgraph(batches: Iterable[Batch], new_key: Callable[[], str]) -> InMemoryStore:
    """LangGraph's store: an item for each message, in the namespace of its user."""
    store = InMemoryStore()
    for ids, messages in batches:
        namespace = (ids["user_id"],)
        other = {name: value for name, value in ids.items() if name != "user_id"}
        for message in messages:
            store.put(namespace, new_key(), {"text": message.text, **message.meta, **other})
    return store
