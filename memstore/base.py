"""The base class of stores: a backend writes primitives on records and is a whole `MemoryStore`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self
from urllib.parse import SplitResult

from haystack import logging
from haystack.core.serialization import default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage

from memstore import operations
from memstore.arguments import Addition, Patch, given_filters, target
from memstore.binding import BoundMemoryStore, bind
from memstore.capabilities import capabilities
from memstore.closing import Closing
from memstore.errors import RegistryError
from memstore.filters import TRUE, Filter, FilterSupport, Not
from memstore.memory import AddedMemory, Memory, MemoryPage, Scope, check_memory_id
from memstore.operations import PAGE_SIZE, Reading
from memstore.primitives import Primitives
from memstore.running import OperationRunner
from memstore.store import Filters
from memstore.supports import TextSink
from memstore.twins import Operation, async_twin, sync_method

logger = logging.getLogger(__name__)

BASE_CAPABILITIES: Final = capabilities(
    {
        "async",
        "lifecycle",
        "expiration",
        "export",
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


class BaseMemoryStore(Primitives, OperationRunner, Closing):
    """Turns three primitives on records into the whole protocol, sync and async.

    A backend implements `_insert`, `_select` and `_delete`, and what it can of the optional ones. It
    says what it offers in `capabilities`, and which filters it evaluates in `filter_support`.
    Whatever a primitive raises that is no `MemoryStoreError` reaches the caller as one, with the
    cause chained.
    docs/writing-a-backend.md writes a store this way.
    """

    capabilities: frozenset[str] = BASE_CAPABILITIES
    """Names from `memstore.capabilities.CAPABILITIES`; an instance may have its own."""

    filter_support: FilterSupport = FilterSupport.nothing()
    """Which filters `_select` and `_rank` evaluate; they never get others."""

    page_size: int = PAGE_SIZE
    """How many memories `_select` is asked for at a time. Higher where an engine must read all to find the first."""

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
        expires_at: datetime | float | None = None,
    ) -> Operation[list[AddedMemory]]:
        """See `MemoryStore.add_memories`. A store with a model of its own implements `_infer`."""
        if timestamp is not None:
            self._require("timestamp")
        if ids is not None:
            self._require("client_ids")
            if infer:
                raise ValueError("ids: they need infer=False, because inferred memories have no message each")
        if expires_at is not None:
            self._require("expiration")
        scope = Scope(user_id, run_id, agent_id, app_id)
        addition = Addition(messages, scope, metadata, timestamp, ids, expires_at)
        return operations.add(self.filter_support, addition, self._clock(), infer=infer, background=async_mode)

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
        return operations.search(self._reading(wanted), query, top_k, include_memory_metadata=include_memory_metadata)

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
        return operations.search_as_single_message(self._reading(wanted), query, top_k)

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
        scope = Scope(user_id, run_id, agent_id, app_id)
        wanted = Reading(self.filter_support, target(None, scope), page_size=self.page_size)
        return operations.delete_all(wanted, scope)

    @sync_method
    def delete_memory(self, memory_id: str) -> Operation[None]:
        """See `MemoryStore.delete_memory`."""
        return operations.delete(self._reading(TRUE), check_memory_id(memory_id))

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
        return operations.list_page(self._reading(wanted), limit, cursor)

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
        return operations.count(self._reading(wanted))

    @sync_method
    def wait(self, event_ids: Sequence[str], *, timeout: float | None = None) -> Operation[list[AddedMemory]]:
        """See `SupportsWait.wait`."""
        self._require("wait")
        return operations.wait(event_ids, timeout)

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
        self._require("update")
        patch = Patch(text, metadata, expected_version)
        return operations.update(partial(self._reading, TRUE), check_memory_id(memory_id), patch, self._clock)

    @sync_method
    def memory_history(self, memory_id: str) -> Operation[list[Memory]]:
        """See `SupportsHistory.memory_history`."""
        self._require("history")
        return operations.history(self._reading(TRUE), check_memory_id(memory_id))

    @sync_method
    def purge_expired_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[int]:
        """See `SupportsExpiration.purge_expired_memories`."""
        self._require("expiration")
        wanted = Scope(user_id, run_id, agent_id, app_id).filter
        expired = operations.expired(self._clock())
        return operations.purge(Reading(self.filter_support, wanted, expired, self.page_size))

    @sync_method
    def export_memories(
        self,
        file: TextSink,
        *,
        filters: Filters | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[int]:
        """See `SupportsExport.export_memories`."""
        self._require("export")
        scope = Scope(user_id, run_id, agent_id, app_id)
        everything = not scope and given_filters(filters) is None
        return operations.export(self._reading(TRUE if everything else self._target(filters, scope)), file)

    @sync_method
    def import_memories(self, lines: Iterable[str]) -> Operation[int]:
        """See `SupportsExport.import_memories`."""
        self._require("export")
        return operations.import_lines(self.filter_support, lines, self._require)

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
    purge_expired_memories_async = async_twin(purge_expired_memories)
    export_memories_async = async_twin(export_memories)
    import_memories_async = async_twin(import_memories)

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
        """Mark the store closed; True for the one caller that has to release it.

        What a forked child holds is its parent's, and so may be the locks: it releases nothing.
        """
        self._check_started()
        if os.getpid() != self._process:
            self._closed = True
            return False
        with self._closing:
            first, self._closed = not self._closed, True
        return first

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' (closed)' if self._closed else ''}>"

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Self], tuple[dict[str, Any]]]:
        """Pickling takes the configuration: another process opens the store anew."""
        if "durable" not in self.capabilities:
            raise TypeError(f"{type(self).__name__} keeps its memories in this process: a pickled copy would have none")
        return type(self).from_dict, (self.to_dict(),)

    # What reads find.

    def _target(self, filters: Filters | None, scope: Scope) -> Filter:
        if scope and given_filters(filters) is not None and not self._warned_of_ignored_ids:
            self._warned_of_ignored_ids = True
            logger.warning("filters were given, so the ids beside them are ignored; memstore.bind keeps to a scope")
        return target(filters, scope)

    def _reading(self, wanted: Filter) -> Reading:
        """What a read finds of what it wants: nothing that has expired by now."""
        expiry = Not(operations.expired(self._clock())) if self._may_hold_expiring() else TRUE
        return Reading(self.filter_support, wanted, expiry, self.page_size)


def _utc_now() -> datetime:
    return datetime.now(UTC)
