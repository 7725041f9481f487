"""Each endpoint; the client of these tests holds every answer against the public description."""

import uuid
from datetime import UTC, datetime

import pytest
from mem0_platform import MemoryPlatform
from mem0_platform_tests.checked import Client

MAYA = {"user_id": "maya"}


def test_a_wrong_key_is_401_everywhere(platform):
    with Client(platform, key="wrong") as client:
        answers = [
            client.get("/v1/ping/"),
            client.post("/v3/memories/", json={"filters": MAYA}),
            client.delete("/v1/memories/", params=MAYA),
            client.get("/nowhere/"),
        ]
    assert {answer.status_code for answer in answers} == {401}


def test_ping_names_the_project(client):
    assert client.get("/v1/ping/").json()["project_id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v4/memories/", 404), ("GET", "/v3/memories/", 405), ("POST", "/v1/memories/", 405)],
)
def test_unknown_paths_and_methods(client, method, path, status):
    assert client.request(method, path).status_code == status


def test_verbatim_adding_is_done_when_it_answers(client, platform):
    answer = client.add("one", "two", user_id="maya", agent_id="ada", run_id="r", app_id="a", metadata={"n": 1})
    assert [(result["data"]["memory"], result["event"]) for result in answer["results"]] == [
        ("one", "ADD"),
        ("two", "ADD"),
    ]
    assert [memory.id for memory in reversed(platform.memories)] == [result["id"] for result in answer["results"]]
    newest = platform.memories[0]
    assert (newest.user_id, newest.agent_id, newest.run_id, newest.app_id) == ("maya", "ada", "r", "a")
    assert newest.metadata == {"n": 1}
    assert client.event(answer["event_id"])["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"messages": []},
        {"messages": [], **MAYA},
        {"messages": [{"role": "user", "content": "no id"}]},
        {"messages": [{"role": "user", "content": "blank id"}], "user_id": ""},
        {"messages": [{"role": "user", "content": "no string"}], "user_id": 7},
        {"messages": [{"role": "tool", "content": "x"}], **MAYA},
        {"messages": [{"role": "user"}], **MAYA},
        {"messages": [{"role": "user", "content": "x"}], "metadata": [], **MAYA},
        {"messages": [{"role": "user", "content": "x"}], "timestamp": 1.5, **MAYA},
        {"messages": [{"role": "user", "content": "x"}], "expiration_date": "tomorrow", **MAYA},
        {"messages": [{"role": "user", "content": "x"}], "infer": "no", **MAYA},
    ],
)
def test_adding_refuses(client, platform, body):
    assert client.post("/v3/memories/add/", json=body).status_code == 400
    assert platform.memories == []


def test_a_body_that_is_no_json_is_refused(client):
    assert client.post("/v3/memories/add/", content=b'{"messages": [').status_code == 400


def test_a_timestamp_becomes_created_at(client):
    client.add("then", timestamp=1_700_000_000, **MAYA)
    [memory] = client.post("/v3/memories/", json={"filters": MAYA}).json()["results"]
    assert memory["created_at"] == "2023-11-14T22:13:20Z"
    assert memory["updated_at"] > "2024"


def test_pages_link_to_each_other(client, platform):
    client.add(*[str(number) for number in range(205)], **MAYA)

    def page(**params):
        return client.post("/v3/memories/", json={"filters": MAYA}, params=params).json()

    first, last = page(), page(page=3)
    assert (first["count"], len(first["results"]), first["previous"]) == (205, 100, None)
    assert first["next"] == f"{platform.url}/v3/memories/?page=2&page_size=100"
    assert first["results"][0]["memory"] == "204"
    assert (len(last["results"]), last["next"]) == (5, None)
    assert len(page(page_size=200)["results"]) == 200
    assert page(page=4) == {"detail": "Invalid page."}
    body = {"filters": MAYA, "page": 2, "page_size": 10}
    assert client.post("/v3/memories/", json=body).json()["results"][0]["memory"] == "194"
    assert client.post("/v3/memories/", json=body, params={"page": 1}).json()["results"][0]["memory"] == "204"
    for wrong in ({"page_size": 201}, {"page": 0}, {"page": "x"}, {"page_size": -1}):
        assert client.post("/v3/memories/", json={"filters": MAYA}, params=wrong).status_code == 400


