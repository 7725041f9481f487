"""infer=True: facts of a scripted model, over real HTTP; what fails is an error, and nothing stays of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from backends.mem0_oss.contracts import key_in_environment, model_at
from haystack.dataclasses import ChatMessage
from openai_server import Broken, OpenAIServer, facts

from memstore.errors import EventNotFoundError, MemoryStoreError, MemoryTimeoutError
from memstore_mem0.oss import background
from memstore_mem0.oss.checking import WatchedEmbedder
from memstore_mem0.oss.store import Mem0OSSMemoryStore
from memstore_mem0.oss.support import UNKNOWN

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


def test_what_the_history_does_not_keep_it_never_had(store, server, folder):
    """The last write fails: rows, and what the history says of them, are gone again."""
    store.warm_up()
    store._library.memory.db.connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    server.script.append(facts("Maya lives in Lisbon"))
    with pytest.raises(MemoryStoreError):
        store.add_memories(messages=SAID, user_id="maya")
    assert store.search_memories(user_id="maya") == []
    assert store._library.memory.db.connection.execute("SELECT count(*) FROM history").fetchone() == (0,)


def test_the_model_is_told_of_no_other_scope(store, server):
    """Also where the vector store is asked for a part of it only."""
    store.warm_up()
    store._library.rows._engine = UNKNOWN
    work = [ChatMessage.from_user("Maya's office is in Porto")]
    store.add_memories(messages=work, infer=False, user_id="maya", app_id="work")
    store.add_memories(messages=SAID, user_id="maya", app_id="diary")
    assert "Alfama" in server.prompts[0] and "Porto" not in server.prompts[0]


def test_an_embedder_that_loses_a_text_is_an_error():
    class Short:
        def embed_batch(self, texts, memory_action):
            return [[1.0]] * (len(texts) - 1)

    with pytest.raises(MemoryStoreError, match="1 vectors for 2 texts"):
        WatchedEmbedder(Short()).embed_batch(["one", "two"])


class TestWhileTheModelThinks:
    @pytest.fixture(autouse=True)
    def thinking(self, store, server):
        """Maya's conversation, of which the model still makes facts."""
        server.open.clear()
        server.script.append(facts("Maya lives in Lisbon"))
        with ThreadPoolExecutor() as threads:
            self.threads = threads
            self.adding = threads.submit(store.add_memories, messages=SAID, user_id="maya", metadata={"topic": "home"})
            assert server.asked.wait(30)
            yield
            server.open.set()

    def test_others_read_and_write(self, store, server):
        def use():
            messages = [ChatMessage.from_user("green tea"), ChatMessage.from_user("coffee")]
            entries = store.add_memories(messages=messages, infer=False, user_id="noor")
            store.update_memory(entries[0]["memory_id"], text="black tea")
            store.delete_memory(entries[1]["memory_id"])
            found = store.search_memories(query="tea", user_id="noor")
            return [message.text for message in found], len(store.list_memories(user_id="maya").memories)

        assert self.threads.submit(use).result(10) == (["black tea"], 0)
        server.open.set()
        [added] = self.adding.result(30)
        [memory] = store.list_memories(user_id="maya").memories
        assert (memory.id, memory.meta) == (added["memory_id"], {"topic": "home"})
        [memory] = store.list_memories(user_id="noor").memories
        assert (memory.text, memory.meta) == ("black tea", {})

    def test_what_others_fail_at_is_theirs(self, store, server):
        def fail():
            store.update_memory("018f0000-0000-7000-8000-00000000000a", text="x")

        with pytest.raises(MemoryStoreError):
            self.threads.submit(fail).result(10)
        server.open.set()
        assert len(self.adding.result(30)) == 1

    def test_another_conversation_waits(self, store, server):
        server.script.append(facts("Noor lives in Porto"))
        noor = self.threads.submit(store.add_memories, messages=SAID, user_id="noor")
        with pytest.raises(TimeoutError):
            noor.result(0.1)
        server.open.set()
        assert [self.adding.result(30)[0]["memory"], noor.result(30)[0]["memory"]] == [
            "Maya lives in Lisbon",
            "Noor lives in Porto",
        ]

    def test_closing_waits(self, store, server, folder):
        closing = self.threads.submit(store.close)
        with pytest.raises(TimeoutError):
            closing.result(0.1)
        server.open.set()
        closing.result(30)
        [added] = self.adding.result(30)
        with Mem0OSSMemoryStore(path=folder) as again:
            assert [memory.id for memory in again.list_memories(user_id="maya").memories] == [added["memory_id"]]


def test_a_model_may_use_another_store(store, server, folder):
    """It is asked in the thread in which facts are made."""
    with Mem0OSSMemoryStore(path=folder / "other") as other:
        store.warm_up()
        watched = store._library.memory.llm

        class Model:
            def generate_response(self, *arguments, **options):
                other.add_memories(messages=[ChatMessage.from_user("asked")], infer=False, run_id="log")
                return facts("Maya lives in Lisbon")

        watched.part = Model()
        assert len(store.add_memories(messages=SAID, user_id="maya")) == 1
        assert [memory.scope.ids for memory in other.list_memories(run_id="log").memories] == [{"run_id": "log"}]


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

    def test_a_failure_that_nobody_waited_for_is_logged_at_the_end(self, store, server, caplog):
        server.script.extend([Broken(500), "Alfama, no JSON"])
        for _ in range(2):
            [pending] = store.add_memories(messages=SAID, user_id="maya", async_mode=True)
        with pytest.raises(MemoryStoreError):
            store.wait([pending["event_id"]], timeout=30)
        store.close()
        [record] = [record for record in caplog.records if record.name.startswith("memstore_mem0")]
        assert "nobody waited for" in record.getMessage() and "Error" in record.getMessage()
        assert "Alfama" not in caplog.text

    def test_the_oldest_are_forgotten(self, monkeypatch):
        monkeypatch.setattr(background, "_REMEMBERED", 2)
        adds = background.BackgroundAdds("Store")
        events = []
        for number in range(5):
            events.append(adds.start(lambda number=number: [{"memory_id": str(number), "memory": ""}]))
            adds.wait(events[-1:], 30)
        with pytest.raises(EventNotFoundError):
            adds.wait(events[:1], 0)
        assert [entry["memory_id"] for entry in adds.wait(events[-2:], 0)] == ["3", "4"]
        adds.close()
