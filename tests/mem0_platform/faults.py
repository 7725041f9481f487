"""What can go wrong between a client and the platform, to be queued by tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from mem0_platform.requests import Request


@dataclass(frozen=True)
class Fault:
    """What happens to one request instead of its answer."""

    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stored: bool = False
    """Whether the request takes effect all the same."""
    drops: bool = False
    delay: float = 0.0


def rate_limited(retry_after: int = 1) -> Fault:
    """429, with the seconds to wait."""
    return Fault(429, b'{"detail": "Request was throttled."}', {"Retry-After": str(retry_after)})


def failing(status: int = 500, *, stored: bool = False) -> Fault:
    """An error of the server, or of a proxy before it."""
    return Fault(status, b'{"detail": "Something went wrong."}', stored=stored)


def dropped(*, stored: bool = False) -> Fault:
    """The connection ends without an answer, before or after the request took effect."""
    return Fault(drops=True, stored=stored)


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault(stored=True, delay=seconds)


def malformed(*, stored: bool = True) -> Fault:
    """200, and half of a JSON document."""
    return Fault(200, b'{"results": [{"id": "', stored=stored)


class FaultQueue:
    """Faults in the order in which requests run into them."""

    def __init__(self) -> None:
        self._queued: list[tuple[Fault, str | None, str | None]] = []

    def put(self, fault: Fault, *, method: str | None, path: str | None) -> None:
        """Queue a fault, for the next request or for the next of this method and path."""
        self._queued.append((fault, method, path))

    def take(self, request: Request) -> Fault | None:
        """The fault that this request runs into."""
        for index, (fault, method, path) in enumerate(self._queued):
            if method in (None, request.method) and path in (None, request.path):
                del self._queued[index]
                return fault
        return None

    def __len__(self) -> int:
        return len(self._queued)
