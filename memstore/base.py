"""The base class of stores: a backend writes primitives on records and is a whole `MemoryStore`."""

from __future__ import annotations

import asyncio
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import SplitResult

from haystack import logging
from haystack.core.serialization import default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage
from haystack.tracing.tracer import Span, tracer

from memstore import operations
from memstore.arguments import Addition, given_filters, target
from memstore.binding import BoundMemoryStore, bind
from memstore.capabilities import capabilities
from memstore.errors import MemoryStoreError, RegistryError, StoreClosedError, UnsupportedError
from memstore.filters import Filter, FilterSupport
from memstore.memory import AddedMemory, Memory, MemoryPage, Position, Scope, check_memory_id
from memstore.store import Filters
from memstore.twins import Operation, Primitive, async_twin, drive, drive_async, sync_method

logger = logging.getLogger(__name__)

BASE_CAPABILITIES: Final = capabilities(
    {
        "list",
        "count",
        "client_ids",
        "wait",
        "timestamp",
        "message_metadata",
        "scoped_ranking",
        "read_after_write",
    }
)
"""What every store built on `BaseMemoryStore` offers once its three primitives work."""

Ranked: TypeAlias = tuple[list[tuple[Memory, float]], bool]
"""What `_rank` returns: hits, best first, and whether nothing more matches."""

T = TypeVar("T")


