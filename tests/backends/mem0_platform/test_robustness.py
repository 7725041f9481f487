"""What a server, a network or another program may do meanwhile."""

import asyncio
import json
import socket
import threading
import time
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from mem0_platform import Fault
from support.mem0_stores import KEY, KEY_NAME, running, store_on

from memstore import open_store
from memstore.errors import MemoryStoreError, RegistryError, StoreClosedError
from memstore.filters import field
from memstore_mem0 import Mem0MemoryStore

ADD, SEARCH, LIST = "/v3/memories/add/", "/v3/memories/search/", "/v3/memories/"
HELLO = [ChatMessage.from_user("hello")]


def add(store, *texts, **arguments):
    arguments = {"user_id": "maya", **arguments}
    return store.add_memories(messages=[ChatMessage.from_user(text) for text in texts], infer=False, **arguments)


def answering(body):
    return Fault(200, body)


# Adding.


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_ids_go_with_their_texts_in_whatever_order_they_come(store, platform, order):
    texts = ["tea", "milk", "tea", "sugar"]
    results = [{"id": f"id-{n}", "data": {"memory": texts[n]}, "event": "ADD"} for n in order]
    platform.fail(answering(json.dumps({"results": results}).encode()), path=ADD)
    added = add(store, *texts)
    assert [entry["memory"] for entry in added] == texts
    told = {result["id"]: result["data"]["memory"] for result in results}
    assert {entry["memory_id"]: entry["memory"] for entry in added} == told


def test_texts_that_mem0_changed_are_taken_in_their_order(store, platform):
    results = [{"id": "first", "data": {"memory": "TEA"}, "event": "ADD"}, {"id": "second", "event": "ADD"}]
    platform.fail(answering(json.dumps({"results": results}).encode()), path=ADD)
    assert [entry["memory_id"] for entry in add(store, "tea", "milk")] == ["first", "second"]


# Listing while others write.


def test_an_add_and_a_delete_between_pages(store, platform):
    """The count is the first one again, but an item has slipped past a page."""
    add(store, *(f"note {number}" for number in range(600)))
    listed, done = platform._state.listed, []

    def changing():
        page = len(platform.sent(LIST))
        if page == 2 and "added" not in done:
            done.append("added")
            add_directly(platform)
        if page == 3 and "deleted" not in done:
            done.append("deleted")
            platform._state.delete([memory for memory in listed() if memory.text == "another"])
        return listed()

    platform._state.listed = changing  # the platform is ours; client and store are real
    found = {message.text for message in store.search_memories(user_id="maya")}
    assert found - {"another"} == {f"note {number}" for number in range(600)}
    assert done == ["added", "deleted"]


def add_directly(platform):
    from mem0_platform import Fact

    platform._state.add(Fact("another"), {"user_id": "maya"}, {"messages": []})


def test_a_page_that_is_gone(store, platform):
    add(store, *(f"note {number}" for number in range(250)))
    listed, deleted = platform._state.listed, []

    def shrinking():
        if len(platform.sent(LIST)) == 2 and not deleted:
            deleted.extend(platform._state.delete(listed()[:100]))
        return listed()

    platform._state.listed = shrinking  # as above
    assert len(store.search_memories(user_id="maya")) == 150


def test_pages_without_end(store, platform):
    record = {"id": "00000000-0000-4000-8000-000000000000", "memory": "x", "user_id": "maya"}
    import json

    page = json.dumps({"count": 1, "next": "more", "previous": None, "results": [record]}).encode()
    platform.fail(*[answering(page)] * 3, path=LIST)
    with pytest.raises(MemoryStoreError, match="same page again"):
        store.search_memories(user_id="maya")


# Answers that are none.


@pytest.mark.parametrize(
    "body", [b'{"results": [{}]}', b'{"results": [{"id": ""}]}', b'{"results": null}', b"[]", b'{"results": [1]}']
)
def test_an_add_with_a_strange_answer_leaves_nothing(store, platform, body):
    messages = [ChatMessage.from_user(str(number), meta={"n": number}) for number in range(3)]
    from mem0_platform import slow

    platform.fail(slow(0), slow(0), answering(body), path=ADD)
    with pytest.raises(MemoryStoreError, match="Mem0 answered"):
        store.add_memories(messages=messages, infer=False, user_id="maya")
    assert platform.memories == []


@pytest.mark.parametrize("body", [b'{"results": null}', b"{}", b"[]", b'{"results": [{"id": "x"}]}'])
def test_an_inferred_add_with_a_strange_answer(store, platform, body):
    platform.fail(answering(body), path=ADD)
    with pytest.raises(MemoryStoreError, match="Mem0 answered"):
        store.add_memories(messages=HELLO, user_id="maya")


def test_changed_memories_came_of_an_inference_too(store, platform):
    infer = platform._state.infer

    def updating(request):
        [entry] = infer(request)
        return [
            {**entry, "event": "UPDATE"},
            {"id": entry["id"], "data": {"memory": "old"}, "event": "DELETE"},
            {"id": entry["id"], "data": {"memory": "same"}, "event": "NONE"},
        ]

    platform._state.infer = updating
    assert [entry["memory"] for entry in store.add_memories(messages=HELLO, user_id="maya")] == ["hello"]


