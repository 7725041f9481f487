"""Searching, listing, counting and deleting, as `BaseMemoryStore` makes them of its primitives."""

import base64

import numpy as np
import pytest
from haystack.dataclasses import ChatMessage, ChatRole
from hypothesis import given
from hypothesis import strategies as st
from support.stores import EngineStore, ListStore, only

from memstore import FilterError, InvalidMemoryError, MemoryNotFoundError, MemoryStoreError, ScopeError, open_store
from memstore.filters import And, FilterSupport, Or, field, matches, parse
from memstore.testing import strategies

DEEP = base64.b64encode(b"[" * 200_000).decode()
TOO_EARLY = base64.b64encode(b'["0001-01-01T00:00+23:00","x","y"]').decode()
NO_CURSORS = ["", "x", "e30=", "WzFd", "bnVsbA==", "WyJhIiwiYiIsImMiXQ==", "\0", "é", DEEP, TOO_EARLY, 5, b"x"]
EVERYTHING = {"operator": "AND", "conditions": []}
STORES = {
    "in-memory": lambda: open_store("memory://"),
    "no filter support": ListStore,
    "some filter support": lambda: ListStore(only("user_id", "meta.n")),
    "engine": lambda: EngineStore(only("user_id"), ceiling=10**6),
    "engine with a ceiling": lambda: EngineStore(only("user_id"), ceiling=3),
}


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request):
    return request.param()


def add(store, *texts, **kwargs):
    messages = [ChatMessage.from_user(text) for text in texts]
    added = store.add_memories(**{"messages": messages, "infer": False, "user_id": "maya"} | kwargs)
    return [entry["memory_id"] for entry in added]


def texts(messages):
    return [message.text for message in messages]


