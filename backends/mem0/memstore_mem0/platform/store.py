"""The memory store over the hosted Mem0 platform."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

from haystack.core.serialization import default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret, deserialize_secrets_inplace

from memstore import AddedMemory, BaseMemoryStore, Memory, operations
from memstore.arguments import Addition, given_filters, target
from memstore.base import BASE_CAPABILITIES
from memstore.errors import RegistryError
from memstore.filters import TRUE, Filter, parse
from memstore.memory import Position, Scope, check_memory_id
from memstore.operations import Reading
from memstore.primitives import Ranked
from memstore.store import Filters
from memstore.twins import Operation, Primitive, async_twin, sync_method
from memstore_mem0.platform import exchanges
from memstore_mem0.platform.asking import Patience
from memstore_mem0.platform.connection import Connection
from memstore_mem0.platform.filters import PLATFORM_SUPPORT, to_platform
from memstore_mem0.platform.options import NO_OPTIONS, Options, with_options

_API_KEY: Final = Secret.from_env_var("MEM0_API_KEY")


class Mem0MemoryStore(BaseMemoryStore):
    """Memories on Mem0's platform, https://mem0.ai, or on a server that speaks its API.

    Nothing is sent before the first call. Keyword arguments beyond the protocol's go to the method of
    Mem0's client: of ``add``, ``search`` or (without a query) ``get_all``, ``delete`` and ``delete_all``.
    docs/backends/mem0.md says what leaves the machine and what differs from other stores.
    """

    # Mem0 makes the ids, ranks by itself and hides memories by days; it has no compare-and-swap.
    capabilities = BASE_CAPABILITIES - {"client_ids", "expiration", "export", "scoped_ranking"} | {
        "durable",
        "multiprocess",
        "native_async",
    }
    filter_support = PLATFORM_SUPPORT
    page_size = 10**9  # every page has to be read to know the oldest memory

    def __init__(
        self,
        *,
        api_key: Secret = _API_KEY,
        host: str | None = None,
        timeout: float = 60.0,
        poll_interval: float = 0.5,
        max_retries: int = 3,
    ) -> None:
        """Configure a store.

        Args:
            api_key: Mem0's API key, from the environment variable ``MEM0_API_KEY`` unless given.
            host: the server's base URL; None is Mem0's own.
            timeout: seconds that one request may take, and that adding and deleting wait for work
                that Mem0 has queued. As with `wait`, a request that is under way then is not cut short.
            poll_interval: seconds between the first two looks at queued work; then it doubles.
            max_retries: how often a request is repeated where that is safe.

        Raises:
            ValueError: a time that is not positive, a negative number of retries, or a host that is no
                base URL.
            TypeError: a key that is no `Secret`.
        """
        super().__init__()
        _check_seconds(timeout, "timeout")
        _check_seconds(poll_interval, "poll_interval")
        _check_retries(max_retries)
        _check_key(api_key)
        _check_host(host)
        self.api_key = api_key
        self.host = host
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.max_retries = max_retries
        self._patience = Patience(timeout, poll_interval, max_retries)
        self._connection = Connection(api_key, host, self._patience)

    # The protocol, with keyword arguments for Mem0's client.

    @sync_method
    def add_memories(
        self,
        /,
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
        **options: Any,
    ) -> Operation[list[AddedMemory]]:
        """See `MemoryStore.add_memories`; Mem0 infers facts, of which only the batch's `metadata` is kept.

        Args:
            messages: see `MemoryStore.add_memories`.
            infer: let Mem0 extract facts; it takes seconds.
            user_id: see `MemoryStore.add_memories`.
            run_id: see there.
            agent_id: see there.
            app_id: see there.
            async_mode: don't wait for facts; `wait` does.
            metadata: see there.
            timestamp: see there.
            ids: not offered: Mem0 makes the ids.
            expires_at: not offered; Mem0 knows days, ``expiration_date="2030-12-31"``.
            **options: go to ``client.add``.
        """
        if ids is not None:
            self._require("client_ids")
        if expires_at is not None:
            self._require("expiration")
        scope = Scope(user_id, run_id, agent_id, app_id)
        addition = Addition(messages, scope, metadata, timestamp)
        operation = operations.add(self.filter_support, addition, self._clock(), infer=infer, background=async_mode)
        return with_options(operation, ("infer", "insert"), options)

    @sync_method
    def search_memories(
        self,
        /,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        include_memory_metadata: bool = False,
        **options: Any,
    ) -> Operation[list[ChatMessage]]:
        """See `MemoryStore.search_memories`; with `include_memory_metadata` also ``mem0_memory_metadata``.

        Args:
            query: see `MemoryStore.search_memories`.
            filters: see there.
            top_k: see there.
            user_id: see there.
            run_id: see there.
            agent_id: see there.
            app_id: see there.
            include_memory_metadata: add the memory's own fields, and Mem0's record of it under
                ``meta["mem0_memory_metadata"]``.
            **options: go to ``client.search`` or, without a query, to ``client.get_all``. What
                they leave out (``threshold=0.3``) is not found in another way.
        """
        reading = self._reading(self._target(filters, Scope(user_id, run_id, agent_id, app_id)))
        found = operations.search(reading, query, top_k, include_memory_metadata=include_memory_metadata)
        return with_options(found, ("rank", "select"), options)

    @sync_method
    def search_memories_as_single_message(
        self,
        /,
        *,
        query: str | None = None,
        filters: Filters | None = None,
        top_k: int = 5,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        **options: Any,
    ) -> Operation[ChatMessage]:
        """See `MemoryStore.search_memories_as_single_message`; `options` as in `search_memories`."""
        reading = self._reading(self._target(filters, Scope(user_id, run_id, agent_id, app_id)))
        return with_options(operations.search_as_single_message(reading, query, top_k), ("rank", "select"), options)

    @sync_method
    def delete_all_memories(
        self,
        /,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
        **options: Any,
    ) -> Operation[None]:
        """See `MemoryStore.delete_all_memories`. With `options`, only what ``client.delete_all`` deletes then."""
        scope = Scope(user_id, run_id, agent_id, app_id)
        wanted = Reading(self.filter_support, target(None, scope), page_size=self.page_size)
        operation = _delete_all_by_mem0(scope) if options else operations.delete_all(wanted, scope)
        return with_options(operation, ("delete_all",), options)

    @sync_method
    def delete_memory(self, /, memory_id: str, **options: Any) -> Operation[None]:
        """See `MemoryStore.delete_memory`; `options` go to ``client.delete``."""
        operation = operations.delete(self._reading(TRUE), check_memory_id(memory_id))
        return with_options(operation, ("delete",), options)

    add_memories_async = async_twin(add_memories)  # type: ignore[arg-type]  # more keywords than the base's
    search_memories_async = async_twin(search_memories)  # type: ignore[arg-type]  # more keywords than the base's
    search_memories_as_single_message_async = async_twin(search_memories_as_single_message)  # type: ignore[arg-type]  # more keywords than the base's
    delete_all_memories_async = async_twin(delete_all_memories)  # type: ignore[arg-type]  # more keywords than the base's
    delete_memory_async = async_twin(delete_memory)  # type: ignore[arg-type]  # more keywords than the base's

    @staticmethod
    def normalize_filters(filters: Filters) -> dict[str, Any]:
        """A filter in Mem0's dialect, https://docs.mem0.ai/platform/features/v2-memory-filters.

        Raises:
            FilterError: it is malformed, or the dialect cannot say it; the message names the place.
        """
        given = given_filters(filters)
        return to_platform(TRUE if given is None else parse(given))

    # Configuration.

    def to_dict(self) -> dict[str, Any]:
        """The configuration; of the key, where it is read from.

        Raises:
            ValueError: the key was given as a token, which is never written down.
        """
        return default_to_dict(
            self,
            api_key=self.api_key.to_dict(),
            host=self.host,
            timeout=self.timeout,
            poll_interval=self.poll_interval,
            max_retries=self.max_retries,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """A store configured as `to_dict` wrote it."""
        parameters = dict(data.get("init_parameters") or {})
        deserialize_secrets_inplace(parameters, keys=["api_key"])
        return default_from_dict(cls, {**data, "init_parameters": parameters})

    @classmethod
    def from_url(cls, url: SplitResult) -> Self:
        """A store from ``mem0://?host=https://...&timeout=60``; the key is in ``MEM0_API_KEY``.

        Raises:
            RegistryError: a location, an unknown option, or a value that is none of its kind.
        """
        if url.netloc or url.path or url.fragment:
            raise RegistryError("mem0:// takes options only, as in 'mem0://?host=https://mem0.example.com'")
        given = dict(parse_qsl(url.query, keep_blank_values=True))
        if unknown := sorted(given.keys() - _OPTIONS.keys()):
            raise RegistryError(f"mem0:// has no option {unknown[0]!r}; there are {', '.join(_OPTIONS)}")
        try:
            return cls(**{name: _OPTIONS[name](value) for name, value in given.items()})
        except ValueError as error:
            raise RegistryError(f"mem0://: {error}") from None

    # Primitives, each one exchange with Mem0.

    def _insert(self, memories: list[Memory], options: Options = NO_OPTIONS) -> list[Memory]:
        return self._connection.run(exchanges.insert(self._patience, memories, options))

    async def _insert_async(self, memories: list[Memory], options: Options = NO_OPTIONS) -> list[Memory]:
        return await self._connection.run_async(exchanges.insert(self._patience, memories, options))

    def _infer(
        self, said: list[Memory], metadata: dict[str, Any], background: bool, options: Options = NO_OPTIONS
    ) -> list[AddedMemory]:
        return self._connection.run(exchanges.infer(self._patience, said, metadata, background, options))

    async def _infer_async(
        self, said: list[Memory], metadata: dict[str, Any], background: bool, options: Options = NO_OPTIONS
    ) -> list[AddedMemory]:
        return await self._connection.run_async(exchanges.infer(self._patience, said, metadata, background, options))

    def _wait(self, event_ids: list[str], timeout: float | None) -> list[AddedMemory]:
        return self._connection.run(exchanges.wait(self._patience, event_ids, timeout))

    async def _wait_async(
        self,
        event_ids: list[str],
        timeout: float | None,  # noqa: ASYNC109  # it comes from a caller's argument
    ) -> list[AddedMemory]:
        return await self._connection.run_async(exchanges.wait(self._patience, event_ids, timeout))

    def _select(
        self, filter: Filter, after: Position | None, limit: int, options: Options = NO_OPTIONS
    ) -> list[Memory]:
        return self._connection.run(exchanges.select(self._patience, filter, after, limit, options))

    async def _select_async(
        self, filter: Filter, after: Position | None, limit: int, options: Options = NO_OPTIONS
    ) -> list[Memory]:
        return await self._connection.run_async(exchanges.select(self._patience, filter, after, limit, options))

    def _rank(self, query: str, filter: Filter, limit: int, options: Options = NO_OPTIONS) -> Ranked:
        return self._connection.run(exchanges.rank(self._patience, query, filter, limit, options))

    async def _rank_async(self, query: str, filter: Filter, limit: int, options: Options = NO_OPTIONS) -> Ranked:
        return await self._connection.run_async(exchanges.rank(self._patience, query, filter, limit, options))

    def _delete(self, ids: list[str], options: Options = NO_OPTIONS) -> Collection[str]:
        return self._connection.run(exchanges.delete(self._patience, ids, options))

    async def _delete_async(self, ids: list[str], options: Options = NO_OPTIONS) -> Collection[str]:
        return await self._connection.run_async(exchanges.delete(self._patience, ids, options))

    def _delete_all(self, scope: Scope, options: Options = NO_OPTIONS) -> None:
        self._connection.run(exchanges.delete_all(self._patience, scope, options))

    async def _delete_all_async(self, scope: Scope, options: Options = NO_OPTIONS) -> None:
        await self._connection.run_async(exchanges.delete_all(self._patience, scope, options))

    def _warm_up(self) -> None:
        self._connection.open()

    def _close(self) -> None:
        self._connection.close()

    async def _close_async(self) -> None:
        await self._connection.close_async()


def _delete_all_by_mem0(scope: Scope) -> Operation[None]:
    target(None, scope)  # some id is needed
    yield Primitive("delete_all", (scope,))


def _check_seconds(value: object, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name} is a positive number of seconds")


def _check_retries(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("max_retries is an integer from 0 on")


def _check_key(value: object) -> None:
    if not isinstance(value, Secret):
        raise TypeError(f"api_key is a Secret, as in Secret.from_env_var('MEM0_API_KEY'), not {type(value).__name__}")


def _check_host(host: object) -> None:
    """A host is written down by `to_dict`, so it carries no secret."""
    if host is None:
        return
    try:
        parts = urlsplit(host) if isinstance(host, str) else None
        named = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # it quotes the URL
        parts, named = None, False
    if parts is None or not named or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("host is a base URL as in 'https://mem0.example.com', without user, password and query")


_OPTIONS: Final[Mapping[str, Any]] = {"host": str, "timeout": float, "poll_interval": float, "max_retries": int}
"""The options of a URL, and how each is read."""
