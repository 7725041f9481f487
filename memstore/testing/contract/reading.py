"""Ways to read a store that several tests of the contract share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.filters import And, Comparison, Field, Operator, serialize
from memstore.memory import Memory, MemoryPage
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness

_MOST_PAGES: Final = 3000


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    """This process's clocks are set to a zone, such as "America/New_York", where the system lets them be."""
    tzset = getattr(time, "tzset", None)
    if tzset is None:
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        tzset()


def equals(**fields: Any) -> dict[str, Any]:
    """A filter that memories meet whose fields have these values; what is no own field is metadata."""
    return serialize(And(tuple(Comparison(Field.parse(name), Operator.EQ, value) for name, value in fields.items())))


def record_of(message: ChatMessage) -> dict[str, Any]:
    """A memory's fields, from a search that included them, as `Memory.to_dict` names them."""
    meta = dict(message.meta)
    expect.true("memory_metadata" in meta, "include_memory_metadata=True: meta['memory_metadata'] is missing")
    own = dict(meta.pop("memory_metadata"))
    meta.pop("mem0_memory_metadata", None)  # Mem0's stores add it; the key is no user's
    own.pop("score", None)
    return {"id": own.pop("memory_id"), "text": message.text, "meta": meta, **own}


def records(harness: Harness, store: Any, **arguments: Any) -> list[dict[str, Any]]:
    """The fields of what a search finds."""
    return [record_of(found) for found in harness.search(store, include_memory_metadata=True, **arguments)]


def only(harness: Harness, store: Any, user: str) -> dict[str, Any]:
    """The fields of a user's one memory."""
    found = records(harness, store, user_id=user)
    expect.equal(len(found), 1, "number of memories found of a user who has one")
    return found[0]


def present(harness: Harness, store: Any) -> datetime:
    """What time it is by the store's own clock, as a memory that is added just now says."""
    user = harness.new_id("clock")
    harness.add(store, "what time is it?", user_id=user)
    return datetime.fromisoformat(only(harness, store, user)["created_at"])


def updated(harness: Harness, store: Any, memory_id: str, **arguments: Any) -> Memory:
    """What an update returns, which must be a `Memory`."""
    memory = store.update_memory(memory_id, **arguments)
    harness.settle()
    expect.true(isinstance(memory, Memory), f"update_memory returned a {type(memory).__name__}, not a Memory")
    checked: Memory = memory
    return checked


def page_of(store: Any, **arguments: Any) -> MemoryPage:
    """One page of a listing, which must be a `MemoryPage` of `Memory` records."""
    page = store.list_memories(**arguments)
    expect.true(isinstance(page, MemoryPage), f"list_memories returned a {type(page).__name__}, not a MemoryPage")
    strange = [type(memory).__name__ for memory in page.memories if not isinstance(memory, Memory)]
    expect.true(not strange, f"a page of list_memories holds {strange[:1]}, not Memory records")
    checked: MemoryPage = page
    return checked


def pages_of(store: Any, **arguments: Any) -> Iterator[MemoryPage]:
    """The pages of a listing, each asked for when the one before was looked at."""
    page = page_of(store, **arguments)
    yield page
    for _ in range(_MOST_PAGES):
        if page.cursor is None:
            return
        page = page_of(store, **arguments, cursor=page.cursor)
        yield page
    raise AssertionError(f"list_memories has a cursor still after {_MOST_PAGES:,} pages: the listing never ends")


def listed(store: Any, **arguments: Any) -> list[Memory]:
    """Every memory of a listing, page after page."""
    return [memory for page in pages_of(store, **arguments) for memory in page.memories]


def only_listed(store: Any, user: str) -> Memory:
    """A user's one memory, from a listing."""
    memories = listed(store, user_id=user)
    expect.equal(len(memories), 1, "number of memories listed of a user who has one")
    return memories[0]
