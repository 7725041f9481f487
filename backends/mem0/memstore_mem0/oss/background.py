"""Adds that a caller does not wait for: one worker, one after the other, in the order they came."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from haystack import logging

from memstore.errors import EventNotFoundError, MemoryTimeoutError, StoreClosedError
from memstore.memory import AddedMemory

logger = logging.getLogger(__name__)

_REMEMBERED: Final = 1000
"""How many finished adds can still be asked for."""


class BackgroundAdds:
    """Runs adds, and remembers what came of them."""

    def __init__(self, owner: str) -> None:
        """Nothing runs yet; `owner` is named where it is too late."""
        self._owner = owner
        self._lock = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._events: dict[str, Future[list[AddedMemory]]] = {}
        self._waited: set[str] = set()
        self._closed = False

    def start(self, work: Callable[[], list[AddedMemory]]) -> str:
        """Have it done; the id to wait for.

        Raises:
            StoreClosedError: nothing is begun after `close`.
        """
        event_id = str(uuid.uuid4())
        with self._lock:
            if self._closed:
                raise StoreClosedError(self._owner)
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="memstore-mem0")
            self._forget()
            self._events[event_id] = self._worker.submit(work)
        return event_id

    def wait(self, event_ids: Sequence[str], timeout: float | None) -> list[AddedMemory]:
        """What came of these, in their order.

        Raises:
            EventNotFoundError: an id is not known.
            MemoryTimeoutError: time is up; waiting again is safe.
            Exception: what an add has raised.
        """
        with self._lock:
            if not all(event_id in self._events for event_id in event_ids):
                raise EventNotFoundError
            futures = [self._events[event_id] for event_id in event_ids]
        if wait(futures, timeout).not_done:
            raise MemoryTimeoutError(f"memories are still being added after {timeout} seconds; wait again")
        self._waited.update(event_ids)
        return [entry for future in futures for entry in future.result()]

    def close(self) -> None:
        """Finish what is pending. What failed, and nobody waited for, is told in the log."""
        with self._lock:
            self._closed = True
            worker = self._worker
        if worker is not None:
            worker.shutdown(wait=True)
        with self._lock:
            for event_id in list(self._events):
                self._drop(event_id)

    def _forget(self) -> None:
        """Drop the oldest that are finished, so that a store that runs for long does not grow."""
        for event_id in [event for event, future in self._events.items() if future.done()][:-_REMEMBERED]:
            self._drop(event_id)

    def _drop(self, event_id: str) -> None:
        failure = self._events.pop(event_id).exception()
        if failure is not None and event_id not in self._waited:
            kind = type(failure.__cause__ or failure).__name__  # what it says may quote memories
            logger.warning(
                "{store}: an add in the background, which nobody waited for, has failed: {kind}",
                store=self._owner,
                kind=kind,
            )
        self._waited.discard(event_id)
