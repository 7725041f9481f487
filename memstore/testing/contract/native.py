"""Native async: the event loop goes on while the store works, and no thread works for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs, sync_only

LONGEST_PAUSE: Final = 0.25
"""Seconds for which an event loop may be held up."""
ATTEMPTS: Final = 3
"""The best one counts, since a busy machine holds everything up now and then."""
BEAT: Final = 0.005
ADDS: Final = 200
SEARCHES: Final = 20


class NativeAsync(Harness):
    """Async methods are more than threads."""

    @needs("async", "native_async")
    @sync_only
    def test_the_event_loop_is_never_held_up(self, store: Any) -> None:
        """While the store adds, searches and deletes, other tasks of its event loop go on.

        If this fails, check for calls that block: a synchronous client, a file, a lock, time.sleep.
        """
        pauses = []
        for _ in range(ATTEMPTS):
            pauses.append(asyncio.run(_longest_pause(_work(store, self.new_id()))))
            if pauses[-1] < LONGEST_PAUSE:
                return
        raise AssertionError(
            f"the event loop stood still for {min(pauses):.2f} s in the best of {ATTEMPTS} attempts, "
            f"and may for {LONGEST_PAUSE} s",
        )

    @needs("async", "native_async")
    @sync_only
    def test_async_methods_hold_no_thread(self, store: Any) -> None:
        """The async methods use no thread of the event loop's executor.

        If this fails, check for `asyncio.to_thread` and `run_in_executor`, or do not claim `native_async`.
        """
        executor = _Recording()

        async def work() -> None:
            asyncio.get_running_loop().set_default_executor(executor)
            await _work(store, self.new_id())

        asyncio.run(work())
        used = sorted(set(executor.used))
        expect.true(not used, f"the async methods had threads run {', '.join(used[:3])}")


class _Recording(ThreadPoolExecutor):
    """Runs what it is given, and remembers it; but for names of hosts, which asyncio itself looks up so."""

    def __init__(self) -> None:
        super().__init__(4)
        self.used: list[str] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        name = _name(fn)
        if "getaddrinfo" not in name and "getnameinfo" not in name:
            self.used.append(name)
        return super().submit(fn, *args, **kwargs)


def _name(function: Any) -> str:
    """What is run in the end: ``asyncio.to_thread`` wraps it twice."""
    while isinstance(function, partial):
        inner = [part for part in (*function.args, function.func) if callable(part)]
        function = inner[0]
    return getattr(function, "__qualname__", type(function).__name__)


async def _work(store: Any, user: str) -> None:
    """Everything at the same time, as far as it can be."""
    messages = [[ChatMessage.from_user(f"note {number} about tea")] for number in range(ADDS)]
    await asyncio.gather(
        *(store.add_memories_async(messages=message, infer=False, user_id=user) for message in messages)
    )
    await asyncio.gather(
        *(store.search_memories_async(user_id=user, query=f"tea {number}") for number in range(SEARCHES))
    )
    await store.delete_all_memories_async(user_id=user)


async def _longest_pause(work: Coroutine[Any, Any, None]) -> float:
    """The longest time for which another task of the loop did not get its turn."""
    longest, done = 0.0, False

    async def beat() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not done:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            longest, last = max(longest, now - last - BEAT), now

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        await work
    finally:
        done = True
        await heart
    return longest
