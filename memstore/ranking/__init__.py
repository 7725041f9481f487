"""Ranking for stores that have no engine of their own."""

from __future__ import annotations

from collections.abc import Iterable

from memstore.memory import Memory
from memstore.ranking.lexical import LexicalIndex

__all__ = ["LexicalIndex", "rank"]


def rank(query: str, memories: Iterable[Memory], limit: int) -> list[tuple[Memory, float]]:
    """The best `limit` of `memories` with their scores: a function of its arguments and nothing else.

    Best first; equal scores newest first. Memories without a word of the query score 0.
    """
    return LexicalIndex(memories).rank(query, limit)
