"""Bugs in the async methods."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace

from contract.references import AwaitableReference, AwaitableStore
from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage

from memstore import MemoryNotFoundError, MemoryStoreError, ScopeError
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_every_method_has_an_async_twin",
    source="writing a backend: count_memories came later, and the async client has none",
)
class NoAsyncCount(InMemoryMemoryStore):
    """Has no async method for counting."""

    count_memories_async = None


@sabotage(
    caught_by="test_every_method_has_an_async_twin",
    source="Python: a function that returns a coroutine is no coroutine function, which Haystack looks for",
)
class ReturnsACoroutine(InMemoryMemoryStore):
    """Has a plain method that returns something to await."""

    def search_memories_async(self, *, query=None, filters=None, top_k=5, **arguments):
        return asyncio.to_thread(self.search_memories, query=query, filters=filters, top_k=top_k, **arguments)


@sabotage(
    caught_by="test_every_method_has_an_async_twin",
    source="mem0ai/mem0#3624: AsyncMemory takes other arguments than Memory",
)
class AsyncTakesLess(InMemoryMemoryStore):
    """Knows no `app_id` in an async deletion."""

    async def delete_all_memories_async(self, *, user_id=None, run_id=None, agent_id=None):
        self.delete_all_memories(user_id=user_id, run_id=run_id, agent_id=agent_id)


@sabotage(
    caught_by="test_gathered_adds_are_all_kept",
    source="writing an HTTP backend: one buffer for a request",
    reference=AwaitableReference,
)
class OneRequestAtATime(AwaitableStore):
    """Keeps the arguments of a call on itself while it waits for its turn."""

    async def add_memories_async(self, **arguments):
        self.request = arguments
        await asyncio.sleep(0)
        return self.add_memories(**self.request)


@sabotage(
    caught_by="test_gathered_adds_are_all_kept",
    source="writing a backend on a file: it is read, awaited, and written anew",
)
class AwaitsBetweenReadAndWrite(Engine):
    """Reads all memories, waits, and writes them with one more."""

    async def add_memories_async(self, **arguments):
        known = dict(self._memories)
        await asyncio.sleep(0)
        added = self.add_memories(**arguments)
        self._memories = known | {entry["memory_id"]: self._memories[entry["memory_id"]] for entry in added}
        return added


@sabotage(
    caught_by="test_gathered_searches_see_whole_memories",
    source="writing a vector backend: one request for the vector, another for the payload",
)
class PayloadComesLater(Engine):
    """Adds the text, waits, and adds the metadata."""

    async def add_memories_async(self, *, metadata=None, **arguments):
        added = self.add_memories(**arguments)
        await asyncio.sleep(0)
        for entry in added:
            old = self._memories[entry["memory_id"]]
            self._memories[old.id] = replace(old, meta=metadata or {})
        return added

    async def search_memories_async(self, **arguments):
        return self.search_memories(**arguments)


@sabotage(
    caught_by="test_gathered_searches_see_whole_memories",
    source="writing a backend: results of two indexes are put together while one is written from the other",
)
class FoundInBothIndexes(InMemoryMemoryStore):
    """Finds twice what is being added."""

    async def add_memories_async(self, *, user_id=None, **arguments):
        added = self.add_memories(user_id=user_id, **arguments)
        self.fresh = self.search_memories(user_id=user_id)[-1:]
        await asyncio.sleep(0)
        return added

    async def search_memories_async(self, **arguments):
        return [*self.search_memories(**arguments), *self.fresh]


@sabotage(
    caught_by="test_a_cancelled_search_does_no_harm",
    source="redis-py#2624: a cancelled command leaves its answer, which the next one reads",
)
class AnswersOffByOne(InMemoryMemoryStore):
    """Leaves the answer to a cancelled search in its connection, where the next search finds it."""

    async def search_memories_async(self, **arguments):
        answers = self.__dict__.setdefault("answers", deque())
        answers.append(self.search_memories(**arguments))
        await asyncio.sleep(0)
        return answers.popleft()


@sabotage(
    caught_by="test_a_cancelled_search_does_no_harm",
    source="Python: acquire() and release() without try and finally",
    raises=MemoryStoreError,
)
class ConnectionsLost(InMemoryMemoryStore):
    """Gives no connection back that a cancelled search had."""

    async def search_memories_async(self, **arguments):
        self.used = self.__dict__.get("used", 0) + 1
        if self.used > 5:
            raise MemoryStoreError("no connection is free")
        for _ in range(10):  # as a request has others run meanwhile
            await asyncio.sleep(0)
        self.used -= 1
        return self.search_memories(**arguments)


@sabotage(
    caught_by="test_async_failures_are_raised_when_awaited",
    source="mem0ai/mem0#6898: an error looks empty",
)
class AsyncMistakesAreEmpty(InMemoryMemoryStore):
    """Finds nothing where an async search has no scope."""

    async def search_memories_async(self, **arguments):
        try:
            return self.search_memories(**arguments)
        except ScopeError:
            return []


@sabotage(
    caught_by="test_async_failures_are_raised_when_awaited",
    source="writing a backend: the checks stand in the sync method, and the async one was copied before",
)
class AsyncChecksLess(InMemoryMemoryStore):
    """Searches for at least one memory where an async search asks for none."""

    async def search_memories_async(self, *, top_k=5, **arguments):
        return self.search_memories(top_k=max(1, top_k), **arguments)


@sabotage(
    caught_by="test_async_failures_are_raised_when_awaited",
    source="Python: asyncio.create_task(), which nobody awaits",
)
class DeletesInTheBackground(InMemoryMemoryStore):
    """Lets nobody know that an async deletion has failed."""

    async def delete_memory_async(self, memory_id):
        try:
            self.delete_memory(memory_id)
        except MemoryNotFoundError:
            pass


# Native async.


@sabotage(
    caught_by="test_the_event_loop_is_never_held_up",
    source="writing an HTTP backend: requests, in a coroutine function",
    reference=AwaitableReference,
)
class BlocksOnAdding(AwaitableStore):
    """Waits for each answer to an add without letting others run."""

    async def _insert_async(self, memories):
        time.sleep(0.003)  # noqa: ASYNC251  # that is the bug
        return await super()._insert_async(memories)


@sabotage(
    caught_by="test_the_event_loop_is_never_held_up",
    source="writing a vector backend: the query is embedded on the processor, in a coroutine function",
    reference=AwaitableReference,
)
class BlocksOnSearching(AwaitableStore):
    """Computes on the event loop what a query needs."""

    async def _rank_async(self, query, filter, limit):
        time.sleep(0.03)  # noqa: ASYNC251  # that is the bug
        return await super()._rank_async(query, filter, limit)


@sabotage(
    caught_by="test_async_methods_hold_no_thread",
    source="mem0ai/mem0#6070: AsyncMemory is threads only",
    reference=AwaitableReference,
)
class AsyncByThreads(AwaitableStore):
    """Has a thread do what is awaited."""

    async def _select_async(self, filter, after, limit):
        return await asyncio.to_thread(self._select, filter, after, limit)


@sabotage(
    caught_by="test_async_methods_hold_no_thread",
    source="aiosqlite and others: an async client that is a thread with a queue",
    reference=AwaitableReference,
)
class AsyncByAnExecutor(AwaitableStore):
    """Runs what is added by the event loop's executor."""

    async def _insert_async(self, memories):
        return await asyncio.get_running_loop().run_in_executor(None, self._insert, memories)
