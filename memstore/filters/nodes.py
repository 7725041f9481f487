"""The abstract filter: immutable nodes over two-valued logic.

`Comparison` and `In` are the leaves, `And`, `Or` and `Not` the logic; ``!=`` and ``not in`` are
`Not` of a leaf. What a node means is in `evaluate`, how it is written as a Haystack dict in
`haystack`. Nodes hold plain JSON values and check themselves: whoever holds a node holds a filter
that every store can be asked.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

from memstore.errors import FilterError
from memstore.filters.instants import format_instant, parse_instant

MAX_DEPTH: Final = 100
"""How deep conditions, a field's path or a value may nest."""
MAX_SIZE: Final = 100_000
"""How many conditions and values one filter may hold."""

REMEMBERED_SIZE: Final = 1000
"""Up to this size what is made of a filter is remembered, because agents repeat their filters."""

TEXT_FIELDS: Final = frozenset({"id", "text", "role", "name", "user_id", "run_id", "agent_id", "app_id"})
"""Fields of a memory that hold a string or null, and compare letter by letter."""
TIME_FIELDS: Final = frozenset({"created_at", "updated_at"})
"""Fields of a memory that hold a time."""

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_REMEMBERED_LENGTH: Final = 200
_SHOWN_VALUES: Final = 10
_SHOWN_KEY: Final = 60
_NAME_PARTS: Final = re.compile(r"\\[.\\]|.", re.DOTALL)


class JSONObject(tuple[tuple[str, "Value"], ...]):
    """An object as a filter value: its items, sorted by key, so that it hashes."""

    __slots__ = ()


Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | JSONObject | None"


class Operator(StrEnum):
    """What a `Comparison` asks of a field."""

    EQ = "=="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value lives in a memory: ``("user_id",)``, or ``("meta", "address", "city")``."""

    path: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_path(self.path)
        head, *keys = self.path or ("",)
        if head == "meta":
            if not keys or "" in keys:
                raise FilterError("a metadata field needs a key after every dot, as in 'meta.age'", "field")
        elif keys or head not in TEXT_FIELDS | TIME_FIELDS:
            raise FilterError("a field is one of a memory's own, or lies under 'meta'", "field")
        if len(self.path) > MAX_DEPTH:
            raise FilterError(f"more than {MAX_DEPTH} keys deep", "field")
        for key in keys:
            check_text(key, "field")

    @classmethod
    def parse(cls, name: object) -> Field:
        r"""Read ``user_id``, ``age``, ``meta.age``, ``meta.address.city`` or ``meta.a\.b`` (the key "a.b").

        Raises:
            FilterError: the name is no string, or has an empty part.
        """
        if not isinstance(name, str):
            raise FilterError(f"a field is named by a string, not {_kind(name)}", "field")
        return _remembered_field(name) if len(name) <= _REMEMBERED_LENGTH else _parse_field(name)

    @property
    def is_time(self) -> bool:
        """Whether this is one of a memory's own times."""
        return self.path[0] in TIME_FIELDS

    @property
    def is_text(self) -> bool:
        """Whether this is one of a memory's own strings, which never compare as times."""
        return self.path[0] in TEXT_FIELDS

    def __str__(self) -> str:
        return ".".join(key.replace("\\", "\\\\").replace(".", "\\.") for key in self.path)


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
            value, size = _freeze(self.value, 1)
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
        return f"{self.field} {self.operator} {_show(self.value)}"


@dataclass(frozen=True, slots=True, eq=False)
class In(Filter):
    """A field equals one of several values; of none, when there are none."""

    field: Field
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, list | tuple):
            raise FilterError(f"'in' and 'not in' take a list, not {_kind(self.values)}", "value")
        _check_field(self.field)
        frozen, size = [], 0
        for index, value in enumerate(self.values):
            try:
                item, weight = _freeze(value, 1)
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
        return f"{self.field} in {_show_many(self.values)}"


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
                return f"{field} != {_show(value)}"
            case In(field, values):
                return f"{field} not in {_show_many(values)}"
        return f"not ({self.child})"


def identity(value: Value) -> tuple[object, ...]:
    """What two filter values are the same by: 1, 1.0 and True are three values, though Python says equal."""
    if isinstance(value, JSONObject):
        return (JSONObject, *((key, identity(item)) for key, item in value))
    if isinstance(value, tuple):
        return (tuple, *map(identity, value))
    return (type(value), value)


def thaw(value: Value) -> Any:
    """A filter value as plain JSON: lists and dicts again."""
    if isinstance(value, JSONObject):
        return {key: thaw(item) for key, item in value}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


def check_text(text: str, place: str) -> None:
    """Refuse what no store can keep, and so no filter can find.

    Raises:
        FilterError: U+0000 or a lone surrogate.
    """
    if "\0" in text:
        raise FilterError("the character U+0000 cannot be stored or searched for", place)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise FilterError("a lone surrogate cannot be stored or searched for", place) from None


def _parse_field(name: str) -> Field:
    if name in TEXT_FIELDS or name in TIME_FIELDS:
        return Field((name,))
    keys = _split_dots(name)
    return Field(tuple(keys) if keys[0] == "meta" and len(keys) > 1 else ("meta", *keys))


_remembered_field = lru_cache(maxsize=1024)(_parse_field)  # an application names few fields, in every filter


def _split_dots(name: str) -> list[str]:
    r"""The keys of a dotted name; ``\.`` is a dot inside a key and ``\\`` a backslash."""
    if "\\" not in name:
        return name.split(".")
    keys: list[list[str]] = [[]]
    for part in _NAME_PARTS.findall(name):
        if part == ".":
            keys.append([])
        else:
            keys[-1].append(part[-1])
    return ["".join(key) for key in keys]


