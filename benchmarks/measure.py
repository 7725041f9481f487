"""Timing that is fair on a shared machine: contenders take turns, and none pays for another's garbage."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

Call: TypeAlias = Callable[[], Any]


@contextmanager
def quiet() -> Iterator[None]:
    """Collect garbage now, and none meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(call: Call) -> float:
    """How long a call takes; not counted is the time to drop what it returns."""
    start = perf_counter()
    result = call()
    taken = perf_counter() - start
    del result
    return taken


def fastest(contenders: Sequence[Call], repetitions: int) -> list[float]:
    """The shortest time of each contender, in turns: for calls that take long, where noise only adds."""
    taken: list[list[float]] = [[] for _ in contenders]
    with quiet():
        for _ in range(repetitions):
            for times, call in zip(taken, contenders, strict=True):
                times.append(seconds(call))
    return [min(times) for times in taken]


def medians(contenders: Sequence[Sequence[Call]]) -> list[float]:
    """The median time of each contender's calls, made in turns.

    A contender with fewer calls than another makes one of its own for every so many of the other's.
    """
    longest = max(map(len, contenders))
    taken: list[list[float]] = [[] for _ in contenders]
    with quiet():
        for place in range(longest):
            for times, calls in zip(taken, contenders, strict=True):
                if place * len(calls) // longest == len(times):
                    times.append(seconds(calls[len(times)]))
    return [median(times) for times in taken]
