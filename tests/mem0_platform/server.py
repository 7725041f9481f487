"""HTTP on loopback: requests in, answers and faults out."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mem0_platform.requests import Request


@dataclass(frozen=True)
class Reply:
    """Bytes to send."""

    status: int
    body: bytes
    headers: dict[str, str]


Answer = Callable[[Request, str], Reply | None]
"""From a request and its Authorization to the reply; None drops the connection."""


class Server(ThreadingHTTPServer):
    """A server that closes for good: no thread and no connection outlives it."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, answer: Answer) -> None:
        self._connections: set[socket.socket] = set()
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection: clients keep them open."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """End what is open; then wait for the threads, which have nothing left to read."""
        for connection in list(self._connections):
            end(connection)
        super().server_close()


def end(connection: socket.socket) -> None:
    """End a connection from our side."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client was faster


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        try:
            reply = self.server.answer(self._request(), self.headers.get("Authorization", ""))
            if reply is None:
                self.close_connection = True
                end(self.connection)
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # a client that would not wait

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the names http.server looks for

    def _request(self) -> Request:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            body = None  # where a body is needed, None is refused
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, parts.path, query, body, origin=self.server.url)

    def log_message(self, *arguments: Any) -> None:
        """The platform has a log of its own."""
