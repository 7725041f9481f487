"""How many requests each operation of `Mem0MemoryStore` makes, counted in the server's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import UUID

from haystack.dataclasses import ChatMessage

from benchmarks import mem0_residual
from benchmarks.data import SESSION_SIZE, queries, texts
from benchmarks.measure import Call
from benchmarks.mem0_clients import said, store_on
from benchmarks.mem0_residual import TOP_K, USER
from benchmarks.mem0_server import Asked, Platform, serving
from benchmarks.plan import Plan
from benchmarks.report import markdown
from memstore_mem0 import Mem0MemoryStore

_QUERIES: Final = 5
"""Searches of each sort: how many requests a residual filter takes is not the same for every query."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one operation asked for.

    Attributes:
        operation: for people.
        numbers: of requests; more than one where it was done several times.
        asked: methods and paths, without ids, and how often each was asked for in all.
    """

    operation: str
    numbers: list[int]
    asked: Counter[str]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"operation": self.operation, "numbers": self.numbers, "asked": dict(self.asked)}


def counts(plan: Plan) -> Iterator[Counted]:
    """Every operation, each on a store that is connected already."""
    with serving() as platform, store_on(platform.url) as store:
        count = partial(_count, platform)
        yield count("connect, at the first use", store.warm_up)
        yield from _adding(store, count, plan)
        yield from _reading(store, count)
        yield from _deleting(store, count)
    for size, shares, past in (
        (plan.narrowed, mem0_residual.SHARES, ""),
        (plan.past_ceiling, mem0_residual.RARE, ", past the ceiling"),
    ):
        with serving() as platform, store_on(platform.url) as store:
            residuals = mem0_residual.fill(store, size, shares, plan.seed)
            asked = list(islice(queries(plan.seed + 1), _QUERIES))
            for residual in reversed(residuals):
                name = f"search {size:,} memories, {residual.name} survive a residual filter{past}"
                yield _count(platform, name, *mem0_residual.searches(store, residual, asked))


def table(counted: Sequence[Counted]) -> str:
    """The counts as a Markdown table."""
    return markdown([("operation", "requests", "which"), *map(_cells, counted)])


_Count = Callable[..., Counted]


def _adding(store: Mem0MemoryStore, count: _Count, plan: Plan) -> Iterator[Counted]:
    add = partial(store.add_memories, user_id=USER)
    one, *session = islice(texts(plan.seed), SESSION_SIZE + 1)
    yield count("add a message word for word", partial(add, messages=said([one]), infer=False))
    yield count(
        f"add a conversation of {SESSION_SIZE} turns word for word",
        partial(add, messages=_conversation(session), infer=False),
    )
    yield count(
        f"add {SESSION_SIZE} messages, each with metadata of its own",
        partial(add, messages=_with_metadata(session), infer=False),
    )
    yield count("add and infer facts; the event is pending once", partial(add, messages=said(session)))
    pending: list[str] = []

    def in_background() -> None:
        pending.extend(str(entry["event_id"]) for entry in add(messages=said([one]), async_mode=True))

    yield count("add and infer facts with `async_mode=True`", in_background)
    yield count("`wait` for it", lambda: store.wait(pending))


def _reading(store: Mem0MemoryStore, count: _Count) -> Iterator[Counted]:
    search = partial(store.search_memories, query="something", top_k=TOP_K)
    yield count("search a user's memories", partial(search, user_id=USER))
    yield count("search with a filter that is pushed", partial(search, filters=_of_user("meta.topic", "==", "work")))
    for user, size in (("user-200", 200), ("user-1000", 1000)):
        store.add_memories(messages=said(list(islice(texts(size), size))), user_id=user, infer=False)
        listing = partial(store.search_memories, user_id=user)
        if len(listing()) != size:
            raise AssertionError("the listing is not whole")
        yield count(f"list {size:,} memories", listing)
    yield count("count 200 memories", partial(store.count_memories, user_id="user-200"))


def _deleting(store: Mem0MemoryStore, count: _Count) -> Iterator[Counted]:
    first, second = (
        str(message.meta["memory_metadata"]["memory_id"])
        for message in store.search_memories(user_id="user-200", include_memory_metadata=True)[:2]
    )
    yield count("delete a memory", partial(store.delete_memory, first))
    yield count("delete a memory of a bound store", partial(store.bound(user_id="user-200").delete_memory, second))
    yield count(
        "delete all of a user's 198; the event is pending once", partial(store.delete_all_memories, user_id="user-200")
    )


def _count(platform: Platform, operation: str, *calls: Call) -> Counted:
    platform.log()
    numbers, asked = [], Counter[str]()
    for call in calls:
        call()
        log = platform.log()
        numbers.append(len(log))
        asked.update(map(_endpoint, log))
    return Counted(operation, numbers, asked)


def _endpoint(asked: Asked) -> str:
    parts = ["{id}" if _is_uuid(part) else part for part in asked.path.split("/")]
    return f"{asked.method} {'/'.join(parts)}"


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _cells(counted: Counted) -> tuple[str, str, str]:
    fewest, most = min(counted.numbers), max(counted.numbers)
    of_each = [
        (f"{number} " if most == counted.asked.total() else "") + f"`{endpoint}`"
        for endpoint, number in counted.asked.items()
    ]
    return counted.operation, str(most) if fewest == most else f"{fewest} to {most}", ", ".join(of_each)


def _conversation(said_texts: Sequence[str]) -> list[ChatMessage]:
    speakers = (ChatMessage.from_user, ChatMessage.from_assistant)
    return [speakers[turn % 2](text) for turn, text in enumerate(said_texts)]


def _with_metadata(said_texts: Sequence[str]) -> list[ChatMessage]:
    return [ChatMessage.from_user(text, meta={"turn": turn}) for turn, text in enumerate(said_texts)]


def _of_user(field: str, operator: str, value: object) -> dict[str, Any]:
    return {
        "operator": "AND",
        "conditions": [
            {"field": "user_id", "operator": "==", "value": USER},
            {"field": field, "operator": operator, "value": value},
        ],
    }
