"""What the user hands over stays the user's: clients, and the configuration itself."""

import pytest
from backends.mem0_oss.postgres import pgvector_config
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from psycopg_pool import ConnectionPool
from qdrant_client import QdrantClient

from memstore.errors import MemoryStoreError
from memstore_mem0.oss.embedder import DIMENSIONS
from memstore_mem0.oss.store import Mem0OSSMemoryStore


def say(store):
    store.add_memories(messages=[ChatMessage.from_user("green tea")], infer=False, user_id="maya")


def test_a_client_stays_open(folder):
    client = QdrantClient(":memory:")
    config = {"vector_store": {"provider": "qdrant", "config": {"client": client}}}
    with Mem0OSSMemoryStore(config, path=folder) as store:
        say(store)
    assert client.count("mem0").count == 1
    with Mem0OSSMemoryStore(config, path=folder) as again:
        assert [memory.text for memory in again.list_memories(user_id="maya").memories] == ["green tea"]
    client.close()


def test_a_client_stays_open_where_the_store_cannot_be_set_up(folder):
    client = QdrantClient(":memory:")
    config = {"vector_store": {"provider": "qdrant", "config": {"client": client}}, "llm": {"provider": "none"}}
    with pytest.raises(MemoryStoreError):
        Mem0OSSMemoryStore(config, path=folder).warm_up()
    assert client.get_collections().collections is not None
    client.close()


@pytest.mark.slow
def test_a_pool_of_connections_stays_open(folder):
    settings = pgvector_config()["config"]
    with ConnectionPool(settings.pop("connection_string")) as pool:
        config = {"vector_store": {"provider": "pgvector", "config": {**settings, "connection_pool": pool}}}
        store = Mem0OSSMemoryStore(config, path=folder)
        assert "durable" in store.capabilities
        say(store)
        store.delete_all_memories(user_id="maya")  # asks for entities, whose collection has the pool too
        store.close()
        del store
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_a_client_keeps_is_not_promised_to_last():
    config = {"vector_store": {"provider": "qdrant", "config": {"client": QdrantClient(":memory:")}}}
    assert Mem0OSSMemoryStore().capabilities - Mem0OSSMemoryStore(config).capabilities == {"durable", "erasure"}


def test_a_configuration_that_changes_later_changes_nothing():
    secret, client = Secret.from_env_var("MEMSTORE_TEST_OPENAI_KEY"), object()
    settings = {"client": client, "http_auth": ["me", secret]}
    config = {"vector_store": {"provider": "opensearch", "config": settings}}
    store = Mem0OSSMemoryStore(config)
    settings["http_auth"][1] = "changed"
    settings["embedding_model_dims"] = DIMENSIONS
    config["vector_store"]["provider"] = "faiss"
    assert store._config == {
        "vector_store": {"provider": "opensearch", "config": {"client": client, "http_auth": ["me", secret]}}
    }


def test_a_history_in_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    with Mem0OSSMemoryStore({"history_db_path": "~/mine/history.db"}, path=folder / "memories") as store:
        say(store)
    assert (folder / "mine" / "history.db").exists()
    assert {path.name for path in folder.iterdir()} == {"mine", "memories"}


def test_no_folder_is_none_and_not_empty():
    with pytest.raises(ValueError, match="path"):
        Mem0OSSMemoryStore(path="")
