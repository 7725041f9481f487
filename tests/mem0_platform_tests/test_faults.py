"""Faults do to one request what they say, and nothing to the next."""

import contextlib
import threading
import time

import httpx
import pytest
from mem0_platform import MemoryPlatform, dropped, failing, malformed, rate_limited, slow
from mem0_platform_tests.checked import Client

MAYA = {"user_id": "maya"}
ADD = "/v3/memories/add/"
BODY = {"messages": [{"role": "user", "content": "walnuts"}], "infer": False, **MAYA}


def test_429_says_when_to_try_again(client, platform):
    platform.fail(rate_limited(7))
    refused = client.post(ADD, json=BODY)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert platform.memories == []
    assert client.post(ADD, json=BODY).status_code == 200


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("stored", [False, True])
def test_a_failure_before_or_after(client, platform, status, stored):
    platform.fail(failing(status, stored=stored))
    assert client.post(ADD, json=BODY).status_code == status
    assert len(platform.memories) == stored


@pytest.mark.parametrize("stored", [False, True])
def test_a_dropped_connection_before_or_after(client, platform, stored):
    platform.fail(dropped(stored=stored))
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(ADD, json=BODY)
    assert len(platform.memories) == stored
    assert platform.requests[0].status is None
    assert client.texts(MAYA) == ["walnuts"] * stored


def test_an_answer_that_is_no_json(platform):
    platform.fail(malformed())
    with httpx.Client(base_url=platform.url) as client:
        answer = client.get("/v1/ping/")
    with pytest.raises(ValueError, match="Unterminated|Expecting"):
        answer.json()


def test_a_slow_answer(client, platform):
    platform.fail(slow(0.5))
    with pytest.raises(httpx.ReadTimeout):
        client.post(ADD, json=BODY, timeout=0.05)
    while not platform.memories:
        time.sleep(0.01)
    assert client.texts(MAYA) == ["walnuts"]


def test_faults_wait_for_their_path(client, platform):
    platform.fail(failing(), failing(503), path=ADD, method="POST")
    assert client.get("/v1/ping/").status_code == 200
    assert platform.unused_faults == 2
    assert [client.post(ADD, json=BODY).status_code for _ in "123"] == [500, 503, 200]


def test_the_end_waits_for_nobody():
    def wait_long():
        with contextlib.suppress(httpx.HTTPError):
            client.get("/v1/ping/")

    begun = time.monotonic()
    with MemoryPlatform() as platform:
        client = httpx.Client(base_url=platform.url)
        client.get("/v1/ping/")  # a connection that stays open
        platform.fail(slow(60))
        waiting = threading.Thread(target=wait_long)
        waiting.start()
        while len(platform.requests) < 2:
            time.sleep(0.01)
    waiting.join()
    client.close()
    assert time.monotonic() - begun < 30


def test_many_threads_at_once(platform):
    def work():
        with Client(platform) as client:
            for _ in range(10):
                client.add("walnuts", **MAYA)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(platform.memories) == 160