@pytest.mark.parametrize("path", ["/v3/memories/", "/v3/memories/search/"])
def test_reading_wants_an_id_inside_of_filters(client, path):
    def status(**body):
        return client.post(path, json={"query": "x", **body}).status_code

    assert status(filters=MAYA) == 200
    assert status() == 400
    assert status(filters={}) == 400
    assert status(filters={"metadata": {"a": 1}}) == 400
    assert status(filters={"user_id": {"ne": "tom"}}) == 400
    assert status(filters={"NOT": [MAYA]}) == 400
    assert status(filters=MAYA, agent_id="ada") == 400
    assert status(filters={"OR": [{"user_id": "*"}, {"NOT": [{"user_id": "*"}]}]}) == 200


def test_listing_narrows_by_its_other_keys(client):
    client.add("early bird", timestamp=1_700_000_000, **MAYA)
    client.add("late owl", timestamp=1_710_000_000, **MAYA)
    assert client.texts(MAYA, start_date="2024-01-01") == ["late owl"]
    assert client.texts(MAYA, end_date="2023-11-14") == ["early bird"]
    assert client.texts(MAYA, keywords="BIRD") == ["early bird"]
    assert client.texts(MAYA, categories=["travel"]) == []
    [found] = client.post("/v3/memories/", json={"filters": MAYA, "fields": ["user_id"], "page_size": 1}).json()[
        "results"
    ]
    assert set(found) == {"id", "memory", "created_at", "user_id"}


def test_search_calls_a_run_run_id_and_a_list_session_id(client):
    client.add("walnuts", run_id="r", **MAYA)
    [found] = client.search("walnuts", MAYA).json()["results"]
    [listed] = client.post("/v3/memories/", json={"filters": MAYA}).json()["results"]
    assert found["run_id"] == listed["session_id"] == "r"
    assert "session_id" not in found
    assert "run_id" not in listed


def test_search_ranks_and_cuts_off(client):
    client.add("I'm allergic to walnuts", "walnut cake", "the weather in Ghent", **MAYA)
    found = client.search("walnuts", MAYA).json()["results"]
    scores = [memory["score"] for memory in found]
    assert [memory["memory"] for memory in found] == ["I'm allergic to walnuts", "walnut cake"]
    assert scores == sorted(scores, reverse=True)
    assert all(0.1 <= score <= 1 for score in scores)
    assert len(client.search("walnuts", MAYA, threshold=0.0).json()["results"]) == 3
    assert len(client.search("walnuts", MAYA, top_k=1).json()["results"]) == 1
    assert client.search("walnuts", {"user_id": "tom"}).json()["results"] == []


def test_search_answers_ten_by_default_and_a_thousand_at_most(client):
    client.add(*["walnuts"] * 1100, **MAYA)
    assert len(client.search("walnuts", MAYA).json()["results"]) == 10
    assert len(client.search("walnuts", MAYA, top_k=1000).json()["results"]) == 1000


@pytest.mark.parametrize(
    "wrong",
    [{"top_k": 0}, {"top_k": 1001}, {"top_k": True}, {"threshold": 1.5}, {"threshold": -0.1}, {"query": " "}],
)
def test_search_refuses(client, wrong):
    assert client.post("/v3/memories/search/", json={"query": "x", "filters": MAYA, **wrong}).status_code == 400


def test_search_narrows_by_metadata(client):
    client.add("walnuts", metadata={"a": 1}, **MAYA)
    client.add("walnuts too", **MAYA)
    assert len(client.search("walnuts", MAYA, metadata={"a": 1}).json()["results"]) == 1


def test_keywords_break_search_but_not_a_list(client):
    client.add("walnuts", **MAYA)
    filters = {**MAYA, "keywords": {"icontains": "WALNUT"}}
    assert client.texts(filters) == ["walnuts"]
    assert client.search("walnuts", filters).status_code == 500


def test_what_has_expired_is_hidden():
    with (
        MemoryPlatform(clock=lambda: datetime(2026, 5, 2, tzinfo=UTC)) as platform,
        Client(platform) as client,
    ):
        client.add("gone", expiration_date="2026-05-01", **MAYA)
        client.add("today", expiration_date="2026-05-02", **MAYA)
        assert client.texts(MAYA) == ["today"]
        assert client.texts(MAYA, show_expired=True) == ["gone", "today"]
        assert len(client.search("gone", MAYA, show_expired=True).json()["results"]) == 1


