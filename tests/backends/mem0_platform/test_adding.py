"""Adding: word for word, and by inference, which the platform does in its own time."""

import asyncio

import pytest
from haystack.dataclasses import ChatMessage
from mem0_platform import Fact, failing, slow
from support.mem0_stores import running, store_on

from memstore import bind
from memstore.errors import EventNotFoundError, MemoryStoreError, MemoryTimeoutError, ScopeError, UnsupportedError
from memstore.filters import field

ADD = "/v3/memories/add/"
MESSAGES = [ChatMessage.from_user("I live in Lisbon"), ChatMessage.from_assistant("I recommended the tram")]


def own(messages):
    return [message.meta["memory_metadata"] for message in messages]


def test_word_for_word_returns_the_ids(store, platform):
    added = store.add_memories(messages=MESSAGES, infer=False, user_id="maya")
    assert [entry["memory"] for entry in added] == ["I live in Lisbon", "I recommended the tram"]
    assert {entry["memory_id"] for entry in added} == {memory.id for memory in platform.memories}


def test_one_request_for_messages_that_differ_in_nothing_but_text(store, platform):
    messages = [ChatMessage.from_user(f"note {number}") for number in range(50)]
    store.add_memories(messages=messages, infer=False, user_id="maya", metadata={"topic": "tea"})
    assert len(platform.sent(ADD)) == 1


def test_roles_and_names_in_one_request(store, platform):
    messages = [ChatMessage.from_user(f"question {n}", name="Maya") for n in range(3)]
    messages += [ChatMessage.from_assistant("yes"), ChatMessage.from_system("be kind"), ChatMessage.from_user("yes ?")]
    store.add_memories(messages=messages, infer=False, user_id="maya")
    assert len(platform.sent(ADD)) == 1
    found = store.search_memories(user_id="maya", include_memory_metadata=True)
    said = {message.text: (fields["role"], fields["name"]) for message, fields in zip(found, own(found))}
    assert said == {
        **{f"question {n}": ("user", "Maya") for n in range(3)},
        "yes": ("assistant", None),
        "be kind": ("system", None),
        "yes ?": ("user", None),
    }


def test_the_same_said_by_two(store, platform):
    messages = [ChatMessage.from_user("yes"), ChatMessage.from_assistant("yes"), ChatMessage.from_user("yes")]
    store.add_memories(messages=messages, infer=False, user_id="maya")
    roles = [fields["role"] for fields in own(store.search_memories(user_id="maya", include_memory_metadata=True))]
    assert roles == ["user", "assistant", "user"]


def test_a_long_conversation_takes_a_request_for_each_64_messages(store, platform):
    said = [ChatMessage.from_user, ChatMessage.from_assistant] * 65
    store.add_memories(messages=[say(f"turn {n}") for n, say in enumerate(said)], infer=False, user_id="maya")
    assert [len(request.body["messages"]) for request in platform.sent(ADD)] == [64, 64, 2]
    roles = [fields["role"] for fields in own(store.search_memories(user_id="maya", include_memory_metadata=True))]
    assert roles == ["user", "assistant"] * 65


def test_inferring_waits_for_the_memories(store, platform):
    added = store.add_memories(messages=MESSAGES, user_id="maya", agent_id="guide", metadata={"city": "Lisbon"})
    assert [entry["memory"] for entry in added] == ["I live in Lisbon", "I recommended the tram"]
    found = store.search_memories(user_id="maya", agent_id="guide", include_memory_metadata=True)
    assert {fields["memory_id"] for fields in own(found)} == {entry["memory_id"] for entry in added}
    assert all(message.meta["city"] == "Lisbon" for message in found)


def test_nothing_to_remember_is_an_empty_list():
    with running(extract=lambda messages: []) as platform, store_on(platform) as store:
        assert store.add_memories(messages=MESSAGES, user_id="maya") == []


def test_a_failed_inference_says_what_the_server_said(store, platform):
    platform.fail_next_event("the model is overloaded")
    with pytest.raises(MemoryStoreError, match="the model is overloaded"):
        store.add_memories(messages=MESSAGES, user_id="maya")


def test_inferring_has_a_deadline_and_waiting_goes_on():
    with running(pending_seconds=0.6) as platform, store_on(platform, timeout=0.2) as store:
        with pytest.raises(MemoryTimeoutError, match="waits on"):
            store.add_memories(messages=MESSAGES, user_id="maya", agent_id="guide")
        event_id = next(iter(platform._state.events))  # what the message names
        assert len(store.wait([event_id])) == 2