class BaseMemoryStore(ABC):
    """Turns three primitives on records into the whole protocol, sync and async.

    A backend implements `_insert`, `_select` and `_delete`, and says what it offers in
    `capabilities` and which filters it evaluates in `filter_support`. Whatever a primitive raises
    that is no `MemoryStoreError` reaches the caller as one, with the cause chained.
    docs/writing-a-backend.md writes a store this way.
    """

    capabilities: frozenset[str] = BASE_CAPABILITIES
    """Names from `memstore.capabilities.CAPABILITIES`; an instance may have its own."""

    filter_support: FilterSupport = FilterSupport.nothing()
    """Which filters `_select` and `_rank` evaluate; they never get others."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if isinstance(claimed := vars(cls).get("capabilities"), Iterable):
            cls.capabilities = capabilities(claimed)

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        """Start a store.

        Args:
            clock: what time it is, in UTC; the system's clock unless given.
        """
        self._clock = clock or _utc_now
        self._closed = False
        self._closing = threading.Lock()
        self._process = os.getpid()
        self._warned_of_ignored_ids = False

    # Primitives.

    @abstractmethod
    def _insert(self, memories: list[Memory]) -> list[Memory]:
        """Store all of `memories` or, on failure, none; return them as stored, in the same order.

        The store may assign ids of its own.

        Raises:
            MemoryConflictError: an id exists already.
        """

    @abstractmethod
    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        """The first `limit` memories that match, by (created_at, id), from after a position on."""

    @abstractmethod
    def _delete(self, ids: list[str]) -> Collection[str]:
        """Delete the memories with these ids; return the ids of those that were there."""

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked | None:
        """The `limit` best matches by an engine of the store's own.

        Returns:
            Hits with scores (finite, higher is better), best first, and whether there are no more.
            Fewer than `limit` with False means that the engine's ceiling is reached. None: the
            store has no engine, and `memstore.ranking` ranks what `_select` returns.
        """
        return None

    def _warm_up(self) -> None:
        """Load models, open connections: what would make the first call slow."""

    def _close(self) -> None:
        """Release what the store holds; called once."""

    # Native async twins; used where `native_async` is claimed.

    async def _insert_async(self, memories: list[Memory]) -> list[Memory]:
        raise NotImplementedError

    async def _select_async(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        raise NotImplementedError

    async def _delete_async(self, ids: list[str]) -> Collection[str]:
        raise NotImplementedError

    async def _rank_async(self, query: str, filter: Filter, limit: int) -> Ranked | None:
        return None

    async def _close_async(self) -> None:
        await asyncio.to_thread(self._close)

    # The protocol.

    @sync_method
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
    ) -> Operation[list[AddedMemory]]:
        """See `MemoryStore.add_memories`. Messages are kept word for word, and are there on return."""
        if timestamp is not None:
            self._require("timestamp")
        if ids is not None:
            self._require("client_ids")
            if infer:
                raise ValueError("ids: they need infer=False, because inferred memories have no message each")
        scope = Scope(user_id, run_id, agent_id, app_id)
        addition = Addition(messages, scope, metadata, timestamp, ids)
        return operations.add(self.filter_support, addition, self._clock())

    @sync_method
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
    ) -> Operation[list[ChatMessage]]:
        """See `MemoryStore.search_memories`."""
        wanted = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return operations.search(
            self.filter_support, query, wanted, top_k, include_memory_metadata=include_memory_metadata
        )

    @sync_method
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
    ) -> Operation[ChatMessage]:
        """See `MemoryStore.search_memories_as_single_message`."""
        wanted = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return operations.search_as_single_message(self.filter_support, query, wanted, top_k)

    @sync_method
    def delete_all_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[None]:
        """See `MemoryStore.delete_all_memories`."""
        wanted = target(None, Scope(user_id, run_id, agent_id, app_id))
        return operations.delete_all(self.filter_support, wanted)

    @sync_method
    def delete_memory(self, memory_id: str) -> Operation[None]:
        """See `MemoryStore.delete_memory`."""
        return operations.delete(check_memory_id(memory_id))

    # Operations beyond the required ones.

    @sync_method
    def list_memories(
        self,
        *,
        filters: Filters | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Operation[MemoryPage]:
        """See `SupportsList.list_memories`."""
        self._require("list")
        wanted = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return operations.list_page(self.filter_support, wanted, limit, cursor)

    @sync_method
    def count_memories(
        self,
        *,
        filters: Filters | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[int]:
        """See `SupportsCount.count_memories`."""
        self._require("count")
        wanted = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return operations.count(self.filter_support, wanted)

    @sync_method
    def wait(self, event_ids: Sequence[str], *, timeout: float | None = None) -> Operation[list[AddedMemory]]:
        """See `SupportsWait.wait`. Nothing is ever pending here: adding returns when memories are there."""
        self._require("wait")
        return operations.wait(event_ids)

    @sync_method
    def update_memory(
        self,
        memory_id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> Operation[Memory]:
        """See `SupportsUpdate.update_memory`."""
        raise UnsupportedError("update", type(self).__name__)

    @sync_method
    def memory_history(self, memory_id: str) -> Operation[list[Memory]]:
        """See `SupportsHistory.memory_history`."""
        raise UnsupportedError("history", type(self).__name__)

    add_memories_async = async_twin(add_memories)
    search_memories_async = async_twin(search_memories)
    search_memories_as_single_message_async = async_twin(search_memories_as_single_message)
    delete_all_memories_async = async_twin(delete_all_memories)
    delete_memory_async = async_twin(delete_memory)
    list_memories_async = async_twin(list_memories)
    count_memories_async = async_twin(count_memories)
    wait_async = async_twin(wait)
    update_memory_async = async_twin(update_memory)
    memory_history_async = async_twin(memory_history)

    def bound(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> BoundMemoryStore:
        """This store as seen from one scope; see `memstore.bind`."""
        self._check_usable()
        return bind(self, user_id=user_id, run_id=run_id, agent_id=agent_id, app_id=app_id)

    # Configuration.

    def to_dict(self) -> dict[str, Any]:
        """Serialise the configuration. A store with parameters overrides this and names them."""
        return default_to_dict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """A store configured as `to_dict` wrote it."""
        return default_from_dict(cls, data)

    @classmethod
    def from_url(cls, url: SplitResult) -> Self:
        """A store from the URL that `open_store` was given; a store with parameters overrides this.

        Raises:
            RegistryError: the URL says something that this store does not understand.
        """
        if url.netloc or url.path or url.query or url.fragment:
            raise RegistryError(f"{cls.__name__} takes no location and no options: write '{url.scheme}://'")
        return cls()

    # Lifecycle.

    def warm_up(self) -> None:
        """Do now what would make the first call slow; safe to repeat."""
        self._check_usable()
        self._warm_up()

    def close(self) -> None:
        """Release what the store holds; safe to repeat. Other calls then raise `StoreClosedError`."""
        if self._closes_now():
            self._close()

    async def close_async(self) -> None:
        """See `close`."""
        if self._closes_now():
            await self._close_async()

    def _closes_now(self) -> bool:
        """Mark the store closed; True for the one caller that has to release it."""
        with self._closing:
            first, self._closed = not self._closed, True
        return first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close_async()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' (closed)' if self._closed else ''}>"

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Self], tuple[dict[str, Any]]]:
        """Pickling takes the configuration: another process opens the store anew."""
        if "durable" not in self.capabilities:
            raise TypeError(f"{type(self).__name__} keeps its memories in this process: a pickled copy would have none")
        return type(self).from_dict, (self.to_dict(),)

    # Running operations.

    def _run(self, name: str, operation: Operation[T]) -> T:
        with self._traced(name) as span:
            try:
                result = drive(operation, self._call)
            except Exception as error:  # noqa: BLE001  # raised below
                failure = self._failed(span, error)
            else:
                return self._done(name, span, result)
        raise failure

    async def _run_async(self, name: str, operation: Operation[T]) -> T:
        with self._traced(name) as span:
            try:
                result = await drive_async(operation, self._call_async)
            except Exception as error:  # noqa: BLE001  # raised below
                failure = self._failed(span, error)
            else:
                return self._done(name, span, result)
        raise failure

    def _drives_async(self) -> bool:
        return "native_async" in self.capabilities

    def _call(self, primitive: Primitive) -> Any:
        self._check_usable()  # closed in the middle, a listing must not end as if it were complete
        try:
            return getattr(self, f"_{primitive.name}")(*primitive.arguments)
        except MemoryStoreError:
            raise
        except Exception as error:
            raise self._failure(primitive.name, error) from error

    async def _call_async(self, primitive: Primitive) -> Any:
        self._check_usable()
        try:
            return await getattr(self, f"_{primitive.name}_async")(*primitive.arguments)
        except MemoryStoreError:
            raise
        except Exception as error:
            raise self._failure(primitive.name, error) from error

    def _failure(self, primitive: str, error: Exception) -> MemoryStoreError:
        # The cause may quote texts or secrets, so only its type is repeated.
        return MemoryStoreError(f"{type(self).__name__} could not {primitive} memories: {type(error).__name__}")

    def _traced(self, name: str) -> AbstractContextManager[Span]:
        tags = {"memstore.store": type(self).__name__, "memstore.operation": name}
        return tracer.trace(f"memstore.{name}", tags=tags)

    def _done(self, name: str, span: Span, result: T) -> T:
        """Trace and log how many memories an operation was about. Never their texts, nor queries or ids."""
        results = len(result) if isinstance(result, list) else None
        if results is not None:
            span.set_tag("memstore.results", results)
        logger.debug(
            "{store}.{operation} done, results: {results}", store=type(self).__name__, operation=name, results=results
        )
        return result

    def _failed(self, span: Span, error: Exception) -> Exception:
        """Trace what kind of error it was. It is raised outside of the span, since tracers write down causes."""
        span.set_tag("memstore.error", type(error).__name__)
        return error

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreClosedError(type(self).__name__)
        if os.getpid() != self._process:
            raise MemoryStoreError(
                f"this {type(self).__name__} was opened before the process forked; open one in the child"
            )

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities:
            raise UnsupportedError(capability, type(self).__name__)

    def _target(self, filters: Filters | None, scope: Scope) -> Filter:
        if scope and given_filters(filters) is not None and not self._warned_of_ignored_ids:
            self._warned_of_ignored_ids = True
            logger.warning("filters were given, so the ids beside them are ignored; memstore.bind keeps to a scope")
        return target(filters, scope)


def _utc_now() -> datetime:
    return datetime.now(UTC)
