"""Configuration: no network before the first call, no secret in what is written, nothing sent elsewhere."""

import json
import os
import subprocess
import sys

import pytest
from haystack.utils import Secret
from support.mem0_stores import KEY, KEY_NAME, running, store_on

from memstore import open_store
from memstore.errors import MemoryStoreError, RegistryError
from memstore.registry import store_from_dict
from memstore_mem0 import Mem0MemoryStore


def test_no_network_until_first_use(platform):
    store = store_on(platform)
    Mem0MemoryStore.from_dict(store.to_dict())
    repr(store)
    store.close()
    assert platform.requests == []


def test_warm_up_forces_it(store, platform):
    store.warm_up()
    store.warm_up()
    assert [request.path for request in platform.requests] == ["/v1/ping/"]


def test_the_seeds_to_dict():
    data = Mem0MemoryStore().to_dict()
    assert data["type"] == "memstore_mem0.platform.store.Mem0MemoryStore"
    key = data["init_parameters"]["api_key"]
    assert key == {"type": "env_var", "env_vars": ["MEM0_API_KEY"], "strict": True}
    assert Mem0MemoryStore.from_dict(json.loads(json.dumps(data))).to_dict() == data
    assert store_from_dict(data).to_dict() == data


def test_a_token_is_never_written_down():
    store = Mem0MemoryStore(api_key=Secret.from_token("m0-very-secret"))
    assert "m0-very-secret" not in repr(store)
    with pytest.raises(ValueError, match="[Tt]oken"):
        store.to_dict()


def test_a_token_works(platform):
    with Mem0MemoryStore(api_key=Secret.from_token(KEY), host=platform.url) as store:
        assert store.search_memories(user_id="maya") == []


def test_a_url_has_options():
    store = open_store("mem0://?host=http://127.0.0.1:9&timeout=5&poll_interval=0.1&max_retries=0")
    assert (store.host, store.timeout, store.poll_interval, store.max_retries) == ("http://127.0.0.1:9", 5.0, 0.1, 0)
    assert isinstance(open_store("mem0://"), Mem0MemoryStore)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("mem0://host", "options only"),
        ("mem0:///path", "options only"),
        ("mem0://?hots=x", "hots"),
        ("mem0://?api_key=m0-x", "secret"),
        ("mem0://?timeout=soon", "mem0://"),
        ("mem0://?timeout=0", "timeout"),
        ("mem0://?max_retries=-1", "max_retries"),
    ],
)
def test_a_url_that_is_wrong(url, place):
    with pytest.raises(RegistryError, match=place):
        open_store(url)


@pytest.mark.parametrize("arguments", [{"timeout": 0}, {"poll_interval": -1}, {"timeout": float("inf")}])
def test_impossible_times(arguments):
    with pytest.raises(ValueError, match="positive"):
        Mem0MemoryStore(**arguments)


def run(code, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "MEM0_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**inherited, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


USE = """
import sys
{first}
import memstore_mem0
from haystack.dataclasses import ChatMessage
assert ("mem0" in sys.modules) == {loaded}
store = memstore_mem0.Mem0MemoryStore(host=sys.argv[1] if len(sys.argv) > 1 else {url!r})
assert ("mem0" in sys.modules) == {loaded}
store.add_memories(messages=[ChatMessage.from_user("hello")], infer=False, user_id="maya")
import mem0.memory.telemetry as telemetry
print(telemetry.MEM0_TELEMETRY, telemetry.client_telemetry.posthog is not None)
store.close()
"""


def test_importing_loads_no_mem0_and_its_telemetry_stays_off(platform, tmp_path):
    code = USE.format(first="", loaded=False, url=platform.url)
    assert run(code, MEM0_API_KEY=KEY, MEM0_DIR=str(tmp_path)) == "False False\n"


def test_a_mem0_that_was_imported_before_is_turned_off_too(platform, tmp_path):
    code = USE.format(first="import mem0", loaded=True, url=platform.url)
    assert run(code, MEM0_API_KEY=KEY, MEM0_DIR=str(tmp_path), NO_PROXY="*") == "False False\n"


def test_telemetry_is_the_users_to_turn_on(tmp_path):
    code = """
from memstore_mem0.loading import load_mem0
load_mem0()
import mem0.memory.telemetry
print(mem0.memory.telemetry.MEM0_TELEMETRY)
"""
    assert run(code, MEM0_TELEMETRY="True", MEM0_DIR=str(tmp_path)) == "True\n"


def test_a_missing_mem0ai_names_the_command():
    code = """
import sys
sys.modules["mem0"] = None
import memstore
for url in ("mem0://", "mem0+oss:///tmp"):
    try:
        memstore.open_store(url)
    except memstore.MissingDependencyError as error:
        print(error)
"""
    assert run(code).count('pip install "memstore[mem0]"') == 2


def test_closing_twice_and_using_it_then(platform):
    store = store_on(platform)
    store.warm_up()
    store.close()
    store.close()
    with pytest.raises(MemoryStoreError, match="closed"):
        store.search_memories(user_id="maya")


async def test_closing_after_awaited_calls():
    with running() as platform:
        store = store_on(platform)
        assert await store.search_memories_async(user_id="maya") == []
        await store.close_async()
        await store.close_async()


def test_mem0_api_key_is_never_needed_by_tests():
    assert KEY_NAME != "MEM0_API_KEY"
