"""Adding, as `BaseMemoryStore` makes it of `_insert`; what a caller may hand in and what is refused."""

import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

import pandas as pd
import pytest
from haystack.dataclasses import ChatMessage, ImageContent, TextContent, ToolCall
from support.stores import ListStore

from memstore import (
    EventNotFoundError,
    InvalidMemoryError,
    MemoryConflictError,
    MemoryStoreError,
    ScopeError,
    UnsupportedError,
    open_store,
)
from memstore.filters import FilterSupport

NANOSECONDS = pd.Timestamp("2023-05-08T13:56:00.123456789")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(params=["in-memory", "base"])
def store(request):
    return {"in-memory": lambda: open_store("memory://"), "base": ListStore}[request.param]()


def user(text, **kwargs):
    return ChatMessage.from_user(text, **kwargs)


def add(store, *messages, **kwargs):
    return store.add_memories(**{"messages": list(messages), "infer": False, "user_id": "maya"} | kwargs)


def everything(store):
    return store.list_memories(filters={"operator": "AND", "conditions": []}, limit=10_000).memories


def test_one_entry_for_each_memory_in_message_order(store):
    added = add(store, user("tea"), ChatMessage.from_assistant("milk"), ChatMessage.from_system("sugar"))
    assert [entry["memory"] for entry in added] == ["tea", "milk", "sugar"]
    assert [set(entry) for entry in added] == [{"memory_id", "memory"}] * 3
    stored = everything(store)
    assert [memory.id for memory in stored] == [entry["memory_id"] for entry in added] == sorted(m.id for m in stored)
    assert [memory.role for memory in stored] == ["user", "assistant", "system"]


def test_inferring_without_a_model_keeps_the_words(store):
    assert add(store, user("verbatim"), infer=True)[0]["memory"] == "verbatim"


def test_adding_in_async_mode_is_done_at_once_and_says_so(store):
    added = add(store, user("tea"), async_mode=True)
    assert added[0]["memory"] == "tea"
    assert "event_id" not in added[0]
    assert store.wait([], timeout=0) == []
    with pytest.raises(EventNotFoundError):
        store.wait(["unknown"])
    for no_list in ("abc", None, 5):
        with pytest.raises(TypeError, match="event_ids"):
            store.wait(no_list)


def test_messages_without_text_are_skipped(store):
    silent = [
        ChatMessage.from_assistant(tool_calls=[ToolCall("search", {})]),
        ChatMessage.from_tool("result", origin=ToolCall("search", {})),
        ChatMessage.from_user(content_parts=[ImageContent(PIXEL)]),
        ChatMessage.from_assistant(""),
        user(" \n "),
    ]
    assert [entry["memory"] for entry in add(store, silent[0], user("said"), *silent[1:])] == ["said"]
    assert add(store, *silent) == add(store) == []


def test_every_text_part_is_kept(store):
    message = ChatMessage.from_user(content_parts=[TextContent("look"), ImageContent(PIXEL), TextContent("here")])
    assert add(store, message)[0]["memory"] == "look\nhere"


def test_the_speakers_name_and_all_ids_are_kept(store):
    ids = {"user_id": "u", "run_id": "r", "agent_id": "a", "app_id": "p"}
    add(store, user("tea", name="Maya"), **ids)
    [memory] = everything(store)
    assert (memory.name, memory.scope.ids, memory.version, memory.expires_at) == ("Maya", ids, 1, None)


@pytest.mark.parametrize("text", ["ünï çödé 👩‍👩‍👧 漢字", "a\nb\t\r\n", "x" * 100_000, "' OR 1=1; --", "﻿", "${jndi}"])
def test_texts_come_back_to_the_letter(store, text):
    add(store, user(text))
    assert store.search_memories(user_id="maya")[0].text == text


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_texts_that_no_store_keeps_are_refused_with_their_place_and_nothing_is_added(store, text):
    with pytest.raises(InvalidMemoryError, match=r"^messages\[1\]: "):
        add(store, user("fine"), user(text))
    with pytest.raises(InvalidMemoryError, match=r"^messages\[0\]\.name: "):
        add(store, user("fine", name=text))
    with pytest.raises(InvalidMemoryError, match=r"^metadata\['k'\]\[1\]: "):
        add(store, user("fine"), metadata={"k": ["fine", text]})
    assert everything(store) == []