def _seal_children(node: Filter, children: object, weight: int = 1) -> None:
    if not isinstance(children, tuple):
        raise FilterError(f"{type(node).__name__} takes a tuple of filters, not {_kind(children)}", "conditions")
    depth, size = 0, weight
    for index, child in enumerate(children):
        if not isinstance(child, Filter):
            raise FilterError(f"a filter belongs here, not {_kind(child)}", f"conditions[{index}]")
        depth, size = max(depth, child.depth), size + child.size
    node._seal(children, depth + 1, size)


def _operands(filter: Filter, logic: type[And | Or]) -> Iterable[Filter]:
    """What joins a chain of the same logic: ``a & b & c`` is one And of three, however long."""
    if not isinstance(filter, Filter):
        raise TypeError(f"filters combine with filters, not with {_kind(filter)}")
    return filter.children if isinstance(filter, And | Or) and type(filter) is logic else (filter,)


def _freeze(value: object, depth: int) -> tuple[Value, int]:
    """The value as immutable JSON, and how many values it holds; errors name the place below the value."""
    match value:
        case None | bool():
            return value, 1
        case str():
            text = str.__str__(value)
            check_text(text, "")
            return text, 1
        case int():
            # Not `in range(...)`: for a subclass, such as an IntEnum, that counts through all 2^64.
            if not _INT64_MIN <= value <= _INT64_MAX:
                raise FilterError("an integer must fit 64 bits")
            return int(value), 1
        case float():
            if not math.isfinite(value):
                raise FilterError("a number must be finite")
            return float(value) + 0.0, 1  # -0.0 becomes 0.0: equal values are written alike
        case date():
            return _freeze_time(value), 1
        case list() | tuple() | Mapping():
            return _freeze_container(value, depth)
    raise FilterError(f"a value is JSON or a datetime, not {_kind(value)}")


def _freeze_time(moment: date) -> str:
    try:
        return format_instant(moment)
    except ValueError as error:
        raise FilterError(str(error)) from None


def _freeze_container(value: list[Any] | tuple[Any, ...] | Mapping[Any, Any], depth: int) -> tuple[Value, int]:
    if depth > MAX_DEPTH:
        raise FilterError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, JSONObject):
        value = dict(value)
    size = 1
    frozen: list[Any] = []
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(value, Mapping):
            if not isinstance(key, str):
                raise FilterError(f"an object's keys are strings, not {_kind(key)}")
            check_text(key, "")
        try:
            kept, weight = _freeze(item, depth + 1)
        except FilterError as error:
            # Only now: writing places for good values too costs more than freezing them.
            raise FilterError(error.reason, f"[{_show_key(key)}]{error.place}") from None
        size += weight
        if size > MAX_SIZE:
            raise FilterError(f"more than {MAX_SIZE:,} conditions and values")
        frozen.append((key, kept) if isinstance(value, Mapping) else kept)
    return (JSONObject(sorted(frozen, key=lambda pair: pair[0])) if isinstance(value, Mapping) else tuple(frozen)), size


def _check_path(path: object) -> None:
    if not (isinstance(path, tuple) and all(isinstance(key, str) for key in path)):
        raise FilterError("a field's path is a tuple of strings", "field")


def _check_field(field: object) -> None:
    if not isinstance(field, Field):
        raise FilterError(f"a Field belongs here, not {_kind(field)}", "field")


def _check_field_value(field: Field, given: object, frozen: Value, place: str) -> None:
    if given is None:
        return
    if field.is_text and not isinstance(given, str):
        raise FilterError(f"'{field}' is compared with a string or null, not {_kind(given)}", place)
    if field.is_time and not (isinstance(frozen, str) and parse_instant(frozen) is not None):
        raise FilterError(f"'{field}' is compared with a datetime or an ISO 8601 string, not {_kind(given)}", place)


def _check_orderable(field: Field, value: Value) -> None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return
    if field.is_text:
        raise FilterError(f"'{field}' has no order: only == != in and 'not in' apply", "operator")
    if not isinstance(value, str):
        raise FilterError(f"{_kind(value)} has no order: only numbers and times do", "value")
    if parse_instant(value) is None:
        raise FilterError("a string that is no ISO 8601 time has no order", "value")


def _kind(value: object) -> str:
    """A value's type in words. Never the value: it may be a secret."""
    names = {
        type(None): "null",
        bool: "a boolean",
        str: "a string",
        dict: "an object",
        list: "a list",
        tuple: "a tuple",
    }
    if isinstance(value, JSONObject):
        return "an object"
    return names.get(type(value), f"a value of type {type(value).__name__}")


def _nested(child: Filter) -> str:
    return f"({child})" if isinstance(child, And | Or) else str(child)


def _show_key(key: str | int) -> str:
    return "..." if isinstance(key, str) and len(key) > _SHOWN_KEY else repr(key)


def _show(value: Value) -> str:
    return json.dumps(thaw(value), ensure_ascii=False)


def _show_many(values: tuple[Value, ...]) -> str:
    shown = [_show(value) for value in values[:_SHOWN_VALUES]]
    if len(values) > _SHOWN_VALUES:
        shown.append(f"and {len(values) - _SHOWN_VALUES:,} more")
    return f"[{', '.join(shown)}]"


TRUE: Final = And(())
"""The filter that every memory matches."""
FALSE: Final = Or(())
"""The filter that no memory matches."""
