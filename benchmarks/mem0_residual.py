"""A filter that Mem0's platform cannot evaluate: what it costs as fewer memories survive it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from benchmarks.data import queries, texts
from benchmarks.measure import medians
from benchmarks.mem0_clients import Clients, connected, said
from benchmarks.mem0_server import serving
from benchmarks.plan import Plan
from benchmarks.report import Row, growth
from memstore_mem0 import Mem0MemoryStore

TOP_K: Final = 5
USER: Final = "user-0"

SHARES: Final = ((0.01, "1 %"), (0.1, "10 %"), (1.0, "100 %"))
RARE: Final = ((0.001, "0.1 %"),)


@dataclass(frozen=True, slots=True)
class Residual:
    """A filter on a number, which is evaluated here and not by the platform.

    Attributes:
        name: the share in words.
        filters: as Haystack writes them.
    """

    name: str
    filters: dict[str, Any]


def rows(plan: Plan) -> Iterator[Row]:
    """The time of a search over that of one without the residual filter, in the same scope."""
    for size, shares, past in (
        (plan.narrowed, SHARES, ""),
        (plan.past_ceiling, RARE, ", past the ceiling"),
    ):
        with serving() as platform, connected(platform.url) as clients:
            residuals = fill(clients.ours, size, shares, plan.seed)
            yield from _timed(clients, size, residuals, past, plan)


def fill(store: Mem0MemoryStore, size: int, shares: Sequence[tuple[float, str]], seed: int) -> list[Residual]:
    """A user's memories, and the filters that these shares of them survive; shares are ascending."""
    written = texts(seed)
    residuals, before = [], 0
    for part, (share, name) in enumerate(shares):
        survivors = max(1, round(size * share))
        _add(store, list(islice(written, survivors - before)), part)
        before = survivors
        residuals.append(Residual(name, _below(part + 1)))
    if before < size:
        _add(store, list(islice(written, size - before)), len(shares))
    return residuals


def searches(store: Mem0MemoryStore, residual: Residual, asked: Sequence[str]) -> list[partial[Any]]:
    """Calls that search the user's memories by a residual filter."""
    return [partial(store.search_memories, query=query, filters=residual.filters, top_k=TOP_K) for query in asked]


def _timed(clients: Clients, size: int, residuals: Sequence[Residual], past: str, plan: Plan) -> Iterator[Row]:
    asked = list(islice(queries(plan.seed + 1), plan.patient))
    plain = [partial(clients.ours.search_memories, query=query, user_id=USER, top_k=TOP_K) for query in asked]
    for call in plain:
        call()  # the stand-in keeps what it makes of a query
    filtered = [searches(clients.ours, residual, asked) for residual in residuals]
    alone, *taken = medians([plain, *filtered])
    for residual, seconds in reversed(list(zip(residuals, taken, strict=True))):
        name = f"mem0.residual.{residual.name.removesuffix(' %')}"
        title = f"Mem0: search {size:,} memories, {residual.name} survive a residual filter{past}"
        yield growth(name, title, seconds, alone, "the same without the filter")


def _add(store: Mem0MemoryStore, said_texts: list[str], part: int) -> None:
    if said_texts:
        store.add_memories(messages=said(said_texts), user_id=USER, infer=False, metadata={"part": part})


def _below(part: int) -> dict[str, Any]:
    return {
        "operator": "AND",
        "conditions": [
            {"field": "user_id", "operator": "==", "value": USER},
            {"field": "meta.part", "operator": "<", "value": part},
        ],
    }
