"""Expiration, as `BaseMemoryStore` makes it of a condition on `expires_at`: whatever has expired, nothing finds."""

import math
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from io import StringIO

import pandas as pd
import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given
from hypothesis import strategies as st
from support.stores import EngineStore, ListStore, UpdatingStore, assert_supported, only

from memstore import (
    FilterError,
    InvalidMemoryError,
    Memory,
    MemoryConflictError,
    MemoryNotFoundError,
    UnsupportedError,
)
from memstore.filters import (
    And,
    Comparison,
    FilterSupport,
    In,
    Not,
    Operator,
    compile_filter,
    field,
    matches,
    parse,
    serialize,
)
from memstore.filters.fields import EXPIRES_AT
from memstore.memory import utc
from memstore_in_memory import InMemoryMemoryStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVERYTHING = {"operator": "AND", "conditions": []}


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def advance(self, **by):
        self.now += timedelta(**by)


def no_negation(clock):
    store = UpdatingStore(FilterSupport(leaf=lambda leaf: True, negation=False))
    store._clock = clock
    return store


STORES = {
    "in-memory": lambda clock: InMemoryMemoryStore(clock=clock),
    "no filter support": lambda clock: UpdatingStore(None, clock),
    "some filter support": lambda clock: UpdatingStore(only("user_id", "meta.n"), clock),
    "expires_at only": lambda clock: UpdatingStore(only("expires_at"), clock),
    "no negation": no_negation,
    "engine": lambda clock: EngineStore(only("user_id", "expires_at"), 10**6, clock),
    "engine with a ceiling": lambda clock: EngineStore(only("user_id"), 3, clock),
}
UPDATING = [name for name in STORES if "engine" not in name]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=STORES)
def store(request, clock):
    return STORES[request.param](clock)


@pytest.fixture(params=UPDATING)
def updating(request, clock):
    return STORES[request.param](clock)


def add(store, *texts, **kwargs):
    messages = [ChatMessage.from_user(text) for text in texts]
    added = store.add_memories(**{"messages": messages, "infer": False, "user_id": "maya"} | kwargs)
    return [entry["memory_id"] for entry in added]


def texts(messages):
    return [message.text for message in messages]


def exported(store, **where):
    file = StringIO()
    count = store.export_memories(file, **where)
    lines = file.getvalue().splitlines()
    assert len(lines) == count + 1
    return lines


