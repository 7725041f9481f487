"""Filters as fast predicates: the same meaning as `evaluate`, decided once instead of per record.

A filter becomes the source of one expression, as `dataclasses` and `namedtuple` make their methods,
so that no call is left for its nodes. Nothing of what a caller wrote is in that source: keys and
values are bound to names of ours, so there is nothing to inject.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from functools import lru_cache, reduce
from typing import Any, Final

from memstore.filters.evaluate import ORDER, Record, equality_key, lookup, matches, order_key
from memstore.filters.fields import EXPIRES_AT, Field
from memstore.filters.instants import instant_of, parse_instant
from memstore.filters.nodes import REMEMBERED_SIZE, And, Comparison, Filter, In, Not, Operator, Or
from memstore.filters.values import Value

_INLINED_KEYS: Final = 2
"""Longer paths are walked by a call: Python bounds how deep parentheses nest."""
_CHUNK: Final = 100
"""Children in one expression: Python's compiler takes far more than twice the time for twice as many."""
_IS_NUMBER: Final = "isinstance(x, NUMBER) and x is not True and x is not False"


def compile_filter(filter: Filter) -> Callable[[Record], bool]:
    """A predicate that answers what `matches` answers, for memories and for mappings.

    Small filters are remembered, since agents repeat them. Conditions on `EXPIRES_AT` are not: the
    moment in them never comes again, so they are evaluated beside what is.
    """
    parts = filter.children if isinstance(filter, And) else (filter,)
    if any(map(_is_passing, parts)):
        rest = tuple(part for part in parts if not _is_passing(part))
        passing = (_compile_passing(part) for part in parts if _is_passing(part))
        return reduce(_both, passing, compile_filter(rest[0] if len(rest) == 1 else And(rest)))
    large = getattr(filter, "size", 0) > REMEMBERED_SIZE  # what is no filter is refused further in
    return _compile(filter) if large else _remembered(filter)


def _is_passing(filter: Filter) -> bool:
    """Whether it is a condition that orders by `EXPIRES_AT`."""
    leaf = filter.child if isinstance(filter, Not) else filter
    return isinstance(leaf, Comparison) and leaf.operator is not Operator.EQ and leaf.field == EXPIRES_AT


def _compile_passing(filter: Filter) -> Callable[[Record], bool]:
    leaf = filter.child if isinstance(filter, Not) else filter
    if not isinstance(leaf, Comparison):
        raise AssertionError("unreachable: nothing else is passing")  # noqa: TRY004  # no value is wrong, the code would be
    order, bound, expected = ORDER[leaf.operator], order_key(leaf.value), leaf is filter

    def predicate(record: Record) -> bool:
        found = order_key(lookup(EXPIRES_AT, record))
        held = found is not None and bound is not None and found[0] == bound[0] and order(found[1], bound[1])
        return held is expected

    return predicate


def _both(others: Callable[[Record], bool], condition: Callable[[Record], bool]) -> Callable[[Record], bool]:
    return lambda record: condition(record) and others(record)


def _compile(filter: Filter) -> Callable[[Record], bool]:
    def by_key(record: Any) -> bool:
        """Most applications evaluate memories only, so this is compiled when the first mapping comes."""
        writer = _Writer('record.get("{}")')
        condition = _expression(filter, writer)
        names["by_key"] = writer.build(f"""\
def predicate(record):
    meta = record.get("meta")
    if not isinstance(meta, Mapping):
        meta = {{}}
    return True if {condition} else False
""")
        return bool(names["by_key"](record))

    writer = _Writer("record.{}")
    names = writer.names
    # Asking an abstract class costs more than the rest of a predicate, so it is asked once for each class.
    names.update(by_key=by_key, FILTER=filter, NO_MAPPINGS=set())
    condition = _expression(filter, writer)
    return writer.build(f"""\
def predicate(record):
    if record.__class__ not in NO_MAPPINGS:
        if isinstance(record, Mapping):
            return by_key(record)
        NO_MAPPINGS.add(record.__class__)
    meta = record.meta
    if meta.__class__ is not dict:
        return matches(FILTER, record)
    return True if {condition} else False
""")


_remembered = lru_cache(maxsize=256)(_compile)


