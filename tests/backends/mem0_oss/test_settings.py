"""Configurations: secrets, what is filled in, and what is said where they are wrong."""

import json
import re

import pytest
from backends.mem0_oss.contracts import key_in_environment
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from openai_server import KEY

from memstore.errors import MemoryStoreError, MissingDependencyError
from memstore_mem0.oss.library import is_embedded
from memstore_mem0.oss.settings import from_json, to_json
from memstore_mem0.oss.store import Mem0OSSMemoryStore

ENVIRONMENT = Secret.from_env_var("MEMSTORE_TEST_OPENAI_KEY")


def openai(key):
    return {"provider": "openai", "config": {"api_key": key, "max_tokens": 100}}


def test_secrets_from_the_environment_are_written_by_name():
    store = Mem0OSSMemoryStore({"llm": openai(ENVIRONMENT)}, path="somewhere")
    written = json.dumps(store.to_dict())
    with key_in_environment():
        again = Mem0OSSMemoryStore.from_dict(json.loads(written))
        assert KEY not in written
        assert again.to_dict() == store.to_dict()
        assert again._config["llm"]["config"]["api_key"].resolve_value() == KEY


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": KEY},
        {"password": KEY},
        {"aws_secret_access_key": KEY},
        {"auth": {"client_secret": KEY}},
        {"hosts": [{"token": KEY}]},
        {"connection_string": f"postgresql://me:{KEY}@host/db"},
        {"dsn": f"host=localhost password={KEY}"},
        {"headers": {"Authorization": KEY}},
        {"headers": {"X-Whatever": f"Bearer {KEY}"}},
        {"headers": {"X-Api-Key": KEY}},
        {"http_auth": ["me", KEY]},
        {"auth": KEY},
        {"passwd": KEY},
        {"pwd": KEY},
        {"key": KEY},
        {"accountKey": KEY},
        {"connection_string": f"DefaultEndpointsProtocol=https;AccountName=me;AccountKey={KEY}==;"},
        {"connection_string": f"Server=db;Uid=me;Pwd={KEY};"},
        {"url": f"https://{KEY}@host/path"},
        {"url": f"https://host/path?version=1&api-key={KEY}"},
        {"url": f"https://host/path?sig={KEY}"},
        {"url": f"redis://:{KEY}@host/0"},
        {"api_key": Secret.from_token(KEY)},
        {"client": object()},
    ],
)
def test_secrets_in_plain_sight_are_not_written(settings):
    store = Mem0OSSMemoryStore({"vector_store": {"provider": "qdrant", "config": settings}})
    with pytest.raises(ValueError) as raised:
        store.to_dict()
    assert KEY not in str(raised.value) and KEY not in repr(store)
    assert f"config['vector_store']['config'][{next(iter(settings))!r}]" in str(raised.value)
    if "client" not in settings:
        assert "Secret.from_env_var" in str(raised.value)


def test_what_only_sounds_like_a_secret_is_written():
    settings = {
        "max_tokens": 100,
        "openai_base_url": "http://127.0.0.1:1/v1",
        "url": "postgresql://me@host:5432/db?sslmode=require",
        "dsn": "host=localhost user=me",
        "keyspace": "mine",
        "user": "me",
        "headers": {"Accept": "text/plain"},
        "model": "keynote-auth-1",
    }
    config = {"llm": {"provider": "openai", "config": settings}}
    assert to_json(config) == config


def test_secrets_in_lists_are_written_by_name():
    config = {"vector_store": {"provider": "opensearch", "config": {"http_auth": ["me", ENVIRONMENT]}}}
    with pytest.raises(ValueError, match=r"\['http_auth'\]\[0\]"):
        to_json(config)
    config["vector_store"]["config"]["http_auth"][0] = ENVIRONMENT
    assert from_json(to_json(config)) == config


