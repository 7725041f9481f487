"""Connections: one client a loop, which ends with it; and what runs while a store closes."""

import asyncio
import gc
import threading
import time
import weakref

import httpx
import pytest
from haystack.dataclasses import ChatMessage
from mem0_platform import Fault, rate_limited, slow
from support.mem0_stores import store_on

from memstore.errors import MemoryStoreError, StoreClosedError

ADD, PING = "/v3/memories/add/", "/v1/ping/"
HELLO = [ChatMessage.from_user("hello")]


async def arrival(platform, path):
    """Wait until a request to this path is being answered."""
    while not platform.sent(path):  # noqa: ASYNC110  # it answers in threads
        await asyncio.sleep(0.005)


def lives(store):
    return list(store._connection._lives.values())


# Loops.


def test_nothing_of_a_loop_outlives_it(store):
    loops = []

    async def search():
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await store.search_memories_async(user_id="maya")

    for _ in range(3):
        asyncio.run(search())
    assert lives(store) == []
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3


def test_a_loop_that_ends_while_a_client_is_opened_for_it(store, platform):
    platform.fail(slow(10), path=PING)

    async def give_up():
        search = asyncio.create_task(store.search_memories_async(user_id="maya"))
        await arrival(platform, PING)
        search.cancel()

    asyncio.run(give_up())
    assert lives(store) == []


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_that_was_closed_without_ending_its_generators(store):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(store.search_memories_async(user_id="maya"))
    loop.close()
    known = weakref.ref(loop)
    del loop
    asyncio.run(store.search_memories_async(user_id="maya"))
    assert lives(store) == []
    gc.collect()
    assert known() is None


async def test_many_tasks_open_one_client(store, platform):
    await asyncio.gather(*(store.search_memories_async(user_id="maya") for _ in range(10)))
    assert len(platform.sent(PING)) == 1


# Openings that fail.


async def cancelled_while_opening(store, platform):
    """A store whose first call was cancelled before the platform refused its key."""
    platform.fail(Fault(401, b"{}", delay=0.1), path=PING)
    search = asyncio.create_task(store.search_memories_async(user_id="maya"))
    await arrival(platform, PING)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    [life] = lives(store)
    await asyncio.wait([life.opening])


async def test_the_failure_of_a_cancelled_call_is_nobody_elses(store, platform):
    await cancelled_while_opening(store, platform)
    assert await store.search_memories_async(user_id="maya") == []


async def test_the_failure_of_a_cancelled_call_makes_no_noise(store, platform):
    noise = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: noise.append(context["message"]))
    await cancelled_while_opening(store, platform)
    await store.close_async()
    gc.collect()
    assert (noise, lives(store)) == ([], [])


# Closing.


@pytest.mark.parametrize("meanwhile", [ADD, PING], ids=["adding", "opening"])
async def test_closing_lets_awaited_calls_finish(platform, meanwhile):
    store = store_on(platform)
    if meanwhile == ADD:
        await store.search_memories_async(user_id="maya")
    platform.fail(slow(0.3), path=meanwhile)
    adding = asyncio.create_task(store.add_memories_async(messages=HELLO, infer=False, user_id="maya"))
    await arrival(platform, meanwhile)
    [life] = lives(store)
    await store.close_async()
    [entry] = await adding
    assert [memory.id for memory in platform.memories] == [entry["memory_id"]]
    assert (await life.opening).async_client.is_closed
    assert lives(store) == []
    with pytest.raises(StoreClosedError):
        await store.search_memories_async(user_id="maya")


def test_closing_does_not_wait_until_a_client_can_be_made(platform):
    """Between two pings a thread that opens hears that the store is closed."""
    store, heard = store_on(platform), []
    platform.fail(rate_limited(2), path=PING)

    def open_it():
        try:
            store.warm_up()
        except MemoryStoreError as error:
            heard.append(error)

    opening = threading.Thread(target=open_it)
    opening.start()
    while not platform.sent(PING):
        time.sleep(0.005)
    store.close()
    opening.join()
    assert [type(error) for error in heard] == [StoreClosedError]
    assert len(platform.sent(PING)) == 1


async def test_closing_ends_the_attempts_to_open(platform):
    store = store_on(platform)
    platform.fail(rate_limited(1), path=PING)
    search = asyncio.create_task(store.search_memories_async(user_id="maya"))
    await arrival(platform, PING)
    await store.close_async()
    with pytest.raises(StoreClosedError):
        await search
    assert len(platform.sent(PING)) == 1


# Too many calls at once.


async def test_what_found_no_connection_free_was_never_sent_and_is_tried_again(store, platform):
    await store.search_memories_async(user_id="maya")
    http = (await lives(store)[0].opening).async_client
    http.timeout = httpx.Timeout(10, pool=0.05)
    http._transport._pool._max_connections = 1  # of 100, which would take 101 calls
    path = "/v1/event/occupied/"
    platform.fail(slow(0.4), path=path)
    occupying = asyncio.create_task(http.get(path, timeout=None))
    await arrival(platform, path)
    await store.add_memories_async(messages=HELLO, infer=False, user_id="maya")
    await occupying
    assert len(platform.memories) == 1
