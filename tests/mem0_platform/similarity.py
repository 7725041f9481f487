"""A score for ranked search that needs no model: how many letter triples two texts share."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache


def similarity(query: str, text: str) -> float:
    """The cosine of the texts' triples, from 0 to 1."""
    ours, theirs = _triples(query), _triples(text)
    shared = sum(count * theirs[triple] for triple, count in ours.items())
    return min(1.0, shared / (_length(ours) * _length(theirs))) if shared else 0.0


@lru_cache(maxsize=10_000)
def _triples(text: str) -> Counter[str]:
    words = [f" {word} " for word in re.findall(r"\w+", text.casefold())]
    return Counter(word[start : start + 3] for word in words for start in range(len(word) - 2))


def _length(triples: Counter[str]) -> float:
    return math.sqrt(sum(count * count for count in triples.values()))
