"""Listing a user's memories by metadata, without a query: against LangGraph's search."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, Final

import numpy as np

from benchmarks.data import SCOPE_SIZE, sessions
from benchmarks.measure import medians
from benchmarks.peers import LANGGRAPH, fill_langgraph, fill_memstore
from benchmarks.plan import Plan
from benchmarks.report import Row, compared

_TOPIC: Final = 3
_NO_SLOWER: Final = 1.0


def rows(plan: Plan) -> Iterator[Row]:
    """Two rows for each size: the store itself, and as an agent sees it, bound to a user."""
    for size in plan.listed:
        yield from _at(size, plan)


def _at(size: int, plan: Plan) -> Iterator[Row]:
    batches = [(session.ids(), session.messages()) for session in sessions(size, plan.seed)]
    store = fill_memstore(batches)
    peer = fill_langgraph(batches, map(str, count()).__next__)
    on_topic = {"field": "meta.topic", "operator": "==", "value": _TOPIC}
    drawn = np.random.default_rng(plan.seed).integers(0, size // SCOPE_SIZE, plan.scopes * plan.passes)
    users = [f"user-{number}" for number in drawn]
    bound = {user: store.bound(user_id=user) for user in set(users)}
    direct = [partial(store.search_memories, filters=_of(user, on_topic)) for user in users]
    as_bound = [partial(bound[user].search_memories, filters=on_topic) for user in users]
    theirs = [partial(peer.search, (user,), filter={"topic": _TOPIC}, limit=SCOPE_SIZE) for user in users]
    texts = [message.text for message in direct[0]()]
    if texts != [item.value["text"] for item in theirs[0]()] or texts != [message.text for message in as_bound[0]()]:
        raise AssertionError("the listings differ")
    mine, through_bound, peers = medians([direct, as_bound, theirs])
    title = f"list a user's topic in {size:,} memories"
    yield compared(f"listing.{size}", title, mine, peers, LANGGRAPH, at_least=_NO_SLOWER)
    yield compared(f"listing.{size}.bound", f"{title}, bound store", through_bound, peers, LANGGRAPH)


def _of(user: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {"operator": "AND", "conditions": [{"field": "user_id", "operator": "==", "value": user}, condition]}
