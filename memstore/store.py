"""The protocols: what an agent may call on any memory store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from inspect import signature
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from haystack.dataclasses import ChatMessage

from memstore.filters import Filter
from memstore.memory import SCOPE_FIELDS, AddedMemory

Filters: TypeAlias = Mapping[str, Any] | Filter
"""A filter as callers give it: Haystack's dictionary, or a node of `memstore.filters`."""


@runtime_checkable
class MemoryStore(Protocol):
    """Long-term memory for agents: add, search and delete memories within a scope.

    A scope is one or more of four ids. Several ids narrow: a memory matches when every id given
    equals its own. An id is a non-empty string without surrounding blanks, and not ``"*"``.
    """

    def to_dict(self) -> dict[str, Any]:
        """The store's configuration, without memories and secrets, as Haystack serialises components."""
        ...

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """A store configured as `to_dict` wrote it."""
        ...

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
        timestamp: datetime | float | None = None,
        ids: Sequence[str] | None = None,
        expires_at: datetime | float | None = None,
    ) -> list[AddedMemory]:
        """Add messages as memories, all or none of them.

        Args:
            messages: what to remember; messages without text are skipped.
            infer: let the store's language model extract facts. A store without one, and any store
                with False, keeps each message word for word. A store that needs one configured
                first refuses until it is.
            user_id: with the other ids, whom the memories belong to; at least one is required.
            run_id: the run or session.
            agent_id: the agent.
            app_id: the application.
            async_mode: return at once; what is pending has an ``event_id`` for `wait`.
            metadata: JSON kept with every memory of the batch. Where the store promises
                ``message_metadata``, a message's own ``meta`` is kept too and wins a clash.
            timestamp: when it was said, a datetime (a naive one is UTC) or Unix seconds; it becomes
                ``created_at``. Capability ``timestamp``.
            ids: one id per message, only with ``infer=False``. Adding again with the same ids,
                scope and content returns the entries that exist. Capability ``client_ids``.
            expires_at: from when on nothing finds the memories any more, a datetime (a naive one is
                UTC) or Unix seconds. Capability ``expiration``.

        Returns:
            One entry per memory stored, in the messages' order.

        Raises:
            ScopeError: no id, an impossible one, or metadata named like an id.
            InvalidMemoryError: a text, time, id or metadata value that no store can keep.
            MemoryConflictError: an id of `ids` is taken by another memory; nothing was added.
            MemoryStoreError: the store failed; nothing was added.
        """
        ...

    def search_memories(
        self,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        include_memory_metadata: bool = False,
    ) -> list[ChatMessage]:
        """Find memories by meaning, by filter or by both.

        Args:
            query: what to look for. Without one (None, empty or blank) **all** memories in scope
                are returned, oldest first, and `top_k` does not apply.
            filters: which memories to consider. When given (and not empty) the ids are ignored:
                name them in the filter, or use `memstore.bind`, which filters cannot reach past.
            top_k: how many results at most, for a query; at least 1.
            user_id: with the other ids, whose memories; at least one is required without filters.
            run_id: the run or session.
            agent_id: the agent.
            app_id: the application.
            include_memory_metadata: add ``meta["memory_metadata"]`` with ``memory_id``, ``score``
                and the memory's own fields.

        Returns:
            System messages, best first. Their ``meta`` is the user's metadata.

        Raises:
            ScopeError: neither an id nor a filter, or an impossible id.
            FilterError: a malformed filter; the message names the place.
            MemoryStoreError: the store failed. A failure is never an empty result.
        """
        ...

    def search_memories_as_single_message(
        self,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> ChatMessage:
        """What `search_memories` finds, as one system message with a line for each memory.

        Lines read ``- MEMORY #1: ...``, and further lines of a text are indented; the message is
        empty when nothing was found.
        """
        ...

    def delete_all_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> None:
        """Delete every memory in scope; when it returns they are gone from every read.

        Raises:
            ScopeError: no id, or an impossible one.
        """
        ...

    def delete_memory(self, memory_id: str) -> None:
        """Delete one memory.

        Raises:
            MemoryNotFoundError: there is none with this id.
        """
        ...


@runtime_checkable
class AsyncMemoryStore(Protocol):
    """The same for an event loop: every method of `MemoryStore`, awaited."""

    async def add_memories_async(
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
        timestamp: datetime | float | None = None,
        ids: Sequence[str] | None = None,
        expires_at: datetime | float | None = None,
    ) -> list[AddedMemory]:
        """See `MemoryStore.add_memories`."""
        ...

    async def search_memories_async(
        self,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        include_memory_metadata: bool = False,
    ) -> list[ChatMessage]:
        """See `MemoryStore.search_memories`."""
        ...

    async def search_memories_as_single_message_async(
        self,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> ChatMessage:
        """See `MemoryStore.search_memories_as_single_message`."""
        ...

    async def delete_all_memories_async(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> None:
        """See `MemoryStore.delete_all_memories`."""
        ...

    async def delete_memory_async(self, memory_id: str) -> None:
        """See `MemoryStore.delete_memory`."""
        ...


class BareMemoryStore(Protocol):
    """Anything with the required methods, however its author typed them; what `bind` takes."""

    def to_dict(self) -> dict[str, Any]:
        """See `MemoryStore.to_dict`."""
        ...

    def add_memories(self, *args: Any, **kwargs: Any) -> Any:
        """See `MemoryStore.add_memories`."""
        ...

    def search_memories(self, *args: Any, **kwargs: Any) -> Any:
        """See `MemoryStore.search_memories`."""
        ...

    def search_memories_as_single_message(self, *args: Any, **kwargs: Any) -> Any:
        """See `MemoryStore.search_memories_as_single_message`."""
        ...

    def delete_all_memories(self, *args: Any, **kwargs: Any) -> Any:
        """See `MemoryStore.delete_all_memories`."""
        ...

    def delete_memory(self, *args: Any, **kwargs: Any) -> Any:
        """See `MemoryStore.delete_memory`."""
        ...


def known_ids(store: BareMemoryStore) -> frozenset[str]:
    """The ids that a store can be kept to.

    One that tells its capabilities takes all four, as the protocol has it. Of another, each method that
    names some of the ids must name it: what only ``**kwargs`` takes may be ignored.
    """
    if hasattr(store, "capabilities"):
        return frozenset(SCOPE_FIELDS)
    methods = (getattr(store, name, None) for name in ("add_memories", "search_memories", "delete_all_memories"))
    named = [signature(method).parameters.keys() & set(SCOPE_FIELDS) for method in methods if callable(method)]
    return frozenset(SCOPE_FIELDS).intersection(*filter(None, named))


@runtime_checkable
class SupportsCapabilities(Protocol):
    """A store that says what it offers."""

    @property
    def capabilities(self) -> frozenset[str]:
        """Names from `memstore.capabilities.CAPABILITIES`."""
        ...


@runtime_checkable
class SupportsLifecycle(Protocol):
    """A store that is opened and closed, by hand or by ``with`` and ``async with``."""

    def warm_up(self) -> None:
        """Do now what would make the first call slow; safe to repeat."""
        ...

    def close(self) -> None:
        """Release what the store holds; safe to repeat. Other calls then raise `StoreClosedError`."""
        ...

    async def close_async(self) -> None:
        """See `close`."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...


@runtime_checkable
class OpenedMemoryStore(MemoryStore, AsyncMemoryStore, SupportsCapabilities, SupportsLifecycle, Protocol):
    """What `open_store` returns; ask ``isinstance(store, SupportsList)`` and so on for the rest."""
