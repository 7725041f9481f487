"""A request as it arrived, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """What a client sent; the platform's log consists of these."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """Parsed JSON, or None."""
    origin: str = ""
    status: int | None = None
    """What it was answered with; None where the connection was dropped."""


@dataclass(frozen=True)
class Response:
    """What goes back to the client."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, reason: str, *, key: str = "error") -> None:
        super().__init__(reason)
        self.response = Response(status, {key: reason})
