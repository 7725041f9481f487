"""infer=True: facts of a scripted model, over real HTTP; what fails is an error, and nothing stays of it."""

from datetime import UTC, datetime, timedelta

import pytest
from backends.mem0_oss.contracts import key_in_environment, model_at
from haystack.dataclasses import ChatMessage
from openai_server import Broken, OpenAIServer, facts

from memstore.errors import EventNotFoundError, MemoryStoreError, MemoryTimeoutError
from memstore_mem0.oss.store import Mem0OSSMemoryStore

SAID = [ChatMessage.from_user("I moved to Lisbon, into the Alfama", name="maya"), ChatMessage.from_assistant("Nice!")]


@pytest.fixture
def server():
    with OpenAIServer().running() as server, key_in_environment():
        yield server


@pytest.fixture
def store(server, folder):
    with Mem0OSSMemoryStore({"llm": model_at(server)}, path=folder) as store:
        yield store


@pytest.fixture
def embedding(server, folder):
    """A store whose embedder is a server, too."""
    model = model_at(server)
    embedder = {"provider": "openai", "config": {**model["config"], "embedding_dims": 64}}
    with Mem0OSSMemoryStore({"llm": model, "embedder": embedder}, path=folder) as store:
        yield store


def test_facts_are_stored_with_scope_metadata_and_times(store, server):
    server.script.append(facts("Maya lives in Lisbon", assistant="The assistant is glad"))
    said, until = datetime(2024, 5, 1, 9, 30, tzinfo=UTC), datetime.now(UTC) + timedelta(days=900)
    ids = {"user_id": "maya", "agent_id": "helper", "run_id": "r1", "app_id": "diary"}
    metadata = {"topic": "home", "deep": {"a": [1]}}
    added = store.add_memories(messages=SAID, metadata=metadata, timestamp=said, expires_at=until, **ids)
    assert [entry["memory"] for entry in added] == ["Maya lives in Lisbon", "The assistant is glad"]
    memories = store.list_memories(**ids).memories
    assert {memory.id for memory in memories} == {entry["memory_id"] for entry in added}
    for memory in memories:
        assert (memory.scope.ids, memory.meta, memory.created_at, memory.expires_at) == (ids, metadata, said, until)
    assert {memory.role for memory in memories} == {"user", "assistant"}
    assert "I moved to Lisbon" in server.prompts[0]


def test_nothing_to_remember_is_no_error(store, server):
    server.script.append(facts())
    assert store.add_memories(messages=SAID, user_id="maya") == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I am sorry, Maya", "is not JSON"),
        ("", "empty answer"),
        ("[]", "not of the form"),
        ('{"facts": ["a"]}', "not of the form"),
        ('{"memory": "a"}', "not of the form"),
        ('{"memory": [{"text": ""}]}', "not of the form"),
        ('{"memory": ["a"]}', "not of the form"),
        (Broken(500), "could not be inferred.*InternalServerError"),
        (Broken(401), "could not be inferred.*AuthenticationError"),
    ],
)
def test_a_failing_model_is_an_error(store, server, answer, reason, dump):
    server.script.append(answer)
    with pytest.raises(MemoryStoreError, match=reason) as raised:
        store.add_memories(messages=SAID, user_id="maya")
    assert "Lisbon" not in str(raised.value) and "sorry" not in str(raised.value)
    assert store.search_memories(user_id="maya") == []
    assert b"Alfama" not in dump() and b"sorry" not in dump()
    server.script.append(facts("Maya lives in Lisbon"))
    assert len(store.add_memories(messages=SAID, user_id="maya")) == 1


@pytest.mark.parametrize("form", ["```json\n%s\n```", "Sure: %s!", "<think>hm</think>%s"])
def test_answers_are_read_as_mem0_reads_them(store, server, form):
    server.script.append(form % facts("Lisbon"))
    assert [entry["memory"] for entry in store.add_memories(messages=SAID, user_id="maya")] == ["Lisbon"]