@pytest.mark.parametrize("text", [5, b"tea"])
def test_texts_and_names_are_strings(store, text):
    parts = [TextContent("look"), TextContent(text)]
    for messages in ([user("fine"), user(text)], [user("fine"), ChatMessage.from_user(content_parts=parts)]):
        with pytest.raises(InvalidMemoryError, match=r"^messages\[1\]: a text is a string, not of type "):
            add(store, *messages)
    with pytest.raises(InvalidMemoryError, match=r"^messages\[0\]\.name: "):
        add(store, user("fine", name=text))
    assert everything(store) == []


def test_what_is_stored_of_a_strings_subclass_is_a_string(store):
    class Own(str):
        __slots__ = ()

    add(store, user(Own("tea"), name=Own("Maya")), user_id=Own("maya"))
    [memory] = everything(store)
    assert [type(value) for value in (memory.text, memory.name, memory.user_id)] == [str, str, str]


def test_a_long_key_is_named_by_its_beginning(store):
    with pytest.raises(InvalidMemoryError) as refused:
        add(store, user("tea"), metadata={"k" * 1000: {1, 2}})
    assert str(refused.value).startswith(f"metadata['{'k' * 60}...']: ")


@pytest.mark.parametrize("messages", ["hello", None, {"a": 1}, 5])
def test_messages_are_a_list(store, messages):
    with pytest.raises(TypeError, match="messages is a list"):
        store.add_memories(messages=messages, user_id="maya")


def test_what_is_no_message_is_refused_with_its_place(store):
    with pytest.raises(TypeError, match=r"messages\[1\] is a ChatMessage"):
        add(store, user("fine"), "not a message")
    assert everything(store) == []


@pytest.mark.parametrize(
    "ids", [{"user_id": None}, {"user_id": ""}, {"user_id": "maya", "run_id": " "}, {"user_id": "*"}]
)
def test_adding_needs_a_scope(store, ids):
    with pytest.raises(ScopeError):
        add(store, user("tea"), **ids)
    assert everything(store) == []


