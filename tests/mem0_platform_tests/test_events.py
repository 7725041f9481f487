"""Work that is queued: when it is done, and to whom its facts belong."""

import time
import uuid

from mem0_platform import Fact, MemoryPlatform
from mem0_platform_tests.checked import Client


def test_inferring_answers_an_event_and_nothing_else(client, platform):
    answer = client.add("I like tea", infer=True, user_id="maya")
    assert set(answer) == {"event_id", "status"}
    assert answer["status"] == "PENDING"
    assert platform.memories == []


def test_an_event_runs_after_so_many_polls():
    with MemoryPlatform(pending_polls=3) as platform, Client(platform) as client:
        answer = client.add("I like tea", infer=True, user_id="maya")
        polled = [client.event(answer["event_id"]) for _ in range(5)]
        assert [event["status"] for event in polled] == ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED", "SUCCEEDED"]
        assert [result["data"]["memory"] for result in polled[3]["results"]] == ["I like tea"]
        assert client.texts({"user_id": "maya"}) == ["I like tea"]


def test_or_after_so_many_seconds():
    with MemoryPlatform(pending_seconds=0.5) as platform, Client(platform) as client:
        answer = client.add("I like tea", infer=True, user_id="maya")
        assert client.event(answer["event_id"])["status"] == "PENDING"
        assert client.texts({"user_id": "maya"}) == []
        time.sleep(0.55)
        assert client.texts({"user_id": "maya"}) == ["I like tea"]


def test_a_failed_event_says_why(client, platform):
    platform.fail_next_event("quota exceeded")
    client.add("stored at once", user_id="maya")
    answer = client.add("never stored", infer=True, user_id="maya")
    platform.settle()
    event = client.event(answer["event_id"])
    assert (event["status"], event["error"], event["results"]) == ("FAILED", "quota exceeded", [])
    assert [memory.text for memory in platform.memories] == ["stored at once"]


def test_a_script_extracts():
    def extract(messages):
        if messages[0]["content"] == "fail":
            raise ValueError("no model today")
        return [Fact("Maya likes tea", categories=("food",)), Fact("Ada suggested oolong", "assistant")]

    with MemoryPlatform(extract=extract) as platform, Client(platform) as client:
        client.add("I like tea", infer=True, user_id="maya", agent_id="ada")
        failed = client.add("fail", infer=True, user_id="maya")
        platform.settle()
        assert client.texts({"user_id": "*", "categories": {"in": ["food"]}}) == ["Maya likes tea"]
        assert client.texts({"agent_id": "ada"}) == ["Ada suggested oolong"]
        assert client.event(failed["event_id"])["error"] == "no model today"


def test_facts_belong_to_their_speaker(client, platform):
    messages = [{"role": role, "content": role} for role in ("user", "assistant", "system")]
    ids = {"user_id": "maya", "agent_id": "ada", "app_id": "app", "run_id": "r"}
    client.post("/v3/memories/add/", json={"messages": messages, **ids})
    platform.settle()
    owners = {
        memory.text: (memory.user_id, memory.agent_id, memory.app_id, memory.run_id) for memory in platform.memories
    }
    assert owners == {
        "user": ("maya", None, "app", "r"),
        "assistant": (None, "ada", "app", "r"),
        "system": (None, None, "app", "r"),
    }
    assert client.texts({"AND": [{"user_id": "maya"}, {"agent_id": "ada"}]}) == []


def test_a_fact_without_an_owner_is_not_stored(client, platform):
    client.add("noted", role="assistant", infer=True, user_id="maya")
    platform.settle()
    assert platform.memories == []


def test_events_are_listed(client):
    first = client.add("one", user_id="maya")["event_id"]
    second = client.add("two", infer=True, user_id="maya")["event_id"]
    listed = client.get("/v1/events/").json()
    assert [(event["id"], event["status"]) for event in listed["results"]] == [
        (second, "PENDING"),
        (first, "SUCCEEDED"),
    ]


def test_an_unknown_event_is_404(client):
    assert client.get(f"/v1/event/{uuid.uuid4()}/").status_code == 404
