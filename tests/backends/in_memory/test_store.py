"""The in-memory store beyond what every store does: scopes, views, threads, foreign data."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given
from hypothesis import strategies as st

from memstore import Memory, MemoryConflictError, open_store
from memstore.filters import TRUE, And, field, matches
from memstore.memory import SCOPE_FIELDS
from memstore.testing.reachable import reachable_bytes
from memstore_in_memory import InMemoryMemoryStore

EVERYTHING = {"operator": "AND", "conditions": []}


@pytest.fixture
def store():
    with open_store("memory://") as store:
        yield store


def add(store, *texts, **where):
    return store.add_memories(messages=[ChatMessage.from_user(text) for text in texts], infer=False, **where)


def ranked(store, query, **where):
    found = store.search_memories(query=query, include_memory_metadata=True, top_k=100, **where)
    return [(message.text, message.meta["memory_metadata"]["score"]) for message in found]


def test_foreign_memories_change_neither_order_nor_scores(store):
    """The benchmark does the same with a million."""
    random.seed(1)
    words = ["walnut", "allergy", "bicycle", "museum", "piano", "garden"]
    add(store, *(" ".join(random.choices(words, k=6)) for _ in range(100)), user_id="maya", run_id="r")
    wheres = [{"user_id": "maya"}, {"user_id": "maya", "run_id": "r"}, {"filters": field("user_id") == "maya"}]
    before = [ranked(store, "walnut allergy museum", **where) for where in wheres]
    assert before[0] == before[1] == before[2]
    add(store, *(" ".join(random.choices(words, k=6)) for _ in range(10_000)), user_id="tom", run_id="other")
    assert [ranked(store, "walnut allergy museum", **where) for where in wheres] == before


def test_a_filter_makes_the_statistics_too(store):
    """Ranking within a filter equals ranking in a store that holds only what matches."""
    add(store, "walnut walnut", "walnut bread", "bread", user_id="maya", run_id="r1")
    add(store, "bread walnut bread", "bread", user_id="maya", run_id="r2")
    alone = open_store("memory://")
    for memory in store.list_memories(user_id="maya", run_id="r1").memories:
        alone._insert([memory])
    where = (field("user_id") == "maya") & ~(field("run_id") == "r2")
    assert ranked(store, "walnut bread", filters=where) == ranked(alone, "walnut bread", user_id="maya")


ids = st.fixed_dictionaries({}, optional={name: st.sampled_from(["a", "b"]) for name in SCOPE_FIELDS})


@given(st.data())
def test_views_equal_a_scan(data):
    """Adds and deletes in any order of times, asked by any combination of ids in between."""
    store, model = InMemoryMemoryStore(), {}
    for number in range(data.draw(st.integers(1, 25))):
        action = data.draw(st.sampled_from(["add", "add", "ask", "update", "delete", "delete all"]))
        scope = data.draw(ids)
        wanted = And(tuple(field(name) == value for name, value in scope.items())) if scope else TRUE
        if action == "add":
            moment = datetime(2026, 1, data.draw(st.integers(1, 3)), tzinfo=UTC)
            memory = Memory(f"m{number}", "tea", **scope, created_at=moment, updated_at=moment)
            store._insert([memory])
            model[memory.id] = memory
        elif action == "update" and model:
            old = model[data.draw(st.sampled_from(sorted(model)))]
            new = replace(old, text=f"{old.text} tea", version=old.version + 1)
            assert store._replace(new, old.version)
            assert not store._replace(new, old.version)
            model[old.id] = new
        elif action == "delete" and model:
            gone = data.draw(st.sampled_from(sorted(model)))
            assert store._delete([gone, "unknown"]) == [gone]
            del model[gone]
        elif action == "delete all" and scope:
            store.delete_all_memories(**scope)
            model = {key: memory for key, memory in model.items() if not matches(wanted, memory)}
        expected = sorted((m for m in model.values() if matches(wanted, m)), key=lambda m: m.position)
        assert store._select(wanted, None, 1000) == expected
        if expected:
            middle = expected[len(expected) // 2].position
            assert store._select(wanted, middle, 2) == [m for m in expected if m.position > middle][:2]
        hits, exhausted = store._rank("tea", wanted, 1000)
        assert exhausted
        assert sorted(m.id for m, _ in hits) == sorted(m.id for m in expected)
        for some in range(1, len(expected)):
            assert store._rank("tea", wanted, some) == (hits[:some], False)


SECRET = "xylophone quarrels"


def keep_and_change(store):
    """A memory whose text, earlier text and metadata are in every place that a store has."""
    [kept] = add(store, f"first {SECRET}", user_id="maya", run_id="r")
    add(store, "another", user_id="maya", run_id="r")
    for words in ("second", "third"):
        for where in ({"user_id": "maya"}, {"user_id": "maya", "run_id": "r"}, {"filters": EVERYTHING}):
            store.search_memories(query=SECRET, **where)
        store.update_memory(kept["memory_id"], text=f"{words} {SECRET}", metadata={"told": SECRET})
    assert SECRET.encode() in reachable_bytes(store)
    return kept["memory_id"]


@pytest.mark.parametrize(
    "erase",
    [
        lambda store, memory_id: store.delete_memory(memory_id),
        lambda store, memory_id: store.delete_all_memories(run_id="r"),
        lambda store, memory_id: store.bound(user_id="maya").delete_memory(memory_id),
        lambda store, memory_id: store.close(),
    ],
    ids=["one", "all", "bound", "close"],
)
def test_nothing_of_a_deleted_memory_can_be_reached(store, erase):
    memory_id = keep_and_change(store)
    erase(store, memory_id)
    left = reachable_bytes(store)
    for words in (*SECRET.split(), "first", "second", "third", memory_id):
        assert words.encode() not in left


def test_nothing_of_a_purged_memory_can_be_reached():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store = InMemoryMemoryStore(clock=lambda: now)
    add(store, SECRET, user_id="maya", expires_at=now + timedelta(hours=1))
    store.search_memories(query=SECRET, user_id="maya")
    now += timedelta(hours=1)
    assert store.purge_expired_memories() == 1
    assert SECRET.encode() not in reachable_bytes(store)


def test_an_updated_memory_stays_findable_by_its_id(store):
    [kept] = add(store, "tea", user_id="maya")
    add(store, "milk", user_id="maya", expires_at=datetime(9999, 1, 1, tzinfo=UTC))
    store.update_memory(kept["memory_id"], text="salt")
    for wanted in (
        field("id") == kept["memory_id"],
        (field("user_id") == "maya") & (field("id") == kept["memory_id"]),
        field("id").is_in([kept["memory_id"], None]) & (field("text") == "salt"),
    ):
        assert [memory.text for memory in store.list_memories(filters=wanted).memories] == ["salt"]
    assert store.count_memories(filters=(field("id") == kept["memory_id"]) & (field("text") == "tea")) == 0
    assert (
        store.count_memories(filters=field("id").is_in([None]))
        == store.count_memories(filters=field("id") == None)
        == 0
    )


def test_an_insert_is_all_or_nothing(store):
    [kept] = add(store, "tea", user_id="maya")
    [old] = store.list_memories(user_id="maya").memories
    with pytest.raises(MemoryConflictError):
        store._insert([replace(old, id="new", text="milk"), old])
    assert [memory.id for memory in store.list_memories(user_id="maya").memories] == [kept["memory_id"]]


def test_a_clock_is_no_part_of_the_configuration():
    store = InMemoryMemoryStore(clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    add(store, "tea", user_id="maya")
    assert store.list_memories(user_id="maya").memories[0].created_at.year == 2030
    assert store.to_dict()["init_parameters"] == {}
    assert InMemoryMemoryStore.from_dict(store.to_dict())._clock is not store._clock


def test_views_of_combinations_hold_at_most_twice_the_memories(store):
    for user in range(50):
        add(store, "tea", "milk", user_id=f"u{user}", run_id="r", agent_id="a", app_id="p")
    for user in range(50):
        for other in ({"run_id": "r"}, {"agent_id": "a"}, {"run_id": "r", "agent_id": "a", "app_id": "p"}):
            assert len(store.search_memories(user_id=f"u{user}", **other)) == 2
    assert len(store.search_memories(filters=EVERYTHING)) == 100
    scopes = store._scopes
    assert scopes._rows == sum(len(view.memories) for view in scopes._combined.values()) <= 200
    store.delete_all_memories(agent_id="a")
    assert scopes._rows == 0
    assert scopes._single == {}


def test_asking_for_what_is_not_there_keeps_nothing(store):
    add(store, "tea", user_id="u", run_id="r")
    for n in range(1000):
        assert store.search_memories(query="tea", user_id="u", run_id=f"run-{n}") == []
    assert len(store.search_memories(user_id="u", run_id="r")) == 1
    assert len(store._scopes._combined) == 1
    store.delete_all_memories(user_id="u")
    assert store._scopes._combined == {}


def test_a_filter_by_id_looks_at_those_records_only(store):
    added = add(store, *(f"memory {n}" for n in range(50)), user_id="maya")
    some = [entry["memory_id"] for entry in added[10:13]]
    wanted = (field("user_id") == "maya") & field("id").is_in([*some, "unknown"])
    assert [m.id for m in store.list_memories(filters=wanted).memories] == some
    assert store.list_memories(filters=wanted, limit=2).cursor is not None
    assert store.count_memories(filters=(field("id") == some[0]) & (field("user_id") == "tom")) == 0


class TestThreads:
    @pytest.fixture(autouse=True)
    def switch_often(self):
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        yield
        sys.setswitchinterval(before)

    def test_200_adds_from_16_threads_are_all_there_once(self, store):
        with ThreadPoolExecutor(16) as pool:
            added = list(pool.map(lambda n: add(store, f"memory {n}", user_id="maya"), range(200)))
        assert sorted(m.text for m in store.search_memories(user_id="maya")) == sorted(
            f"memory {n}" for n in range(200)
        )
        assert len({entry["memory_id"] for [entry] in added}) == 200

    def test_the_same_id_from_many_threads_is_added_once(self, store):
        def add_same(_):
            message = ChatMessage.from_user("tea")
            return store.add_memories(messages=[message], infer=False, user_id="maya", ids=["same"])

        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(add_same, range(100)))
        assert results == [[{"memory_id": "same", "memory": "tea"}]] * 100
        assert store.count_memories(user_id="maya") == 1

    def test_readers_during_writes_see_whole_batches(self, store):
        stop, seen = threading.Event(), set()

        def read():
            while not stop.is_set():
                seen.add(store.count_memories(user_id="maya") % 5)
                for message in store.search_memories(query="tea", user_id="maya", top_k=3):
                    seen.add(0 if message.text.startswith("tea") else message.text)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for n in range(100):
            add(store, *(f"tea {n}" for _ in range(5)), user_id="maya")
            if n % 10 == 9:
                store.delete_all_memories(user_id="maya")
        stop.set()
        for reader in readers:
            reader.join()
        assert seen == {0}


def test_order_of_out_of_order_times(store):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = random.Random(3).sample(range(60), 60)
    for day in days:
        message = ChatMessage.from_user(str(day))
        store.add_memories(messages=[message], infer=False, user_id="u", timestamp=start + timedelta(days=day))
    assert [int(m.text) for m in store.search_memories(user_id="u")] == sorted(days)
