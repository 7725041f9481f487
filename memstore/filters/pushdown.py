"""Which part of a filter an engine may evaluate, and which part is evaluated here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from memstore.filters.nodes import REMEMBERED_SIZE, TRUE, And, Comparison, Filter, In, Not, Or
from memstore.filters.normalize import all_of, any_of, normalize

Leaf: TypeAlias = Comparison | In


def _no_leaf(leaf: Leaf) -> bool:
    return False


def _any_leaf(leaf: Leaf) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class FilterSupport:
    """What an engine evaluates exactly as `memstore.filters.matches` does, missing fields and types included.

    Attributes:
        leaf: whether it evaluates this comparison exactly. When in doubt, False: what is not pushed
            down is evaluated here, what is pushed down wrongly is a wrong answer.
        either: whether it evaluates an Or of supported parts.
        negation: whether it evaluates the negation of a supported leaf. Filters arrive normalised, so
            a negation has a single leaf below it.
    """

    leaf: Callable[[Leaf], bool] = _no_leaf
    either: bool = True
    negation: bool = True

    @classmethod
    def nothing(cls) -> FilterSupport:
        """For a store that evaluates no filter: everything is evaluated here."""
        return cls()

    @classmethod
    def everything(cls) -> FilterSupport:
        """For a store that evaluates filters with `memstore.filters` itself."""
        return cls(leaf=_any_leaf)


@dataclass(frozen=True, slots=True)
class Split:
    """A filter in two parts: ``native and residual`` means the filter, and the filter implies `native`."""

    native: Filter
    residual: Filter

    def narrowed(self, condition: Filter, support: FilterSupport) -> Split:
        """The split of this filter and a canonical condition. Nothing is remembered, so it may be new every time."""
        if _weaken(condition, support) == condition:
            return Split(all_of([self.native, condition]), self.residual)
        return Split(self.native, all_of([self.residual, condition]))


def split_filter(filter: Filter, support: FilterSupport) -> Split:
    """Split `filter` into what the engine evaluates and what is left to evaluate here.

    `native` uses nothing that `support` denies. Where only some branches of an Or can be pushed
    down, a weaker condition that they imply is, so that the engine returns fewer rows, and the Or
    itself stays in `residual`. The one constant in `native` is TRUE, alone, for every row: an engine
    that evaluates no filters could not tell FALSE from it.
    """
    return _remembered(filter, support) if filter.size <= REMEMBERED_SIZE else _split(filter, support)


def _split(filter: Filter, support: FilterSupport) -> Split:
    native: list[Filter] = []
    residual: list[Filter] = []
    normal = normalize(filter)
    for part in normal.children if isinstance(normal, And) else (normal,):
        weaker = _weaken(part, support)
        if weaker != TRUE:
            native.append(weaker)
        if weaker != part:
            residual.append(part)
    return Split(all_of(native), all_of(residual))


_remembered = lru_cache(maxsize=256)(_split)  # agents repeat their filters


def _weaken(filter: Filter, support: FilterSupport) -> Filter:
    """The strongest supported filter that a normalised filter implies."""
    match filter:
        case And(children):
            return all_of(_weaken(child, support) for child in children)
        case Or(children) if children and support.either:
            return any_of(_weaken(child, support) for child in children)
        case Comparison() | In() if support.leaf(filter):
            return filter
        case Not(Comparison() | In() as leaf) if support.negation and support.leaf(leaf):
            return filter
    return TRUE
