"""Export and import: memories as JSON Lines, out of a store and into another without loss."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given
from hypothesis import strategies as st
from support.stores import FailingStore, ListStore, NativeAsyncStore, UpdatingStore

from memstore import (
    InvalidMemoryError,
    Memory,
    MemoryConflictError,
    MemoryStoreError,
    ScopeError,
    UnsupportedError,
)
from memstore.demo.json_file import JSONFileMemoryStore
from memstore.export import from_lines, to_lines
from memstore.filters import field
from memstore.testing import strategies
from memstore_in_memory import InMemoryMemoryStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HEADER = '{"format": "memstore", "version": 1}\n'
RECORD = {
    "id": "a",
    "text": "tea",
    "role": "user",
    "name": None,
    "user_id": "maya",
    "run_id": None,
    "agent_id": None,
    "app_id": None,
    "meta": {"n": 1},
    "created_at": "2026-05-01T12:00:00Z",
    "updated_at": "2026-05-01T12:00:00.000250Z",
    "expires_at": None,
    "version": 3,
}


@pytest.fixture(params=["in-memory", "base", "json"])
def store(request, tmp_path):
    return {
        "in-memory": InMemoryMemoryStore,
        "base": UpdatingStore,
        "json": lambda: JSONFileMemoryStore(str(tmp_path / "memories.json")),
    }[request.param]()


def add(store, *texts, **kwargs):
    messages = [ChatMessage.from_user(text) for text in texts]
    return store.add_memories(**{"messages": messages, "infer": False, "user_id": "maya"} | kwargs)


def exported(store, **where):
    file = StringIO()
    count = store.export_memories(file, **where)
    assert file.getvalue().count("\n") == count + 1
    return file.getvalue()


def lines_of(*records):
    return [HEADER, *(json.dumps(record) for record in records)]


def everything(store):
    return store.list_memories(filters={"operator": "AND", "conditions": []}, limit=10_000).memories


class TestExport:
    def test_a_header_then_a_record_a_line_in_listing_order(self, store):
        add(store, "second", timestamp=2, metadata={"ü": ["日本", None]})
        add(store, "first\nline", timestamp=1, user_id="tom", run_id="r1")
        header, *records = exported(store).splitlines()
        assert header + "\n" == HEADER
        assert [json.loads(record) for record in records] == [memory.to_dict() for memory in everything(store)]
        assert [json.loads(record)["text"] for record in records] == ["first\nline", "second"]
        assert "日本" in records[1], "for people to read"

    def test_an_empty_store_is_a_header(self, store):
        assert exported(store) == HEADER
        assert store.import_memories([HEADER]) == 0

    def test_ids_and_filters_say_which(self, store):
        add(store, "1", metadata={"n": 1})
        add(store, "2", metadata={"n": 2})
        add(store, "3", user_id="tom")
        for count, where in (
            (2, {"user_id": "maya"}),
            (1, {"filters": field("n") == 2}),
            (3, {}),
            (3, {"filters": {}}),
            (2, {"filters": {}, "user_id": "maya"}),
            (0, {"user_id": "maya", "run_id": "r"}),
        ):
            assert len(exported(store, **where).splitlines()) == count + 1

    @pytest.mark.parametrize("ids", [{"user_id": ""}, {"run_id": "*"}, {"agent_id": 5}])
    def test_impossible_ids_are_refused(self, store, ids):
        with pytest.raises(ScopeError):
            store.export_memories(StringIO(), **ids)

    def test_it_goes_past_any_page_a_page_at_a_time(self):
        written = []

        class File:
            def write(self, text):
                written.append(text)

        store = ListStore()
        add(store, *(f"memory {n}" for n in range(2500)), metadata={"odd": True})
        add(store, *(f"other {n}" for n in range(2500)))
        for where, count in (({"filters": field("odd") == True}, 2500), ({}, 5000)):
            written.clear()
            assert store.export_memories(File(), **where) == count
            assert max(text.count("\n") for text in written) <= 1001
            assert sum(text.count("\n") for text in written) == count + 1

    def test_what_the_file_raises_is_raised(self, store):
        add(store, "tea")
        with pytest.raises(TypeError):
            store.export_memories(BytesIO())

        class Full:
            def write(self, text):
                raise OSError("disk full")

        with pytest.raises(OSError, match="^disk full$"):
            store.export_memories(Full())

    def test_a_failure_of_the_store_is_its_error(self):
        with pytest.raises(MemoryStoreError, match="could not select"):
            FailingStore().export_memories(StringIO())


class TestThereAndBack:
    @given(st.lists(strategies.memories(), max_size=8, unique_by=lambda memory: memory.id))
    def test_any_memories_come_back_as_they_were(self, memories):
        memories = [memory for memory in memories if memory.scope and memory.text.strip()]
        store, again = InMemoryMemoryStore(), ListStore()
        store._insert(memories)
        assert again.import_memories(StringIO(exported(store))) == len(memories)
        assert [m.to_dict() for m in everything(again)] == [m.to_dict() for m in everything(store)]
        assert exported(again) == exported(store)

    def test_a_line_ends_where_every_reader_ends_it(self, store):
        """`str.splitlines` knows more ends of lines than files do."""
        text = "one\u2028two\u2029three\x85four\x1cfive\x0bsix\nseven"
        store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, user_id="maya")
        again = InMemoryMemoryStore()
        assert again.import_memories(exported(store).splitlines()) == 1
        assert everything(again)[0].text == text

    def test_versions_and_moments_are_kept(self, store):
        record = {**RECORD, "expires_at": "9999-01-01T00:00:00Z", "name": "Maya", "run_id": "r"}
        assert store.import_memories(lines_of(record)) == 1
        [memory] = everything(store)
        assert memory.to_dict() == record
        assert (memory.version, memory.created_at, memory.updated_at.microsecond) == (3, NOON, 250)

    def test_again_it_changes_nothing(self, store):
        add(store, *(f"memory {n}" for n in range(10)))
        text = exported(store)
        assert store.import_memories(StringIO(text)) == 0
        store.delete_all_memories(user_id="maya")
        assert store.import_memories(StringIO(text)) == 10
        assert store.import_memories(StringIO(text)) == 0
        assert exported(store) == text

    def test_what_has_expired_is_imported_and_found_by_nothing(self):
        now = NOON
        store = InMemoryMemoryStore(clock=lambda: now)
        record = {**RECORD, "expires_at": "2026-05-01T13:00:00Z"}
        assert store.import_memories(lines_of(record)) == 1
        now += timedelta(hours=1)
        assert store.import_memories(lines_of(record)) == 0
        assert everything(store) == []
        assert store.purge_expired_memories() == 1

    def test_a_large_one_takes_a_batch_at_a_time(self):
        store = ListStore()
        add(store, *(f"memory {n}" for n in range(2500)))
        again = ListStore()
        assert again.import_memories(iter(exported(store).splitlines(keepends=True))) == 2500
        assert [call[1] for call in again.calls if call[0] == "insert"] == [1000, 1000, 500]
        assert exported(again) == exported(store)


class TestImport:
    def test_what_is_not_there_takes_its_default(self, store):
        needed = {name: RECORD[name] for name in ("id", "text", "user_id", "created_at", "updated_at")}
        assert store.import_memories(lines_of(needed)) == 1
        [memory] = everything(store)
        assert (memory.role, memory.name, memory.meta, memory.version) == ("user", None, {}, 1)

    def test_blank_lines_at_the_end_are_fine(self, store):
        assert store.import_memories([*lines_of(RECORD), "\n", "", "  \n"]) == 1

    def test_the_same_memory_twice_is_one(self, store):
        assert store.import_memories(lines_of(RECORD, RECORD)) == 1
        with pytest.raises(MemoryConflictError):
            store.import_memories(lines_of({**RECORD, "id": "b"}, {**RECORD, "id": "b", "text": "milk"}))
        assert len(everything(store)) == 1

    @pytest.mark.parametrize(
        "difference",
        [
            {"text": "coffee"},
            {"role": "assistant"},
            {"name": "Tom"},
            {"user_id": "tom"},
            {"run_id": "r"},
            {"meta": {"n": 1.0}},
            {"meta": {}},
            {"created_at": "2026-05-01T12:00:01Z"},
            {"updated_at": "2026-05-01T12:00:01Z"},
            {"expires_at": "9999-01-01"},
            {"version": 4},
        ],
        ids=str,
    )
    def test_another_memory_under_the_id_is_a_conflict(self, store, difference):
        store.import_memories(lines_of(RECORD))
        with pytest.raises(MemoryConflictError) as conflict:
            store.import_memories(lines_of({**RECORD, "id": "new"}, {**RECORD, **difference}))
        assert conflict.value.memory_id == "a"
        assert str(conflict.value) == "line 3: the id 'a' is taken by another memory; the import ended here"
        assert [memory.id for memory in everything(store)] == ["a"], "it is added by batches, and this is one"

    def test_another_writer_may_come_first(self):
        class Raced(ListStore):
            raced = False

            def _insert(self, memories):
                if not self.raced:
                    self.raced = True
                    super()._insert(memories[:1])
                return super()._insert(memories)

        store = Raced()
        assert store.import_memories(lines_of(RECORD, {**RECORD, "id": "b"})) == 1
        assert len(store.memories) == 2

    @pytest.mark.parametrize(
        "header",
        [
            [],
            [""],
            ["\n", HEADER],
            ["tea"],
            ["[]"],
            ["{}"],
            [json.dumps(RECORD)],
            ['{"format": "memstore"}'],
            ['{"format": "memstore", "version": 2}'],
            ['{"format": "other", "version": 1}'],
            [b'{"format": "memstore", "version": 1}'],
            ["[" * 100_000],
        ],
        ids=range(12),
    )
    def test_a_header_is_required(self, store, header):
        with pytest.raises(InvalidMemoryError, match="^line 1: "):
            store.import_memories([*header, json.dumps(RECORD)] if header else [])
        assert everything(store) == []

    @pytest.mark.parametrize("lines", ["text", b"text", None, 5])
    def test_lines_are_a_file_or_a_list(self, store, lines):
        with pytest.raises(TypeError, match="^lines is a text file or a list of lines"):
            store.import_memories(lines)

    @pytest.mark.parametrize(
        "line",
        ["secret", "{", "[1]", "5", "null", '"secret"', '{"id": "secret"', "[" * 100_000, b"{}", "", " \n", None],
        ids=range(12),
    )
    def test_a_malformed_line_is_named_and_never_shown(self, store, line):
        with pytest.raises(InvalidMemoryError, match="^line 3: ") as refused:
            store.import_memories([*lines_of(RECORD), line, json.dumps({**RECORD, "id": "b"})])
        assert "secret" not in str(refused.value)
        assert everything(store) == [], "it is added by batches, and this is one"

    @pytest.mark.parametrize(
        ("place", "wrong"),
        [
            *(("id", value) for value in (None, 5, "", " a", "a\0", "\ud800")),
            *(("text", value) for value in (None, 5, "", " \n", "secret\0", "secret\ud800", ["secret"])),
            *(("role", value) for value in (None, "secret", 5, ["user"])),
            *(("name", value) for value in (5, "secret\0", ["secret"])),
            *(("user_id", value) for value in ("", " secret", "*", 5, "secret\0", ["secret"])),
            *(("app_id", value) for value in ("", "*", False)),
            *(("meta", value) for value in (None, "secret", [], {"a": float("nan")}, {"a": 2**64}, {"a": "secret\0"})),
            *(("meta", {key: "secret"}) for key in ("user_id", "memory_metadata", "secret\0")),
            *(("created_at", value) for value in (None, 5, "secret", "20260501", "0001-01-01T00:00+23:00")),
            *(("updated_at", value) for value in (None, "2026-02-30")),
            *(("expires_at", value) for value in (5, True, "", "never")),
            *(("version", value) for value in (None, 0, -1, True, 1.0, "1", 2**63)),
        ],
        ids=str,
    )
    def test_a_field_that_no_add_would_keep_is_named_and_never_shown(self, store, place, wrong):
        with pytest.raises(InvalidMemoryError, match=rf"^line 3: {place}") as refused:
            store.import_memories(lines_of({**RECORD, "id": "first"}, {**RECORD, place: wrong}))
        assert "secret" not in str(refused.value).replace(r"['secret\x00']", "")
        assert everything(store) == []

    @pytest.mark.parametrize("missing", ["id", "text", "created_at", "updated_at"])
    def test_a_field_that_is_needed_is_named(self, store, missing):
        record = {name: value for name, value in RECORD.items() if name != missing}
        with pytest.raises(InvalidMemoryError, match=f"^line 2: {missing}: missing$"):
            store.import_memories(lines_of(record))

    def test_a_memory_without_a_scope_or_with_more_fields_is_refused(self, store):
        with pytest.raises(InvalidMemoryError, match="^line 2: a memory has at least one of user_id"):
            store.import_memories(lines_of({**RECORD, "user_id": None}))
        with pytest.raises(InvalidMemoryError, match="^line 2: a field that no memory has$"):
            store.import_memories(lines_of({**RECORD, "secret": 1}))

    def test_batches_before_a_bad_line_stay_and_the_repaired_rest_can_follow(self):
        store = ListStore()
        records = [{**RECORD, "id": f"m{n:04}"} for n in range(1500)]
        lines = lines_of(*records)
        with pytest.raises(InvalidMemoryError, match="^line 1202: "):
            store.import_memories([*lines[:1201], "oops", *lines[1201:]])
        assert len(store.memories) == 1000
        assert store.import_memories(lines) == 500

    def test_a_conflict_in_a_later_batch_names_its_line(self):
        store = ListStore()
        store.import_memories(lines_of({**RECORD, "id": "m1200", "text": "other"}))
        with pytest.raises(MemoryConflictError, match="^line 1202: the id 'm1200'"):
            store.import_memories(lines_of(*({**RECORD, "id": f"m{n:04}"} for n in range(1500))))

    def test_what_expires_needs_a_store_that_lets_it(self):
        class Eternal(ListStore):
            capabilities = ListStore.capabilities - {"expiration"}

        store = Eternal()
        assert store.import_memories(lines_of({**RECORD, "id": "b"})) == 1
        with pytest.raises(UnsupportedError) as refused:
            store.import_memories(lines_of(RECORD, {**RECORD, "id": "c", "expires_at": "9999-01-01"}))
        assert refused.value.capability == "expiration"
        assert len(store.memories) == 1

    def test_what_the_file_raises_is_raised(self, store):
        def broken():
            yield HEADER
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

        with pytest.raises(UnicodeDecodeError):
            store.import_memories(broken())


class TestAwaited:
    @pytest.fixture(params=[InMemoryMemoryStore, NativeAsyncStore])
    def store(self, request):
        return request.param()

    async def test_there_and_back(self, store):
        await store.add_memories_async(messages=[ChatMessage.from_user("tea")], infer=False, user_id="maya")
        file = StringIO()
        assert await store.export_memories_async(file) == 1
        assert await store.import_memories_async(StringIO(file.getvalue())) == 0
        await store.delete_all_memories_async(user_id="maya")
        assert await store.import_memories_async(StringIO(file.getvalue())) == 1
        assert await store.purge_expired_memories_async() == 0
        assert await store.count_memories_async(user_id="maya") == 1
        with pytest.raises(InvalidMemoryError, match="^line 1: "):
            await store.import_memories_async(["oops"])

    async def test_a_slow_file_does_not_hold_the_loop(self, store):
        loop, free = asyncio.get_running_loop(), []

        def meanwhile():
            return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, free.append(1)), loop).result(10)

        class Slow:
            def write(self, text):
                meanwhile()

        def slowly():
            for line in lines_of(RECORD):
                meanwhile()
                yield line

        assert await store.import_memories_async(slowly()) == 1
        assert await store.export_memories_async(Slow()) == 1
        assert len(free) == 3


def test_lines_are_what_they_are_read_from():
    memories = [Memory("a", "tea", user_id="u", created_at=NOON, updated_at=NOON, version=2)]
    assert list(from_lines(to_lines(memories))) == memories
