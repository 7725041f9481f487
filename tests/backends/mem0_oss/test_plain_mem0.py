"""Plain `mem0.Memory` and the store on one folder: each sees what the other wrote, one after the other."""

from datetime import UTC, datetime

import pytest
from haystack.dataclasses import ChatMessage

from memstore_mem0.loading import load_mem0
from memstore_mem0.oss.embedder import DIMENSIONS, OfflineEmbedder
from memstore_mem0.oss.store import Mem0OSSMemoryStore


class PlainMem0:
    """The library as its users have it, but for the embedder."""

    def __init__(self, folder):
        placeholder = {"provider": "lmstudio", "config": {}}
        self.memory = load_mem0().Memory.from_config(
            {
                "vector_store": {
                    "provider": "qdrant",
                    "config": {"path": f"{folder}/qdrant", "embedding_model_dims": DIMENSIONS},
                },
                "history_db_path": f"{folder}/history.db",
                "llm": placeholder,
                "embedder": placeholder,
            }
        )
        self.memory.embedding_model = OfflineEmbedder()

    def __enter__(self):
        return self.memory

    def __exit__(self, *exception):
        self.memory.vector_store.client.close()
        self.memory.close()


def test_mem0_sees_what_the_store_added(folder):
    said = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)
    with Mem0OSSMemoryStore(path=folder) as store:
        messages = [ChatMessage.from_user("I live in Lisbon", name="maya")]
        [added] = store.add_memories(
            messages=messages, infer=False, user_id="maya", metadata={"topic": "home", "deep": {"a": 1}}, timestamp=said
        )
        store.update_memory(added["memory_id"], text="I live in Porto")
    with PlainMem0(folder) as memory:
        [found] = memory.get_all(filters={"user_id": "maya", "topic": "home"})["results"]
        assert (found["id"], found["memory"], found["actor_id"]) == (added["memory_id"], "I live in Porto", "maya")
        assert found["created_at"] == said.isoformat()
        assert memory.search("where?", filters={"user_id": "maya"}, threshold=0.0)["results"][0]["id"] == found["id"]
        history = [(row["event"], row["old_memory"], row["new_memory"]) for row in memory.history(found["id"])]
        assert history == [("ADD", None, "I live in Lisbon"), ("UPDATE", "I live in Lisbon", "I live in Porto")]


def test_the_store_sees_what_mem0_added(folder):
    with PlainMem0(folder) as memory:
        memory.add("I live in Lisbon", user_id="maya", infer=False, metadata={"topic": "home", "tags": ["a"]})
        memory.add("until yesterday", user_id="maya", infer=False, expiration_date="2020-01-01")
    with Mem0OSSMemoryStore(path=folder) as store:
        [found] = store.search_memories(user_id="maya", include_memory_metadata=True)
        own, native = found.meta.pop("memory_metadata"), found.meta.pop("mem0_memory_metadata")
        assert (found.text, found.meta) == ("I live in Lisbon", {"topic": "home", "tags": ["a"]})
        assert own["created_at"][:4] == native["created_at"][:4] != "1970"
        assert store.purge_expired_memories(user_id="maya") == 1
        store.delete_memory(own["memory_id"])
    with PlainMem0(folder) as memory:
        assert memory.get_all(filters={"user_id": "maya"}, show_expired=True)["results"] == []


def test_the_store_sees_what_mem0_changed(folder):
    with Mem0OSSMemoryStore(path=folder) as store:
        messages = [ChatMessage.from_user("I live in Lisbon")]
        metadata = {"topic": "home", "deep": {"a": [1]}}
        [added] = store.add_memories(messages=messages, infer=False, user_id="maya", metadata=metadata)
    with PlainMem0(folder) as memory:
        memory.update(added["memory_id"], text="I live in Porto", metadata={"topic": "city", "user_id": "mallory"})
    with Mem0OSSMemoryStore(path=folder) as store:
        [memory] = store.list_memories(user_id="maya").memories
        assert (memory.id, memory.text) == (added["memory_id"], "I live in Porto")
        assert (memory.meta, memory.version) == ({"topic": "city", "deep": {"a": [1]}}, 2)
        assert store.update_memory(memory.id, text="Porto", expected_version=2).version == 3


@pytest.mark.parametrize("mirror", ["mine", "[]", "{}", '{"id": 1}', '{"id": "x", "user_id": "noor", "meta": {}}'])
def test_metadata_that_looks_like_the_mirror_is_metadata(folder, mirror):
    with PlainMem0(folder) as memory:
        memory.add("hello", user_id="maya", infer=False, metadata={"memstore": mirror})
    with Mem0OSSMemoryStore(path=folder) as store:
        [memory] = store.list_memories(user_id="maya").memories
        assert memory.meta == {"memstore": mirror}
        assert store.list_memories(user_id="noor").memories == []


def test_rows_that_are_none_are_left_out(folder):
    with PlainMem0(folder) as memory:
        memory.vector_store.insert(
            vectors=[[0.1] * DIMENSIONS] * 2,
            payloads=[{"user_id": "maya"}, {"user_id": ["maya", "noor"], "data": "a list is no id"}],
            ids=["018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"],
        )
    with Mem0OSSMemoryStore(path=folder) as store:
        assert store.search_memories(user_id="maya") == []
        assert store.search_memories(user_id="maya", query="list") == []


@pytest.mark.parametrize("agent_id", ["*", " tea ", "  "])
def test_rows_with_ids_that_no_scope_has_are_changed_and_deleted(folder, agent_id):
    with PlainMem0(folder) as memory:
        memory.vector_store.insert(
            vectors=[[0.1] * DIMENSIONS] * 2,
            payloads=[{"data": text, "user_id": "maya", "agent_id": agent_id} for text in ("one", "two")],
            ids=["018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"],
        )
        memory.add("three", user_id="maya", agent_id="*", infer=False)  # as Mem0 takes it
    with Mem0OSSMemoryStore(path=folder) as store:
        one, *_ = store.list_memories(user_id="maya").memories
        changed = store.update_memory(one.id, text="changed")
        assert (changed.text, changed.agent_id) == ("changed", agent_id)
        store.delete_memory(one.id)
        store.delete_all_memories(user_id="maya")
        assert store.count_memories(user_id="maya") == 0
