"""The platform as tests and examples start it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Self

from mem0_platform.extraction import Extract
from mem0_platform.faults import Fault, FaultQueue
from mem0_platform.reading import Reading
from mem0_platform.records import Memory
from mem0_platform.requests import Request, Response
from mem0_platform.routes import answer
from mem0_platform.server import Reply, Server
from mem0_platform.state import State


class MemoryPlatform:
    """A Mem0 platform of one's own, on a free port of 127.0.0.1, from `with` to its end.

    Args:
        api_key: the one key it accepts.
        reading: how it reads what the documentation leaves open.
        extract: the facts of a conversation, for ``infer=true``; without it, one per message.
        pending_polls: how often an event is asked for in vain before it has run.
        pending_seconds: seconds after which an event has run, instead of polls.
        clock: what time it is.
    """

    def __init__(
        self,
        *,
        api_key: str = "m0-test-key",
        reading: Reading | None = None,
        extract: Extract | None = None,
        pending_polls: int = 1,
        pending_seconds: float | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.api_key = api_key
        self.requests: list[Request] = []
        """Every request so far, in the order of arrival."""
        self._state = State(
            reading=reading or Reading(),
            extract=extract,
            pending_polls=pending_polls,
            pending_seconds=pending_seconds,
            clock=clock,
        )
        self._faults = FaultQueue()
        self._crashes: list[Exception] = []
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = Server(self._reply)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="mem0-platform")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._crashes and kind is None:
            raise self._crashes[0]  # a mistake in here must not look like a fault of the platform

    @property
    def url(self) -> str:
        """Its address, for `MemoryClient(host=...)`."""
        return self._server.url

    # What tests steer.

    def fail(self, *faults: Fault, method: str | None = None, path: str | None = None) -> None:
        """Queue faults: one request each runs into them, or one each of this method and path."""
        with self._lock:
            for fault in faults:
                self._faults.put(fault, method=method, path=path)

    def fail_next_event(self, error: str) -> None:
        """The next work that is queued will fail."""
        with self._lock:
            self._state.event_failures.append(error)

    def settle(self) -> None:
        """Run all queued work now."""
        with self._lock:
            self._state.run_all()

    # What tests look at.

    @property
    def memories(self) -> list[Memory]:
        """What is stored, newest first."""
        with self._lock:
            self._state.run_due()
            return self._state.listed()

    @property
    def unused_faults(self) -> int:
        """How many queued faults no request has run into."""
        with self._lock:
            return len(self._faults)

    def sent(self, path: str, method: str | None = None) -> list[Request]:
        """The requests to one path so far."""
        with self._lock:
            return [request for request in self.requests if request.path == path and method in (None, request.method)]

    def raw_dump(self) -> bytes:
        """Everything it keeps, as bytes to search."""
        with self._lock:
            self._state.run_due()
            return self._state.dump()

    # Answering.

    def _reply(self, request: Request, authorization: str) -> Reply | None:
        with self._lock:
            self.requests.append(request)
            fault = self._faults.take(request)
            response = None
            if fault is None or fault.stored:
                response = self._respond(request, authorization)
            # Serialised here, because what it holds may be changed by the next request.
            reply = response and Reply(response.status, json.dumps(response.body).encode(), response.headers)
        if fault is not None:
            self._closing.wait(fault.delay)
            if fault.drops:
                return None
            if fault.status is not None:
                reply = Reply(fault.status, fault.body, fault.headers)
        request.status = reply.status
        return reply

    def _respond(self, request: Request, authorization: str) -> Response:
        if authorization != f"Token {self.api_key}":
            return Response(401, {"detail": "Invalid API key."})
        try:
            self._state.run_due()
            return answer(self._state, request)
        except Exception as crash:
            self._crashes.append(crash)
            return Response(500, {"detail": "the stand-in crashed"})
