"""Filters as fast predicates: the same meaning as `evaluate`, decided once instead of per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from memstore.filters.evaluate import ORDER, Record, equality_key, order_key
from memstore.filters.nodes import And, Comparison, Field, Filter, In, Not, Operator, Or, Value

Predicate: TypeAlias = Callable[[Any], bool]
_Reader: TypeAlias = Callable[[Any], Any]

_NUMBERS = (int, float)


@lru_cache(maxsize=256)
def compile_filter(filter: Filter) -> Callable[[Record], bool]:
    """A predicate that answers what `matches` answers, for memories and for mappings.

    About twenty times faster than walking the nodes. It is remembered, since agents repeat filters.
    """
    by_attribute = _compile(filter, _attribute_reader)
    by_key = _compile(filter, _key_reader)

    def predicate(record: Record) -> bool:
        return by_key(record) if _is_mapping(record.__class__) else by_attribute(record)

    return predicate


@lru_cache(maxsize=64)
def _is_mapping(kind: type) -> bool:
    """Remembered, because asking an abstract class costs more than the rest of a predicate."""
    return issubclass(kind, Mapping)


def _compile(filter: Filter, reader: Callable[[Field], _Reader]) -> Predicate:
    match filter:
        case And(children):
            return _every([_compile(child, reader) for child in children])
        case Or(children):
            return _some([_compile(child, reader) for child in children])
        case Not(child):
            return _negated(_compile(child, reader))
        case In(field, values):
            return _among(reader(field), field, values)
        case Comparison(field, Operator.EQ, value):
            return _equal(reader(field), field, value)
        case Comparison(field, operator, value):
            return _ordered(reader(field), operator, value)
    raise TypeError(f"a filter belongs here, not {type(filter).__name__}")


def _every(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 2:
        first, second = predicates
        return lambda record: first(record) and second(record)

    def every(record: Any) -> bool:
        for predicate in predicates:  # noqa: SIM110  # all() makes a generator for each record
            if not predicate(record):
                return False
        return True

    return every


def _some(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 2:
        first, second = predicates
        return lambda record: first(record) or second(record)

    def some(record: Any) -> bool:
        for predicate in predicates:  # noqa: SIM110  # any() makes a generator for each record
            if predicate(record):
                return True
        return False

    return some


def _negated(predicate: Predicate) -> Predicate:
    return lambda record: not predicate(record)


def _equal(read: _Reader, field: Field, value: Value) -> Predicate:
    if value is None or isinstance(value, bool):
        return lambda record: read(record) is value
    if isinstance(value, str) and equality_key(field, value) == value:
        return lambda record: read(record) == value  # no time: only the same string equals it
    if isinstance(value, int | float):

        def equal_number(record: Any) -> bool:
            found = read(record)
            return found == value and _is_number(found)

        return equal_number

    key = equality_key(field, value)
    return lambda record: equality_key(field, read(record)) == key


def _is_number(found: Any) -> bool:
    """No boolean. The class itself is looked at first, since subclasses of numbers are rare."""
    kind = found.__class__
    return kind in _NUMBERS or (kind is not bool and isinstance(found, _NUMBERS))


def _among(read: _Reader, field: Field, values: tuple[Value, ...]) -> Predicate:
    keys = frozenset(equality_key(field, value) for value in values)
    return lambda record: equality_key(field, read(record)) in keys


def _ordered(read: _Reader, operator: Operator, value: Value) -> Predicate:
    key, compare = order_key(value), ORDER[operator]
    if key is None:  # ordering against null never matches
        return lambda record: False
    kind, bound = key
    if kind == "number":

        def ordered_number(record: Any) -> bool:
            found = read(record)
            return _is_number(found) and compare(found, bound)

        return ordered_number

    def ordered(record: Any) -> bool:
        found = order_key(read(record))
        return found is not None and found[0] == kind and compare(found[1], bound)

    return ordered


def _attribute_reader(field: Field) -> _Reader:
    head, *keys = field.path
    if not keys:
        return attrgetter(head)
    if len(keys) == 1:
        key = keys[0]
        return lambda record: record.meta.get(key)
    return lambda record: _walk(record.meta, keys)


def _key_reader(field: Field) -> _Reader:
    head, *keys = field.path
    if not keys:
        return lambda record: record.get(head)
    return lambda record: _walk(record.get(head), keys)


def _walk(value: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
