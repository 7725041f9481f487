"""Traces and logs tell what a store does; texts, metadata and secrets stay out of them and of errors and reprs."""

import asyncio
import logging
import subprocess
import sys
import traceback
from contextlib import contextmanager
from io import StringIO

import pytest
from haystack import tracing
from haystack.dataclasses import ChatMessage
from haystack.tracing import Span, Tracer, tracer
from support.stores import FailingStore, NativeAsyncStore

from memstore import FilterError, InvalidMemoryError, MemoryConflictError, MemoryStoreError, open_store
from memstore.filters import field

SECRET = "hunter2-the-secret"


class RecordedSpan(Span):
    def __init__(self, name, tags):
        self.name, self.tags = name, dict(tags or {})

    def set_tag(self, key, value):
        self.tags[key] = value


class Recorder(Tracer):
    def __init__(self):
        self.spans = []

    @contextmanager
    def trace(self, operation_name, tags=None, parent_span=None):
        self.spans.append(RecordedSpan(operation_name, tags))
        yield self.spans[-1]

    def current_span(self):
        return self.spans[-1] if self.spans else None


@pytest.fixture
def recorder(monkeypatch):
    """Traces with content tags on: even then no text is recorded."""
    recorder = Recorder()
    monkeypatch.setattr(tracer, "is_content_tracing_enabled", True)
    tracing.enable_tracing(recorder)
    yield recorder
    tracing.disable_tracing()


def use_everything(store):
    message = ChatMessage.from_user(f"text {SECRET}", meta={"own": SECRET}, name=SECRET)
    [added] = store.add_memories(messages=[message], infer=False, user_id=SECRET, metadata={"batch": SECRET})
    store.search_memories(query=SECRET, user_id=SECRET)
    store.search_memories(filters=field("meta.own") == SECRET, user_id=SECRET)
    store.search_memories_as_single_message(user_id=SECRET)
    store.list_memories(user_id=SECRET)
    store.count_memories(user_id=SECRET)
    store.update_memory(added["memory_id"], text=f"changed {SECRET}", metadata={"batch": f"again {SECRET}"})
    store.memory_history(added["memory_id"])
    store.export_memories(file := StringIO(), user_id=SECRET)
    store.import_memories(file.getvalue().splitlines())
    store.purge_expired_memories(user_id=SECRET)
    store.bound(user_id=SECRET).delete_memory(added["memory_id"])
    store.delete_all_memories(user_id=SECRET)


def test_every_operation_is_traced_without_content(recorder):
    use_everything(open_store("memory://"))
    assert [span.name for span in recorder.spans] == [
        "memstore.add_memories",
        "memstore.search_memories",
        "memstore.search_memories",
        "memstore.search_memories_as_single_message",
        "memstore.list_memories",
        "memstore.count_memories",
        "memstore.update_memory",
        "memstore.memory_history",
        "memstore.export_memories",
        "memstore.import_memories",
        "memstore.purge_expired_memories",
        "memstore.search_memories",
        "memstore.delete_memory",
        "memstore.delete_all_memories",
    ]
    assert recorder.spans[0].tags == {
        "memstore.store": "InMemoryMemoryStore",
        "memstore.operation": "add_memories",
        "memstore.results": 1,
    }
    assert SECRET not in repr([span.tags for span in recorder.spans])


async def test_async_operations_are_traced(recorder):
    await open_store("memory://").search_memories_async(user_id="u")
    await NativeAsyncStore().search_memories_async(user_id="u")
    assert [span.name for span in recorder.spans] == ["memstore.search_memories", "memstore.search_memories_async"]


class CatchingTracer(Recorder):
    """Writes down exceptions with their causes, as OpenTelemetry's `record_exception` does."""

    @contextmanager
    def trace(self, operation_name, tags=None, parent_span=None):
        span = RecordedSpan(operation_name, tags)
        self.spans.append(span)
        try:
            yield span
        except Exception:
            span.set_tag("exception", traceback.format_exc())
            raise


def test_no_tracer_sees_a_causes_words():
    recorder = CatchingTracer()
    tracing.enable_tracing(recorder)
    try:
        message = ChatMessage.from_user(SECRET)
        with pytest.raises(MemoryStoreError) as failed:
            FailingStore().add_memories(messages=[message], infer=False, user_id="u")
        with pytest.raises(MemoryStoreError):
            asyncio.run(FailingAsyncStore().search_memories_async(user_id="u"))
    finally:
        tracing.disable_tracing()
    assert isinstance(failed.value.__cause__, ConnectionError)
    assert [span.tags["memstore.error"] for span in recorder.spans] == ["MemoryStoreError"] * 2
    assert "hunter2" not in repr([span.tags for span in recorder.spans])


