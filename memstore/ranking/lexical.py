"""BM25 over the memories that match: an index that grows and shrinks, and gives what a fresh one would.

Scores are Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009) with the idf of Lucene, ``ln(1 + (N - n + 0.5) / (n + 0.5))``, which is never
negative. N, n and the mean length are taken from the memories that match and no others, so nothing
that does not match can change order or scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memstore.filters.instants import instant_of
from memstore.memory import Memory
from memstore.ranking.terms import date_terms, query_terms, terms_of

K1: Final = 1.2
"""How soon a repeated word stops to count."""
B: Final = 0.75
"""How much a long text is discounted."""

_SLACK: Final = 64
"""A small index is not worth rebuilding."""
_REMOVED: Final = Memory(
    "", "", created_at=datetime.min.replace(tzinfo=UTC), updated_at=datetime.min.replace(tzinfo=UTC)
)
"""Stands where a memory was."""


class LexicalIndex:
    """The memories of one scope, ready to be ranked.

    Adding and removing is cheap: texts are taken apart by the first query after it. Postings are
    sorted arrays of (term, slot, frequency), 16 bytes each, in segments that double in size, so
    that n additions cost n log n, however they alternate with queries.
    """

    def __init__(self, memories: Iterable[Memory] = ()) -> None:
        self._restart(memories)

    def _restart(self, memories: Iterable[Memory]) -> None:
        self._memories = list(memories)
        self._slots = {memory.id: slot for slot, memory in enumerate(self._memories)}
        self._alive = bytearray(b"\1" * len(self._memories))
        self._indexed = 0
        self._lengths = np.empty(0, np.int64)
        self._times = np.empty(0, np.int64)
        self._segments: list[_Segment] = []

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, memory: Memory) -> None:
        """Add a memory; its id must be new."""
        self._slots[memory.id] = len(self._memories)
        self._memories.append(memory)
        self._alive.append(1)

    def remove(self, memory_id: str) -> None:
        """Remove a memory that was added; its postings, which hold no text, go when half are dead."""
        slot = self._slots.pop(memory_id)
        self._alive[slot] = 0
        self._memories[slot] = _REMOVED
        if len(self._memories) > 2 * len(self._slots) + _SLACK:
            self._restart([memory for memory in self._memories if memory is not _REMOVED])

    def rank(self, query: str, limit: int, keep: Callable[[Memory], bool] | None = None) -> list[tuple[Memory, float]]:
        """The best `limit` of the memories that `keep` accepts, with their scores.

        Best first; equal scores newest first. Memories without a word of the query score 0.
        """
        self._index_pending()
        slots = self._matching(keep)
        if not len(slots):
            return []
        scores = self._scores(query_terms(query), slots)
        best = _best(scores[slots], self._times[slots], limit)
        hits = [(self._memories[slot], float(scores[slot])) for slot in slots[best].tolist()]
        hits.sort(key=lambda hit: (hit[1], hit[0].position), reverse=True)
        return hits[:limit]

    def _matching(self, keep: Callable[[Memory], bool] | None) -> NDArray[np.int64]:
        slots: NDArray[np.int64] = np.flatnonzero(np.frombuffer(self._alive, np.uint8))
        if keep is not None:
            slots = slots[[keep(self._memories[slot]) for slot in slots.tolist()]]
        return slots

    def _scores(self, terms: list[int], slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """A score for every slot; those of `slots` are right, and only they are looked at."""
        lengths = self._lengths
        among = None
        if len(slots) < len(lengths):
            among = np.zeros(len(lengths), bool)
            among[slots] = True
        total = int(lengths.sum() if among is None else lengths[slots].sum())
        discount = K1 * (1 - B + B * lengths * (len(slots) / total)) if total else np.zeros(len(lengths))
        scores = np.zeros(len(lengths))
        for term in terms:
            found = [segment.postings(term) for segment in self._segments]
            frequency = sum(len(posted) if among is None else int(among[posted].sum()) for posted, _ in found)
            idf = np.log1p((len(slots) - frequency + 0.5) / (frequency + 0.5))
            for posted, counts in found:
                scores[posted] += idf * counts * (K1 + 1) / (counts + discount[posted])
        return scores

    def _index_pending(self) -> None:
        pending = self._memories[self._indexed :]
        if not pending:
            return
        texts = [terms_of(memory.text) + date_terms(memory.created_at) for memory in pending]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        times = np.fromiter((instant_of(memory.created_at) for memory in pending), np.int64, len(texts))
        slots = np.repeat(np.arange(self._indexed, len(self._memories), dtype=np.int32), lengths)
        terms = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))
        self._segments.append(_Segment.of(terms, slots, np.ones(len(terms), np.int32)))
        while len(self._segments) > 1 and len(self._segments[-1]) * 2 > len(self._segments[-2]):
            self._segments[-2:] = [self._segments[-2].merged(self._segments[-1])]
        self._lengths = np.concatenate([self._lengths, lengths])
        self._times = np.concatenate([self._times, times])
        self._indexed = len(self._memories)


class _Segment:
    """Postings sorted by term, then slot."""

    __slots__ = ("_counts", "_slots", "_terms")

    def __init__(self, terms: NDArray[np.int64], slots: NDArray[np.int32], counts: NDArray[np.int32]) -> None:
        self._terms = terms
        self._slots = slots
        self._counts = counts

    @classmethod
    def of(cls, terms: NDArray[np.int64], slots: NDArray[np.int32], counts: NDArray[np.int32]) -> _Segment:
        """Sort postings and add up those of the same term and slot."""
        order = np.lexsort((slots, terms))
        terms, slots, counts = terms[order], slots[order], counts[order]
        first = np.ones(len(terms), bool)
        first[1:] = (terms[1:] != terms[:-1]) | (slots[1:] != slots[:-1])
        starts = np.flatnonzero(first)
        return cls(
            terms[starts], slots[starts], np.add.reduceat(counts, starts, dtype=np.int32) if len(starts) else counts
        )

    def __len__(self) -> int:
        return len(self._terms)

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The slots that have a term, and how often."""
        start, stop = self._terms.searchsorted(term, "left"), self._terms.searchsorted(term, "right")
        return self._slots[start:stop], self._counts[start:stop]

    def merged(self, other: _Segment) -> _Segment:
        """Both segments in one."""
        return _Segment.of(
            np.concatenate([self._terms, other._terms]),
            np.concatenate([self._slots, other._slots]),
            np.concatenate([self._counts, other._counts]),
        )


def _best(scores: NDArray[np.float64], times: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Where the best `limit` are, and all that tie with the last of them in score and time."""
    if limit >= len(scores):
        return np.arange(len(scores))
    last = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    better = np.flatnonzero(scores > last)
    tied = np.flatnonzero(scores == last)
    wanted = limit - len(better)
    oldest = np.partition(times[tied], len(tied) - wanted)[len(tied) - wanted]
    return np.concatenate([better, tied[times[tied] >= oldest]])