def test_async_mode_returns_at_once_and_wait_finishes_it(store, platform):
    [pending] = store.add_memories(messages=MESSAGES, user_id="maya", async_mode=True)
    assert pending.keys() == {"memory_id", "memory", "event_id"}
    assert (pending["memory_id"], pending["memory"]) == (None, None)
    added = store.wait([pending["event_id"]], timeout=5)
    assert {entry["memory_id"] for entry in added} == {memory.id for memory in platform.memories}


def test_waiting_has_a_timeout_of_its_own():
    with running(pending_seconds=60) as platform, store_on(platform) as store:
        [pending] = store.add_memories(messages=MESSAGES, user_id="maya", async_mode=True)
        with pytest.raises(MemoryTimeoutError):
            store.wait([pending["event_id"]], timeout=0.05)


@pytest.mark.parametrize("event_id", ["00000000-0000-4000-8000-000000000000", "nonsense", "../../v1/ping"])
def test_waiting_for_an_unknown_event(store, event_id):
    with pytest.raises(EventNotFoundError):
        store.wait([event_id])


async def test_the_same_awaited(store):
    [pending] = await store.add_memories_async(messages=MESSAGES, user_id="maya", agent_id="guide", async_mode=True)
    assert len(await store.wait_async([pending["event_id"]])) == 2
    assert len(await store.add_memories_async(messages=MESSAGES, user_id="leo", agent_id="guide")) == 2
    assert len(await store.search_memories_async(query="Lisbon", user_id="leo")) == 2


@pytest.mark.parametrize("ids", [{"user_id": "maya"}, {"agent_id": "guide"}, {"user_id": "maya", "agent_id": "guide"}])
@pytest.mark.parametrize("query", [None, "tram Lisbon"])
def test_ids_mean_the_same_for_what_the_platform_attributes_to_one_speaker(store, ids, query):
    store.add_memories(messages=MESSAGES, user_id="maya", agent_id="guide", run_id="r1")
    store.add_memories(messages=MESSAGES, user_id="leo", agent_id="other", run_id="r1")
    found = store.search_memories(query=query, **ids, include_memory_metadata=True)
    assert sorted(message.text for message in found) == ["I live in Lisbon", "I recommended the tram"]
    assert {(fields["user_id"], fields["agent_id"], fields["run_id"]) for fields in own(found)} == {
        ("maya", "guide", "r1")
    }


@pytest.mark.parametrize(
    ("ids", "roles"),
    [
        ({"user_id": "maya", "agent_id": "guide"}, {"I live in Lisbon": "user", "I recommended the tram": "assistant"}),
        ({"agent_id": "guide"}, {"I recommended the tram": "user"}),
        ({"run_id": "r1"}, {"I live in Lisbon": "user", "I recommended the tram": "user"}),
    ],
    ids=["both", "agent", "run"],
)
def test_a_fact_has_the_role_of_the_speaker_to_whom_the_platform_attributes_it(store, ids, roles):
    store.add_memories(messages=MESSAGES, **ids)
    found = store.search_memories(**ids, include_memory_metadata=True)
    assert {message.text: fields["role"] for message, fields in zip(found, own(found))} == roles
    said = (field("role") == "assistant") & (field(next(iter(ids))) == next(iter(ids.values())))
    assert {message.text for message in store.search_memories(filters=said)} == {
        text for text, role in roles.items() if role == "assistant"
    }


def test_a_bound_store_sees_what_it_inferred_and_nobody_else_does(store):
    maya, leo = bind(store, user_id="maya"), bind(store, user_id="leo")
    [pending] = maya.add_memories(messages=MESSAGES, agent_id="guide", async_mode=True)
    assert len(maya.wait([pending["event_id"]])) == 2
    assert len(maya.search_memories()) == 2
    assert leo.search_memories() == []
    with pytest.raises(EventNotFoundError):
        leo.wait([pending["event_id"]])


def test_project_settings_are_never_touched(store, platform):
    store.add_memories(messages=MESSAGES, user_id="maya")
    store.add_memories(messages=MESSAGES, infer=False, user_id="maya")
    assert not [request.path for request in platform.requests if "project" in request.path or "org" in request.path]