class _Writer:
    """Writes how a field is read, and keeps the functions and values that the source refers to."""

    def __init__(self, own_field: str) -> None:
        self.names: dict[str, Any] = dict(_HELPERS)
        self._own_field = own_field
        self._functions: list[str] = []

    def bind(self, value: object) -> str:
        """A name for a value."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, expression: str) -> str:
        """A call of a new function with this expression."""
        name = f"part{len(self._functions)}"
        self._functions.append(f"def {name}(record, meta):\n    return {expression}\n")
        return f"{name}(record, meta)"

    def build(self, predicate: str) -> Callable[[Record], bool]:
        """The function `predicate`, whose source this is."""
        for source in (*self._functions, predicate):  # one at a time, to keep the compiler's work linear
            exec(source, self.names)  # noqa: S102  # of our own words only, see above
        built: Callable[[Record], bool] = self.names["predicate"]
        return built

    def read(self, field: Field) -> str:
        """An expression for a field's value; it may use `x`."""
        head, *keys = field.path
        if not keys:
            return self._own_field.format(head)  # one of the few names that a Field allows
        if len(keys) > _INLINED_KEYS:
            return f"walk(meta, {self.bind(keys)})"
        read = f"meta.get({self.bind(keys[0])})"
        for key in keys[1:]:
            name = self.bind(key)
            read = f"(x.get({name}) if (x := {read}).__class__ is dict else walk(x, [{name}]))"
        return read


def _expression(filter: Filter, writer: _Writer) -> str:
    match filter:
        case And(children):
            return _joined("and", [_expression(child, writer) for child in children], writer) or "True"
        case Or(children):
            return _joined("or", [_expression(child, writer) for child in children], writer) or "False"
        case Not(child):
            return f"(not {_expression(child, writer)})"
        case In(field, values):
            return _among(field, values, writer)
        case Comparison(field, Operator.EQ, value):
            return _equal(field, value, writer)
        case Comparison(field, operator, value):
            return _ordered(field, operator, value, writer)
    raise TypeError(f"a filter belongs here, not {type(filter).__name__}")


def _joined(logic: str, parts: list[str], writer: _Writer) -> str:
    """The parts with ``and`` or ``or`` between them, in functions of their own when there are many."""
    while len(parts) > _CHUNK:
        chunks = (parts[start : start + _CHUNK] for start in range(0, len(parts), _CHUNK))
        parts = [writer.function(f" {logic} ".join(chunk)) for chunk in chunks]
    return f"({f' {logic} '.join(parts)})" if parts else ""


def _equal(field: Field, value: Value, writer: _Writer) -> str:
    # The type is looked at first: a stored value may compare by raising, or into no boolean at all.
    read = writer.read(field)
    match equality_key(field, value):
        case None | ("boolean", _):
            return f"({read} is {value})"
        case str() as text:
            return f"(isinstance(x := {read}, str) and x == {writer.bind(text)})"
        case int() | float() as number:
            return f"((x := {read}) is not None and {_IS_NUMBER} and x == {writer.bind(number)})"
        case ("instant", instant):
            return f"(instant({read}) == {writer.bind(instant)})"
        case key:
            return f"(equality_key({writer.bind(field)}, {read}) == {writer.bind(key)})"


def _among(field: Field, values: tuple[Value, ...], writer: _Writer) -> str:
    read = writer.read(field)
    keys: frozenset[Hashable] = frozenset(equality_key(field, value) for value in values)
    if all(isinstance(key, str) for key in keys):
        return f"(isinstance(x := {read}, str) and x in {writer.bind(keys)})"
    return f"(equality_key({writer.bind(field)}, {read}) in {writer.bind(keys)})"


def _ordered(field: Field, operator: Operator, value: Value, writer: _Writer) -> str:
    key = order_key(value)
    if key is None:  # ordering against null never matches
        return "False"
    kind, bound = key
    if kind == "number":
        return f"((x := {writer.read(field)}) is not None and {_IS_NUMBER} and x {operator.value} {writer.bind(bound)})"
    return f"((x := instant({writer.read(field)})) is not None and x {operator.value} {writer.bind(bound)})"


def _instant(value: object) -> int | None:
    if isinstance(value, str):
        return parse_instant(value)
    return instant_of(value) if isinstance(value, datetime) else None


def _walk(value: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


_HELPERS: Final[dict[str, Any]] = {
    "Mapping": Mapping,
    "equality_key": equality_key,
    "instant": _instant,
    "NUMBER": (int, float),
    "matches": matches,
    "walk": _walk,
}