class TestReads:
    def test_until_the_moment_it_is_found_and_from_it_on_by_nothing(self, store, clock):
        [stays] = add(store, "walnuts stay")
        [goes] = add(store, "walnuts go", expires_at=NOON + timedelta(hours=1), run_id="r1", metadata={"n": 1})
        for moment in (NOON, NOON + timedelta(hours=1, microseconds=-1)):
            clock.now = moment
            assert texts(store.search_memories(user_id="maya")) == ["walnuts stay", "walnuts go"]
            assert len(store.search_memories(query="walnuts go", user_id="maya")) == 2
            assert store.count_memories(user_id="maya") == 2
        clock.advance(microseconds=1)
        for where in ({"user_id": "maya"}, {"filters": EVERYTHING}):
            assert texts(store.search_memories(**where)) == ["walnuts stay"]
            assert texts(store.search_memories(query="walnuts go", **where)) == ["walnuts stay"]
            assert store.search_memories_as_single_message(**where).text == "- MEMORY #1: walnuts stay"
            assert [memory.id for memory in store.list_memories(**where).memories] == [stays]
            assert store.count_memories(**where) == 1
            assert len(exported(store, **where)) == 2
        assert len(exported(store)) == 2
        for nothing in ({"run_id": "r1"}, {"filters": field("id") == goes}, {"filters": field("n") == 1}):
            assert store.search_memories(**nothing) == store.search_memories(query="walnuts", **nothing) == []
            assert store.count_memories(**nothing) == 0
        with pytest.raises(MemoryNotFoundError):
            store.delete_memory(goes)

    def test_updates_and_history_do_not_find_it_either(self, updating, clock):
        [memory_id] = add(updating, "tea", expires_at=NOON + timedelta(hours=1))
        after = updating.update_memory(memory_id, text="milk")
        assert after.expires_at == NOON + timedelta(hours=1)
        assert len(updating.memory_history(memory_id)) == 2
        clock.advance(hours=1)
        for call in (
            lambda: updating.update_memory(memory_id, text="salt"),
            lambda: updating.update_memory(memory_id, text="salt", expected_version=9),
            lambda: updating.memory_history(memory_id),
        ):
            with pytest.raises(MemoryNotFoundError, match=memory_id):
                call()

    def test_it_is_left_out_before_top_k(self, store, clock):
        add(store, *["walnuts"] * 40, expires_at=NOON + timedelta(hours=1))
        add(store, *(f"some {n}" for n in range(5)))
        clock.advance(hours=1)
        assert len(store.search_memories(query="walnuts", user_id="maya", top_k=5)) == 5

    def test_it_leaves_no_trace_in_order_or_scores(self, clock):
        for make in (STORES["in-memory"], STORES["no filter support"]):
            store, alone = make(clock), make(clock)
            for each in (store, alone):
                add(each, "walnut walnut", "walnut bread", "bread")
            add(store, "bread walnut bread", "bread", expires_at=NOON)
            found = [
                [
                    (message.text, message.meta["memory_metadata"]["score"])
                    for message in each.search_memories(
                        query="walnut bread", user_id="maya", include_memory_metadata=True
                    )
                ]
                for each in (store, alone)
            ]
            assert found[0] == found[1]

    def test_pages_go_on_over_what_expires_in_between(self, store, clock):
        add(store, "1")
        add(store, "2", expires_at=NOON + timedelta(hours=1))
        add(store, "3", "4", "5")
        page = store.list_memories(user_id="maya", limit=2)
        clock.advance(hours=1)
        rest = store.list_memories(user_id="maya", limit=2, cursor=page.cursor)
        assert [memory.text for memory in page.memories] == ["1", "2"]
        assert [memory.text for memory in rest.memories] == ["3", "4"]
        assert [m.text for m in store.list_memories(user_id="maya", cursor=rest.cursor).memories] == ["5"]

    def test_results_tell_when_it_expires(self, store):
        add(store, "tea", expires_at=NOON + timedelta(hours=1))
        [message] = store.search_memories(user_id="maya", include_memory_metadata=True)
        assert message.meta["memory_metadata"]["expires_at"] == "2026-05-01T13:00:00Z"

    def test_the_same_name_in_metadata_is_the_users_own(self, store, clock):
        add(store, "tea", metadata={"expires_at": "2020-01-01"})
        [message] = store.search_memories(filters=field("expires_at") < "2021-01-01")
        assert message.meta == {"expires_at": "2020-01-01"}
        assert store.count_memories(filters=field("expires_at") == None) == 0

    @given(st.lists(st.none() | st.integers(-3, 3), max_size=12), st.integers(-3, 3), st.integers(0, 1))
    def test_any_of_them_at_any_time(self, expiries, hour, user):
        for make in STORES.values():
            clock = Clock()
            store = make(clock)
            for number, expiry in enumerate(expiries):
                moment = None if expiry is None else NOON + timedelta(hours=expiry)
                add(store, f"tea {number}", user_id=f"u{number % 2}", expires_at=moment)
            clock.advance(hours=hour)
            expected = [
                f"tea {number}"
                for number, expiry in enumerate(expiries)
                if number % 2 == user and (expiry is None or expiry > hour)
            ]
            assert texts(store.search_memories(user_id=f"u{user}")) == expected
            assert sorted(texts(store.search_memories(query="tea", user_id=f"u{user}", top_k=99))) == sorted(expected)


class TestAdding:
    @pytest.mark.parametrize(
        "expires_at",
        [
            datetime(2026, 5, 1, 13, tzinfo=UTC),
            datetime(2026, 5, 1, 13),
            datetime(2026, 5, 1, 15, tzinfo=timezone(timedelta(hours=2))),
            1777640400,
            1777640400.0,
            pd.Timestamp("2026-05-01T13:00"),
        ],
    )
    def test_it_is_a_moment_in_any_form(self, store, clock, expires_at):
        add(store, "tea", expires_at=expires_at)
        [memory] = store.list_memories(user_id="maya").memories
        assert memory.expires_at == datetime(2026, 5, 1, 13, tzinfo=UTC)
        assert type(memory.expires_at) is datetime
        assert memory.expires_at.tzinfo is UTC

    @pytest.mark.parametrize("expires_at", [math.nan, math.inf, 1e18, "2026-05-01", True, [1], pd.NaT])
    def test_what_is_no_time_is_refused(self, store, expires_at):
        with pytest.raises(InvalidMemoryError, match="^expires_at: "):
            add(store, "tea", expires_at=expires_at)
        assert store.count_memories(user_id="maya") == 0

    def test_one_in_the_past_is_found_by_nothing(self, store):
        for expires_at in (0, NOON):
            [memory_id] = add(store, "tea", expires_at=expires_at)
            assert memory_id
        assert store.search_memories(user_id="maya") == store.search_memories(query="tea", user_id="maya") == []

    @pytest.mark.parametrize("method", ["add_memories", "purge_expired_memories"])
    def test_a_store_without_it_refuses(self, method):
        class Eternal(ListStore):
            capabilities = ListStore.capabilities - {"expiration"}

        arguments = {"messages": [], "user_id": "u", "expires_at": 5} if method == "add_memories" else {}
        with pytest.raises(UnsupportedError) as refused:
            getattr(Eternal(), method)(**arguments)
        assert refused.value.capability == "expiration"


