"""mem0ai's clients: made when they are first used, and driven step by step."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar
from urllib.parse import quote

from haystack.utils import Secret

from memstore.errors import MemoryStoreError, StoreClosedError
from memstore.twins import Operation, Primitive, drive, drive_async
from memstore_mem0.loading import load_mem0, load_mem0_async
from memstore_mem0.platform.asking import Patience, ask
from memstore_mem0.quiet import quiet

T = TypeVar("T")

_STORE: Final = "Mem0MemoryStore"
_DEFAULT_HOST: Final = "https://api.mem0.ai"


class Connection:
    """One platform, through `mem0.MemoryClient` and `mem0.AsyncMemoryClient`.

    Each asks for a ping when it is made, so neither is made before it is needed.
    """

    def __init__(self, api_key: Secret, host: str | None, patience: Patience) -> None:
        self._api_key = api_key
        self._host = host
        self._patience = patience
        self._client: Any = None
        self._users = 0
        self._lock = threading.RLock()
        self._lives: dict[asyncio.AbstractEventLoop, _Life] = {}
        self._closed = threading.Event()

    def open(self) -> Any:
        """The client; making it checks the key."""
        with self._lock:
            self._check_open()
            if self._client is None:
                self._client = drive(ask(self._patience, "made"), self._make)
            return self._client

    def run(self, operation: Operation[T]) -> T:
        """Drive an exchange with the client, which stays open until its end."""
        with self._lock:
            client = self.open()
            self._users += 1
        try:
            return drive(operation, partial(_step, client))
        finally:
            with self._lock:
                self._users -= 1
                self._release()

    async def run_async(self, operation: Operation[T]) -> T:
        """Drive an exchange with the awaitable client of the running loop, which stays open until its end."""
        with self._life().used() as opening:
            # A task that is cancelled leaves the opening to the others.
            return await drive_async(operation, partial(_step_async, await asyncio.shield(opening)))

    def close(self) -> None:
        """Close the connections, once nobody uses them. The awaitable ones end with their loops."""
        self._closed.set()  # heard by who holds the lock and waits for the platform
        with self._lock:
            self._release()

    async def close_async(self) -> None:
        """Close the connections of the client, and of this loop's awaitable one once nobody uses it."""
        self.close()
        life = self._lives.get(asyncio.get_running_loop())
        if life is not None:
            await life.end()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise StoreClosedError(_STORE)

    def _release(self) -> None:
        if self._closed.is_set() and not self._users and self._client is not None:
            client, self._client = self._client, None
            client.client.close()

    def _make(self, step: Primitive) -> Any:
        if step.name == "pause":
            self._closed.wait(*step.arguments)
            return self._check_open()
        client = load_mem0().MemoryClient
        http = import_module("httpx").Client(timeout=self._patience.timeout)
        try:
            with quiet():
                return client(api_key=self._key(), host=self._host, client=http)
        except BaseException:
            http.close()
            raise

    def _life(self) -> _Life:
        """The awaitable client of the running loop, opened once however many tasks need it.

        Each loop has its own, since connections belong to one.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        if loop not in self._lives:
            self._forget_closed_loops()
            self._lives[loop] = _Life(self._living_client(loop), loop)
            self._lives[loop].opening.add_done_callback(partial(self._forget_failure, loop))
        return self._lives[loop]

    def _forget_closed_loops(self) -> None:
        """Those that were closed without ending their generators first, which `asyncio.run` does."""
        for loop in list(self._lives):
            if loop.is_closed():
                self._lives.pop(loop, None)

    def _forget_failure(self, loop: asyncio.AbstractEventLoop, opening: asyncio.Task[Any]) -> None:
        """The next call tries again; whoever waits hears of it, and asyncio need not."""
        if opening.cancelled() or opening.exception() is not None:
            self._lives.pop(loop, None)

    async def _living_client(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[Any]:
        """The awaitable client until the end of the loop, which ends its generators before it closes."""
        await load_mem0_async()
        key, host = self._key(), self._host or _DEFAULT_HOST
        headers = {"Authorization": f"Token {key}"}
        async with import_module("httpx").AsyncClient(
            base_url=host, headers=headers, timeout=self._patience.timeout
        ) as http:
            pong = await drive_async(ask(self._patience, "ping"), partial(self._ping, http))
            try:
                yield _knowing(load_mem0().AsyncMemoryClient, pong)(api_key=key, host=host, client=http)
            finally:
                self._lives.pop(loop, None)  # else the loop would live as long as the store

    async def _ping(self, http: Any, step: Primitive) -> Any:
        if step.name == "pause":
            await asyncio.sleep(*step.arguments)
            return self._check_open()
        with quiet():
            return await _get_async(http)("/v1/ping/")

    def _key(self) -> str:
        try:
            key = self._api_key.resolve_value()
        except ValueError as error:
            raise _missing_key() from error
        key = key.strip() if isinstance(key, str) else ""  # a secret's file ends with a newline
        if not key:
            raise _missing_key()
        if not (key.isascii() and key.isprintable()):
            raise MemoryStoreError("the Mem0 API key has characters that no key has")
        return key


def _missing_key() -> MemoryStoreError:
    return MemoryStoreError(
        "there is no Mem0 API key: set the environment variable MEM0_API_KEY, or pass api_key=Secret.from_env_var(...)"
    )


class _Life:
    """An awaitable client, from its opening to its end, in one loop."""

    def __init__(self, client: AsyncGenerator[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.opening = loop.create_task(_first(client))
        self._client = client
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @contextmanager
    def used(self) -> Iterator[asyncio.Task[Any]]:
        """Keep the client open in this block, once it is."""
        self._users += 1
        self._unused.clear()
        try:
            yield self.opening
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def end(self) -> None:
        """Close the connections, once nobody uses them."""
        await asyncio.wait([self.opening])  # whoever began it may have been cancelled
        await self._unused.wait()
        await self._client.aclose()


async def _first(generator: AsyncGenerator[T]) -> T:
    return await anext(generator)


def _knowing(client: type[Any], pong: dict[str, Any]) -> type[Any]:
    """mem0ai's awaitable client with the answer to a ping: its constructor's own blocks, without a time-out."""

    def validate(self: Any) -> Any:
        self.org_id, self.project_id = pong.get("org_id"), pong.get("project_id")
        return pong.get("user_email")

    return type(client.__name__, (client,), {"_validate_api_key": validate})


def _step(client: Any, step: Primitive) -> Any:
    if step.name == "pause":
        return time.sleep(*step.arguments)
    with quiet():  # mem0ai prints what it could not do, and httpx logs the ids in a URL
        if step.name == "event":
            return _get(client.client)(_event_path(*step.arguments[0]))
        arguments, keywords = step.arguments
        return getattr(client, step.name)(*arguments, **keywords)


async def _step_async(client: Any, step: Primitive) -> Any:
    if step.name == "pause":
        return await asyncio.sleep(*step.arguments)
    with quiet():
        if step.name == "event":
            return await _get_async(client.async_client)(_event_path(*step.arguments[0]))
        arguments, keywords = step.arguments
        return await getattr(client, step.name)(*arguments, **keywords)


def _get(http: Any) -> Callable[[str], Any]:
    """GET, for the paths for which mem0ai's clients have no method; with their errors."""

    def get(path: str) -> Any:
        return http.get(path).raise_for_status().json()

    return _with_errors(get)


def _get_async(http: Any) -> Callable[[str], Any]:
    """The same, awaitable."""

    async def get(path: str) -> Any:
        return (await http.get(path)).raise_for_status().json()

    return _with_errors(get)


def _event_path(event_id: str) -> str:
    return f"/v1/event/{quote(event_id, safe='')}/"


def _with_errors(method: Callable[[str], Any]) -> Callable[[str], Any]:
    """With mem0ai's own exceptions; the module is loaded by now, and heavy."""
    handled: Callable[[str], Any] = import_module("mem0.client.utils").api_error_handler(method)
    return handled