def test_a_failing_embedder_is_an_error(embedding, server):
    server.script.extend([facts("Maya lives in Lisbon"), facts("Maya lives in Lisbon")])
    server.embeds = False
    with pytest.raises(MemoryStoreError):
        embedding.add_memories(messages=SAID, user_id="maya")
    server.embeds = True
    assert len(embedding.add_memories(messages=SAID, user_id="maya")) == 1


def test_a_full_history_leaves_no_facts(store, server, dump):
    store.warm_up()
    store._library.memory.db.connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    server.script.append(facts("Maya lives in Lisbon"))
    with pytest.raises(MemoryStoreError):
        store.add_memories(messages=SAID, user_id="maya")
    assert store.search_memories(user_id="maya") == []
    assert b"Maya lives" not in dump()


@pytest.mark.parametrize("ids", [{"app_id": "diary"}, {"user_id": "Maya Lind"}, {"run_id": "a b", "app_id": "c d"}])
def test_ids_that_mem0_does_not_take(store, server, ids):
    server.script.extend([facts("Maya lives in Lisbon"), facts("Maya paints")])
    store.add_memories(messages=SAID, **ids)
    store.add_memories(messages=SAID, **ids)
    assert "Maya lives in Lisbon" in server.prompts[1]  # what is known already is told to the model
    assert [memory.scope.ids for memory in store.list_memories(**ids).memories] == [ids, ids]


def test_apps_know_nothing_of_each_other(store, server):
    server.script.extend([facts("Maya lives in Lisbon")] * 2)
    for app in ("diary", "work"):
        added = store.add_memories(messages=SAID, user_id="maya", app_id=app)
        assert len(added) == 1
    assert "Maya lives in Lisbon" not in server.prompts[1]
    assert server.prompts[1].count("Alfama") == 1


def test_the_same_fact_is_added_once(store, server):
    server.script.extend([facts("Maya lives in Lisbon")] * 2)
    assert len(store.add_memories(messages=SAID, user_id="maya")) == 1
    assert store.add_memories(messages=SAID, user_id="maya") == []


def test_without_a_model_it_says_what_to_configure(folder):
    with Mem0OSSMemoryStore(path=folder) as store:
        with pytest.raises(MemoryStoreError, match=r"config=\{'llm'"):
            store.add_memories(messages=SAID, user_id="maya")
        assert store.search_memories(user_id="maya") == []


class TestInTheBackground:
    def test_it_returns_at_once_and_is_waited_for(self, store, server):
        server.open.clear()
        server.script.append(facts("Maya lives in Lisbon"))
        [pending] = store.add_memories(messages=SAID, user_id="maya", async_mode=True)
        assert (pending["memory_id"], pending["memory"]) == (None, None)
        with pytest.raises(MemoryTimeoutError):
            store.wait([pending["event_id"]], timeout=0.05)
        server.open.set()
        [added] = store.wait([pending["event_id"]], timeout=30)
        assert [memory.id for memory in store.list_memories(user_id="maya").memories] == [added["memory_id"]]

    def test_failures_are_raised_by_wait(self, store, server):
        server.script.append("no JSON")
        [pending] = store.add_memories(messages=SAID, user_id="maya", async_mode=True)
        for _ in range(2):
            with pytest.raises(MemoryStoreError, match="not JSON"):
                store.wait([pending["event_id"]], timeout=30)

    def test_an_unknown_event(self, store):
        with pytest.raises(EventNotFoundError):
            store.wait(["nobody knows"], timeout=1)

    def test_closing_finishes_what_is_pending(self, store, server, folder):
        server.script.extend([facts("Maya lives in Lisbon"), facts("Maya paints")])
        for _ in range(2):
            store.add_memories(messages=SAID, user_id="maya", async_mode=True)
        store.close()
        with Mem0OSSMemoryStore(path=folder) as again:
            assert len(again.list_memories(user_id="maya").memories) == 2