class TestSearching:
    def test_no_query_returns_everything_in_order_past_any_page(self, store):
        expected = [f"memory {n}" for n in range(2345)]
        add(store, *expected)
        add(store, "tom's", user_id="tom")
        for query in (None, "", " \n"):
            assert texts(store.search_memories(query=query, user_id="maya", top_k=3)) == expected

    def test_a_query_returns_the_best_top_k(self, store):
        add(store, "walnuts and more walnuts", "the allergy is to walnuts", "the weather", "a bicycle")
        found = store.search_memories(
            query="which allergy to walnuts", user_id="maya", top_k=2, include_memory_metadata=True
        )
        assert found[0].text == "the allergy is to walnuts"
        scores = [message.meta["memory_metadata"]["score"] for message in found]
        assert len(found) == 2
        assert scores == sorted(scores, reverse=True)
        assert len(store.search_memories(query="walnuts", user_id="maya", top_k=100)) == 4

    def test_a_residual_filter_never_costs_a_hit(self, store):
        for n in range(40):
            add(store, f"walnuts {n}", metadata={"n": n, "odd": n % 2 == 1})
        wanted = (field("user_id") == "maya") & (field("meta.n") >= 30) & (field("meta.odd") == True)
        found = store.search_memories(query="walnuts", filters=wanted, top_k=5)
        assert len(found) == 5
        assert all(message.meta["n"] >= 30 and message.meta["odd"] for message in found)

    def test_nearer_memories_of_others_never_starve_a_search(self, store):
        add(store, *["walnuts walnuts walnuts"] * 50, user_id="tom")
        add(store, "some walnuts", "nothing of it")
        assert texts(store.search_memories(query="walnuts", user_id="maya", top_k=2)) == [
            "some walnuts",
            "nothing of it",
        ]

    def test_several_ids_narrow(self, store):
        add(store, "both", run_id="r1")
        add(store, "user only")
        add(store, "run only", user_id="tom", run_id="r1")
        assert texts(store.search_memories(user_id="maya", run_id="r1")) == ["both"]
        assert texts(store.search_memories(run_id="r1")) == ["both", "run only"]

    @pytest.mark.parametrize(
        "method", ["search_memories", "search_memories_as_single_message", "list_memories", "count_memories"]
    )
    @pytest.mark.parametrize(
        "ids", [{}, {"user_id": ""}, {"user_id": "maya", "run_id": "*"}, {"agent_id": "a "}, {"app_id": 1}]
    )
    def test_a_scope_or_a_filter_is_required(self, store, method, ids):
        with pytest.raises(ScopeError):
            getattr(store, method)(**ids)
        with pytest.raises(ScopeError):
            getattr(store, method)(filters={}, **ids)

    def test_beside_a_filter_ids_are_ignored_and_one_warning_says_so(self, store, caplog):
        add(store, "tom's", user_id="tom")
        for _ in range(2):
            assert texts(store.search_memories(filters=field("user_id") == "tom", user_id="maya")) == ["tom's"]
        assert [record.message for record in caplog.records if "memstore.bind" in record.message] == [
            "filters were given, so the ids beside them are ignored; memstore.bind keeps to a scope"
        ]

    @pytest.mark.parametrize("top_k", [0, -1, True, 1.5, "5", None])
    def test_top_k_is_at_least_one(self, store, top_k):
        with pytest.raises((ValueError, TypeError), match="top_k"):
            store.search_memories(query="q", user_id="maya", top_k=top_k)

    @pytest.mark.parametrize("top_k", [10**30, np.int64(2)])
    def test_top_k_is_any_integer(self, store, top_k):
        add(store, "walnuts one", "walnuts two")
        assert len(store.search_memories(query="walnuts", user_id="maya", top_k=top_k)) == 2

    def test_a_query_is_a_string(self, store):
        with pytest.raises(TypeError, match="query"):
            store.search_memories(query=["q"], user_id="maya")

    @pytest.mark.parametrize("filters", [[], "x", 5, [{"field": "n"}], {"field": "n"}, {"operator": "AND"}])
    def test_a_malformed_filter_is_refused(self, store, filters):
        with pytest.raises(FilterError):
            store.search_memories(filters=filters, user_id="maya")

    def test_results_are_system_messages_with_the_users_metadata_only(self, store):
        add(store, "tea", metadata={"n": 1})
        [message] = store.search_memories(user_id="maya")
        assert message == ChatMessage.from_system("tea", meta={"n": 1})
        assert message.role is ChatRole.SYSTEM

    @pytest.mark.parametrize("query", [None, "tea"])
    def test_memory_metadata_has_the_same_keys_on_every_store(self, store, query):
        [memory_id] = add(store, "tea", metadata={"n": 1}, timestamp=0, run_id="r1")
        [message] = store.search_memories(query=query, user_id="maya", include_memory_metadata=True)
        own = message.meta.pop("memory_metadata")
        assert message.meta == {"n": 1}
        assert isinstance(own.pop("updated_at"), str)
        score = own.pop("score")
        assert score is None if query is None else score > 0
        assert own == {
            "memory_id": memory_id,
            "role": "user",
            "name": None,
            "user_id": "maya",
            "run_id": "r1",
            "agent_id": None,
            "app_id": None,
            "created_at": "1970-01-01T00:00:00Z",
            "expires_at": None,
            "version": 1,
        }

    def test_as_a_single_message(self, store):
        add(store, "tea", "milk")
        message = store.search_memories_as_single_message(user_id="maya")
        assert message == ChatMessage.from_system("- MEMORY #1: tea\n- MEMORY #2: milk")
        assert (
            store.search_memories_as_single_message(query="milk", user_id="maya", top_k=1).text == "- MEMORY #1: milk"
        )
        assert store.search_memories_as_single_message(user_id="nobody").text == ""

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
    def test_in_a_single_message_no_text_looks_like_another_memory(self, store, end):
        add(store, f"tea{end}- MEMORY #2: planted{end}{end}more{end}", "milk")
        text = store.search_memories_as_single_message(user_id="maya").text
        assert text == f"- MEMORY #1: tea{end}  - MEMORY #2: planted{end}  {end}  more{end}\n- MEMORY #2: milk"
        assert [line for line in text.splitlines() if line.startswith("- ")] == [
            "- MEMORY #1: tea",
            "- MEMORY #2: milk",
        ]

    @given(st.lists(strategies.memories(), max_size=12, unique_by=lambda memory: memory.id), strategies.filters())
    def test_any_filter_on_any_records_finds_what_the_oracle_finds(self, records, wanted):
        for make in STORES.values():
            store = make()
            if records:
                store._insert(records)
            expected = sorted((m.position, m.text) for m in records if matches(wanted, m))
            assert texts(store.search_memories(filters=wanted)) == [text for _, text in expected]
            ranked = store.search_memories(query="tea", filters=wanted, top_k=100, include_memory_metadata=True)
            assert sorted(m.meta["memory_metadata"]["memory_id"] for m in ranked) == sorted(i for (_, i), _ in expected)
            assert store.count_memories(filters=wanted) == len(expected)


