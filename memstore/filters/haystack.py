"""Haystack's filter dictionaries, read into nodes and written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from memstore.errors import FilterError
from memstore.filters.fields import EXPIRES_AT, Field
from memstore.filters.nodes import And, Comparison, Filter, In, Not, Operator, Or
from memstore.filters.values import MAX_DEPTH, MAX_SIZE, thaw

_COMPARISON_KEYS: Final = frozenset({"field", "operator", "value"})
_LOGIC_KEYS: Final = frozenset({"operator", "conditions"})
_LOGIC: Final = ("AND", "OR", "NOT")
_COMPARISONS: Final = (*(operator.value for operator in Operator), "!=", "in", "not in")


def parse(filters: Mapping[str, Any] | Filter) -> Filter:
    """Read a Haystack filter dictionary; a node is returned as it is.

    https://docs.haystack.deepset.ai/docs/metadata-filtering describes the dictionaries. Beyond it,
    ``NOT [a, b]`` is not(a and b), and unknown keys are refused rather than dropped.

    Raises:
        FilterError: the filter is malformed, or larger than the bounds; its `place` says where.
    """
    if isinstance(filters, Filter):
        return filters
    return _parse(filters, 1, _Budget())


def serialize(filter: Filter) -> dict[str, Any]:
    """Write a filter as a Haystack dictionary of plain JSON; ``parse(serialize(f)) == f``.

    Raises:
        FilterError: it names a memory's own ``expires_at``, which no dictionary can.
    """
    match filter:
        case Comparison(field, operator, value):
            return {"field": _name(field), "operator": operator.value, "value": thaw(value)}
        case In(field, values):
            return {"field": _name(field), "operator": "in", "value": [thaw(value) for value in values]}
        case And(children):
            return {"operator": "AND", "conditions": [serialize(child) for child in children]}
        case Or(children):
            return {"operator": "OR", "conditions": [serialize(child) for child in children]}
        case Not(Comparison(field, Operator.EQ, value)):
            return {"field": _name(field), "operator": "!=", "value": thaw(value)}
        case Not(In(field, values)):
            return {"field": _name(field), "operator": "not in", "value": [thaw(value) for value in values]}
        case Not(child):
            return {"operator": "NOT", "conditions": [serialize(child)]}
    raise TypeError(f"a filter belongs here, not {type(filter).__name__}")


def _name(field: Field) -> str:
    if field == EXPIRES_AT:
        raise FilterError("a memory's own 'expires_at' cannot be written: there it is a key of metadata", "field")
    return str(field)


class _Budget:
    """How much may still be read: dictionaries and values that are shared make a small filter endless.

    Twice the size a filter may have, for a ``NOT`` above a comparison is none of its conditions. What
    is too large by less is refused by the nodes.
    """

    def __init__(self) -> None:
        self.left = 2 * MAX_SIZE

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise FilterError(f"more than {MAX_SIZE:,} conditions and values")


def _parse(condition: object, depth: int, budget: _Budget) -> Filter:
    if isinstance(condition, Filter):
        budget.spend(condition.size)
        return condition
    if not isinstance(condition, Mapping):
        raise FilterError(f"a condition is a dictionary, not a value of type {type(condition).__name__}")
    if depth > MAX_DEPTH:
        raise FilterError(f"nested more than {MAX_DEPTH} levels deep")
    if "field" in condition:
        comparison = _parse_comparison(condition)
        budget.spend(comparison.size)
        return comparison
    budget.spend(1)
    return _parse_logic(condition, depth, budget)


def _parse_comparison(condition: Mapping[str, Any]) -> Filter:
    _check_keys(condition, _COMPARISON_KEYS)
    field, operator, value = Field.parse(condition["field"]), condition["operator"], condition["value"]
    # Only lists: a string is a sequence too, and Haystack refuses tuples and sets.
    if not isinstance(operator, str):
        raise FilterError(f"unknown comparison; use one of {', '.join(_COMPARISONS)}", "operator")
    if operator in ("in", "not in") and not isinstance(value, list):
        raise FilterError(f"'in' and 'not in' take a list, not a value of type {type(value).__name__}", "value")
    match operator:
        case "in":
            return In(field, tuple(value))
        case "not in":
            return Not(In(field, tuple(value)))
        case "!=":
            return Not(Comparison(field, Operator.EQ, value))
        case "==" | "<" | "<=" | ">" | ">=":
            return Comparison(field, Operator(operator), value)
    raise FilterError(f"unknown comparison; use one of {', '.join(_COMPARISONS)}", "operator")


def _parse_logic(condition: Mapping[str, Any], depth: int, budget: _Budget) -> Filter:
    _check_keys(condition, _LOGIC_KEYS)
    operator, conditions = condition["operator"], condition["conditions"]
    name = operator.upper() if isinstance(operator, str) else ""
    if name not in _LOGIC:
        raise FilterError(f"unknown logic; use one of {', '.join(_LOGIC)}", "operator")
    if not isinstance(conditions, list | tuple):
        raise FilterError(
            f"a list of conditions belongs here, not a value of type {type(conditions).__name__}", "conditions"
        )
    children = []
    for index, child in enumerate(conditions):
        try:
            children.append(_parse(child, depth + 1, budget))
        except FilterError as error:
            raise error.within(f"conditions[{index}]") from None
    if name == "AND":
        return And(tuple(children))
    if name == "OR":
        return Or(tuple(children))
    return Not(children[0] if len(children) == 1 else And(tuple(children)))


def _check_keys(condition: Mapping[str, Any], keys: frozenset[str]) -> None:
    if condition.keys() == keys:
        return
    for key in condition:
        if not isinstance(key, str):
            raise FilterError(f"keys are strings, not values of type {type(key).__name__}")
        if key not in keys:
            raise FilterError(f"has a key that is none of {', '.join(sorted(keys))}")
    for key in sorted(keys - condition.keys()):
        raise FilterError(f"the key {key!r} is missing; a condition has {', '.join(sorted(keys))}", key)
