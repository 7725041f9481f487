"""Filters in the words that LangGraph's stores have for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from memstore.filters import And, Comparison, Filter, Not, Operator, parse, serialize

OPERATORS: Final = {
    Operator.EQ: "$eq",
    Operator.LT: "$lt",
    Operator.LE: "$lte",
    Operator.GT: "$gt",
    Operator.GE: "$gte",
}


def translated(filters: Mapping[str, Any] | Filter, *, dotted: bool) -> dict[str, Any]:
    """A filter as LangGraph has it: fields that are all to match, each with its operators.

    Args:
        filters: the filter.
        dotted: whether keys below a key are named by a dot, as for SQLite, or by nested objects.

    Raises:
        NotImplementedError: LangGraph has no OR, NOT, `in` and `not in`, and each operator once.
    """
    where: dict[str, Any] = {}
    for path, operator, value in _conditions(parse(filters)):
        level = where
        for key in [".".join(path)] if dotted else path:
            level = level.setdefault(key, {})
        if operator in level:
            raise NotImplementedError(f"LangGraph's filters take {operator} once for a field")
        level[operator] = value
    return where


def _conditions(node: Filter) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    match node:
        case And():
            for child in node.children:
                yield from _conditions(child)
        case Comparison():
            yield node.field.path, OPERATORS[node.operator], serialize(node)["value"]
        case Not(Comparison(operator=Operator.EQ) as equal):
            yield equal.field.path, "$ne", serialize(equal)["value"]
        case _:
            raise NotImplementedError(f"LangGraph's filters have no {type(node).__name__.upper()}")
