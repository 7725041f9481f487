"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a run, in memories unless said otherwise.

    Attributes:
        seed: of everything that is drawn.
        locomo: the LoCoMo data, which is not part of the project; None leaves its row out.
        filtered: records that filters are evaluated on.
        small: the store that searches are compared with as it grows.
        middle: the store that is compared with Haystack, and the size of the one large scope.
        large: foreign memories in the largest store.
        scopes: how many scopes are searched and listed.
        passes: how often each of them is, once warm.
        slow: how many queries a peer that reads everything is asked.
        listed: the sizes of the stores that listings are measured in.
        added: how many memories a store is filled with when adding is measured.
        kept: how many a store is filled with when its memory is measured.
        repetitions: how often what takes the best of several is repeated.
        called: how often each call to Mem0's platform is timed.
        narrowed: the scope on Mem0's platform that residual filters are evaluated in.
        past_ceiling: a scope larger than what a search on Mem0's platform can return.
        patient: how often each call to Mem0 that takes long is timed.
        embedded: the sizes of the stores that embedded Mem0 is searched in.
        batch: messages of one call that adds to embedded Mem0.
        batches: how many such calls are timed.
    """

    seed: int = 0
    locomo: Path | None = None
    filtered: int = 100_000
    small: int = 10_000
    middle: int = 100_000
    large: int = 1_000_000
    scopes: int = 200
    passes: int = 3
    slow: int = 7
    listed: tuple[int, ...] = (1_000, 10_000, 100_000)
    added: int = 20_000
    kept: int = 100_000
    repetitions: int = 9
    called: int = 300
    narrowed: int = 1_000
    past_ceiling: int = 2_000
    patient: int = 15
    embedded: tuple[int, ...] = (1_000, 4_000, 16_000)
    batch: int = 200
    batches: int = 5


QUICK: Final = Plan(
    filtered=1_000,
    small=1_000,
    middle=2_000,
    large=4_000,
    scopes=20,
    passes=1,
    slow=2,
    listed=(1_000, 2_000),
    added=1_000,
    kept=1_000,
    repetitions=1,
    called=10,
    narrowed=100,
    past_ceiling=1_100,
    patient=2,
    embedded=(200, 400),
    batch=20,
    batches=1,
)
"""Shows that everything runs; its figures say nothing."""
