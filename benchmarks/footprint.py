"""The memory that a stored memory takes: resident memory of fresh processes, before and after."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal, TypeAlias

from benchmarks.data import SCOPE_SIZE, queries, sessions
from benchmarks.peers import HAYSTACK, LANGGRAPH, Batch, fill_haystack, fill_langgraph, fill_memstore
from benchmarks.plan import Plan
from benchmarks.report import Row, compared
from memstore_in_memory import InMemoryMemoryStore

_Store: TypeAlias = Literal["memstore", "haystack", "langgraph"]
_STATM: Final = Path("/proc/self/statm")


def rows(plan: Plan) -> Iterator[Row]:
    """Bytes for each memory: alone, and after a query of every scope. The peers' do not change by one."""
    if not _STATM.exists():  # only Linux says at any time how much is resident
        return
    stores: tuple[_Store, ...] = ("memstore", "haystack", "langgraph")
    with ProcessPoolExecutor(len(stores), get_context("spawn"), max_tasks_per_child=1) as fresh_processes:
        pending = [fresh_processes.submit(_footprint, store, plan.kept, plan.seed) for store in stores]
        ours, haystack, langgraph = (result.result() for result in pending)
    for state, mine in zip(("added", "searched"), ours, strict=True):
        for name, peer, (theirs, _) in (("haystack", HAYSTACK, haystack), ("langgraph", LANGGRAPH, langgraph)):
            title = f"memory for each memory, once {state}"
            yield compared(f"memory.{state}.{name}", title, mine, theirs, peer, unit="bytes")


def _footprint(store: _Store, memories: int, seed: int) -> tuple[float, float]:
    """Bytes for each memory, added and searched. The first small store takes what every process needs once."""
    _ask(_fill(store, SCOPE_SIZE, seed), SCOPE_SIZE, seed)
    before = _resident()
    filled = _fill(store, memories, seed)
    added = _resident()
    _ask(filled, memories, seed)
    return (added - before) / memories, (_resident() - before) / memories


def _fill(store: _Store, memories: int, seed: int) -> object:
    batches: Iterator[Batch] = (
        ({"user_id": session.user_id}, session.messages()) for session in sessions(memories, seed)
    )
    match store:
        case "memstore":
            return fill_memstore(batches)
        case "haystack":
            return fill_haystack(batches)
        case "langgraph":
            return fill_langgraph(batches, map(str, count()).__next__)


def _ask(store: object, memories: int, seed: int) -> None:
    if isinstance(store, InMemoryMemoryStore):
        asked = queries(seed)
        for user in range(memories // SCOPE_SIZE):
            store.search_memories(query=next(asked), user_id=f"user-{user}")


def _resident() -> int:
    gc.collect()
    return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
