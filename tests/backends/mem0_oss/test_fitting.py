"""An embedder that does not fit what is stored is told, with both numbers."""

import pytest
from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryStoreError
from memstore_mem0.oss.embedder import OfflineEmbedder
from memstore_mem0.oss.library import open_library
from memstore_mem0.oss.store import Mem0OSSMemoryStore

PROVIDERS = ["qdrant", "chroma", "faiss"]


def say(store):
    store.add_memories(messages=[ChatMessage.from_user("green tea")], infer=False, user_id="maya")


def made_with_8(folder, provider):
    """A collection of shorter vectors, made by the library itself."""
    settings = {} if provider == "chroma" else {"embedding_model_dims": 8}
    embedder = {"provider": "lmstudio", "config": {"embedding_dims": 8}}
    config = {"vector_store": {"provider": provider, "config": settings}, "embedder": embedder}
    library = open_library(config, folder)
    payload = {"data": "one", "user_id": "maya"}
    library.vector_store.insert(vectors=[[1.0] * 8], payloads=[payload], ids=["018f0000-0000-7000-8000-000000000001"])
    library.close()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_embedder_than_the_folders(folder, provider):
    made_with_8(folder, provider)
    with Mem0OSSMemoryStore({"vector_store": {"provider": provider}}, path=folder) as store:
        told = "256 numbers.* of 8: use the embedder that it was made with, or another path"
        for call in (store.warm_up, lambda: say(store), lambda: store.search_memories(query="tea", user_id="maya")):
            with pytest.raises(MemoryStoreError, match=told):
                call()
        assert [memory.text for memory in store.list_memories(user_id="maya").memories] == ["one"]
        store.delete_all_memories(user_id="maya")  # what needs no vector works


@pytest.mark.parametrize("provider", ["qdrant", "faiss"])
def test_wrong_dimensions_in_the_configuration(folder, provider):
    """They are told before a folder of that kind is made."""
    config = {"vector_store": {"provider": provider, "config": {"embedding_model_dims": 8}}}
    with Mem0OSSMemoryStore(config, path=folder) as store:
        with pytest.raises(MemoryStoreError, match="embedding_model_dims.* is 8, .* 256 numbers"):
            store.warm_up()
    assert list(folder.iterdir()) == []


def test_an_embedder_that_makes_others_than_are_configured(folder):
    config = {
        "embedder": {"provider": "lmstudio", "config": {"embedding_dims": 8}},
        "vector_store": {"provider": "qdrant", "config": {"embedding_model_dims": 8}},
    }
    with Mem0OSSMemoryStore(config, path=folder) as store:
        with store._opened() as library:
            library.memory.embedding_model.part = OfflineEmbedder()  # what a server would answer
        with pytest.raises(MemoryStoreError, match="256 numbers.* of 8"):
            store.warm_up()
