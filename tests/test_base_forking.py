"""A store in a forked child: it refuses, and gives nothing of its parent's away."""

import asyncio
import multiprocessing

import pytest
from haystack.dataclasses import ChatMessage
from support.stores import ListStore

from memstore import MemoryStoreError, open_store
from memstore.demo.json_file import JSONFileMemoryStore


@pytest.fixture(params=["in-memory", "base", "json"])
def store(request, tmp_path):
    makers = {
        "in-memory": lambda: open_store("memory://"),
        "base": ListStore,
        "json": lambda: JSONFileMemoryStore(str(tmp_path / "memories.json")),
    }
    return makers[request.param]()


def test_a_forked_store_refuses(store):
    store.add_memories(messages=[ChatMessage.from_user("tea")], infer=False, user_id="u")
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe()
    child = context.Process(target=_report_failure, args=(store, sender))
    child.start()
    child.join(30)
    assert "opened before the process forked" in receiver.recv()
    assert store.count_memories(user_id="u") == 1


@pytest.mark.parametrize("close", [lambda store: store.close(), lambda store: asyncio.run(store.close_async())])
def test_closing_in_a_forked_child_releases_nothing(store, close):
    """It would give away the parent's locks; and one that a thread held at the fork is held forever."""
    released = []
    store._close = lambda: released.append(True)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe()
    with store._closing:
        child = context.Process(target=_report_closing, args=(store, close, released, sender))
        child.start()
        assert receiver.poll(30)
    assert receiver.recv() == ([], True)
    child.join(30)


def _report_closing(store, close, released, sender):
    close(store)
    try:
        store.search_memories(user_id="u")
    except MemoryStoreError as error:
        sender.send((released, "is closed" in str(error)))


def _report_failure(store, sender):
    try:
        store.search_memories(user_id="u")
        sender.send("it answered")
    except MemoryStoreError as error:
        sender.send(str(error))
