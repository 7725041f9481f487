"""Adding, a session at a time: against Haystack's and LangGraph's stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, Final
from uuid import uuid4

from benchmarks.data import queries, sessions
from benchmarks.measure import fastest
from benchmarks.peers import HAYSTACK, LANGGRAPH, Batch, fill_haystack, fill_langgraph, fill_memstore
from benchmarks.plan import Plan
from benchmarks.report import Row, compared
from memstore_in_memory import InMemoryMemoryStore

_HALF_THE_RATE: Final = 0.5


def rows(plan: Plan) -> Iterator[Row]:
    """Times for one memory: with a user's id, as all three stores take it, and with all ids of a session.

    Haystack makes its index as it adds, ours with the first query of a scope, so ours has to answer
    one for each scope; Haystack's own first answers are not counted, because each reads everything.
    LangGraph gets keys that are ready made, and in a second row makes UUIDs as its documentation does.
    """
    made = list(sessions(plan.added, plan.seed))
    by_user: list[Batch] = [({"user_id": session.user_id}, session.messages()) for session in made]
    by_all: list[Batch] = [(session.ids(), session.messages()) for session in made]
    for name, title, batches in (("user", "user id", by_user), ("ids", "user, agent and run ids", by_all)):
        alone, answered, haystack, langgraph, with_keys = (
            taken / plan.added
            for taken in fastest(
                [
                    partial(fill_memstore, batches),
                    partial(_fill_and_ask, batches, plan.seed),
                    partial(fill_haystack, batches),
                    partial(_fill_langgraph, batches, lambda: map(str, count()).__next__),
                    partial(_fill_langgraph, batches, lambda: _new_uuid),
                ],
                plan.repetitions,
            )
        )
        target = _HALF_THE_RATE
        searched = f"add by {title}, to the first answer of each scope"
        yield compared(f"adding.{name}.answered", searched, answered, haystack, f"{HAYSTACK}, adding", at_least=target)
        yield compared(f"adding.{name}.alone", f"add by {title}", alone, langgraph, LANGGRAPH, at_least=target)
        yield compared(f"adding.{name}.uuid", f"add by {title}", alone, with_keys, f"{LANGGRAPH}, with UUIDs")


def _fill_and_ask(batches: list[Batch], seed: int) -> InMemoryMemoryStore:
    store = fill_memstore(batches)
    scopes: dict[tuple[str, Any], None] = dict.fromkeys(item for ids, _ in batches for item in ids.items())
    for scope, query in zip(scopes, queries(seed), strict=False):  # there are always more queries
        store.search_memories(query=query, **dict([scope]))
    return store


def _fill_langgraph(batches: list[Batch], keys: Callable[[], Callable[[], str]]) -> object:
    return fill_langgraph(batches, keys())


def _new_uuid() -> str:
    return str(uuid4())
