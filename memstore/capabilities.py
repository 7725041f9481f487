"""What a store offers beyond the required part of the protocol, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What happens where a capability is not claimed."""

    OPERATION = "operation"
    """Calling it raises `UnsupportedError` with the capability's name."""
    GUARANTEE = "guarantee"
    """It is not promised, and so not tested."""


@dataclass(frozen=True, slots=True)
class Capability:
    """A named promise that a store can make."""

    name: str
    kind: Kind
    promise: str


_ALL: Final = (
    Capability("async", Kind.OPERATION, "every method has an awaitable twin, named with `_async`"),
    Capability("list", Kind.OPERATION, "`list_memories` pages through memories in a total order"),
    Capability("count", Kind.OPERATION, "`count_memories` counts the memories that match"),
    Capability(
        "client_ids", Kind.OPERATION, "`add_memories(ids=...)` takes the caller's ids and is idempotent by them"
    ),
    Capability("wait", Kind.OPERATION, "`wait` blocks until memories added with `async_mode=True` can be found"),
    Capability("update", Kind.OPERATION, "`update_memory` changes a memory's text or metadata and keeps the rest"),
    Capability("history", Kind.OPERATION, "`memory_history` tells what a memory was before each change"),
    Capability(
        "expiration",
        Kind.OPERATION,
        "`add_memories(expires_at=...)` hides a memory from then on, and `purge_expired_memories` deletes what expired",
    ),
    Capability(
        "export",
        Kind.OPERATION,
        "`export_memories` writes memories as JSON Lines and `import_memories` reads them, ids and times kept",
    ),
    Capability("timestamp", Kind.GUARANTEE, "`add_memories(timestamp=...)` sets when a memory was said"),
    Capability("message_metadata", Kind.GUARANTEE, "each message's own `meta` is kept, beside that of the batch"),
    Capability("scoped_ranking", Kind.GUARANTEE, "order and scores depend on nothing but the query and what matches"),
    Capability("read_after_write", Kind.GUARANTEE, "what a call has written, the next call sees"),
    Capability(
        "lifecycle", Kind.GUARANTEE, "`warm_up`, `close` and `with` work, and a closed store says that it is closed"
    ),
    Capability("durable", Kind.GUARANTEE, "what was added survives the end of the process"),
    Capability("multiprocess", Kind.GUARANTEE, "several processes may use one store at a time"),
    Capability("erasure", Kind.GUARANTEE, "nothing of a deleted memory's text stays in what the store keeps"),
    Capability("native_async", Kind.GUARANTEE, "the async methods never block the event loop nor hold a thread"),
)

CAPABILITIES: Final = MappingProxyType({capability.name: capability for capability in _ALL})
"""Every capability by name, in the order in which reports show them."""


def capabilities(names: Iterable[str]) -> frozenset[str]:
    """The names as a set.

    Raises:
        ValueError: a name that is no capability: a misspelt promise would never be tested.
    """
    claimed = frozenset(names)
    if unknown := sorted(claimed - CAPABILITIES.keys()):
        raise ValueError(f"no such capability: {', '.join(unknown)}; there are {', '.join(CAPABILITIES)}")
    return claimed
