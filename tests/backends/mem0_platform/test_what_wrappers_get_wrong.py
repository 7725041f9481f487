"""Each failure of the existing wrappers of Mem0 that was measured, and what this store does instead."""

import pytest
from haystack.dataclasses import ChatMessage
from mem0_platform import Reading
from support.mem0_stores import running, store_on

from memstore.errors import ScopeError

HELLO = [ChatMessage.from_user("I like tea")]


def condition(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


@pytest.fixture
def filled(store):
    for number in range(12):
        metadata = {"n": number, "c": "ab"[number % 2], **({"rare": True} if number == 5 else {})}
        message = ChatMessage.from_user(f"note {number}")
        store.add_memories(messages=[message], infer=False, user_id=f"user-{number % 3}", metadata=metadata)
    return store


def found(store, filters, query=None):
    return {int(m.text.split()[1]) for m in store.search_memories(filters=filters, query=query, top_k=50)}


@pytest.mark.parametrize("infer", [True, False])
def test_adding_works_at_all(store, infer):
    """haystack-experimental raises KeyError on every answer of today's platform."""
    [entry] = store.add_memories(messages=HELLO, infer=infer, user_id="maya")
    assert entry["memory"] == "I like tea"
    assert entry["memory_id"]


def test_an_inferred_add_returns_what_was_inferred(store):
    """mem0-haystack returns [] and never waits; its example sleeps for 15 seconds."""
    assert store.add_memories(messages=HELLO, user_id="maya")
    assert store.search_memories(user_id="maya")


def test_all_memories_are_all(store):
    """mem0-haystack returns the first 100."""
    messages = [ChatMessage.from_user(f"note {number}") for number in range(250)]
    store.add_memories(messages=messages, infer=False, user_id="maya")
    assert len(store.search_memories(user_id="maya")) == 250


def test_memories_can_be_deleted(store, platform):
    """mem0-haystack has no delete."""
    [entry] = store.add_memories(messages=HELLO, infer=False, user_id="maya")
    store.delete_memory(entry["memory_id"])
    store.add_memories(messages=HELLO, infer=False, user_id="maya")
    store.delete_all_memories(user_id="maya")
    assert platform.memories == []


@pytest.mark.parametrize("query", [None, "note"])
def test_meta_is_a_prefix(filled, query):
    """mem0-haystack reads meta.c as a key named "meta.c"."""
    evens = {0, 2, 4, 6, 8, 10}
    assert found(filled, condition("meta.c", "==", "a"), query) == evens
    assert found(filled, condition("c", "==", "a"), query) == evens


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("in", [1, 2], {1, 2}),
        ("not in", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], {10, 11}),
        (">", 9, {10, 11}),
        (">=", 10, {10, 11}),
        ("<", 2, {0, 1}),
        ("<=", 1, {0, 1}),
    ],
)
@pytest.mark.parametrize("query", [None, "note"])
def test_membership_and_order_of_metadata(filled, operator, value, expected, query):
    """mem0-haystack raises on all six."""
    assert found(filled, condition("meta.n", operator, value), query) == expected


@pytest.mark.parametrize("query", [None, "note"])
def test_ids_that_are_not_in_a_list(filled, query):
    """mem0-haystack sends `ne` with a list."""
    assert found(filled, condition("user_id", "not in", ["user-0", "user-1"]), query) == {2, 5, 8, 11}


@pytest.mark.parametrize("several", ["none of", "not all"])
@pytest.mark.parametrize("query", [None, "note"])
def test_not_of_several_is_not_all(several, query):
    """mem0-haystack turns it into "none of": 86 rows where 142 are right."""
    with running(Reading(not_of_several=several)) as platform, store_on(platform) as store:
        for number in range(4):
            metadata = {"a": number % 2, "b": number // 2}
            message = ChatMessage.from_user(f"note {number}")
            store.add_memories(messages=[message], infer=False, user_id="maya", metadata=metadata)
        conditions = [condition("meta.a", "==", 1), condition("meta.b", "==", 1)]
        assert found(store, {"operator": "NOT", "conditions": conditions}, query) == {0, 1, 2}


@pytest.mark.parametrize("name", ["user_id", "run_id", "agent_id", "app_id"])
def test_an_empty_id_is_no_scope(filled, name):
    """mem0-haystack drops it, and so the scope."""
    with pytest.raises(ScopeError):
        filled.search_memories(**{"user_id": "user-0", name: ""})
    with pytest.raises(ScopeError):
        filled.delete_all_memories(**{"user_id": "user-0", name: ""})
