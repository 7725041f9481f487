"""What a backend implements: primitives on records, three of them required."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, TypeAlias

from memstore.errors import EventNotFoundError
from memstore.filters import Filter
from memstore.memory import AddedMemory, Memory, Position, Scope

Ranked: TypeAlias = tuple[list[tuple[Memory, float]], bool]
"""What `_rank` returns: hits, best first, and whether nothing more matches."""


class Primitives(ABC):
    """The part of `BaseMemoryStore` that is each store's own.

    They get checked arguments, and of a filter only what the store's `filter_support` says it
    evaluates. The base class calls them; whatever they raise reaches the caller as a
    `MemoryStoreError`, with the cause chained.
    """

    capabilities: frozenset[str]

    @abstractmethod
    def _insert(self, memories: list[Memory]) -> list[Memory]:
        """Store all of `memories` or, on failure, none; return them as stored, in the same order.

        The store may assign ids of its own.

        Raises:
            MemoryConflictError: an id exists already.
        """

    @abstractmethod
    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        """The first `limit` memories that match, by (created_at, id), from after a position on."""

    @abstractmethod
    def _delete(self, ids: list[str]) -> Collection[str]:
        """Delete the memories with these ids; return the ids of those that were there."""

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked | None:
        """The `limit` best matches by an engine of the store's own.

        Returns:
            Hits with scores (finite, higher is better), best first, and whether there are no more.
            Fewer than `limit` with False means that the engine's ceiling is reached. None: the
            store has no engine, and `memstore.ranking` ranks what `_select` returns.
        """
        return None

    def _delete_all(self, scope: Scope) -> None:
        """Delete at once what has these ids, as far as the engine can.

        What is left is selected and deleted by id, so a store needs this only to save requests.
        """

    def _infer(self, said: list[Memory], metadata: dict[str, Any], background: bool) -> list[AddedMemory] | None:
        """Let the store's own model extract facts from a conversation, and store them.

        Args:
            said: what was said, one record for each message, with the ids and times that facts get.
            metadata: what is kept with every fact.
            background: whether the caller wants to go on at once. A store may finish all the same.

        Returns:
            An entry for each fact stored, or a single pending one with an ``event_id`` for `_wait`.
            None: the store has no model, and `said` is inserted word for word.
        """
        return None

    def _wait(self, event_ids: list[str], timeout: float | None) -> list[AddedMemory]:
        """What came of pending adds, in the order of `event_ids`, once all are done.

        Args:
            event_ids: from entries that `_infer` returned.
            timeout: seconds; None is as long as it takes.

        Raises:
            EventNotFoundError: no pending add has one of these ids.
            MemoryTimeoutError: time is up.
        """
        raise EventNotFoundError

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        """Put `memory` in the place of the one with its id and this version, in one step.

        Needed where `update` is claimed.

        Returns:
            Whether it did; False when there is none with this id and version.
        """
        raise NotImplementedError

    def _history(self, memory_id: str) -> list[Memory]:
        """The states of a memory, oldest first, the present one last; none if there is no such memory.

        Needed where `history` is claimed. Deleting a memory deletes its states too.
        """
        raise NotImplementedError

    def _may_hold_expiring(self) -> bool:
        """Whether a memory may have an `expires_at`; where not, reads are spared looking for it."""
        return "expiration" in self.capabilities

    def _warm_up(self) -> None:
        """Load models, open connections: what would make the first call slow."""

    def _close(self) -> None:
        """Release what the store holds; called once."""

    # Native async twins; used where `native_async` is claimed.

    async def _insert_async(self, memories: list[Memory]) -> list[Memory]:
        raise NotImplementedError

    async def _select_async(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        raise NotImplementedError

    async def _delete_async(self, ids: list[str]) -> Collection[str]:
        raise NotImplementedError

    async def _rank_async(self, query: str, filter: Filter, limit: int) -> Ranked | None:
        return None

    async def _delete_all_async(self, scope: Scope) -> None:
        return None

    async def _infer_async(
        self, said: list[Memory], metadata: dict[str, Any], background: bool
    ) -> list[AddedMemory] | None:
        return None

    async def _wait_async(
        self,
        event_ids: list[str],
        timeout: float | None,  # noqa: ASYNC109  # it comes from a caller's argument
    ) -> list[AddedMemory]:
        raise EventNotFoundError

    async def _replace_async(self, memory: Memory, expected_version: int) -> bool:
        raise NotImplementedError

    async def _history_async(self, memory_id: str) -> list[Memory]:
        raise NotImplementedError

    async def _close_async(self) -> None:
        await asyncio.to_thread(self._close)
