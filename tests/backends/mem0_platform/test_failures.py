"""Failures: repeated only where that is safe, and told in errors that hold no secret."""

import asyncio
import time
import traceback

import pytest
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from mem0_platform import dropped, failing, malformed, rate_limited, slow
from support.mem0_stores import KEY, KEY_NAME, running, store_on

from memstore.errors import MemoryNotFoundError, MemoryStoreError
from memstore_mem0 import Mem0MemoryStore

ADD, SEARCH, LIST = "/v3/memories/add/", "/v3/memories/search/", "/v3/memories/"
HELLO = [ChatMessage.from_user("hello")]


def add(store, asynchronous=False):
    if asynchronous:
        return asyncio.run(store.add_memories_async(messages=HELLO, infer=False, user_id="maya"))
    return store.add_memories(messages=HELLO, infer=False, user_id="maya")


def search(store, asynchronous=False):
    if asynchronous:
        return asyncio.run(store.search_memories_async(query="hello", user_id="maya"))
    return store.search_memories(query="hello", user_id="maya")


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
@pytest.mark.parametrize("call", [add, search])
def test_a_rate_limit_is_waited_for(store, platform, call, asynchronous):
    store.warm_up()
    platform.fail(rate_limited(1), path=ADD if call is add else SEARCH)
    start = time.monotonic()
    call(store, asynchronous)
    assert time.monotonic() - start >= 1
    assert len(platform.sent(ADD if call is add else SEARCH)) == 2
    assert len(platform.memories) == (1 if call is add else 0)


@both
@pytest.mark.parametrize(
    "fault",
    [failing(500), failing(502), failing(503), dropped(), malformed()],
    ids=["500", "502", "503", "drop", "bad"],
)
def test_reads_are_repeated(store, platform, fault, asynchronous):
    platform.fail(fault, path=SEARCH)
    assert search(store, asynchronous) == []
    assert len(platform.sent(SEARCH)) == 2


@both
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("fault", [failing, dropped, malformed])
def test_an_add_that_may_have_been_stored_is_not_sent_twice(store, platform, fault, stored, asynchronous):
    platform.fail(fault(stored=stored), path=ADD)
    with pytest.raises(MemoryStoreError, match="may be there all the same"):
        add(store, asynchronous)
    assert len(platform.sent(ADD)) == 1
    assert len(platform.memories) == stored


@both
def test_retries_end(platform, asynchronous):
    with store_on(platform, max_retries=1) as store:
        platform.fail(*[failing(503)] * 3, path=SEARCH)
        with pytest.raises(MemoryStoreError, match="503"):
            search(store, asynchronous)
        assert len(platform.sent(SEARCH)) == 2


def test_a_wait_that_is_longer_than_the_timeout_is_an_error(platform):
    with store_on(platform, timeout=0.5) as store:
        platform.fail(rate_limited(3600), path=SEARCH)
        with pytest.raises(MemoryStoreError, match="429"):
            search(store)


@both
def test_a_slow_answer_is_a_time_out(asynchronous):
    with running() as platform, store_on(platform, timeout=0.3, max_retries=0) as store:
        platform.fail(slow(2), path=SEARCH)
        with pytest.raises(MemoryStoreError, match="in time"):
            search(store, asynchronous)


def test_a_repeated_delete_that_worked_the_first_time(store, platform):
    [entry] = add(store)
    platform.fail(failing(503, stored=True), method="DELETE")
    store.delete_memory(entry["memory_id"])
    assert platform.memories == []
    platform.fail(rate_limited(0), method="DELETE")
    with pytest.raises(MemoryNotFoundError):
        store.delete_memory(entry["memory_id"])


def test_a_failed_page_never_ends_a_listing(platform):
    with store_on(platform, max_retries=0) as store:
        messages = [ChatMessage.from_user(str(number)) for number in range(300)]
        store.add_memories(messages=messages, infer=False, user_id="maya")
        platform.fail(slow(0), failing(500), path=LIST)
        with pytest.raises(MemoryStoreError):
            store.search_memories(user_id="maya")


@both
def test_a_wrong_key_is_one_clear_error(platform, monkeypatch, asynchronous):
    monkeypatch.setenv(KEY_NAME, "m0-the-wrong-key-42")
    with store_on(platform) as store, pytest.raises(MemoryStoreError, match="refuses the API key") as caught:
        search(store, asynchronous)
    assert "m0-the-wrong-key-42" not in "".join(traceback.format_exception(caught.value))


@both
@pytest.mark.parametrize("value", [None, "", " "])
def test_a_missing_key_is_one_clear_error(platform, monkeypatch, value, asynchronous):
    if value is None:
        monkeypatch.delenv(KEY_NAME)
    else:
        monkeypatch.setenv(KEY_NAME, value)
    with store_on(platform) as store, pytest.raises(MemoryStoreError, match="MEM0_API_KEY"):
        search(store, asynchronous)
    assert platform.requests == []


def test_a_key_that_is_mended_works(platform, monkeypatch):
    monkeypatch.setenv(KEY_NAME, "wrong")
    with store_on(platform) as store:
        for asynchronous in (False, True):
            with pytest.raises(MemoryStoreError):
                search(store, asynchronous)
        monkeypatch.setenv(KEY_NAME, KEY)
        for asynchronous in (False, True):
            assert search(store, asynchronous) == []


@both
def test_a_server_that_is_not_there(asynchronous):
    with running() as platform:
        url = platform.url
        with Mem0MemoryStore(api_key=Secret.from_env_var(KEY_NAME), host=url, max_retries=0) as store:
            platform.__exit__(None, None, None)
            with pytest.raises(MemoryStoreError, match="cannot be reached"):
                search(store, asynchronous)
            platform.__enter__()


def test_a_refused_request_chains_the_cause(store):
    with pytest.raises(MemoryStoreError, match="400") as caught:
        store.add_memories(messages=HELLO, user_id="maya", immutable="not a boolean")
    assert type(caught.value.__cause__).__name__ == "ValidationError"
