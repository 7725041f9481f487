"""The meaning of a filter, written to be read: the oracle that every store is held to.

`compile` does the same, faster; a property test holds the two together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from memstore.filters.fields import Field
from memstore.filters.instants import instant_of, parse_instant
from memstore.filters.nodes import And, Comparison, Filter, In, Not, Operator, Or
from memstore.filters.values import MAX_DEPTH, JSONObject


class MemoryLike(Protocol):
    """What a filter reads of a memory: the fields it names, and ``meta``."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """The user's metadata."""
        ...


Record: TypeAlias = MemoryLike | Mapping[str, Any]
"""A memory, or a mapping of field to value with the user's metadata under ``meta``."""

ORDER: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


def matches(filter: Filter, record: Record) -> bool:
    """Whether `record` matches `filter`; two-valued, and total: no stored value makes it raise."""
    match filter:
        case And(children):
            return all(matches(child, record) for child in children)
        case Or(children):
            return any(matches(child, record) for child in children)
        case Not(child):
            return not matches(child, record)
        case In(field, values):
            found = equality_key(field, lookup(field, record))
            return any(found == equality_key(field, value) for value in values)
        case Comparison(field, Operator.EQ, value):
            return equality_key(field, lookup(field, record)) == equality_key(field, value)
        case Comparison(field, order, value):
            found, bound = order_key(lookup(field, record)), order_key(value)
            return found is not None and bound is not None and found[0] == bound[0] and ORDER[order](found[1], bound[1])
    raise TypeError(f"a filter belongs here, not {type(filter).__name__}")


def lookup(field: Field, record: Record) -> Any:
    """The value that a field has in a record; None when there is none."""
    head, *keys = field.path
    value = record.get(head) if isinstance(record, Mapping) else getattr(record, head)
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def equality_key(field: Field, value: Any, depth: int = MAX_DEPTH) -> Hashable:
    """Two values are equal where their keys are.

    Numbers compare across int and float, a boolean equals only a boolean. Strings of the time
    grammar and datetimes are equal when they name the same instant, except in a memory's own
    strings. Lists and objects compare by their parts; deeper than `depth`, further than any filter
    value goes, they equal nothing.
    """
    match value:
        case bool():
            return ("boolean", value)
        case None:
            return None
        case int():
            return int(value)  # a subclass, as numpy has them, may compare into no boolean
        case float():
            return float(value)
        case str():
            instant = None if field.is_text else parse_instant(value)
            return value if instant is None else ("instant", instant)
        case datetime():
            return ("instant", instant_of(value))
        case Mapping() if depth > 0:
            return ("object", frozenset((key, equality_key(field, item, depth - 1)) for key, item in value.items()))
        case list() | tuple() if depth > 0:
            # A JSONObject is a tuple too, of pairs.
            if isinstance(value, JSONObject):
                return equality_key(field, dict(value), depth)
            return ("list", tuple(equality_key(field, item, depth - 1) for item in value))
    # Nothing that JSON knows: equal to nothing, not even to itself.
    return object()


def order_key(value: Any) -> tuple[str, int | float] | None:
    """What orders a value: numbers among numbers, instants among instants; None for all else."""
    match value:
        case bool() | None:
            return None
        case int():
            return ("number", int(value))
        case float():
            return ("number", float(value))
        case str():
            instant = parse_instant(value)
            return None if instant is None else ("instant", instant)
        case datetime():
            return ("instant", instant_of(value))
    return None
