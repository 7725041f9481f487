"""Searching: every page, no threshold unless asked for, residual filters, and Mem0's own record."""

import pytest
from haystack.dataclasses import ChatMessage
from mem0_platform import Reading
from support.mem0_stores import running, store_on

from memstore.errors import FilterError
from memstore.filters import field

SEARCH, LIST = "/v3/memories/search/", "/v3/memories/"


def add(store, *texts, **arguments):
    store.add_memories(messages=[ChatMessage.from_user(text) for text in texts], infer=False, **arguments)


def test_without_a_query_every_page_is_returned(store, platform):
    add(store, *(f"note {number}" for number in range(450)), user_id="maya")
    assert len(store.search_memories(user_id="maya")) == 450
    assert [request.query["page"] for request in platform.sent(LIST)] == ["1", "2", "3"]


def test_deletions_between_pages_make_it_read_again(store, platform):
    add(store, *(f"note {number}" for number in range(401)), user_id="maya")
    deleted = []
    before = platform._state.listed

    def listed():
        if len(platform.sent(LIST)) == 2 and not deleted:  # the second page is asked for
            deleted.extend(platform._state.delete(before()[:1]))
        return before()

    platform._state.listed = listed  # the platform is ours; the client and the store are real
    assert len(store.search_memories(user_id="maya")) == 400


def test_a_search_sends_no_threshold_but_zero(store, platform):
    add(store, "entirely different", user_id="maya")
    assert len(store.search_memories(query="xyz", user_id="maya")) == 1
    assert platform.sent(SEARCH)[-1].body["threshold"] == 0.0
    assert store.search_memories(query="xyz", user_id="maya", threshold=0.5) == []
    assert platform.sent(SEARCH)[-1].body["threshold"] == 0.5


def test_keywords_go_to_search_or_to_get_all(store, platform):
    add(store, "I like tea", user_id="maya")
    store.search_memories(query="tea", user_id="maya", rerank=True)
    assert platform.sent(SEARCH)[-1].body["rerank"] is True
    store.search_memories(user_id="maya", show_expired=True)
    assert platform.sent(LIST)[-1].body["show_expired"] is True
    assert "tea" in store.search_memories_as_single_message(query="tea", user_id="maya", rerank=True).text
    with pytest.raises(TypeError, match="page"):
        store.search_memories(user_id="maya", page=2)


def test_mem0s_own_record(store, platform):
    add(store, "I like tea", user_id="maya", run_id="r1", metadata={"topic": "drinks"})
    [memory] = platform.memories
    for query, score in (("tea", float), (None, type(None))):
        [message] = store.search_memories(query=query, user_id="maya", include_memory_metadata=True)
        own, portable = message.meta["mem0_memory_metadata"], message.meta["memory_metadata"]
        assert own["memory_id"] == own["id"] == portable["memory_id"] == memory.id
        assert type(own["score"]) is type(portable["score"]) is score
        assert own["categories"] == []
        assert portable["run_id"] == "r1"
        assert message.meta["topic"] == "drinks"
        [plain] = store.search_memories(query=query, user_id="maya")
        assert plain.meta == {"topic": "drinks"}


def test_a_run_is_a_run_in_listing_and_search(store):
    """A listing calls it session_id, a search run_id."""
    add(store, "I like tea", run_id="r1")
    for query in ("tea", None):
        [message] = store.search_memories(query=query, run_id="r1", include_memory_metadata=True)
        assert message.meta["memory_metadata"]["run_id"] == "r1"


READINGS = [
    Reading(unmentioned=unmentioned, not_of_several=several, ne_matches_missing=missing)
    for unmentioned in ("unconstrained", "null")
    for several in ("none of", "not all")
    for missing in (True, False)
]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("query", [None, "note"])
def test_right_however_the_platform_reads_what_is_not_documented(reading, query):
    with running(reading) as platform, store_on(platform) as store:
        for number, scope in enumerate([{"user_id": "maya"}, {"user_id": "maya", "run_id": "r"}, {"app_id": "shop"}]):
            add(store, f"note {number}", **scope, metadata={"n": number} if number else {})

        def found(**arguments):
            return sorted(message.text[-1] for message in store.search_memories(query=query, top_k=9, **arguments))

        assert found(user_id="maya") == ["0", "1"]
        assert found(run_id="r") == ["1"]
        assert found(filters=field("meta.n") != 1) == ["0", "2"]
        assert found(filters=~((field("meta.n") == 1) & (field("user_id") == "maya"))) == ["0", "2"]
        assert found(filters=field("meta.n") == None) == ["0"]
        assert found(filters=field("user_id") != "maya") == ["2"]
        assert found(filters={"field": "meta.n", "operator": ">=", "value": 1}) == ["1", "2"]


def test_a_filter_that_names_no_id_finds_every_scope(store, platform):
    add(store, "I like tea", user_id="maya", metadata={"topic": "drinks"})
    add(store, "We sell tea", app_id="shop", metadata={"topic": "drinks"})
    wanted = {"field": "meta.topic", "operator": "==", "value": "drinks"}
    assert len(store.search_memories(filters=wanted)) == 2
    assert len(store.search_memories(filters=wanted, query="tea")) == 2
    assert {request.status for request in platform.requests} == {200}


def test_past_the_ceiling_of_a_search_every_match_is_ranked_here(store, platform):
    add(store, *(f"note {number} about tea" for number in range(1200)), user_id="maya", metadata={"kept": 0})
    add(store, "the one about tea", user_id="maya", metadata={"kept": 1})
    found = store.search_memories(query="tea", filters=(field("user_id") == "maya") & (field("meta.kept") >= 1))
    assert [message.text for message in found] == ["the one about tea"]
    assert max(request.body["top_k"] for request in platform.sent(SEARCH)) <= 1000
    assert len(store.search_memories(query="tea", user_id="maya", top_k=1100)) == 1100


def test_normalize_filters():
    from memstore_mem0 import Mem0MemoryStore

    normalize = Mem0MemoryStore.normalize_filters
    assert normalize({"field": "user_id", "operator": "==", "value": "maya"}) == {"user_id": "maya"}
    with pytest.raises(FilterError, match="meta.age|order"):
        normalize({"field": "meta.age", "operator": ">", "value": 3})
    with pytest.raises(FilterError, match="operator"):
        normalize({"field": "meta.age", "operator": "~", "value": 3})


@pytest.mark.parametrize("query", [None, "tea"])
@pytest.mark.parametrize("run_id", ["r1", None])
def test_mem0s_record_names_the_run_alike_whether_listed_or_searched(store, query, run_id):
    add(store, "tea", user_id="maya", run_id=run_id)
    [message] = store.search_memories(query=query, user_id="maya", include_memory_metadata=True)
    record = message.meta["mem0_memory_metadata"]
    assert (record["run_id"], record["session_id"]) == (run_id, run_id)