@pytest.mark.parametrize(
    "change",
    [
        {"expiration_date": datetime(9999, 12, 31).date()},
        {"metadata": "a string"},
        {"metadata": ["a list"]},
        {"metadata": None},
        {"metadata": {"memstore": {"speakers": [1, {"texts": None}], "created_at": "soon"}}},
        {"metadata": {"memstore": {"speakers": [{"texts": 5}]}}},
        {"metadata": {"memstore": {"speakers": [{"texts": ["x"]}]}}, "text": "lone \ud800"},
        {"metadata": {"memstore": {"role": ["x"], "name": {"x": 1}}}},
        {"metadata": {"memstore": {"role": "queen", "name": 7}}},
        {"metadata": {"memstore_user_id": ["u"], "memstore_agent_id": ""}},
        {"metadata": {"memstore_user_id": None}},
    ],
    ids=str,
)
def test_one_odd_record_makes_no_scope_unreadable(store, platform, change):
    add(store, "odd", "fine")
    for name, value in change.items():
        setattr(platform._state.listed()[0], name, value)
    for query in (None, "fine"):
        found = store.search_memories(query=query, user_id="maya", include_memory_metadata=True)
        fields = [message.meta["memory_metadata"] for message in found]
        assert [[own[key] for key in ("role", "name", "user_id", "agent_id")] for own in fields] == [
            ["user", None, "maya", None]
        ] * 2


def test_what_the_server_should_not_have_returned_is_left_out(store, platform):
    add(store, "Maya's")
    add(store, "Leo's", user_id="MAYA")
    from mem0_platform import dialect

    [hers, his] = sorted(platform._state.memories.values(), key=lambda memory: memory.text, reverse=True)
    real = dialect._entity
    dialect._entity = lambda key, value: lambda memory: True  # a server that ignores the ids
    try:
        assert [message.text for message in store.search_memories(user_id="maya")] == [hers.text]
        assert [message.text for message in store.search_memories(query="x", user_id="maya")] == [hers.text]
    finally:
        dialect._entity = real
    assert his.text == "Leo's"


# Options.


@pytest.mark.parametrize("options", [{"rerank": True}, {"threshold": 0.0}])
def test_options_never_starve_a_filtered_search(store, options):
    for kept in (0, 1):
        add(store, *(f"note {number} about tea" for number in range(60 - 55 * kept)), metadata={"kept": kept})
    wanted = (field("user_id") == "maya") & (field("meta.kept") >= 1)
    assert len(store.search_memories(query="tea", filters=wanted, top_k=5, **options)) == 5


def test_fields_would_take_away_what_is_needed(store):
    with pytest.raises(TypeError, match="fields"):
        store.search_memories(user_id="maya", fields=["memory"])


def test_a_dictionary_of_metadata_narrows_a_deletion(store, platform):
    add(store, "kept", metadata={"n": 1})
    add(store, "gone", metadata={"n": 2})
    store.delete_all_memories(user_id="maya", metadata={"n": 2})
    assert [memory.text for memory in platform.memories] == ["kept"]


def test_a_keyword_that_the_client_does_not_take_is_named(store):
    [entry] = add(store, "x")
    with pytest.raises(MemoryStoreError, match="delete_lnked"):
        store.delete_memory(entry["memory_id"], delete_lnked=True)


def test_no_filters_are_every_scope():
    assert Mem0MemoryStore.normalize_filters({}) == {"OR": [{"user_id": "*"}, {"NOT": [{"user_id": "*"}]}]}


# Keys and hosts.


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_key_with_blanks_around_it_works(platform, monkeypatch, asynchronous):
    monkeypatch.setenv(KEY_NAME, f" {KEY}\n")
    with store_on(platform) as store:
        if asynchronous:
            assert asyncio.run(store.search_memories_async(user_id="maya")) == []
        else:
            assert store.search_memories(user_id="maya") == []


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("key", ["m0-ab\ncd-secret", "m0-ñ-secret", "m0-\x01-secret"])
def test_an_impossible_key_is_told_without_it(platform, monkeypatch, caplog, key, asynchronous):
    monkeypatch.setenv(KEY_NAME, key)
    caplog.set_level("DEBUG")
    with store_on(platform) as store, pytest.raises(MemoryStoreError, match="characters") as caught:
        if asynchronous:
            asyncio.run(store.search_memories_async(user_id="maya"))
        else:
            store.search_memories(user_id="maya")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "secret" not in told
    assert platform.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "https://me:pw@mem0.example.com",
        "https://h/?key=x",
        "https://h/#x",
        "mem0.example.com",
        "ftp://h",
        "https://",
        7,
    ],
)
def test_a_host_is_a_base_url_and_holds_no_secret(host):
    with pytest.raises(ValueError, match="base URL") as caught:
        Mem0MemoryStore(host=host)
    assert "pw" not in str(caught.value)


