"""How many requests each call makes: docs/backends/mem0.md has the table."""

import pytest
from haystack.dataclasses import ChatMessage
from support.mem0_stores import running, store_on

from memstore import bind


def user(*texts, **meta):
    return [ChatMessage.from_user(text, meta=meta) for text in texts]


CONVERSATION = [ChatMessage.from_user("hello"), ChatMessage.from_assistant("hi"), ChatMessage.from_user("bye")]

CALLS = {
    "add, word for word": (1, lambda s: s.add_memories(messages=user("a", "b", "c"), infer=False, user_id="maya")),
    "add, a conversation": (1, lambda s: s.add_memories(messages=CONVERSATION, infer=False, user_id="maya")),
    "add, metadata per message": (
        2,
        lambda s: s.add_memories(messages=user("a", n=1) + user("b", n=2), infer=False, user_id="maya"),
    ),
    "add, inferred in the background": (
        1,
        lambda s: s.add_memories(messages=user("a"), user_id="maya", async_mode=True),
    ),
    "search": (1, lambda s: s.search_memories(query="tea", user_id="maya")),
    "search, a filter that Mem0 evaluates": (
        1,
        lambda s: s.search_memories(query="tea", filters={"field": "meta.topic", "operator": "==", "value": "drinks"}),
    ),
    "list, up to 200": (1, lambda s: s.search_memories(user_id="maya")),
    "count": (1, lambda s: s.count_memories(user_id="maya")),
    "delete": (1, lambda s: s.delete_memory(s.kept)),
    "bound delete": (2, lambda s: bind(s, user_id="maya").delete_memory(s.kept)),
}


@pytest.mark.parametrize("call", CALLS)
def test_requests(call):
    number, make = CALLS[call]
    with running() as platform, store_on(platform) as store:
        [entry] = store.add_memories(messages=user("kept"), infer=False, user_id="maya", metadata={"topic": "drinks"})
        store.kept = entry["memory_id"]
        before = len(platform.requests)
        make(store)
        assert len(platform.requests) - before == number


def test_inferring_polls():
    with running(pending_seconds=None, pending_polls=3) as platform, store_on(platform) as store:
        store.add_memories(messages=user("a"), user_id="maya")
        polls = [request for request in platform.requests if request.path.startswith("/v1/event/")]
        assert len(polls) == 4


def test_deleting_all_is_one_deletion_its_polls_and_a_look():
    with running(pending_seconds=None, pending_polls=0) as platform, store_on(platform) as store:
        store.add_memories(messages=user("a", "b"), infer=False, user_id="maya")
        before = len(platform.requests)
        store.delete_all_memories(user_id="maya")
        assert [request.method for request in platform.requests[before:]] == ["DELETE", "GET", "POST"]