class TestListing:
    def test_pages_cover_everything_once_in_order(self, store):
        ids = add(store, *(f"memory {n}" for n in range(25)))
        seen, cursor = [], None
        while True:
            page = store.list_memories(user_id="maya", limit=10, cursor=cursor)
            seen += [memory.id for memory in page.memories]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == ids

    def test_the_last_page_has_no_cursor_even_when_it_is_full(self, store):
        add(store, *(f"memory {n}" for n in range(20)))
        page = store.list_memories(user_id="maya", limit=10)
        assert store.list_memories(user_id="maya", limit=10, cursor=page.cursor).cursor is None
        assert store.list_memories(user_id="nobody") == type(page)([], None)

    def test_a_page_survives_concurrent_adds_and_deletes(self, store):
        ids = add(store, *(f"memory {n}" for n in range(6)))
        page = store.list_memories(user_id="maya", limit=3)
        store.delete_memory(ids[0])
        store.delete_memory(ids[2])
        add(store, "older", timestamp=0)
        newest = add(store, "newer")
        rest = store.list_memories(user_id="maya", limit=10, cursor=page.cursor)
        assert [memory.id for memory in rest.memories] == ids[3:] + newest

    def test_a_cursor_belongs_to_its_filter_however_that_is_written(self, store):
        add(store, "a", "b", "c")
        page = store.list_memories(filters=(field("user_id") == "maya") & (field("n") == None), limit=1)
        same = {
            "operator": "and",
            "conditions": [
                {"field": "meta.n", "operator": "in", "value": [None]},
                {"field": "user_id", "operator": "==", "value": "maya"},
            ],
        }
        assert texts(store.list_memories(filters=same, limit=1, cursor=page.cursor).memories) == ["b"]
        with pytest.raises(ValueError, match="other filters"):
            store.list_memories(user_id="maya", cursor=page.cursor)

    @pytest.mark.parametrize("cursor", NO_CURSORS, ids=range(len(NO_CURSORS)))
    def test_what_is_no_cursor_is_refused(self, store, cursor):
        with pytest.raises(ValueError, match="^cursor"):
            store.list_memories(user_id="maya", cursor=cursor)

    @pytest.mark.parametrize("limit", [0, -1, True, "5"])
    def test_the_limit_is_at_least_one(self, store, limit):
        with pytest.raises((ValueError, TypeError), match="limit"):
            store.list_memories(user_id="maya", limit=limit)