class FailingAsyncStore(NativeAsyncStore):
    async def _select_async(self, filter, after, limit):
        raise ConnectionError(SECRET)


def test_every_operation_is_logged_without_content(caplog):
    with caplog.at_level(logging.DEBUG):
        use_everything(open_store("memory://"))
    ours = [record for record in caplog.records if record.name.startswith("memstore")]
    assert "InMemoryMemoryStore.add_memories done, results: 1" in [record.message for record in ours]
    assert len(ours) == 15  # fourteen operations and the warning of ignored ids
    assert SECRET not in repr([(record.message, record.args, vars(record)) for record in ours])


def test_failures_are_logged_by_their_kind(caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(MemoryStoreError):
        FailingStore().add_memories(messages=[ChatMessage.from_user(SECRET)], infer=False, user_id="u")
    [record] = [record for record in caplog.records if record.name.startswith("memstore")]
    assert record.message == "FailingStore.add_memories failed: MemoryStoreError"
    assert SECRET not in repr(vars(record))
    assert record.exc_info is None


def test_a_backends_own_words_do_not_travel():
    with pytest.raises(MemoryStoreError) as failed:
        FailingStore().add_memories(messages=[ChatMessage.from_user(SECRET)], infer=False, user_id="u")
    assert "hunter2" not in str(failed.value)
    assert "hunter2" in str(failed.value.__cause__)


def test_reprs_show_no_content():
    store = open_store("memory://")
    message = ChatMessage.from_user(SECRET, meta={"own": SECRET})
    store.add_memories(messages=[message], infer=False, user_id="u")
    page = store.list_memories(user_id="u")
    assert SECRET not in repr(store) + repr(page) + repr(page.memories) + repr(store.to_dict())
    assert SECRET not in repr(store.bound(user_id=SECRET))


def test_errors_show_no_content():
    store = open_store("memory://")
    fine = {"messages": [ChatMessage.from_user(SECRET)], "infer": False, "user_id": "u"}
    store.add_memories(**fine, ids=["a"])
    store.export_memories(file := StringIO())
    header, record = file.getvalue().splitlines()
    for error, call in [
        (MemoryConflictError, lambda: store.update_memory("a", text=SECRET, expected_version=2)),
        (InvalidMemoryError, lambda: store.update_memory("a", text=SECRET + "\0")),
        (InvalidMemoryError, lambda: store.import_memories([header, record[:-1]])),
        (InvalidMemoryError, lambda: store.import_memories([header, record.replace("user", SECRET, 1)])),
        (MemoryConflictError, lambda: store.import_memories([header, record.replace(SECRET, f"other {SECRET}", 1)])),
        (MemoryConflictError, lambda: store.add_memories(**fine, ids=["a"], metadata={"k": SECRET})),
        (InvalidMemoryError, lambda: store.add_memories(**fine, metadata={"k": {SECRET}})),
        (InvalidMemoryError, lambda: store.add_memories(**fine | {"messages": [ChatMessage.from_user(SECRET + "\0")]})),
        (FilterError, lambda: store.search_memories(filters={"field": "n", "operator": "<", "value": SECRET})),
        (FilterError, lambda: store.search_memories(filters={"field": "n", "operator": SECRET, "value": 1})),
        (FilterError, lambda: store.search_memories(filters={"operator": "AND", "conditions": SECRET})),
        (FilterError, lambda: store.search_memories(filters={SECRET: 1})),
        (ValueError, lambda: store.list_memories(user_id="u", cursor=SECRET)),
        (ValueError, lambda: open_store(f"memory://user:{SECRET}@host")),
        (ValueError, lambda: open_store(f"memory://?api_key={SECRET}")),
        (ValueError, lambda: open_store(f"memory://{SECRET}")),
    ]:
        with pytest.raises(error) as raised:
            call()
        assert SECRET not in str(raised.value)


QUIET = """
import os, sys
connections = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        connections.append((event, arguments))
sys.addaudithook(watch)

import asyncio, time
import memstore
from haystack.dataclasses import ChatMessage
store = memstore.open_store("memory://")
store.warm_up()
store.add_memories(messages=[ChatMessage.from_user("tea")], infer=False, user_id="u")
assert store.search_memories(query="tea", user_id="u")
asyncio.run(store.bound(user_id="u").search_memories_async(query="tea"))
memstore.store_from_dict(store.to_dict())
store.delete_all_memories(user_id="u")
store.close()
time.sleep(1)
assert not connections, connections
"""


def test_nothing_is_sent_anywhere(tmp_path):
    """In a fresh process with default settings; telemetry that waits for a while or for the end would show."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", QUIET], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {".haystack"}  # which importing Haystack writes
