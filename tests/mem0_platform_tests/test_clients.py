"""The real clients of mem0ai against the loopback server that plays their platform."""

import asyncio
import inspect
import uuid
from typing import Any

import httpx
import pytest
from mem0 import AsyncMemoryClient, MemoryClient
from mem0.exceptions import MemoryNotFoundError, NetworkError, RateLimitError, ValidationError
from mem0_platform import MemoryPlatform, dropped, failing, rate_limited

KEY = "m0-loopback-only"
MAYA = {"user_id": "maya"}


class Calls:
    """The same calls for either client, each run to its end."""

    def __init__(self, kind: type[MemoryClient | AsyncMemoryClient], platform: MemoryPlatform) -> None:
        self._runner = asyncio.Runner()
        self._client = kind(api_key=KEY, host=platform.url)

    def __getattr__(self, name: str) -> Any:
        owner = self._client.project if name == "update_project" else self._client
        method = getattr(owner, "update" if name == "update_project" else name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            result = method(*arguments, **keywords)
            return self._runner.run(_finish(result)) if inspect.isawaitable(result) else result

        return call

    def close(self) -> None:
        if isinstance(self._client, AsyncMemoryClient):
            self._runner.run(self._client.async_client.aclose())
        else:
            self._client.client.close()
        self._runner.close()


async def _finish(result: Any) -> Any:
    return await result


@pytest.fixture
def platform():
    with MemoryPlatform(api_key=KEY) as platform:
        yield platform


@pytest.fixture(params=[MemoryClient, AsyncMemoryClient])
def client(request, platform):
    calls = Calls(request.param, platform)
    yield calls
    calls.close()


@pytest.mark.parametrize(
    ("kind", "http"), [(MemoryClient, httpx.Client), (AsyncMemoryClient, httpx.AsyncClient)], ids=["sync", "async"]
)
def test_a_wrong_key(platform, kind, http):
    own = http()  # the one that it would make it would leave open
    with pytest.raises(ValueError, match="Invalid API key"):
        kind(api_key="wrong", host=platform.url, client=own)
    asyncio.run(own.aclose()) if kind is AsyncMemoryClient else own.close()


def test_a_memorys_life(client):
    added = client.add("I'm allergic to walnuts", infer=False, metadata={"topic": "health"}, run_id="r", **MAYA)
    [entry] = added["results"]
    assert entry["data"] == {"memory": "I'm allergic to walnuts"}
    assert client.get(entry["id"])["metadata"] == {"topic": "health"}
    assert client.get_all(filters=MAYA)["results"][0]["session_id"] == "r"
    assert client.get_all(filters=MAYA, page=1, page_size=10)["count"] == 1
    assert client.search("walnuts", filters={"AND": [MAYA, {"metadata": {"topic": "health"}}]})["results"]
    assert client.update(entry["id"], text="hazelnuts")["memory"] == "hazelnuts"
    assert [change["event"] for change in client.history(entry["id"])] == ["ADD", "UPDATE"]
    assert client.delete(entry["id"])
    with pytest.raises(MemoryNotFoundError):
        client.delete(entry["id"])


def test_inferring_and_deleting_all_are_queued(client, platform):
    added = client.add([{"role": "user", "content": "I like tea"}], **MAYA)
    assert added["status"] == "PENDING"
    assert client.get_all(filters=MAYA)["results"] == []
    platform.settle()
    assert [memory["memory"] for memory in client.get_all(filters=MAYA)["results"]] == ["I like tea"]
    assert client.delete_all(**MAYA)["event_id"]
    platform.settle()
    assert client.get_all(filters=MAYA)["results"] == []


def test_beyond_the_description(client):
    ids = [entry["id"] for entry in client.add("tea", infer=False, **MAYA)["results"]]
    assert client.update_project(custom_instructions="short")
    assert client.users()["results"] == [{"type": "user", "name": "maya", "total_memories": 1}]
    assert client.batch_update([{"memory_id": ids[0], "text": "coffee"}])
    assert client.batch_delete([{"memory_id": ids[0]}])
    client.add("tea", infer=False, **MAYA)
    assert client.delete_users(user_id="maya")
    assert client.users()["results"] == []


def test_errors_have_their_classes(client, platform):
    with pytest.raises(ValidationError):
        client.get_all(filters={"user_id": {"nin": ["maya"]}})
    with pytest.raises(ValidationError):
        client.get("17")
    with pytest.raises(MemoryNotFoundError):
        client.get(str(uuid.uuid4()))
    platform.fail(rate_limited(7), failing(503), dropped())
    with pytest.raises(RateLimitError) as limited:
        client.get_all(filters=MAYA)
    assert limited.value.debug_info["retry_after"] == 7
    for _ in range(2):
        with pytest.raises(NetworkError):
            client.get_all(filters=MAYA)