def test_keywords_go_to_the_client(store, platform):
    store.add_memories(
        messages=MESSAGES, user_id="maya", custom_instructions="cities only", expiration_date="2999-01-01"
    )
    [request] = platform.sent(ADD)
    assert request.body["custom_instructions"] == "cities only"
    [first, *_] = own(store.search_memories(user_id="maya", include_memory_metadata=True))
    assert first["expires_at"] == "2999-01-02T00:00:00Z"


def test_what_mem0_cannot_do_is_refused(store, platform):
    with pytest.raises(UnsupportedError, match="client_ids"):
        store.add_memories(messages=MESSAGES, infer=False, user_id="maya", ids=["a", "b"])
    with pytest.raises(UnsupportedError, match="expiration"):
        store.add_memories(messages=MESSAGES, infer=False, user_id="maya", expires_at=0)
    with pytest.raises(TypeError, match="top_k"):
        store.add_memories(messages=MESSAGES, user_id="maya", top_k=1)
    assert platform.requests == []


@pytest.mark.parametrize("star", ["*", " *", ""])
def test_a_wildcard_never_reaches_the_server_as_an_id(store, platform, star):
    for name in ("user_id", "run_id", "agent_id", "app_id"):
        for call in (
            lambda ids: store.add_memories(messages=MESSAGES, infer=False, **ids),
            lambda ids: store.search_memories(**ids),
            lambda ids: store.delete_all_memories(**ids),
        ):
            with pytest.raises(ScopeError):
                call({name: star})
    assert platform.requests == []


TWO_REQUESTS = [ChatMessage.from_user("one", meta={"n": 1}), ChatMessage.from_user("two", meta={"n": 2})]


def test_a_batch_is_all_or_nothing(store, platform):
    """Metadata per message takes a request each; when the second fails, what the first stored is deleted."""
    platform.fail(slow(0), failing(500), path=ADD)
    with pytest.raises(MemoryStoreError, match="not added again"):
        store.add_memories(messages=TWO_REQUESTS, infer=False, user_id="maya")
    assert len(platform.sent(ADD)) == 2
    assert platform.memories == []


def test_a_batch_that_cannot_be_taken_back_says_so(store, platform):
    platform.fail(slow(0), failing(500), path=ADD)
    platform.fail(*[failing(500)] * 4, method="DELETE")
    with pytest.raises(MemoryStoreError, match="1 messages were stored before, and could not be deleted"):
        store.add_memories(messages=TWO_REQUESTS, infer=False, user_id="maya")


def test_metadata_named_like_the_stores_own_comes_back(store):
    metadata = {"memstore": 1, "memstore_user_id": "x", "memstore:": [1], "memstore:memstore": None, "memstores": True}
    store.add_memories(
        messages=[ChatMessage.from_assistant("hello")], infer=False, user_id="maya", metadata=metadata, timestamp=1.5
    )
    [message] = store.search_memories(user_id="maya", include_memory_metadata=True)
    fields = message.meta.pop("memory_metadata")
    del message.meta["mem0_memory_metadata"]
    assert message.meta == metadata
    assert (fields["created_at"], fields["role"]) == ("1970-01-01T00:00:01.500000Z", "assistant")


def test_two_loops_one_after_the_other(store):
    for user in ("maya", "leo"):
        asyncio.run(store.add_memories_async(messages=MESSAGES, infer=False, user_id=user))
    assert store.count_memories(user_id="maya") == store.count_memories(user_id="leo") == 2


def test_memories_of_others_are_read_as_they_are(store, platform):
    """What another client of Mem0 stored has no reserved metadata."""
    from mem0 import MemoryClient
    from support.mem0_stores import KEY

    client = MemoryClient(api_key=KEY, host=platform.url)
    client.add("I like tea", user_id="maya", metadata={"topic": "tea"}, infer=False)
    client.client.close()
    [message] = store.search_memories(user_id="maya", include_memory_metadata=True)
    assert (message.text, message.meta["topic"]) == ("I like tea", "tea")
    assert message.meta["mem0_memory_metadata"]["user_id"] == "maya"
    assert message.meta["mem0_memory_metadata"]["memory_id"] == message.meta["memory_metadata"]["memory_id"]


def test_an_odd_record_breaks_nothing(store, platform):
    with running(extract=lambda messages: [Fact("odd")]) as other, store_on(other) as odd:
        odd.add_memories(messages=MESSAGES, user_id="maya", metadata={"n": {"deep": [1]}})
        [memory] = other.memories
        memory.metadata = {"memstore": "no object", "memstore_user_id": "maya", "n": None}
        assert [message.meta for message in odd.search_memories(user_id="maya")] == [{"n": None}]
