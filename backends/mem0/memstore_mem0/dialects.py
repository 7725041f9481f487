"""What Mem0's two filter dialects share: ``AND``, ``OR`` and ``NOT``, and operators written as words.

The dialects themselves are `memstore_mem0.platform.filters` and `memstore_mem0.oss.filters`; they say
what a leaf looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard

from memstore.errors import FilterError
from memstore.filters import (
    FALSE,
    MAX_DEPTH,
    MAX_SIZE,
    TRUE,
    And,
    Comparison,
    Field,
    Filter,
    In,
    Leaf,
    Not,
    Operator,
    Or,
)
from memstore.filters.values import Value, kind_of

LOGIC: Final = ("AND", "OR", "NOT")
ORDERS: Final = {"gt": Operator.GT, "gte": Operator.GE, "lt": Operator.LT, "lte": Operator.LE}
ORDER_WORDS: Final = {operator: word for word, operator in ORDERS.items()}

Said: TypeAlias = dict[str, Any]
"""A filter, or a part of one, as Mem0 takes it."""

_DEEPEST: Final = MAX_DEPTH + 4  # what is written beside and below the deepest filter: a scope, an OR, a NOT


@dataclass(frozen=True, slots=True)
class Writer:
    """How a dialect writes what is not the same in both.

    Attributes:
        leaf: a comparison; constants are told apart before.
        constant: the condition that always holds, or the one that never does.
        conjunction: two or more conditions that must all hold.
    """

    leaf: Callable[[Leaf], Said]
    constant: Callable[[bool], Said]
    conjunction: Callable[[list[Said]], Said] = lambda parts: {"AND": parts}


def write(filter: Filter, writer: Writer) -> Said:
    """The filter as a dialect has it.

    Negation is always a ``NOT`` of one condition: over several, Mem0 and Haystack read it differently.

    Raises:
        FilterError: the dialect cannot say a part of it; `place` is where `memstore.filters.serialize` writes the part.
    """
    match filter:
        case And(children):
            parts = [_write_at(index, child, writer) for index, child in enumerate(children)]
            return _joined(parts, writer.conjunction) if parts else writer.constant(True)
        case Or(children):
            parts = [_write_at(index, child, writer) for index, child in enumerate(children)]
            return one_of(parts) if parts else writer.constant(False)
        case Not((Comparison(_, Operator.EQ) | In()) as leaf):  # `!=` and `not in`: one condition there
            return opposite(write(leaf, writer))
        case Not(child):
            return opposite(_write_at(0, child, writer))
        case In(_, ()):
            return writer.constant(False)
        case Comparison(_, operator, None) if operator is not Operator.EQ:
            return writer.constant(False)  # ordering by null never holds
        case Comparison() | In():
            return writer.leaf(filter)
    raise TypeError(f"a filter belongs here, not {type(filter).__name__}")


def _write_at(index: int, child: Filter, writer: Writer) -> Said:
    try:
        return write(child, writer)
    except FilterError as error:
        raise error.within(f"conditions[{index}]") from None


def one_of(parts: list[Said]) -> Said:
    """At least one condition holds, of one or more."""
    return _joined(parts, lambda several: {"OR": several})


def _joined(parts: list[Said], join: Callable[[list[Said]], Said]) -> Said:
    return parts[0] if len(parts) == 1 else join(parts)


def opposite(said: Said) -> Said:
    """The condition does not hold."""
    match said:
        case {"NOT": [condition]} if len(said) == 1:
            return {**condition}
    return {"NOT": [said]}


def equalities(leaf: Leaf) -> list[tuple[str, Value]] | None:
    """The values that a leaf asks for, each with its place; None when it asks for an order."""
    match leaf:
        case Comparison(_, Operator.EQ, value):
            return [("value", value)]
        case In(_, values):
            return [(f"value[{index}]", value) for index, value in enumerate(values)]
    return None


def is_scalar(value: object) -> TypeGuard[str | int | float]:
    """Whether it is a string, a number or a boolean, which is all that Mem0's equality is documented for."""
    return isinstance(value, str | int | float)


@dataclass(frozen=True, slots=True)
class Reader:
    """How a dialect reads what is not the same in both.

    Attributes:
        condition: what a key that is no logic says.
        drops_or: whether an ``OR`` beside an ``AND`` is lost there, and so is refused here.
    """

    condition: Callable[[str, Any], Filter]
    drops_or: bool


def read(filters: object, reader: Reader) -> Filter:
    """The filter that an object of the dialect says; its keys are joined by AND.

    Raises:
        FilterError: it is malformed, or says what no filter of ours does; `place` is a path into the object.
    """
    return _read(filters, reader, 1, _Budget())


class _Budget:
    """How many objects may still be read: where objects share parts, a small one is endless."""

    def __init__(self) -> None:
        self.left = 4 * MAX_SIZE  # what Mem0 takes a NOT or an OR for is one condition of ours

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise FilterError(f"more than {MAX_SIZE:,} conditions and values")