class TestClientIds:
    LATER = NOON + timedelta(hours=1)

    def test_adding_again_with_the_same_moment_changes_nothing(self, store, clock):
        first = add(store, "tea", ids=["a"], expires_at=self.LATER)
        assert add(store, "tea", ids=["a"], expires_at=self.LATER) == first
        assert add(store, "tea", ids=["a"]) == first, "not given, it is not compared"
        clock.advance(hours=2)
        assert add(store, "tea", ids=["a"], expires_at=self.LATER) == first, "expired, it holds its id"
        assert store.count_memories(user_id="maya") == 0

    def test_another_moment_or_content_is_a_conflict_also_once_it_has_expired(self, store, clock):
        add(store, "tea", ids=["a"], expires_at=self.LATER)
        add(store, "milk", ids=["b"])
        for _ in range(2):
            for difference in (
                {"ids": ["a"], "expires_at": self.LATER + timedelta(microseconds=1)},
                {"ids": ["b"], "expires_at": self.LATER},
            ):
                with pytest.raises(MemoryConflictError):
                    add(store, "tea" if difference["ids"] == ["a"] else "milk", **difference)
            with pytest.raises(MemoryConflictError):
                add(store, "other", ids=["a"])
            clock.advance(hours=2)

    def test_once_purged_the_id_is_free(self, store, clock):
        add(store, "tea", ids=["a"], expires_at=NOON)
        assert store.purge_expired_memories() == 1
        assert add(store, "other", ids=["a"]) == ["a"]
        assert texts(store.search_memories(user_id="maya")) == ["other"]


class TestDeleting:
    def test_delete_all_deletes_what_has_expired_too(self, store):
        add(store, "tea", ids=["a"], expires_at=NOON)
        store.delete_all_memories(user_id="maya")
        assert store.purge_expired_memories() == 0
        assert add(store, "other", ids=["a"]) == ["a"]

    def test_purging_deletes_what_has_expired_and_nothing_else(self, store, clock):
        add(store, "stays")
        add(store, "later", expires_at=NOON + timedelta(hours=1))
        add(store, "gone", "gone too", expires_at=NOON - timedelta(hours=1))
        add(store, "at this moment", expires_at=NOON)
        assert store.purge_expired_memories() == 3
        assert store.purge_expired_memories() == 0
        assert texts(store.search_memories(user_id="maya")) == ["stays", "later"]
        clock.advance(hours=1)
        assert store.purge_expired_memories() == 1
        clock.now = NOON - timedelta(days=1)
        assert texts(store.search_memories(user_id="maya")) == ["stays"], "gone for good"

    def test_purging_a_scope_leaves_the_others(self, store, clock):
        for user in ("maya", "tom"):
            for run in ("r1", "r2"):
                add(store, f"{user} {run}", user_id=user, run_id=run, expires_at=NOON)
        assert store.purge_expired_memories(user_id="maya", run_id="r1") == 1
        assert store.purge_expired_memories(user_id="nobody") == 0
        assert store.purge_expired_memories(run_id="r2") == 2
        clock.now = NOON - timedelta(days=1)
        assert texts(store.search_memories(filters=EVERYTHING)) == ["tom r1"]

    def test_purging_goes_past_any_page(self, clock):
        store = InMemoryMemoryStore(clock=clock)
        add(store, *(f"memory {n}" for n in range(12_345)), expires_at=NOON)
        assert store.purge_expired_memories() == 12_345

    @pytest.mark.parametrize("ids", [{"user_id": ""}, {"run_id": "*"}, {"agent_id": 5}])
    def test_purging_refuses_impossible_ids(self, store, ids):
        add(store, "tea", expires_at=NOON)
        with pytest.raises(ValueError, match="_id "):
            store.purge_expired_memories(**ids)
        assert store.purge_expired_memories() == 1


