"""Deleting: by the platform's own means, and gone when the call returns."""

import pytest
from haystack.dataclasses import ChatMessage
from support.mem0_stores import running, store_on

from memstore.errors import MemoryNotFoundError, MemoryStoreError, MemoryTimeoutError, ScopeError

ALL = "/v1/memories/"


def add(store, *texts, **arguments):
    added = store.add_memories(messages=[ChatMessage.from_user(text) for text in texts], infer=False, **arguments)
    return [entry["memory_id"] for entry in added]


def test_gone_when_the_call_returns():
    with running(pending_seconds=0.3) as platform, store_on(platform) as store:
        add(store, *map(str, range(30)), user_id="maya")
        add(store, "mine", user_id="leo")
        store.delete_all_memories(user_id="maya")
        assert [memory.text for memory in platform.memories] == ["mine"]


async def test_gone_when_the_awaited_call_returns():
    with running(pending_seconds=0.2) as platform, store_on(platform) as store:
        await store.add_memories_async(messages=[ChatMessage.from_user("a")], infer=False, user_id="maya")
        await store.delete_all_memories_async(user_id="maya")
        assert platform.memories == []


def test_what_the_platform_attributed_to_the_agent_goes_with_the_user(store, platform):
    conversation = [ChatMessage.from_user("I live in Lisbon"), ChatMessage.from_assistant("Take the tram")]
    store.add_memories(messages=conversation, user_id="maya", agent_id="guide")
    store.add_memories(messages=conversation, user_id="leo", agent_id="guide")
    store.delete_all_memories(user_id="maya")
    assert len(platform.memories) == 2
    store.delete_all_memories(user_id="leo", agent_id="guide")
    assert platform.memories == []


def test_several_ids_narrow(store, platform):
    add(store, "one", user_id="maya", run_id="r1")
    add(store, "two", user_id="maya", run_id="r2")
    store.delete_all_memories(user_id="maya", run_id="r1")
    assert [memory.text for memory in platform.memories] == ["two"]


def test_an_id_is_needed(store, platform):
    with pytest.raises(ScopeError):
        store.delete_all_memories()
    with pytest.raises(ScopeError):
        store.delete_all_memories(metadata="{}")
    assert platform.requests == []


def test_keywords_go_to_delete_all(store, platform):
    add(store, "kept", user_id="maya", metadata={"n": 1})
    add(store, "gone", user_id="maya", metadata={"n": 2})
    store.delete_all_memories(user_id="maya", metadata='{"n": 2}')
    assert [memory.text for memory in platform.memories] == ["kept"]


def test_a_deletion_that_takes_too_long():
    with running(pending_seconds=60) as platform, store_on(platform, timeout=0.1) as store:
        add(store, "x", user_id="maya")
        with pytest.raises(MemoryTimeoutError):
            store.delete_all_memories(user_id="maya")


def test_a_deletion_that_fails(store, platform):
    add(store, "x", user_id="maya")
    platform.fail_next_event("the queue is down")
    with pytest.raises(MemoryStoreError, match="the queue is down"):
        store.delete_all_memories(user_id="maya")


@pytest.mark.parametrize(
    "memory_id", ["00000000-0000-4000-8000-000000000000", "no-uuid", "../../v1/ping", "*", "urn:uuid:x"]
)
def test_an_unknown_or_malformed_id_is_not_found(store, memory_id):
    with pytest.raises(MemoryNotFoundError):
        store.delete_memory(memory_id)


def test_one_memory_is_one_request(store, platform):
    [memory_id] = add(store, "x", user_id="maya")
    before = len(platform.requests)
    store.delete_memory(memory_id, delete_linked=True)
    [request] = platform.requests[before:]
    assert request.query["delete_linked"] == "true"
    assert platform.memories == []
    with pytest.raises(MemoryNotFoundError):
        store.delete_memory(memory_id)
