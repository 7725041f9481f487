"""Waiting for what Mem0 does in its own time: how long, and what is told when asking for it fails."""

import asyncio
import re

import pytest
from haystack.dataclasses import ChatMessage
from mem0_platform import Fault, failing, rate_limited
from support.mem0_stores import running, store_on

from memstore.errors import MemoryStoreError, MemoryTimeoutError

HELLO = [ChatMessage.from_user("hello")]
INFER = ("add_memories", {"messages": HELLO, "user_id": "maya"})
DELETE_ALL = ("delete_all_memories", {"user_id": "maya"})

both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
queued = pytest.mark.parametrize("call", [INFER, DELETE_ALL], ids=["infer", "delete_all"])


def run(store, platform, call, faults, asynchronous):
    """Make a call whose looks at its event run into faults: they are all it GETs after the ping."""
    name, arguments = call
    if not asynchronous:
        store.warm_up()
        platform.fail(*faults, method="GET")
        return getattr(store, name)(**arguments)

    async def awaited():
        await store.search_memories_async(user_id="nobody")
        platform.fail(*faults, method="GET")
        return await getattr(store, f"{name}_async")(**arguments)

    return asyncio.run(awaited())


def only_event(platform):
    [event_id] = platform._state.events
    return event_id


def looks(platform, event_id):
    return len(platform.sent(f"/v1/event/{event_id}/"))


def waits_on(event_id):
    return re.escape(f"wait(['{event_id}']) waits on")


@both
@pytest.mark.parametrize("fault", [rate_limited(1), failing(503)], ids=["429", "503"])
def test_no_repeat_comes_after_the_time_to_wait(store, platform, fault, asynchronous):
    [pending] = store.add_memories(messages=HELLO, user_id="maya", async_mode=True)
    event_id = pending["event_id"]
    with pytest.raises(MemoryTimeoutError, match=waits_on(event_id)):
        run(store, platform, ("wait", {"event_ids": [event_id], "timeout": 0.2}), [fault], asynchronous)
    assert looks(platform, event_id) == 1
    assert len(store.wait([event_id])) == 1


@both
@queued
def test_no_repeat_comes_after_the_time_that_adding_and_deleting_wait(call, asynchronous):
    """The third repeat would come after 1.75 seconds at least."""
    with running() as platform, store_on(platform, timeout=1.0) as store:
        with pytest.raises(MemoryTimeoutError) as caught:
            run(store, platform, call, [failing(503)] * 4, asynchronous)
        event_id = only_event(platform)
        assert re.search(waits_on(event_id), str(caught.value))
        assert looks(platform, event_id) <= 3


@both
@queued
def test_an_error_after_mem0_accepted_the_work_names_its_event(platform, call, asynchronous):
    with store_on(platform, max_retries=0) as store:
        with pytest.raises(MemoryStoreError, match="failed \\(500\\).*accepted") as caught:
            run(store, platform, call, [failing(500)], asynchronous)
        event_id = only_event(platform)
        assert re.search(waits_on(event_id), str(caught.value))
        assert not isinstance(caught.value, MemoryTimeoutError)
        assert len(store.wait([event_id])) == (call is INFER)


@pytest.mark.parametrize("body", [b"[]", b"1", b'{"status": "SUCCEEDED", "results": 1}'])
def test_a_strange_answer_about_accepted_work_names_its_event(store, platform, body):
    with pytest.raises(MemoryStoreError, match="Mem0 answered.*accepted") as caught:
        run(store, platform, INFER, [Fault(200, body)], asynchronous=False)
    assert re.search(waits_on(only_event(platform)), str(caught.value))