def test_a_host_with_a_password_in_a_url(monkeypatch):
    with pytest.raises(RegistryError, match="base URL"):
        open_store("mem0://?host=https://me:pw@mem0.example.com")


def test_parameters_of_the_wrong_kind():
    with pytest.raises(TypeError, match="Secret") as caught:
        Mem0MemoryStore(api_key="m0-plain")
    assert "m0-plain" not in str(caught.value)
    for retries in (1.5, True, -1):
        with pytest.raises(ValueError, match="max_retries"):
            Mem0MemoryStore(max_retries=retries)


# Time and connections.


@contextmanager
def reachable_after(platform, seconds):
    """An address at which the platform can be reached only some time later."""
    front = socket.socket()
    front.bind(("127.0.0.1", 0))
    port, stop = front.getsockname()[1], threading.Event()

    def serve():
        time.sleep(seconds)
        front.listen(16)
        front.settimeout(0.05)
        while not stop.is_set():
            try:
                client, _ = front.accept()
            except TimeoutError:
                continue
            back = socket.create_connection(("127.0.0.1", int(platform.url.rpartition(":")[2])))
            for source, sink in ((client, back), (back, client)):
                threading.Thread(target=copy, args=(source, sink), daemon=True).start()

    def copy(source, sink):
        with source, sink:
            while data := source.recv(65536):
                sink.sendall(data)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        server.join()
        front.close()


def test_a_server_that_is_not_up_yet_is_tried_again(platform):
    with (
        reachable_after(platform, 0.4) as url,
        Mem0MemoryStore(api_key=Secret.from_env_var(KEY_NAME), host=url) as store,
    ):
        assert store.search_memories(user_id="maya") == []


def test_waiting_asks_less_and_less():
    with running(pending_seconds=0.6) as platform, store_on(platform, poll_interval=0.02) as store:
        store.add_memories(messages=HELLO, user_id="maya")
        polls = [request for request in platform.requests if request.path.startswith("/v1/event/")]
        assert len(polls) <= 9  # 30 without


def test_retries_come_later_and_later(platform):
    """The bound is from below, so a busy machine cannot break it."""
    with store_on(platform, max_retries=2) as store:
        store.warm_up()
        platform.fail(*[Fault(503, b"{}")] * 2, path=SEARCH)
        start = time.monotonic()
        store.search_memories(query="x", user_id="maya")
        assert time.monotonic() - start >= 0.25 + 0.5


@pytest.mark.parametrize("after", ["-1", "soon", "Sun, 01 Nov 2026 08:00:00 GMT"])
def test_a_strange_retry_after(store, platform, after):
    platform.fail(Fault(429, b"{}", {"Retry-After": after}), path=SEARCH)
    assert store.search_memories(query="x", user_id="maya") == []


def test_a_retry_after_that_is_a_date(store, platform):
    store.warm_up()
    moment = datetime.now(UTC) + timedelta(seconds=2)
    platform.fail(Fault(429, b"{}", {"Retry-After": format_datetime(moment, usegmt=True)}), path=SEARCH)
    start = time.monotonic()
    store.search_memories(query="x", user_id="maya")
    assert time.monotonic() - start >= 0.9


def test_event_loops_side_by_side(platform):
    failures = []
    with store_on(platform, max_retries=0) as store:

        def work():
            for _ in range(5):
                try:
                    asyncio.run(store.add_memories_async(messages=HELLO, infer=False, user_id="maya"))
                except MemoryStoreError as error:
                    failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert store.count_memories(user_id="maya") == 20


async def test_closing_closes_the_connections_of_this_loop(platform):
    store = store_on(platform)
    await store.search_memories_async(user_id="maya")
    [life] = store._connection._lives.values()
    client = await life.opening
    await store.close_async()
    assert client.async_client.is_closed


def test_closing_while_it_is_used(platform):
    """Whoever is in the middle hears that the store is closed, and nothing stays open."""
    for _ in range(5):
        store, heard = store_on(platform, max_retries=0), []

        def work(store=store, heard=heard):
            try:
                while True:
                    store.search_memories(user_id="maya")
            except Exception as error:
                heard.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        store.close()
        for thread in threads:
            thread.join()
        assert {type(error) for error in heard} == {StoreClosedError}
        assert store._connection._client is None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_nothing_of_ids_and_failures_is_logged(store, caplog, asynchronous):
    """mem0ai prints an error for every 404, and httpx logs URLs, which hold ids."""
    caplog.set_level("DEBUG")

    def call(name, *arguments, **keywords):
        if asynchronous:
            return asyncio.run(getattr(store, f"{name}_async")(*arguments, **keywords))
        return getattr(store, name)(*arguments, **keywords)

    call("add_memories", messages=HELLO, infer=False, user_id="maya-the-first")
    call("delete_all_memories", user_id="maya-the-first")
    for name, argument in (("delete_memory", "00000000-0000-4000-8000-000000000000"), ("wait", ["unknown"])):
        with pytest.raises(MemoryStoreError):
            call(name, argument)
    assert "maya-the-first" not in caplog.text
    assert {record.name.partition(".")[0] for record in caplog.records} <= {"asyncio", "httpcore", "memstore"}