class TestMetadata:
    EVERY_KIND = {
        "null": None,
        "boolean": True,
        "integer": 2**63 - 1,
        "small": -(2**63),
        "float": 1.5,
        "string": "text",
        "list": [1, [2, {"three": 3}]],
        "object": {"a": {"b.c": None}},
        "": "an empty key",
    }

    def test_every_kind_of_json_comes_back_unchanged(self, store):
        add(store, user("tea"), metadata=self.EVERY_KIND)
        [message] = store.search_memories(user_id="maya")
        assert message.meta == self.EVERY_KIND
        assert [type(value) for value in message.meta.values()] == [type(value) for value in self.EVERY_KIND.values()]

    def test_times_come_back_as_strings_in_utc(self, store):
        moment = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
        add(store, user("tea"), metadata={"aware": moment, "naive": datetime(2026, 5, 1), "day": date(2026, 5, 1)})
        expected = {"aware": "2026-05-01T10:00:00Z", "naive": "2026-05-01T00:00:00Z", "day": "2026-05-01"}
        assert store.search_memories(user_id="maya")[0].meta == expected

    def test_a_messages_own_wins_a_clash(self, store):
        add(store, user("tea", meta={"a": 1, "b": 1}), user("milk"), metadata={"b": 2, "c": 2})
        assert [m.meta for m in store.search_memories(user_id="maya")] == [{"a": 1, "b": 1, "c": 2}, {"b": 2, "c": 2}]

    def test_it_is_a_copy_both_ways(self, store):
        metadata, own = {"tags": ["a"]}, {"more": {"x": [1]}}
        add(store, user("tea", meta=own), user("milk"), metadata=metadata)
        metadata["tags"].append("b")
        own["more"]["x"].append(2)
        for read in (lambda: store.search_memories(user_id="maya"), lambda: everything(store)):
            read()[0].meta["tags"].append("c")
            read()[1].meta["tags"].append("d")
            assert read()[0].meta == {"tags": ["a"], "more": {"x": [1]}}
            assert read()[1].meta == {"tags": ["a"]}

    @pytest.mark.parametrize(
        ("metadata", "place"),
        [
            ({"a": {1, 2}}, r"metadata\['a'\]"),
            ({"a": [1, object]}, r"metadata\['a'\]\[1\]"),
            ({"a": {"b": math.nan}}, r"metadata\['a'\]\['b'\]"),
            ({"a": math.inf}, r"metadata\['a'\]"),
            ({"a": 2**63}, r"metadata\['a'\]"),
            ({5: "a"}, "metadata"),
            ({"a": {None: 1}}, r"metadata\['a'\]"),
            ({"a\0": 1}, "metadata"),
            ({"a": b"bytes"}, r"metadata\['a'\]"),
            ({"a": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, r"metadata\['a'\]"),
            ([("a", 1)], "metadata"),
        ],
        ids=str,
    )
    def test_what_is_no_json_is_refused_with_its_place(self, store, metadata, place):
        with pytest.raises(InvalidMemoryError, match=f"^{place}: "):
            add(store, user("tea"), metadata=metadata)
        if isinstance(metadata, dict):
            with pytest.raises(InvalidMemoryError, match=f"^{place.replace('metadata', 'messages.1..meta', 1)}: "):
                add(store, user("fine"), user("tea", meta=metadata))
        assert everything(store) == []

    def test_its_size_is_bounded_also_where_it_shares_its_parts(self, store):
        shared = ["x"]
        for _ in range(60):
            shared = [shared, shared]
        for value in (shared, list(range(100_001)), {str(n): n for n in range(100_001)}):
            with pytest.raises(InvalidMemoryError, match="more than 100,000 values"):
                add(store, user("tea"), metadata={"shared": value})

    def test_nesting_is_bounded(self, store):
        deep = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(InvalidMemoryError, match="nested more than 100 levels"):
            add(store, user("tea"), metadata={"deep": deep})

    @pytest.mark.parametrize(
        "key", ["user_id", "run_id", "agent_id", "app_id", "memory_metadata", "mem0_memory_metadata"]
    )
    def test_ids_cannot_be_metadata(self, store, key):
        with pytest.raises(ScopeError, match=rf"^metadata: {key}"):
            add(store, user("tea"), metadata={key: "tom"})
        with pytest.raises(ScopeError, match=rf"^messages\[0\]\.meta: {key}"):
            add(store, user("tea", meta={key: "tom"}))
        add(store, user("tea"), metadata={"nested": {key: "fine"}})


class TestTimestamp:
    @pytest.mark.parametrize(
        "timestamp",
        [
            datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
            datetime(2023, 5, 8, 13, 56),
            datetime(2023, 5, 8, 15, 56, tzinfo=timezone(timedelta(hours=2))),
            1683554160,
            1683554160.0,
        ],
    )
    def test_it_is_when_it_was_said(self, store, timestamp):
        before = datetime.now(UTC)
        add(store, user("tea"), timestamp=timestamp)
        [memory] = everything(store)
        assert memory.created_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
        assert memory.created_at.tzinfo is UTC
        assert before <= memory.updated_at <= datetime.now(UTC)

    def test_what_is_kept_is_a_plain_datetime(self, store):
        class Nowhere(tzinfo):
            def utcoffset(self, moment):
                return None

        for timestamp in (pd.Timestamp("2023-05-08T13:56"), datetime(2023, 5, 8, 13, 56, tzinfo=Nowhere())):
            add(store, user("tea"), timestamp=timestamp, metadata={"at": timestamp})
        for memory in everything(store):
            assert type(memory.created_at) is datetime
            assert memory.created_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
            assert memory.meta == {"at": "2023-05-08T13:56:00Z"}

    def test_listing_follows_it(self, store):
        for year in (2025, 2023, 2024):
            add(store, user(f"{year} a"), user(f"{year} b"), timestamp=datetime(year, 1, 1))
        assert [memory.text[:4] for memory in everything(store)] == ["2023", "2023", "2024", "2024", "2025", "2025"]

    @pytest.mark.parametrize("timestamp", [math.nan, math.inf, 1e18, "2023-05-08", True, [1], pd.NaT, NANOSECONDS])
    def test_what_is_no_time_is_refused(self, store, timestamp):
        with pytest.raises(InvalidMemoryError, match="^timestamp: "):
            add(store, user("tea"), timestamp=timestamp)

    def test_a_store_without_it_refuses_it(self):
        class Timeless(ListStore):
            capabilities = ListStore.capabilities - {"timestamp"}

        with pytest.raises(UnsupportedError) as refused:
            add(Timeless(), user("tea"), timestamp=5)
        assert refused.value.capability == "timestamp"


class TestClientIds:
    def test_they_are_kept_and_adding_again_changes_nothing(self, store):
        first = add(store, user("tea"), user("milk"), ids=["a", "b"], metadata={"n": 1})
        again = add(store, user("tea"), user("milk"), ids=["a", "b"], metadata={"n": 1})
        assert first == again
        assert [entry["memory_id"] for entry in first] == ["a", "b"]
        assert [memory.id for memory in everything(store)] == ["a", "b"]

    def test_only_what_is_missing_is_added(self, store):
        add(store, user("tea"), ids=["a"])
        added = add(store, user("milk"), user("tea"), user("salt"), ids=["b", "a", "c"])
        assert [entry["memory_id"] for entry in added] == ["b", "a", "c"]
        assert len(everything(store)) == 3

    def test_a_batch_of_any_size_is_looked_up_in_filters_of_bounded_size(self):
        store, count = ListStore(FilterSupport.everything()), 2500
        messages, ids = [user("tea")] * count, [f"id-{n:06}" for n in range(count)]
        assert add(store, *messages, ids=ids) == add(store, *messages, ids=ids)
        assert store.count_memories(user_id="maya") == count
        assert max(call[1].size for call in store.calls if call[0] == "select") <= 1001

    def test_of_skipped_messages_are_not_used(self, store):
        assert [e["memory_id"] for e in add(store, user(" "), user("tea"), ids=["a", "b"])] == ["b"]

    @pytest.mark.parametrize(
        "difference",
        [
            {"messages": [user("coffee")]},
            {"messages": [ChatMessage.from_assistant("tea")]},
            {"messages": [user("tea", name="Tom")]},
            {"metadata": {"n": 1.0}},
            {"metadata": {"n": True}},
            {"user_id": "tom"},
            {"run_id": "r"},
            {"timestamp": 5},
        ],
        ids=str,
    )
    def test_anything_else_under_a_taken_id_is_a_conflict_and_nothing_is_added(self, store, difference):
        add(store, user("tea"), ids=["a"], metadata={"n": 1})
        arguments = {"messages": [user("tea")], "metadata": {"n": 1}} | difference
        arguments["messages"] = [user("new"), *arguments["messages"]]
        with pytest.raises(MemoryConflictError) as conflict:
            add(store, ids=["b", "a"], **arguments)
        assert conflict.value.memory_id == "a"
        assert [memory.text for memory in everything(store)] == ["tea"]

    @pytest.mark.parametrize(
        "ids", [["a"], ["a", "b", "c"], "ab", ["a", "a"], ["a", ""], ["a", " b"], ["a", 5], ["a", "\0"], 7]
    )
    def test_they_are_one_good_id_for_each_message(self, store, ids):
        with pytest.raises(InvalidMemoryError, match="^ids"):
            add(store, user("tea"), user("milk"), ids=ids)

    def test_they_need_words_kept_as_they_are(self, store):
        with pytest.raises(ValueError, match="infer=False"):
            add(store, user("tea"), ids=["a"], infer=True)

    def test_another_writer_may_come_first(self):
        class Raced(ListStore):
            """Somebody adds the same between the look and the insert."""

            raced = False

            def _insert(self, memories):
                if not self.raced:
                    self.raced = True
                    super()._insert(memories)
                return super()._insert(memories)

        store = Raced()
        assert add(store, user("tea"), ids=["a"]) == [{"memory_id": "a", "memory": "tea"}]
        assert len(store.memories) == 1

    def test_a_store_that_always_conflicts_is_given_up_on(self):
        class Confused(ListStore):
            def _insert(self, memories):
                raise MemoryConflictError(memories[0].id)

        with pytest.raises(MemoryConflictError):
            add(Confused(), user("tea"), ids=["a"])


def test_a_failed_insert_is_an_error_with_its_cause(store):
    def broken(memories):
        raise OSError("disk full")

    store._insert = broken
    with pytest.raises(MemoryStoreError, match="could not insert memories: OSError") as failed:
        add(store, user("tea"))
    assert isinstance(failed.value.__cause__, OSError)


def test_ids_that_the_store_assigns_are_returned():
    class Assigning(ListStore):
        def _insert(self, memories):
            from dataclasses import replace

            return super()._insert([replace(memory, id=f"row-{n}") for n, memory in enumerate(memories)])

    assert [entry["memory_id"] for entry in add(Assigning(), user("tea"), user("milk"))] == ["row-0", "row-1"]


def test_the_clock_can_be_injected():
    moment = datetime(2030, 1, 1, tzinfo=UTC)

    class Clocked(ListStore):
        def __init__(self):
            super().__init__()
            self._clock = lambda: moment

    store = Clocked()
    add(store, user("tea"))
    assert everything(store)[0].created_at == everything(store)[0].updated_at == moment
