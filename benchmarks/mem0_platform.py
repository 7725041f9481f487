"""Adding to Mem0's platform, and searching it: over mem0ai's own client, and against mem0-haystack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final

from benchmarks import mem0_residual
from benchmarks.data import SESSION_SIZE, queries, texts
from benchmarks.measure import Call, medians
from benchmarks.mem0_clients import BARE, MEM0_HAYSTACK, Clients, as_sent, connected, said
from benchmarks.mem0_server import LATENCY, Asked, serving
from benchmarks.plan import Plan
from benchmarks.report import Row, Target, growth

_TOP_K: Final = 5
_USER: Final = "user-0"
_SEARCHED: Final = 20
"""Memories in the scope that is searched. The stand-in looks at each with a Python function, and at more
conditions for us than for the others; with these it still is done before its answer is due."""
_PUNCTUAL: Final = 90.0
_BLOCKS: Final = 10
_OVER_BARE: Final = 1.1
_OVER_HAYSTACK: Final = 1.0


def rows(plan: Plan) -> Iterator[Row]:
    """Times of a call, over that of a peer; then what a filter costs that the platform cannot evaluate."""
    asked: list[Asked] = []
    for name, title, size in (("one", "a message", 1), ("session", f"{SESSION_SIZE} messages", SESSION_SIZE)):
        with serving() as platform, connected(platform.url) as clients:
            yield from _adding(name, title, size, clients, plan)
            asked += platform.log()
    with serving() as platform, connected(platform.url) as clients:
        yield from _searching(clients, plan)
        asked += platform.log()
    yield _punctuality(asked)
    yield from mem0_residual.rows(plan)


def _adding(name: str, title: str, size: int, clients: Clients, plan: Plan) -> Iterator[Row]:
    """Word for word, each contender for a user of its own; all answer with ids and texts."""
    written = texts(plan.seed)
    given = [list(islice(written, size)) for _ in range(plan.called)]
    ours: list[Call] = [
        partial(clients.ours.add_memories, messages=said(each), user_id="user-0", infer=False) for each in given
    ]
    bare: list[Call] = [partial(clients.bare.add, as_sent(each), user_id="user-1", infer=False) for each in given]
    theirs: list[Call] = []
    if clients.haystack is not None:
        theirs = [
            partial(clients.haystack.add_memories, messages=said(each), user_id="user-2", infer=False) for each in given
        ]
    yield from _over(f"mem0.add.{name}", f"Mem0: add {title}", [ours, bare, theirs])


def _searching(clients: Clients, plan: Plan) -> Iterator[Row]:
    """The best five of a user's memories, without a threshold; all must find the same."""
    clients.ours.add_memories(messages=said(list(islice(texts(plan.seed), _SEARCHED))), user_id=_USER, infer=False)
    asked = list(islice(queries(plan.seed + 1), plan.called))
    ours: list[Call] = [
        partial(clients.ours.search_memories, query=query, user_id=_USER, top_k=_TOP_K) for query in asked
    ]
    bare: list[Call] = [
        partial(clients.bare.search, query, filters={"user_id": _USER}, top_k=_TOP_K, threshold=0.0) for query in asked
    ]
    theirs: list[Call] = []
    if clients.haystack is not None:
        theirs = [
            partial(clients.haystack.search_memories, query=query, user_id=_USER, top_k=_TOP_K, threshold=0.0)
            for query in asked
        ]
    found = [message.text for message in ours[0]()]
    if found != [result["memory"] for result in bare[0]()["results"]]:
        raise AssertionError("the searches differ")
    if theirs and found != [message.text for message in theirs[0]()]:
        raise AssertionError("the searches differ")
    yield from _over("mem0.search", f"Mem0: search a user's {_SEARCHED} memories", [ours, bare, theirs])


def _punctuality(asked: Sequence[Asked]) -> Row:
    """How much of what was timed above waited for the latency alone, and not for the stand-in's own work."""
    in_time = sum(request.seconds <= LATENCY for request in asked)
    title = f"Mem0: of these requests, answered after {LATENCY * 1000:g} ms"
    return Row("mem0.punctual", title, 100 * in_time / len(asked), "percent", target=Target(">=", _PUNCTUAL))


def _over(name: str, title: str, calls: Sequence[Sequence[Call]]) -> Iterator[Row]:
    """Our time over each peer's."""
    ours, bare, *theirs = _undisturbed([contender for contender in calls if contender])
    yield growth(f"{name}.bare", title, ours, bare, BARE, at_most=_OVER_BARE)
    for haystack in theirs:
        yield growth(f"{name}.haystack", title, ours, haystack, MEM0_HAYSTACK, at_most=_OVER_HAYSTACK)


def _undisturbed(contenders: Sequence[Sequence[Call]]) -> list[float]:
    """The best of some medians, each of calls that follow one another: what else runs here only adds."""
    size = max(1, len(contenders[0]) // _BLOCKS)
    blocks = [
        medians([calls[start : start + size] for calls in contenders]) for start in range(0, len(contenders[0]), size)
    ]
    return [min(times) for times in zip(*blocks, strict=True)]