def _read(node: object, reader: Reader, depth: int, budget: _Budget) -> Filter:
    budget.spend()
    if not isinstance(node, Mapping):
        raise FilterError(f"an object with conditions belongs here, not {kind_of(node)}")
    if depth > _DEEPEST:
        raise FilterError(f"nested more than {MAX_DEPTH} levels deep")
    if not node:
        raise FilterError("an object needs at least one condition")
    if reader.drops_or and "AND" in node and "OR" in node:
        raise FilterError("the OR beside an AND is dropped by Mem0: write it as one of the AND's conditions")
    parts = []
    for key, value in node.items():
        if not isinstance(key, str):
            raise FilterError(f"keys are strings, not {kind_of(key)}")
        parts.append(_logic(key, value, reader, depth, budget) if key in LOGIC else reader.condition(key, value))
    return all_of(parts)


def _logic(key: str, value: object, reader: Reader, depth: int, budget: _Budget) -> Filter:
    if not isinstance(value, list) or not value:
        raise FilterError("takes a list of one or more objects", key)
    if key == "NOT" and len(value) > 1:
        raise FilterError("over several conditions means different things to different readers: give it one", key)
    parts = []
    for index, item in enumerate(value):
        try:
            parts.append(_read(item, reader, depth + 1, budget))
        except FilterError as error:
            raise error.within(f"{key}[{index}]") from None
    if key == "AND":
        return all_of(parts)
    return any_of(parts) if key == "OR" else _negation(parts[0])


def all_of(parts: Iterable[Filter]) -> Filter:
    """Every part holds; what always holds is left out, as the scope that `write` may have needed."""
    match children := tuple(part for part in parts if part != TRUE):
        case (Not(Comparison(field, Operator.EQ, None)), Comparison(same, Operator.EQ, None)) if field == same:
            return FALSE
        case (child,):
            return child
    return And(children)


def any_of(parts: Iterable[Filter]) -> Filter:
    """Some part holds; equalities of one field are one In, as they were before `write` took it apart."""
    match children := tuple(parts):
        case (Not(Comparison(field, Operator.EQ, None)), Comparison(same, Operator.EQ, None)) if field == same:
            return TRUE
        case (child,):
            return child
    if values := _values_of_one_field(children):
        return In(*values)
    return Or(children)


def _values_of_one_field(children: Iterable[Filter]) -> tuple[Field, tuple[Value, ...]] | None:
    fields: set[Field] = set()
    values: list[Value] = []
    for child in children:
        match child:
            case Comparison(field, Operator.EQ, value):
                values.append(value)
            case In(field, several):
                values.extend(several)
            case _:
                return None
        fields.add(field)
    return (fields.pop(), tuple(values)) if len(fields) == 1 else None


def _negation(filter: Filter) -> Filter:
    return filter.child if isinstance(filter, Not) else Not(filter)


def metadata_field(name: object) -> Field:
    """The key of metadata that a dialect calls `name`."""
    if not isinstance(name, str):
        raise FilterError(f"keys are strings, not {kind_of(name)}")
    try:
        return Field(("meta", name))
    except FilterError as error:
        raise FilterError(error.reason) from None


def compare(field: Field, operators: object, allowed: tuple[str, ...], check: Callable[[Any], None]) -> Filter:
    """What an object of operators says of a field; several are joined by AND.

    Args:
        field: what they are about.
        operators: the object.
        allowed: the operators that the dialect has here.
        check: raises for an operand that it does not have here.
    """
    if not isinstance(operators, Mapping) or not operators:
        raise FilterError(f"an operator belongs here, one of {', '.join(allowed)}")
    parts = []
    for operator, operand in operators.items():
        if operator not in allowed:
            raise FilterError(f"has an operator that is none of {', '.join(allowed)}")
        try:
            parts.append(_compare(field, operator, operand, check))
        except FilterError as error:
            raise FilterError(error.reason, operator + error.place) from None
    return all_of(parts)


def _compare(field: Field, operator: str, operand: Any, check: Callable[[Any], None]) -> Filter:
    if operator in ("in", "nin"):
        among = _among(field, operand, check)
        return among if operator == "in" else Not(among)
    equal = equality(field, operand, check) if operator in ("eq", "ne") else None
    if equal is not None:
        return equal if operator == "eq" else Not(equal)
    check(operand)
    return _placed(lambda: Comparison(field, ORDERS[operator], operand))


def _among(field: Field, operand: object, check: Callable[[Any], None]) -> Filter:
    if not isinstance(operand, list):
        raise FilterError(f"takes a list, not {kind_of(operand)}")
    for index, item in enumerate(operand):
        try:
            check(item)
        except FilterError as error:
            raise FilterError(error.reason, f"[{index}]") from None
    return _placed(lambda: In(field, tuple(operand)))


def equality(field: Field, value: Any, check: Callable[[Any], None]) -> Filter:
    """What a bare value says."""
    check(value)
    return _placed(lambda: Comparison(field, Operator.EQ, value))


def _placed(make: Callable[[], Filter]) -> Filter:
    """A node's own errors, seen from the operator: ``value[2]`` of a Haystack condition is ``[2]`` here."""
    try:
        return make()
    except FilterError as error:
        _, bracket, index = error.place.partition("[")
        raise FilterError(error.reason, bracket + index) from None
