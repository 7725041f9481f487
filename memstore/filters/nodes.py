"""The abstract filter: immutable nodes over two-valued logic.

`Comparison` and `In` are the leaves, `And`, `Or` and `Not` the logic; ``!=`` and ``not in`` are
`Not` of a leaf. What a node means is in `evaluate`, how it is written as a Haystack dict in
`haystack`. Nodes hold plain JSON values and check themselves: whoever holds a node holds a filter
that every store can be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

from memstore.errors import FilterError
from memstore.filters.fields import Field
from memstore.filters.instants import parse_instant
from memstore.filters.values import (
    MAX_DEPTH,
    MAX_SIZE,
    Value,
    freeze,
    identity,
    kind_of,
    show,
    show_many,
    thaw,
)

REMEMBERED_SIZE: Final = 1000
"""Up to this size what is made of a filter is remembered, because agents repeat their filters."""


class Operator(StrEnum):
    """What a `Comparison` asks of a field."""

    EQ = "=="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class Filter:
    """A node: compares and hashes by structure, combines with ``&``, ``|`` and ``~``."""

    __slots__ = ("_hash", "_key", "_order", "depth", "size")

    _key: tuple[object, ...]
    _hash: int
    _order: str
    depth: int
    size: int

    def _seal(self, key: tuple[object, ...], depth: int, size: int) -> None:
        """Fix what identity and bounds are computed from; nodes are immutable, so once is enough."""
        if depth > MAX_DEPTH:
            raise FilterError(f"nested more than {MAX_DEPTH} levels deep")
        if size > MAX_SIZE:
            raise FilterError(f"more than {MAX_SIZE:,} conditions and values")
        fix = object.__setattr__
        fix(self, "_key", key)
        fix(self, "_hash", hash((type(self), key)))
        fix(self, "depth", depth)
        fix(self, "size", size)

    @property
    def order(self) -> str:
        """What sorts the children of a canonical And or Or: of the structure only, alike in every process."""
        try:
            return self._order
        except AttributeError:  # most filters are never sorted
            object.__setattr__(self, "_order", self._find_order())
            return self._order

    def _find_order(self) -> str:
        children = [child.order for child in self._key if isinstance(child, Filter)]
        # A digest, or the text of a child would be written again at each level above it.
        content = hashlib.sha256(json.dumps(children).encode()).hexdigest() if children else repr(self._key)
        return f"{type(self).__name__} {content}"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Filter):
            return NotImplemented
        return type(self) is type(other) and self._hash == other._hash and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __and__(self, other: Filter) -> And:
        return And((*_operands(self, And), *_operands(other, And)))

    def __or__(self, other: Filter) -> Or:
        return Or((*_operands(self, Or), *_operands(other, Or)))

    def __invert__(self) -> Not:
        return Not(self)

    def __bool__(self) -> NoReturn:
        # `a and b`, `not a` and `18 <= field("age") <= 30` would silently drop a condition.
        raise TypeError("a filter has no truth value: combine filters with &, | and ~")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Filter):
    """One field against one value.

    Raises:
        FilterError: the value is none that this field and operator can be compared with.
    """

    field: Field
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        try:
            operator = Operator(self.operator)
        except ValueError:
            raise FilterError(f"unknown operator; use one of {', '.join(Operator)}", "operator") from None
        _check_field(self.field)
        try:
            value, size = freeze(self.value, 1)
        except FilterError as error:
            raise FilterError(error.reason, f"value{error.place}") from None
        _check_field_value(self.field, self.value, value, "value")
        if operator is not Operator.EQ:
            _check_orderable(self.field, value)
        object.__setattr__(self, "operator", operator)
        object.__setattr__(self, "value", value)
        self._seal((self.field, operator, identity(value)), 1, size)

    def __reduce__(self) -> tuple[type[Comparison], tuple[Field, Operator, Any]]:
        return Comparison, (self.field, self.operator, thaw(self.value))

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {show(self.value)}"


@dataclass(frozen=True, slots=True, eq=False)
class In(Filter):
    """A field equals one of several values; of none, when there are none."""

    field: Field
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, list | tuple):
            raise FilterError(f"'in' and 'not in' take a list, not {kind_of(self.values)}", "value")
        _check_field(self.field)
        frozen, size = [], 0
        for index, value in enumerate(self.values):
            try:
                item, weight = freeze(value, 1)
                _check_field_value(self.field, value, item, "")
            except FilterError as error:
                raise FilterError(error.reason, f"value[{index}]{error.place}") from None
            frozen.append(item)
            size += weight
            if size > MAX_SIZE:  # at once: the values may share what they hold
                raise FilterError(f"more than {MAX_SIZE:,} conditions and values", "value")
        object.__setattr__(self, "values", tuple(frozen))
        # As heavy as the equalities it stands for, so that the canonical form is never the larger one.
        self._seal((self.field, identity(self.values)), 1, max(1, size))

    def __reduce__(self) -> tuple[type[In], tuple[Field, list[Any]]]:
        return In, (self.field, [thaw(value) for value in self.values])

    def __str__(self) -> str:
        return f"{self.field} in {show_many(self.values)}"


@dataclass(frozen=True, slots=True, eq=False)
class And(Filter):
    """Every child holds; always true without children."""

    children: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _seal_children(self, self.children)

    def __reduce__(self) -> tuple[type[And], tuple[tuple[Filter, ...]]]:
        return And, (self.children,)

    def __str__(self) -> str:
        return " and ".join(map(_nested, self.children)) or "everything"


@dataclass(frozen=True, slots=True, eq=False)
class Or(Filter):
    """Some child holds; never true without children."""

    children: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _seal_children(self, self.children)

    def __reduce__(self) -> tuple[type[Or], tuple[tuple[Filter, ...]]]:
        return Or, (self.children,)

    def __str__(self) -> str:
        return " or ".join(map(_nested, self.children)) or "nothing"


@dataclass(frozen=True, slots=True, eq=False)
class Not(Filter):
    """The child does not hold."""

    child: Filter

    def __post_init__(self) -> None:
        # Above a leaf it adds no weight, as in "!=": the canonical form has a Not for each leaf.
        _seal_children(self, (self.child,), weight=0 if isinstance(self.child, Comparison | In) else 1)

    def __reduce__(self) -> tuple[type[Not], tuple[Filter]]:
        return Not, (self.child,)

    def __str__(self) -> str:
        match self.child:
            case Comparison(field, Operator.EQ, value):
                return f"{field} != {show(value)}"
            case In(field, values):
                return f"{field} not in {show_many(values)}"
        return f"not ({self.child})"


def _seal_children(node: Filter, children: object, weight: int = 1) -> None:
    if not isinstance(children, tuple):
        raise FilterError(f"{type(node).__name__} takes a tuple of filters, not {kind_of(children)}", "conditions")
    depth, size = 0, weight
    for index, child in enumerate(children):
        if not isinstance(child, Filter):
            raise FilterError(f"a filter belongs here, not {kind_of(child)}", f"conditions[{index}]")
        depth, size = max(depth, child.depth), size + child.size
    node._seal(children, depth + 1, size)


def _operands(filter: Filter, logic: type[And | Or]) -> Iterable[Filter]:
    """What joins a chain of the same logic: ``a & b & c`` is one And of three, however long."""
    if not isinstance(filter, Filter):
        raise TypeError(f"filters combine with filters, not with {kind_of(filter)}")
    return filter.children if isinstance(filter, And | Or) and type(filter) is logic else (filter,)


def _check_field(field: object) -> None:
    if not isinstance(field, Field):
        raise FilterError(f"a Field belongs here, not {kind_of(field)}", "field")


def _check_field_value(field: Field, given: object, frozen: Value, place: str) -> None:
    if given is None:
        return
    if field.is_text and not isinstance(given, str):
        raise FilterError(f"'{field}' is compared with a string or null, not {kind_of(given)}", place)
    if field.is_time and not (isinstance(frozen, str) and parse_instant(frozen) is not None):
        raise FilterError(f"'{field}' is compared with a datetime or an ISO 8601 string, not {kind_of(given)}", place)


def _check_orderable(field: Field, value: Value) -> None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return
    if field.is_text:
        raise FilterError(f"'{field}' has no order: only == != in and 'not in' apply", "operator")
    if not isinstance(value, str):
        raise FilterError(f"{kind_of(thaw(value))} has no order: only numbers and times do", "value")
    if parse_instant(value) is None:
        raise FilterError("a string that is no ISO 8601 time has no order", "value")


def _nested(child: Filter) -> str:
    return f"({child})" if isinstance(child, And | Or) else str(child)


TRUE: Final = And(())
"""The filter that every memory matches."""
FALSE: Final = Or(())
"""The filter that no memory matches."""