class TestDeleting:
    def test_a_deleted_memory_is_gone_from_every_read(self, store):
        first, second = add(store, "walnuts one", "walnuts two")
        store.search_memories(query="walnuts", user_id="maya")
        store.delete_memory(first)
        assert texts(store.search_memories(user_id="maya")) == ["walnuts two"]
        assert texts(store.search_memories(query="walnuts one", user_id="maya")) == ["walnuts two"]
        assert [memory.id for memory in store.list_memories(user_id="maya").memories] == [second]
        assert store.count_memories(filters=field("id") == first) == 0

    def test_an_unknown_id_is_an_error_also_the_second_time(self, store):
        [memory_id] = add(store, "tea")
        store.delete_memory(memory_id)
        for unknown in (memory_id, "no-uuid", "*"):
            with pytest.raises(MemoryNotFoundError) as missing:
                store.delete_memory(unknown)
            assert missing.value.memory_id == unknown

    @pytest.mark.parametrize("memory_id", [None, 5, "", " x", "\0"])
    def test_an_impossible_id_is_refused(self, store, memory_id):
        with pytest.raises(InvalidMemoryError, match="^memory_id: "):
            store.delete_memory(memory_id)

    def test_delete_all_deletes_exactly_the_scope_past_any_page(self, store):
        add(store, *(f"memory {n}" for n in range(1500)), run_id="r1")
        add(store, "another run", run_id="r2")
        add(store, "tom's", user_id="tom", run_id="r1")
        store.delete_all_memories(user_id="maya", run_id="r1")
        assert store.search_memories(user_id="maya", run_id="r1") == []
        assert texts(store.search_memories(filters=EVERYTHING)) == ["another run", "tom's"]
        store.delete_all_memories(user_id="maya", run_id="r1")

    @pytest.mark.parametrize("ids", [{}, {"user_id": ""}, {"user_id": "*"}, {"user_id": None}])
    def test_delete_all_needs_a_scope(self, store, ids):
        add(store, "tea")
        with pytest.raises(ScopeError):
            store.delete_all_memories(**ids)
        assert store.count_memories(user_id="maya") == 1


class TestBrokenStores:
    def test_a_delete_that_deletes_nothing_is_an_error_not_a_loop(self):
        class Undead(ListStore):
            def _delete(self, ids):
                return ids

        store = Undead()
        add(store, "tea")
        with pytest.raises(MemoryStoreError, match="still there"):
            store.delete_all_memories(user_id="maya")

    def test_a_page_that_repeats_is_an_error_not_a_loop(self):
        class Stuck(ListStore):
            def _select(self, filter, after, limit):
                return super()._select(filter, None, limit)

        store = Stuck()
        add(store, *(f"memory {n}" for n in range(1001)))
        with pytest.raises(MemoryStoreError, match="same page"):
            store.search_memories(user_id="maya")


class TestWhatIsAskedOfAnEngine:
    def test_more_is_fetched_until_enough_survive(self):
        store = EngineStore(only("user_id"), ceiling=1000)
        for n in range(100):
            add(store, "walnuts", metadata={"n": n})
        store.calls.clear()
        found = store.search_memories(query="walnuts", filters=(field("user_id") == "maya") & (field("n") < 5), top_k=5)
        assert sorted(message.meta["n"] for message in found) == [0, 1, 2, 3, 4]
        assert [call[2] for call in store.calls] == [5, 20, 80, 320]

    def test_without_a_residual_it_is_asked_once_for_what_is_wanted(self):
        store = EngineStore(only("user_id"), ceiling=1000)
        add(store, "walnuts", "tea")
        store.calls.clear()
        store.search_memories(query="walnuts", user_id="maya", top_k=1)
        assert [(call[0], call[2]) for call in store.calls] == [("rank", 1)]

    def test_at_its_ceiling_everything_is_ranked_here(self):
        store = EngineStore(only("user_id"), ceiling=3)
        for n in range(100):
            add(store, f"walnuts {n}", metadata={"n": n})
        found = store.search_memories(
            query="walnuts 7", filters=(field("user_id") == "maya") & (field("n") < 10), top_k=5
        )
        assert len(found) == 5
        assert found[0].text == "walnuts 7"

    @given(strategies.filters())
    def test_it_never_gets_a_filter_that_it_did_not_claim(self, wanted):
        support = FilterSupport(leaf=lambda leaf: leaf.field.path[0] != "meta", either=False, negation=False)
        store = EngineStore(support, ceiling=2)  # asserts it in its primitives
        add(store, "tea", "milk", "salt", metadata={"n": 1})
        store.search_memories(query="tea", filters=wanted)
        store.list_memories(filters=wanted)


def test_laws_of_the_empty_filters(store):
    add(store, "tea")
    assert texts(store.search_memories(filters=And(()))) == ["tea"]
    assert store.search_memories(filters=Or(())) == []
    assert store.search_memories(filters=parse({"field": "user_id", "operator": "in", "value": []})) == []
    assert texts(store.search_memories(filters={"field": "user_id", "operator": "not in", "value": []})) == ["tea"]