def test_one_memory(client):
    [entry] = client.add("walnuts", run_id="r", **MAYA)["results"]
    path = f"/v1/memories/{entry['id']}/"
    assert client.get(path).json()["session_id"] == "r"
    changes = {"text": "hazelnuts", "metadata": {"b": 2}, "expiration_date": "2999-01-01", "timestamp": 0}
    changed = client.put(path, json=changes).json()
    assert (changed["memory"], changed["metadata"]) == ("hazelnuts", {"b": 2})
    assert changed["created_at"].startswith("1970")
    assert client.put(path, json={"expiration_date": None}).json()["expiration_date"] is None
    assert client.put(path, json={}).status_code == 400
    assert client.delete(path).json() == {"message": "Memory deleted successfully!"}
    assert client.get(path).status_code == client.put(path, json=changes).status_code == 404
    history = client.get(f"{path}history/").json()
    assert [(entry["event"], entry["new_memory"]) for entry in history] == [
        ("ADD", "walnuts"),
        ("UPDATE", "hazelnuts"),
        ("UPDATE", "hazelnuts"),
        ("DELETE", ""),
    ]


def test_an_immutable_memory_stays(client):
    [entry] = client.add("walnuts", immutable=True, **MAYA)["results"]
    assert client.put(f"/v1/memories/{entry['id']}/", json={"text": "x"}).status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_id_is_a_uuid_and_somebodys(client, method):
    assert client.request(method, f"/v1/memories/{uuid.uuid4()}/").status_code == 404
    assert client.request(method, "/v1/memories/17/").status_code == 400


def test_deleting_all_is_queued_and_narrows_by_every_id(client, platform):
    client.add("hers", **MAYA)
    client.add("hers in r", run_id="r", **MAYA)
    client.add("his", user_id="tom", metadata={"a": 1})
    answer = client.delete("/v1/memories/", params={**MAYA, "run_id": "r"}).json()
    assert len(platform.memories) == 3
    assert [client.event(answer["event_id"])["status"] for _ in "12"] == ["PENDING", "SUCCEEDED"]
    assert [memory.text for memory in platform.memories] == ["his", "hers"]
    client.delete("/v1/memories/", params={"metadata": '{"a": 1}'})
    platform.settle()
    assert [memory.text for memory in platform.memories] == ["hers"]


def test_a_star_deletes_whatever_has_such_an_id(client, platform):
    client.add("hers", **MAYA)
    client.add("an agent's", agent_id="ada")
    client.delete("/v1/memories/", params={"user_id": "*"})
    platform.settle()
    assert [memory.text for memory in platform.memories] == ["an agent's"]


def test_deleting_all_wants_a_filter(client):
    assert client.delete("/v1/memories/").status_code == 400
    assert client.delete("/v1/memories/", params={"user_id": ""}).status_code == 400
    assert client.delete("/v1/memories/", params={"metadata": "[]"}).status_code == 400


def test_what_the_clients_call_beyond_the_description(client, platform):
    project = "/api/v1/orgs/organizations/org-1/projects/proj-1/"
    ids = [entry["id"] for entry in client.add("one", "two", "three", agent_id="ada", **MAYA)["results"]]
    assert client.patch(project, json={"custom_instructions": "short"}).status_code == 200
    assert client.get(project).json() == {"custom_instructions": "short"}
    assert [(entity["type"], entity["name"]) for entity in client.get("/v1/entities/").json()["results"]] == [
        ("agent", "ada"),
        ("user", "maya"),
    ]
    updated = client.put("/v1/batch/", json={"memories": [{"memory_id": ids[0], "text": "ONE"}]})
    deleted = client.request("DELETE", "/v1/batch/", json={"memories": [{"memory_id": ids[1]}]})
    assert (updated.status_code, deleted.status_code) == (200, 200)
    assert client.texts(MAYA) == ["ONE", "three"]
    assert client.put("/v1/batch/", json={"memories": [7]}).status_code == 400
    assert client.patch(project, json=[]).status_code == 400
    assert client.delete("/v2/entities/user/tom/").status_code == 404
    assert client.delete("/v2/entities/user/maya/").status_code == 200
    assert platform.memories == []


def test_the_log_has_every_request(client, platform):
    client.add("one", **MAYA)
    client.get("/v1/ping/", params={"a": "b"})
    added, pinged = platform.requests
    assert (added.method, added.path, added.body["user_id"], added.status) == ("POST", "/v3/memories/add/", "maya", 200)
    assert (pinged.query, pinged.body) == ({"a": "b"}, None)
    assert platform.sent("/v1/ping/") == [pinged]


def test_the_dump_has_whatever_is_kept(client, platform):
    [entry] = client.add("Müsli", **MAYA)["results"]
    client.delete(f"/v1/memories/{entry['id']}/")
    assert "Müsli".encode() in platform.raw_dump()
