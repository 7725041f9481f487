"""The optional protocols: what a store may offer beyond the required methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from memstore.memory import AddedMemory, Memory, MemoryPage
from memstore.store import Filters


@runtime_checkable
class SupportsList(Protocol):
    """Capability ``list``."""

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
    ) -> MemoryPage:
        """One page of the memories in scope, by (created_at, id).

        Args:
            filters: which memories; as in a search, ids are ignored beside it.
            user_id: the user.
            run_id: the run or session.
            agent_id: the agent.
            app_id: the application.
            limit: how many at most; at least 1.
            cursor: of the page before; it goes with the same filters and ids.

        Raises:
            ValueError: a cursor of another listing, or none at all.
        """
        ...


@runtime_checkable
class SupportsCount(Protocol):
    """Capability ``count``."""

    def count_memories(
        self,
        *,
        filters: Filters | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> int:
        """How many memories are in scope; as in a search, ids are ignored beside filters."""
        ...


@runtime_checkable
class SupportsWait(Protocol):
    """Capability ``wait``."""

    def wait(self, event_ids: Sequence[str], *, timeout: float | None = None) -> list[AddedMemory]:
        """Block until what was added with ``async_mode=True`` can be found.

        Args:
            event_ids: from the pending entries of `add_memories`.
            timeout: seconds; None waits as long as it takes.

        Returns:
            What `add_memories` would have returned without ``async_mode``.

        Raises:
            MemoryTimeoutError: time is up; waiting again is safe.
            MemoryStoreError: an add failed, or an event id is unknown.
        """
        ...


@runtime_checkable
class SupportsUpdate(Protocol):
    """Capability ``update``."""

    def update_memory(
        self,
        memory_id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> Memory:
        """Change a memory's text, or patch its metadata, or both; the rest and its ids stay.

        Args:
            memory_id: which memory.
            text: takes the place of its text.
            metadata: keys to set; one given as None is removed, and those not given stay.
            expected_version: change it only if this is its version, as when it was read.

        Returns:
            The memory as it is now, its version one higher.

        Raises:
            MemoryNotFoundError: there is none with this id.
            MemoryConflictError: its version is not `expected_version`; nothing was changed.
            InvalidMemoryError: a text or metadata value that no store can keep.
            ScopeError: metadata named like an id.
            ValueError: neither text nor metadata, or a version below 1.
        """
        ...


@runtime_checkable
class SupportsHistory(Protocol):
    """Capability ``history``."""

    def memory_history(self, memory_id: str) -> list[Memory]:
        """The states a memory has had, oldest first, the present one last; deleting it deletes them too.

        Raises:
            MemoryNotFoundError: there is none with this id.
        """
        ...


@runtime_checkable
class SupportsExpiration(Protocol):
    """Capability ``expiration``, beside ``add_memories(expires_at=...)``."""

    def purge_expired_memories(
        self,
        *,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> int:
        """Delete for good what has expired, in scope, or everywhere when no id is given.

        Until then an expired memory is found by nothing, yet still holds its id.

        Returns:
            How many memories were deleted.
        """
        ...


class TextSink(Protocol):
    """What text is written to: a file opened for text, or an `io.StringIO`."""

    def write(self, text: str, /) -> object:
        """Write all of it."""
        ...


@runtime_checkable
class SupportsExport(Protocol):
    """Capability ``export``."""

    def export_memories(
        self,
        file: TextSink,
        *,
        filters: Filters | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        agent_id: str | None = None,
        app_id: str | None = None,
    ) -> int:
        """Write memories as JSON Lines, a header and then one `Memory.to_dict` each, in listing order.

        Args:
            file: a file opened for writing text, as UTF-8.
            filters: which memories; as in a search, ids are ignored beside it.
            user_id: the user; without any id or filter, everything is written.
            run_id: the run or session.
            agent_id: the agent.
            app_id: the application.

        Returns:
            How many memories were written.
        """
        ...

    def import_memories(self, lines: Iterable[str]) -> int:
        """Add what `export_memories` wrote, with its ids, scopes, times, versions and metadata.

        What is there already and identical is skipped, so that an import can be repeated. It adds a
        thousand memories at a time: those before a line that is refused may be there.

        Args:
            lines: a file opened for reading text, or its lines.

        Returns:
            How many memories were added.

        Raises:
            InvalidMemoryError: a line is malformed, or a memory is none that `add_memories` would
                keep; the message names the line.
            MemoryConflictError: another memory, or another state of it, has the id.
            UnsupportedError: a memory expires, and the store does not offer ``expiration``.
            ScopeError: in a bound store, a memory is of another scope.
        """
        ...
