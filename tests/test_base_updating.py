"""Updating and history, as `BaseMemoryStore` makes them of `_replace` and `_history`."""

import asyncio
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given
from hypothesis import strategies as st
from support.stores import ListStore, NativeUpdatingStore, UpdatingStore

from memstore import (
    InvalidMemoryError,
    MemoryConflictError,
    MemoryNotFoundError,
    MemoryStoreError,
    ScopeError,
)
from memstore.filters import field
from memstore.json_values import MAX_SIZE
from memstore.testing import strategies
from memstore_in_memory import InMemoryMemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)


class Awaited:
    """A store whose methods are called by their twins."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        twin = getattr(self.store, f"{name}_async", None)
        return getattr(self.store, name) if twin is None else lambda *args, **kwargs: asyncio.run(twin(*args, **kwargs))


STORES = {
    "in-memory": InMemoryMemoryStore,
    "base": UpdatingStore,
    "awaited": lambda: Awaited(InMemoryMemoryStore()),
    "native": lambda: Awaited(NativeUpdatingStore()),
}


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request):
    return request.param()


@pytest.fixture
def tea(store):
    """The id of a memory."""
    return add(store, "tea", metadata={"a": 1, "b": {"c": 2}, "null": None}, run_id="r1")


def add(store, text, **kwargs):
    message = ChatMessage.from_user(text, name="Maya")
    return store.add_memories(messages=[message], infer=False, user_id="maya", **kwargs)[0]["memory_id"]


def read(store, memory_id):
    [memory] = store.list_memories(filters=field("id") == memory_id).memories
    return memory


def texts(messages):
    return [message.text for message in messages]


class TestWhatChanges:
    def test_a_text_takes_the_place_of_the_one_before(self, store, tea):
        before = read(store, tea)
        after = store.update_memory(tea, text="green tea")
        assert after == replace(before, text="green tea", version=2, updated_at=after.updated_at)
        assert after.updated_at > before.updated_at
        assert read(store, tea) == after

    def test_given_keys_are_set_null_ones_removed_and_the_others_stay(self, store, tea):
        after = store.update_memory(tea, metadata={"a": "new", "d": [1]})
        assert after.meta == {"a": "new", "b": {"c": 2}, "null": None, "d": [1]}
        after = store.update_memory(tea, metadata={"a": None, "null": None, "never there": None})
        assert after.meta == {"b": {"c": 2}, "d": [1]}
        assert (after.text, after.version) == ("tea", 3)

    def test_below_the_top_a_value_is_a_value(self, store, tea):
        assert store.update_memory(tea, metadata={"b": {"d": None}}).meta["b"] == {"d": None}

    def test_both_at_once_are_one_version(self, store, tea):
        after = store.update_memory(tea, text="milk", metadata={"a": 2})
        assert (after.text, after.meta["a"], after.version) == ("milk", 2, 2)

    def test_an_empty_patch_is_a_version_of_its_own(self, store, tea):
        after = store.update_memory(tea, metadata={})
        assert (after.meta, after.version) == (read(store, tea).meta, 2)

    def test_every_read_sees_it_and_none_what_was_before(self, store, tea):
        add(store, "something else")
        assert texts(store.search_memories(query="tea", user_id="maya", top_k=1)) == ["tea"]
        store.update_memory(tea, text="coffee", metadata={"a": 5})
        where = {"filters": (field("a") == 5) & (field("text") == "coffee")}
        assert texts(store.search_memories(query="coffee", user_id="maya", top_k=1)) == ["coffee"]
        assert texts(store.search_memories(user_id="maya")) == ["coffee", "something else"], "it stays at its place"
        assert texts(store.search_memories(user_id="maya", run_id="r1")) == ["coffee"]
        assert store.count_memories(**where) == 1
        assert store.count_memories(filters=field("a") == 1) == 0
        [message] = store.search_memories(query="coffee", include_memory_metadata=True, **where)
        assert message.meta["memory_metadata"]["version"] == 2
        scores = [
            message.meta["memory_metadata"]["score"]
            for message in store.search_memories(query="tea", user_id="maya", include_memory_metadata=True)
        ]
        assert scores == [0, 0]

    def test_a_cursor_goes_on_behind_it(self, store, tea):
        add(store, "second")
        page = store.list_memories(user_id="maya", limit=1)
        store.update_memory(tea, text="changed")
        assert [m.text for m in store.list_memories(user_id="maya", cursor=page.cursor).memories] == ["second"]

    def test_what_comes_back_is_a_copy(self, store, tea):
        metadata = {"list": [1]}
        after = store.update_memory(tea, metadata=metadata)
        metadata["list"].append(2)
        after.meta["list"].append(3)
        after.meta["b"]["c"] = 4
        assert read(store, tea).meta == {"a": 1, "b": {"c": 2}, "null": None, "list": [1]}

    def test_times_in_metadata_become_strings(self, store, tea):
        assert store.update_memory(tea, metadata={"at": START}).meta["at"] == "2026-01-01T00:00:00Z"

    def test_the_clock_says_when(self):
        now = START
        store = InMemoryMemoryStore(clock=lambda: now)
        memory_id = add(store, "tea")
        now += timedelta(days=1)
        after = store.update_memory(memory_id, text="milk")
        assert (after.created_at, after.updated_at) == (START, now)

    @given(strategies.metadata(), strategies.metadata())
    def test_the_patch_is_rfc_7396_at_the_top(self, before, patch):
        store = InMemoryMemoryStore()
        memory_id = add(store, "tea", metadata=before)
        expected = {**before, **patch}
        for key, value in patch.items():
            if value is None:
                del expected[key]
        assert repr(store.update_memory(memory_id, metadata=patch).meta) == repr(expected)


class TestWhatIsRefused:
    @pytest.mark.parametrize("memory_id", ["unknown", "*"])
    def test_an_unknown_id(self, store, tea, memory_id):
        for call in (lambda: store.update_memory(memory_id, text="x"), lambda: store.memory_history(memory_id)):
            with pytest.raises(MemoryNotFoundError) as missing:
                call()
            assert missing.value.memory_id == memory_id

    @pytest.mark.parametrize("memory_id", [None, 5, "", " x", "\0"])
    def test_an_impossible_id(self, store, memory_id):
        for call in (lambda: store.update_memory(memory_id, text="x"), lambda: store.memory_history(memory_id)):
            with pytest.raises(InvalidMemoryError, match="^memory_id: "):
                call()

    def test_nothing_to_change(self, store, tea):
        for nothing in ({}, {"expected_version": 1}):
            with pytest.raises(ValueError, match="neither was given"):
                store.update_memory(tea, **nothing)

    @pytest.mark.parametrize("text", ["", " \n", "a\0b", "a\ud800b", 5, b"x", ["x"]])
    def test_a_text_that_is_no_memory(self, store, tea, text):
        with pytest.raises(InvalidMemoryError, match="^text: "):
            store.update_memory(tea, text=text)
        self.assert_unchanged(store, tea)

    @pytest.mark.parametrize(
        ("metadata", "place"),
        [
            ({"a": {1, 2}}, r"metadata\['a'\]"),
            ({"a": math.nan}, r"metadata\['a'\]"),
            ({"a": 2**63}, r"metadata\['a'\]"),
            ({5: None}, "metadata"),
            ({"a\0": None}, "metadata"),
            ([("a", 1)], "metadata"),
            ("a", "metadata"),
        ],
        ids=str,
    )
    def test_metadata_that_is_no_json(self, store, tea, metadata, place):
        with pytest.raises(InvalidMemoryError, match=f"^{place}: "):
            store.update_memory(tea, metadata=metadata)
        self.assert_unchanged(store, tea)

    @pytest.mark.parametrize("key", ["user_id", "app_id", "memory_metadata", "mem0_memory_metadata"])
    @pytest.mark.parametrize("value", ["tom", None])
    def test_metadata_named_like_an_id(self, store, tea, key, value):
        with pytest.raises(ScopeError, match=f"^metadata: {key}"):
            store.update_memory(tea, metadata={key: value})
        self.assert_unchanged(store, tea)

    def test_old_and_new_metadata_that_are_too_much_together(self, store):
        half = {str(n): n for n in range(MAX_SIZE // 2 + 1)}
        memory_id = add(store, "tea", metadata=half)
        with pytest.raises(InvalidMemoryError, match="^metadata: more than 100,000 values"):
            store.update_memory(memory_id, metadata={f"new {n}": n for n in half})
        assert store.update_memory(memory_id, metadata=half).version == 2

    @pytest.mark.parametrize("version", [0, -1, True, 1.0, "1"])
    def test_a_version_that_there_never_is(self, store, tea, version):
        with pytest.raises((TypeError, ValueError), match="^expected_version "):
            store.update_memory(tea, text="x", expected_version=version)
        self.assert_unchanged(store, tea)

    @staticmethod
    def assert_unchanged(store, memory_id):
        memory = read(store, memory_id)
        assert (memory.text, memory.version, memory.meta) == ("tea", 1, {"a": 1, "b": {"c": 2}, "null": None})


class TestVersions:
    def test_the_expected_one_is_changed(self, store, tea):
        assert store.update_memory(tea, text="milk", expected_version=1).version == 2
        assert store.update_memory(tea, text="salt", expected_version=2).version == 3

    def test_another_one_is_a_conflict_and_nothing_is_changed(self, store, tea):
        store.update_memory(tea, text="milk")
        for version in (1, 3, 2**70):
            with pytest.raises(MemoryConflictError) as conflict:
                store.update_memory(tea, text="lost", expected_version=version)
            assert str(conflict.value) == f"the memory {tea!r} is at version 2, not {version}; nothing was changed"
            assert conflict.value.memory_id == tea
        assert read(store, tea).text == "milk"

    def test_whoever_comes_second_looks_again(self):
        class Raced(UpdatingStore):
            """Somebody else writes between the look and the change, `left` times."""

            left = 3

            def _replace(self, memory, expected_version):
                if self.left:
                    self.left -= 1
                    old = self.memories[memory.id]
                    self.memories[memory.id] = replace(old, meta={"theirs": self.left}, version=old.version + 1)
                return super()._replace(memory, expected_version)

        store = Raced()
        memory_id = add(store, "tea")
        after = store.update_memory(memory_id, metadata={"ours": 1})
        assert (after.meta, after.version) == ({"theirs": 0, "ours": 1}, 5)
        store.left = 1
        with pytest.raises(MemoryConflictError):
            store.update_memory(memory_id, text="x", expected_version=5)

    def test_whoever_comes_after_a_delete_finds_nothing(self):
        class Raced(UpdatingStore):
            def _replace(self, memory, expected_version):
                self.memories.clear()
                return super()._replace(memory, expected_version)

        store = Raced()
        with pytest.raises(MemoryNotFoundError):
            store.update_memory(add(store, "tea"), text="x")

    def test_a_store_that_never_replaces_is_given_up_on(self):
        class Stubborn(UpdatingStore):
            def _replace(self, memory, expected_version):
                self.calls.append("replace")
                return False

        store = Stubborn()
        with pytest.raises(MemoryStoreError, match="was changed by others 100 times"):
            store.update_memory(add(store, "tea"), text="x")
        assert store.calls.count("replace") == 100

    def test_a_claim_without_the_primitive_is_an_error(self):
        class Boastful(ListStore):
            capabilities = UpdatingStore.capabilities

        store = Boastful()
        memory_id = add(store, "tea")
        with pytest.raises(MemoryStoreError, match="could not replace memories: NotImplementedError"):
            store.update_memory(memory_id, text="x")
        with pytest.raises(MemoryStoreError, match="could not tell the history of memories: NotImplementedError"):
            store.memory_history(memory_id)


class TestThreads:
    @pytest.fixture(autouse=True)
    def switch_often(self):
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        yield
        sys.setswitchinterval(before)

    def test_16_threads_that_expect_a_version_lose_no_increment(self, store, tea):
        def increment(_):
            while True:
                memory = read(store, tea)
                try:
                    store.update_memory(tea, metadata={"a": memory.meta["a"] + 1}, expected_version=memory.version)
                except MemoryConflictError:
                    continue
                return

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(increment, range(64)))
        after = read(store, tea)
        assert (after.meta["a"], after.version) == (65, 65)
        assert [memory.meta["a"] for memory in store.memory_history(tea)] == list(range(1, 66))

    def test_of_writers_that_expect_nothing_none_is_lost(self, store, tea):
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: store.update_memory(tea, metadata={f"key {n}": n}), range(64)))
        after = read(store, tea)
        assert after.version == 65
        assert {f"key {n}" for n in range(64)} <= after.meta.keys()


class TestHistory:
    def test_it_tells_every_state_oldest_first_the_present_one_last(self, store, tea):
        first = read(store, tea)
        assert store.memory_history(tea) == [first]
        second = store.update_memory(tea, text="milk")
        third = store.update_memory(tea, metadata={"a": None})
        assert store.memory_history(tea) == [first, second, third]
        assert [memory.version for memory in store.memory_history(tea)] == [1, 2, 3]

    def test_what_comes_back_are_copies(self, store, tea):
        store.update_memory(tea, text="milk")
        for memory in store.memory_history(tea):
            memory.meta["b"]["c"] = "changed"
        assert [memory.meta["b"] for memory in store.memory_history(tea)] == [{"c": 2}, {"c": 2}]

    def test_it_goes_with_its_memory(self, store, tea):
        store.update_memory(tea, text="milk")
        store.delete_memory(tea)
        with pytest.raises(MemoryNotFoundError):
            store.memory_history(tea)
        with pytest.raises(MemoryNotFoundError):
            store.update_memory(tea, text="x")
        add(store, "new", ids=[tea])
        assert [memory.text for memory in store.memory_history(tea)] == ["new"]

    def test_delete_all_deletes_it_too(self, store, tea):
        store.update_memory(tea, text="milk")
        store.delete_all_memories(user_id="maya")
        add(store, "new", ids=[tea])
        assert [memory.text for memory in store.memory_history(tea)] == ["new"]


@given(st.lists(st.sampled_from(["tea", "milk and tea", "salt", "tea tea"]), min_size=1, max_size=8), st.data())
def test_a_store_of_updated_memories_ranks_as_one_that_got_them_so(changes, data):
    """Nothing of an earlier text is left in the statistics."""
    updated, fresh = InMemoryMemoryStore(), InMemoryMemoryStore()
    ids = [add(updated, text) for text in ("tea with milk", "salt", "tea and salt")]
    for text in changes:
        updated.update_memory(data.draw(st.sampled_from(ids)), text=text)
        updated.search_memories(query="tea", user_id="maya")
    fresh._insert(updated.list_memories(user_id="maya").memories)
    for query in ("tea", "milk salt"):
        found = [
            [
                (message.text, message.meta["memory_metadata"]["score"])
                for message in store.search_memories(query=query, user_id="maya", include_memory_metadata=True)
            ]
            for store in (updated, fresh)
        ]
        assert found[0] == found[1]
