"""Filter evaluation: `memstore.filters` against Haystack's own function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

import numpy as np
from haystack import Document
from haystack.utils.filters import document_matches_filter

from benchmarks.data import texts
from benchmarks.measure import fastest
from benchmarks.plan import Plan
from benchmarks.report import Row, compared
from memstore import Memory
from memstore.filters import compile_filter, parse

_FASTER: Final = 5.0
_PEER: Final = "Haystack document_matches_filter"


def _is(field: str, operator: str, value: object) -> dict[str, Any]:
    return {"field": f"meta.{field}", "operator": operator, "value": value}


def _all(operator: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"operator": operator, "conditions": list(conditions)}


FILTERS: Final = {
    "equal": _is("topic", "==", 3),
    "range": _all("AND", _is("importance", ">=", 0.25), _is("importance", "<", 0.75)),
    "in": _is("kind", "in", ["fact", "plan", "wish"]),
    "logic": _all(
        "AND",
        _is("topic", "!=", 1),
        _all("OR", _is("kind", "==", "fact"), _is("importance", ">", 0.9)),
        _all("NOT", _is("place.city", "==", "Oslo")),
    ),
    "nested": _is("place.city", "==", "Lima"),
    "date": _is("said_at", ">=", "2025-07-01T00:00:00+00:00"),
}
"""One of each sort, as Haystack writes them."""


def rows(plan: Plan) -> Iterator[Row]:
    """A row for each filter, and one for all together."""
    records = [
        (text, meta) for text, meta in zip(islice(texts(plan.seed), plan.filtered), _metadata(plan), strict=True)
    ]
    start = datetime(2025, 1, 1, tzinfo=UTC)
    memories = [
        Memory(str(index), text, meta=meta, created_at=start, updated_at=start)
        for index, (text, meta) in enumerate(records)
    ]
    documents = [Document(id=str(index), content=text, meta=meta) for index, (text, meta) in enumerate(records)]
    ours, theirs = 0.0, 0.0
    for name, filters in FILTERS.items():
        if _memstore(filters, memories) != _haystack(filters, documents):
            raise AssertionError(f"the filter {name!r} does not find the same records")
        mine, peer = fastest(
            [partial(_memstore, filters, memories), partial(_haystack, filters, documents)], plan.repetitions
        )
        ours, theirs = ours + mine, theirs + peer
        yield compared(f"filters.{name}", f"filter {len(memories):,} records: {name}", mine, peer, _PEER)
    yield compared(
        "filters.total", f"filter {len(memories):,} records: all of these", ours, theirs, _PEER, at_least=_FASTER
    )


def _memstore(filters: dict[str, Any], memories: Sequence[Memory]) -> list[str]:
    keep = compile_filter(parse(filters))
    return [memory.id for memory in memories if keep(memory)]


def _haystack(filters: dict[str, Any], documents: Sequence[Document]) -> list[str]:
    return [document.id for document in documents if document_matches_filter(filters, document)]


def _metadata(plan: Plan) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(plan.seed)
    kinds, cities = ("fact", "plan", "wish", "chat", "rule"), ("Lima", "Oslo", "Pune", "Rome")
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for index, (importance, minute) in enumerate(
        zip(rng.random(plan.filtered).tolist(), rng.integers(0, 525_600, plan.filtered).tolist(), strict=True)
    ):
        yield {
            "topic": index % 5,
            "importance": importance,
            "kind": kinds[index * 7 % 5],
            "place": {"city": cities[index // 5 % 4], "floor": index % 3},
            "said_at": (start + timedelta(minutes=minute)).isoformat(),
        }
