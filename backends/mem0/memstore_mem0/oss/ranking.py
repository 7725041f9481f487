"""Ranking as Mem0 ranks, without its losses: no score is too low to be found, and no row is starved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from memstore.filters import Filter, compile_filter
from memstore.primitives import Ranked
from memstore_mem0.oss.library import Library
from memstore_mem0.oss.payload import from_payload

_ENTITIES: Final = ("user_id", "agent_id", "run_id")
_MORE: Final = 4
_DIGITS: Final = 6
"""What a score of 32-bit floats can tell: beyond, equal vectors differ by where they lie in the computer's memory."""


def rank(library: Library, query: str, filter: Filter, limit: int) -> Ranked:
    """The best `limit` matches, and whether there are no more."""
    keep = compile_filter(filter)
    pushed = library.rows.pushed(filter)
    asked = limit if library.engine.ranks_within_filter else max(limit, library.rows.count())
    while True:
        scores, complete = _scores(library, query, pushed, asked)
        complete = complete or not library.engine.ranks_within_filter  # it was asked for every row
        rows = {str(row.id): row.payload or {} for row in library.vector_store.seen}
        memories = ((from_payload(row_id, rows[row_id]), round(score, _DIGITS)) for row_id, score in scores.items())
        hits = [(memory, score) for memory, score in memories if memory is not None and keep(memory)]
        hits.sort(key=lambda hit: (-hit[1], hit[0].position))
        if len(hits) >= limit or complete:
            return list(hits[:limit]), complete and len(hits) <= limit
        asked *= _MORE


def _scores(library: Library, query: str, pushed: dict[str, Any] | None, asked: int) -> tuple[dict[str, float], bool]:
    """The scores of rows by their ids, and whether these are all.

    `Memory.search` leaves out rows whose vectors point the other way; they come last here.
    """
    scores: dict[str, float] = {}
    if pushed is not None and _mem0_takes(pushed):
        found = library.memory.search(query, filters=pushed, top_k=asked, threshold=0.0, show_expired=True)
        scores = {hit["id"]: float(hit["score"]) for hit in found["results"]}
    else:
        vector = library.memory.embedding_model.embed(query, "search")
        library.vector_store.search(query=query, vectors=vector, top_k=asked, filters=pushed)
    store = library.vector_store
    last = min(scores.values(), default=float("inf"))
    for row in store.seen:
        last = min(last, float(row.score or 0.0))
        scores.setdefault(str(row.id), last)
    return scores, len(store.seen) < store.asked


def _mem0_takes(pushed: Mapping[str, Any]) -> bool:
    """Whether `Memory.search` takes these ids as they are: one of its own, and none with a blank inside."""
    ids = [pushed[name] for name in _ENTITIES if name in pushed]
    return bool(ids) and not any(character.isspace() for value in ids for character in value)