class TestWhatIsAskedOfAStore:
    def test_it_is_pushed_down_where_the_store_evaluates_it(self, clock):
        store = UpdatingStore(only("user_id", "expires_at"), clock)
        store.search_memories(user_id="maya")
        assert str(store.calls[-1][1]) == 'user_id == "maya" and not (expires_at <= "2026-05-01T12:00:00Z")'
        store.purge_expired_memories()
        assert str(store.calls[-1][1]) == 'expires_at <= "2026-05-01T12:00:00Z"'

    @pytest.mark.parametrize("make", STORES.values(), ids=STORES)
    def test_a_store_never_gets_what_it_did_not_claim(self, clock, make):
        store = make(clock)
        if isinstance(store, InMemoryMemoryStore):
            return
        add(store, "tea", expires_at=NOON)
        store.search_memories(query="tea", user_id="maya")
        store.purge_expired_memories(user_id="maya")
        for call in store.calls:
            if call[0] in ("select", "rank"):
                assert_supported(call[1], store.filter_support)

    def test_nothing_is_paid_where_nothing_expires(self, clock):
        store = InMemoryMemoryStore(clock=clock)
        seen = []
        select, store._select = store._select, lambda *given: seen.append(given[0]) or select(*given)
        add(store, "tea")
        store.search_memories(user_id="maya")
        [memory_id] = add(store, "milk", expires_at=NOON + timedelta(hours=1))
        store.search_memories(user_id="maya")
        store.delete_memory(memory_id)
        store.search_memories(user_id="maya")
        without = str(field("user_id") == "maya")
        assert list(map(str, (seen[0], seen[-1]))) == [without, without]
        assert "expires_at" in str(seen[1])

    def test_an_in_memory_store_knows_whether_anything_expires(self, clock):
        store = InMemoryMemoryStore(clock=clock)
        for end in ("delete_memory", "delete_all_memories", "purge_expired_memories", "close"):
            assert not store._may_hold_expiring()
            [memory_id] = add(store, "tea", expires_at=clock.now + timedelta(hours=1))
            store.update_memory(memory_id, text="milk")
            assert store._may_hold_expiring()
            if end == "purge_expired_memories":
                clock.advance(hours=1)
            arguments = {"delete_memory": [memory_id]}.get(end, [])
            getattr(store, end)(*arguments, **({"user_id": "maya"} if end == "delete_all_memories" else {}))
        assert not store._may_hold_expiring()

    def test_no_moment_fills_what_is_remembered_of_filters(self, clock):
        add(store := InMemoryMemoryStore(clock=clock), "tea", expires_at=NOON + timedelta(days=1))
        other = UpdatingStore(None, clock)
        modules = [import_module(f"memstore.filters.{name}") for name in ("compile", "normalize", "pushdown")]
        caches = [module._remembered for module in modules]

        def read():
            for each in (store, other):
                each.search_memories(user_id="maya")
                each.search_memories(query="tea", user_id="maya")
                each.purge_expired_memories(user_id="maya")

        read()
        before = [cache.cache_info().misses for cache in caches]
        for _ in range(50):
            clock.advance(seconds=1)
            read()
        assert [cache.cache_info().misses for cache in caches] == before


class TestTheField:
    LIVING = Not(Comparison(EXPIRES_AT, Operator.LE, "2026-05-01T12:00:00Z"))

    def test_it_cannot_be_written_into_a_callers_filter(self):
        assert parse({"field": "expires_at", "operator": "==", "value": None}).field.path == ("meta", "expires_at")
        for node in (
            self.LIVING,
            self.LIVING.child,
            In(EXPIRES_AT, (None,)),
            Not(In(EXPIRES_AT, (None,))),
            Not(Comparison(EXPIRES_AT, Operator.EQ, None)),
            And((field("a") == 1, self.LIVING)),
        ):
            with pytest.raises(FilterError, match="^field: a memory's own 'expires_at'"):
                serialize(node)

    def test_it_is_a_time(self):
        assert EXPIRES_AT.is_time
        assert not EXPIRES_AT.is_text
        with pytest.raises(FilterError):
            Comparison(EXPIRES_AT, Operator.LE, 5)

    @pytest.mark.parametrize("operator", Operator)
    @pytest.mark.parametrize("value", [NOON, None, "2026-05-01"])
    @pytest.mark.parametrize("stored", [None, NOON, "2026-05-01T12:00Z", NOON - timedelta(hours=1), "no time", 5])
    def test_compiled_it_means_the_same(self, operator, value, stored):
        leaf = Comparison(EXPIRES_AT, operator, value)
        record = {"expires_at": stored, "meta": {"a": 1}}
        a = field("a") == 1
        for node in (leaf, ~leaf, a & leaf, ~leaf & a & leaf, And((~leaf,)), a | leaf, ~(a & leaf), And((a, ~a, leaf))):
            assert compile_filter(node)(record) is matches(node, record), str(node)

    def test_memories_are_compared_by_it_as_mappings_are(self):
        for expires_at in (None, NOON, utc(NOON - timedelta(hours=1)), NOON + timedelta(hours=1)):
            memory = Memory("a", "tea", created_at=NOON, updated_at=NOON, expires_at=expires_at)
            living = expires_at is None or expires_at > NOON
            assert compile_filter(self.LIVING)(memory) is living
            assert compile_filter(self.LIVING)(memory.to_dict()) is living
