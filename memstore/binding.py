"""A store that sees one scope only: what an agent's model may be given to call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self, TypeVar

from haystack import logging
from haystack.core.serialization import default_to_dict
from haystack.dataclasses import ChatMessage

from memstore.arguments import Patch, checked_messages, checked_metadata, given_filters
from memstore.closing import Closing
from memstore.errors import (
    EventNotFoundError,
    MemoryNotFoundError,
    RegistryError,
    ScopeError,
    StoreClosedError,
    UnsupportedError,
)
from memstore.export import from_lines, to_lines, within
from memstore.filters import field, parse, serialize
from memstore.memory import AddedMemory, Memory, MemoryPage, Scope, check_memory_id
from memstore.registry import store_from_dict
from memstore.store import BareMemoryStore, Filters, known_ids
from memstore.supports import TextSink
from memstore.twins import Operation, Primitive, async_twin, drive, drive_async, sync_method

logger = logging.getLogger(__name__)

T = TypeVar("T")


def bind(
    store: BareMemoryStore,
    *,
    user_id: str | None = None,
    run_id: str | None = None,
    agent_id: str | None = None,
    app_id: str | None = None,
) -> BoundMemoryStore:
    """`store` as seen from one scope; works over anything that follows the bare protocol.

    The law: it is indistinguishable from a store that holds only the memories of its scope. No
    filter, id, metadata key or keyword reaches past it. Binding a bound store narrows it. What
    shows is that ids are unique in the whole store: adding under an id (``ids=``) that another scope
    has taken is a `MemoryConflictError`. And a filter at the bounds of depth or size has no room left
    for the scope: it is a `FilterError`. Deleting and changing by id first look whose the memory is: who
    lets callers choose ids must not let one pass from one scope to another while it is deleted.

    Raises:
        ScopeError: no id, an impossible one, one that the store's methods do not name, or another value
            for an id that is bound already.
    """
    if isinstance(store, BoundMemoryStore):
        store._check_usable()
    return BoundMemoryStore(store, user_id=user_id, run_id=run_id, agent_id=agent_id, app_id=app_id)


class BoundMemoryStore(Closing):
    """What `bind` returns: a `MemoryStore`, sync and async, over the memories of one scope.

    It has every optional method; where the store underneath has not, calling one raises
    `UnsupportedError`.
    """

    def __init__(
        self,
        store: BareMemoryStore,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> None:
        scope = Scope(user_id, run_id, agent_id, app_id)
        if not scope:
            raise ScopeError("binding needs at least one of user_id, run_id, agent_id and app_id")
        outer = store if isinstance(store, BoundMemoryStore) else None
        self._store: BareMemoryStore = outer._store if outer else store
        self._known: frozenset[str] = outer._known if outer else known_ids(store)
        self._check_known(scope)
        self._scope: Scope = outer._scope.narrowed(scope) if outer else scope
        self._warned_of_ignored_ids = False
        self._closed = False
        self._owns_store = False

    @property
    def scope(self) -> Scope:
        """The ids that are bound."""
        return self._scope

    @property
    def capabilities(self) -> frozenset[str]:
        """What the store underneath offers."""
        return getattr(self._store, "capabilities", frozenset())

    def bound(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> BoundMemoryStore:
        """The same store, narrowed by further ids; see `bind`."""
        return bind(self, user_id=user_id, run_id=run_id, agent_id=agent_id, app_id=app_id)

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
        """See `MemoryStore.add_memories`; the bound ids are set."""
        scope = self._narrowed(Scope(user_id, run_id, agent_id, app_id))
        # A store that follows the bare protocol may let metadata move a memory to another scope, or an
        # id overwrite another scope's memory. Copies are handed on, so that what was checked is what is stored.
        given: dict[str, Any] = {"messages": checked_messages(messages), "infer": infer, "async_mode": async_mode}
        if metadata is not None:
            given["metadata"] = checked_metadata(metadata, "metadata")
        if timestamp is not None:
            self._require("timestamp")
            given["timestamp"] = timestamp
        if ids is not None:
            self._require("client_ids")
            given["ids"] = list(ids) if isinstance(ids, list | tuple) else ids
        if expires_at is not None:
            self._require("expiration")
            given["expires_at"] = expires_at
        return _call("add_memories", **given, **scope.ids)

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
        """See `MemoryStore.search_memories`, within the scope."""
        target = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return _call(
            "search_memories", query=query, top_k=top_k, include_memory_metadata=include_memory_metadata, **target
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
        """See `MemoryStore.search_memories_as_single_message`, within the scope."""
        target = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return _call("search_memories_as_single_message", query=query, top_k=top_k, **target)

    @sync_method
    def delete_all_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[None]:
        """Delete every memory of the scope, or of the ids given within it."""
        scope = self._narrowed(Scope(user_id, run_id, agent_id, app_id))
        return _call("delete_all_memories", **scope.ids)

    @sync_method
    def delete_memory(self, memory_id: str) -> Operation[None]:
        """Delete a memory of the scope; to it, others do not exist."""
        return self._on_own_memory("delete_memory", memory_id)

    # Optional methods.

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
        """See `SupportsList.list_memories`, within the scope."""
        target = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return _call("list_memories", limit=limit, cursor=cursor, **target)

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
        """See `SupportsCount.count_memories`, within the scope."""
        return _call("count_memories", **self._target(filters, Scope(user_id, run_id, agent_id, app_id)))

    @sync_method
    def wait(self, event_ids: Sequence[str], *, timeout: float | None = None) -> Operation[list[AddedMemory]]:
        """See `SupportsWait.wait`; an event whose memories belong to other scopes does not exist."""
        return self._waiting(event_ids, timeout)

    @sync_method
    def update_memory(
        self,
        memory_id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> Operation[Memory]:
        """See `SupportsUpdate.update_memory`; to it, memories of other scopes do not exist."""
        self._method("update_memory")
        patch = Patch(text, metadata, expected_version)  # before the memory is looked for, as in any store
        return self._on_own_memory(
            "update_memory", memory_id, text=text, metadata=patch.metadata, expected_version=expected_version
        )

    @sync_method
    def memory_history(self, memory_id: str) -> Operation[list[Memory]]:
        """See `SupportsHistory.memory_history`; to it, memories of other scopes do not exist."""
        return self._on_own_memory("memory_history", memory_id)

    @sync_method
    def purge_expired_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> Operation[int]:
        """See `SupportsExpiration.purge_expired_memories`, within the scope."""
        scope = self._narrowed(Scope(user_id, run_id, agent_id, app_id))
        return _call("purge_expired_memories", **scope.ids)

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
        """See `SupportsExport.export_memories`; without any id or filter, the scope is written."""
        target = self._target(filters, Scope(user_id, run_id, agent_id, app_id))
        return _call("export_memories", file=file, **target)

    @sync_method
    def import_memories(self, lines: Iterable[str]) -> Operation[int]:
        """See `SupportsExport.import_memories`; a memory outside of the scope is refused."""
        # What is handed on is written anew, so that what was checked is what the store reads.
        return _call("import_memories", lines=to_lines(within(from_lines(lines), self._scope)))

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

    # Configuration.

    def to_dict(self) -> dict[str, Any]:
        """The store's configuration and the scope."""
        return default_to_dict(self, store=self._store.to_dict(), **self._scope.ids)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Open the store and bind it again; closing it then closes the store too.

        Raises:
            RegistryError: there is no store, or its type is neither installed nor allowed.
            ScopeError: there is no scope: nothing is ever bound to everything.
        """
        parameters = dict(data.get("init_parameters") or {})
        if not isinstance(parameters.get("store"), dict):
            raise RegistryError("a serialised bound store has the store it is bound to under 'store'")
        bound = cls(store_from_dict(parameters.pop("store")), **parameters)
        bound._owns_store = True
        return bound

    # Lifecycle.

    def warm_up(self) -> None:
        """Warm up the store underneath, where it can be."""
        self._check_usable()
        if warm_up := getattr(self._store, "warm_up", None):
            warm_up()

    def close(self) -> None:
        """Close this view. The store underneath is its opener's to close; safe to repeat."""
        if not self._closed:
            self._closed = True
            if self._owns_store and (close := getattr(self._store, "close", None)):
                close()

    async def close_async(self) -> None:
        """See `close`."""
        close = getattr(self._store, "close_async", None)
        if close is None:
            await asyncio.to_thread(self.close)
        elif not self._closed:
            self._closed = True
            if self._owns_store:
                await close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(self._scope.ids)} in {type(self._store).__name__}>"

    # Running operations on the store underneath.

    def _run(self, name: str, operation: Operation[T]) -> T:
        return drive(operation, self._call)

    def _drives_async(self) -> bool:
        return True

    async def _run_async(self, name: str, operation: Operation[T]) -> T:
        return await drive_async(operation, self._call_async)

    def _call(self, primitive: Primitive) -> Any:
        return self._method(primitive.name)(**primitive.arguments[0])

    async def _call_async(self, primitive: Primitive) -> Any:
        native = getattr(self._store, f"{primitive.name}_async", None)
        if native is not None:
            return await native(**primitive.arguments[0])
        return await asyncio.to_thread(self._call, primitive)

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities:
            raise UnsupportedError(capability, type(self._store).__name__)

    def _method(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self._store, name, None)
        capability = _CAPABILITY_OF.get(name)
        if method is None:
            raise UnsupportedError(capability or name, type(self._store).__name__)
        if capability is not None and hasattr(self._store, "capabilities"):
            self._require(capability)
        return method

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreClosedError(type(self).__name__)

    def _narrowed(self, scope: Scope) -> Scope:
        self._check_known(scope)
        return self._scope.narrowed(scope)

    def _check_known(self, scope: Scope) -> None:
        """Refuse an id that the store may ignore: what it is bound to would be everybody's."""
        if unknown := sorted(scope.ids.keys() - self._known):
            raise ScopeError(f"{type(self._store).__name__} has no parameter {unknown[0]}, so it cannot be kept to one")

    def _target(self, filters: Filters | None, scope: Scope) -> dict[str, Any]:
        """The arguments that keep a read inside: ids, or a filter with the scope outside of the caller's."""
        narrowed = self._narrowed(scope)
        if (given := given_filters(filters)) is None:
            return dict(narrowed.ids)
        if scope and not self._warned_of_ignored_ids:
            self._warned_of_ignored_ids = True
            logger.warning("filters were given, so the ids beside them are ignored, other than those that are bound")
        return {"filters": serialize(self._scope.filter & parse(given))}

    def _on_own_memory(self, method: str, memory_id: object, **arguments: Any) -> Operation[Any]:
        """Call a method on a memory if it is of this scope.

        It stays so, as a memory's ids never change; unless it is deleted in between, and somebody else adds
        another under the same id.
        """
        known = check_memory_id(memory_id)
        self._method(method)
        own = serialize(self._scope.filter & (field("id") == known))
        if not (yield from _call("search_memories", filters=own)):
            raise MemoryNotFoundError(known)
        return (yield from _call(method, memory_id=known, **arguments))

    def _waiting(self, event_ids: Sequence[str], timeout: float | None) -> Operation[list[AddedMemory]]:
        added: list[AddedMemory] = yield from _call("wait", event_ids=event_ids, timeout=timeout)
        ids = {entry["memory_id"] for entry in added}
        if ids:
            own = serialize(self._scope.filter & field("id").is_in(list(ids)))
            if len((yield from _call("search_memories", filters=own))) < len(ids):
                raise EventNotFoundError
        return added


_CAPABILITY_OF: Final = {
    "list_memories": "list",
    "count_memories": "count",
    "update_memory": "update",
    "memory_history": "history",
    "purge_expired_memories": "expiration",
    "export_memories": "export",
    "import_memories": "export",
}


def _call(method: str, **arguments: Any) -> Operation[Any]:
    """One call of the store underneath."""
    return (yield Primitive(method, (arguments,)))