def test_no_parameters_are_the_defaults():
    for written in ({}, {"init_parameters": None}, {"init_parameters": {}}):
        data = {"type": "memstore_mem0.oss.store.Mem0OSSMemoryStore", **written}
        assert Mem0OSSMemoryStore.from_dict(data).to_dict() == Mem0OSSMemoryStore().to_dict()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"vectorstore": {}}, "no section vectorstore; there are .*vector_store"),
        ({"vector_store": {"provider": "qdrunt"}}, "Unsupported vector store provider: qdrunt"),
        ({"vector_store": {"provider": "qdrant", "config": {"pth": "x"}}}, "vector_store.*Extra fields not allowed"),
        ({"llm": {"provider": "qdrunt"}}, "llm"),
        ({"llm": {"provider": "openai", "config": {"modl": KEY}}}, "config.'llm'.*TypeError.*no setting 'modl'"),
        ({"embedder": {"provider": "qdrunt"}}, "embedder.*qdrunt"),
    ],
)
def test_a_wrong_configuration_is_one_clear_error(folder, config, reason):
    store = Mem0OSSMemoryStore(config, path=folder)
    with pytest.raises(MemoryStoreError, match=reason) as raised:
        store.warm_up()
    assert KEY not in str(raised.value)


def test_a_section_of_another_form():
    with pytest.raises(MemoryStoreError, match="must be"):
        Mem0OSSMemoryStore({"vector_store": "qdrant"})
    with pytest.raises(TypeError, match="config"):
        Mem0OSSMemoryStore("qdrant")


def test_a_missing_package_is_a_pip_command(folder):
    with pytest.raises(MissingDependencyError, match="pip install"):
        Mem0OSSMemoryStore({"llm": {"provider": "anthropic", "config": {"api_key": "x"}}}, path=folder).warm_up()


def test_a_missing_key_is_told(folder):
    with pytest.raises(MemoryStoreError, match=r"config\['llm'\].*MEMSTORE_TEST_OPENAI_KEY"):
        Mem0OSSMemoryStore({"llm": openai(ENVIRONMENT)}, path=folder).warm_up()


@pytest.mark.parametrize("section", ["llm", "embedder"])
def test_a_key_that_nobody_gave_is_told_and_the_folder_is_free_again(folder, monkeypatch, section):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = {section: {"provider": "openai", "config": {}}}
    with pytest.raises(
        MemoryStoreError, match="OPENAI_API_KEY is not set.*" + re.escape(f"config['{section}']")
    ) as kept:
        Mem0OSSMemoryStore(config, path=folder).warm_up()
    with Mem0OSSMemoryStore(path=folder) as mended:
        mended.warm_up()
    del kept


@pytest.mark.parametrize("provider", ["qdrant", "chroma", "faiss"])
def test_files_lie_in_the_folder(folder, provider):
    config = {"vector_store": {"provider": provider, "config": {"collection_name": "mine"}}}
    with Mem0OSSMemoryStore(config, path=folder) as store:
        store.add_memories(messages=[ChatMessage.from_user("one")], infer=False, user_id="maya")
        with pytest.raises(MemoryStoreError, match="in use"):
            Mem0OSSMemoryStore(config, path=folder).warm_up()
    with Mem0OSSMemoryStore(config, path=folder) as store:
        assert [message.text for message in store.search_memories(user_id="maya")] == ["one"]
    assert {path.name for path in folder.iterdir()} == {"history.db", provider}


def test_claims_follow_the_vector_store():
    def claims(provider, **settings):
        return Mem0OSSMemoryStore({"vector_store": {"provider": provider, "config": settings}}).capabilities

    assert "erasure" in Mem0OSSMemoryStore().capabilities
    assert "erasure" in claims("faiss")
    assert "erasure" not in claims("qdrant", host="localhost", port=6333)
    assert "erasure" not in claims("chroma") | claims("pgvector") | claims("pinecone")
    assert "read_after_write" in claims("pgvector")
    assert "read_after_write" not in claims("pinecone")


@pytest.mark.parametrize(
    ("settings", "embedded"),
    [
        ({}, True),
        ({"path": "somewhere"}, True),
        ({"host": "localhost"}, True),
        ({"host": "localhost", "port": 8000}, False),
        ({"api_key": "x", "tenant": "y"}, False),
        ({"client": object()}, False),
    ],
)
def test_a_server_of_chromas_has_no_folder(settings, embedded):
    assert is_embedded({"vector_store": {"provider": "chroma", "config": settings}}) is embedded
