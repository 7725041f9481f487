"""The canonical form of a filter: equal for filters that say the same in another order or nesting."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Final

from memstore.filters.fields import Field
from memstore.filters.nodes import FALSE, REMEMBERED_SIZE, TRUE, And, Comparison, Filter, In, Not, Operator, Or
from memstore.filters.values import Value, identity

_ORDER: Final = attrgetter("order")


def normalize(filter: Filter) -> Filter:
    """Bring a filter into canonical form; idempotent, and the meaning stays.

    `Not` stands only above leaves (De Morgan holds in two-valued logic). A negated order comparison
    stays negated: ``not (a < 3)`` matches a missing field and ``a >= 3`` does not. And and Or are
    flat, sorted, without duplicates and without constants; equalities of one field under an Or are
    one In; an In of one value is an equality.
    """
    large = getattr(filter, "size", 0) > REMEMBERED_SIZE  # what is no filter is refused further in
    return _normalize(filter, negated=False) if large else _remembered(filter)


@lru_cache(maxsize=256)  # agents repeat their filters
def _remembered(filter: Filter) -> Filter:
    return _normalize(filter, negated=False)


def _normalize(filter: Filter, *, negated: bool) -> Filter:
    match filter:
        case Not(child):
            return _normalize(child, negated=not negated)
        case And(children) | Or(children):
            parts = [_normalize(child, negated=negated) for child in children]
            return all_of(parts) if isinstance(filter, And) != negated else any_of(parts)
        case In(field, values):
            return _leaf(_one_of(field, values), negated)
        case Comparison(_, operator, None) if operator is not Operator.EQ:
            return TRUE if negated else FALSE
    return _leaf(filter, negated)


def _leaf(leaf: Filter, negated: bool) -> Filter:
    if not negated:
        return leaf
    return TRUE if leaf == FALSE else Not(leaf)


def _one_of(field: Field, values: Iterable[Value]) -> Filter:
    distinct = {identity(value): value for value in values}
    if not distinct:
        return FALSE
    if len(distinct) == 1:
        return Comparison(field, Operator.EQ, *distinct.values())
    return In(field, tuple(sorted(distinct.values(), key=lambda value: repr(identity(value)))))


def all_of(parts: Iterable[Filter]) -> Filter:
    """The canonical And of filters that are canonical already."""
    children = _flatten(parts, And)
    if FALSE in children:
        return FALSE
    return children[0] if len(children) == 1 else And(tuple(sorted(children, key=_ORDER)))


def any_of(parts: Iterable[Filter]) -> Filter:
    """The canonical Or of filters that are canonical already."""
    children = _merge_equalities(_flatten(parts, Or))
    if TRUE in children:
        return TRUE
    return children[0] if len(children) == 1 else Or(tuple(sorted(children, key=_ORDER)))


def _flatten(parts: Iterable[Filter], logic: type[And | Or]) -> list[Filter]:
    """The parts without nesting of the same logic and without duplicates."""
    flat: dict[Filter, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.children if isinstance(part, And | Or) and type(part) is logic else (part,)))
    return list(flat)


def _merge_equalities(children: list[Filter]) -> list[Filter]:
    """Under an Or, what one field may equal is one set."""
    rest: list[Filter] = []
    values: dict[Field, list[Value]] = {}
    for child in children:
        match child:
            case Comparison(field, Operator.EQ, value):
                values.setdefault(field, []).append(value)
            case In(field, several):
                values.setdefault(field, []).extend(several)
            case _:
                rest.append(child)
    return [*rest, *(_one_of(field, several) for field, several in values.items())]
