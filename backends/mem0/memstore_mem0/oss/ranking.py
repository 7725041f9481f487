"""Ranking as Mem0 ranks, without its losses: no score is too low to be found, and no row is starved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from memstore import Memory
from memstore.filters import Filter, compile_filter
from memstore.primitives import Ranked
from memstore_mem0.oss.library import Library
from memstore_mem0.oss.payload import from_payload

_ENTITIES: Final = ("user_id", "agent_id", "run_id")
_MORE: Final = 4
_MANY: Final = 100_000
"""Asked for more than these, an engine is asked for no more than it has: some fail at great numbers."""
_DIGITS: Final = 6
"""What a score of 32-bit floats can tell: beyond, equal vectors differ by where they lie in the computer's memory."""


def rank(library: Library, query: str, filter: Filter, limit: int) -> Ranked:
    """The best `limit` matches, and whether there are no more."""
    keep = compile_filter(filter)
    pushed = library.rows.pushed(filter)
    asked = limit
    if limit > _MANY or not library.engine.ranks_within_filter:
        count = library.rows.count()
        if not count:
            return [], True
        asked = min(limit, count + 1) if library.engine.ranks_within_filter else count  # one more, to see the end
    while True:
        scores, complete = _scores(library, query, pushed, asked)
        complete = complete or not library.engine.ranks_within_filter  # it was asked for every row
        rows = {str(row.id): row.payload or {} for row in library.vector_store.seen}
        hits, exhausted = _best(scores, rows, keep, limit)
        if complete and len(hits) < limit and library.engine.may_miss:
            return _completed(hits, library.rows.matching(filter), limit)
        if len(hits) == limit or complete:
            return hits, complete and exhausted
        asked *= _MORE


def _completed(hits: list[tuple[Memory, float]], matching: Iterable[Memory], limit: int) -> Ranked:
    """The hits, and after them what matches and was missed."""
    found, last = {memory.id for memory, _ in hits}, min((score for _, score in hits), default=0.0)
    missed = sorted((memory for memory in matching if memory.id not in found), key=lambda memory: memory.position)
    every = [*hits, *((memory, last) for memory in missed)]
    return every[:limit], len(every) <= limit


def _best(
    scores: Mapping[str, float], rows: Mapping[str, Any], keep: Callable[[Memory], bool], limit: int
) -> tuple[list[tuple[Memory, float]], bool]:
    """The best `limit` of the rows that are kept, and whether there are no more.

    Rows of one score come in listing order. A row is read only when its turn comes.
    """
    ranked = sorted(((round(score, _DIGITS), row_id) for row_id, score in scores.items()), key=lambda pair: -pair[0])
    hits: list[tuple[Memory, float]] = []
    looked_at = 0
    for score, alike in groupby(ranked, key=itemgetter(0)):
        if len(hits) >= limit:
            break
        row_ids = [row_id for _, row_id in alike]
        looked_at += len(row_ids)
        memories = (from_payload(row_id, rows[row_id]) for row_id in row_ids)
        kept = (memory for memory in memories if memory is not None and keep(memory))
        hits += [(memory, score) for memory in sorted(kept, key=lambda memory: memory.position)]
    return hits[:limit], looked_at == len(ranked) and len(hits) <= limit


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
