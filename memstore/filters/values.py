"""Filter values: plain JSON made immutable, checked, compared by type and value, and shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias

from memstore.errors import FilterError
from memstore.filters.instants import format_instant

MAX_DEPTH: Final = 100
"""How deep conditions, a field's path or a value may nest."""
MAX_SIZE: Final = 100_000
"""How many conditions and values one filter may hold."""

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_SHOWN_VALUES: Final = 10
_SHOWN_KEY: Final = 60


class JSONObject(tuple[tuple[str, "Value"], ...]):
    """An object as a filter value: its items, sorted by key, so that it hashes."""

    __slots__ = ()


Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | JSONObject | None"


def freeze(value: object, depth: int = 1) -> tuple[Value, int]:
    """The value as immutable JSON, and how many values it holds.

    Raises:
        FilterError: what no store can keep; its `place` is the one below the value.
    """
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
    raise FilterError(f"a value is JSON or a datetime, not {kind_of(value)}")


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
                raise FilterError(f"an object's keys are strings, not {kind_of(key)}")
            check_text(key, "")
        try:
            kept, weight = freeze(item, depth + 1)
        except FilterError as error:
            # Only now: writing places for good values too costs more than freezing them.
            raise FilterError(error.reason, f"[{_show_key(key)}]{error.place}") from None
        size += weight
        if size > MAX_SIZE:
            raise FilterError(f"more than {MAX_SIZE:,} conditions and values")
        frozen.append((key, kept) if isinstance(value, Mapping) else kept)
    return (JSONObject(sorted(frozen, key=lambda pair: pair[0])) if isinstance(value, Mapping) else tuple(frozen)), size


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


def kind_of(value: object) -> str:
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


def show(value: Value) -> str:
    """A value as JSON, for people."""
    return json.dumps(thaw(value), ensure_ascii=False)


def show_many(values: tuple[Value, ...]) -> str:
    """The first of many values, and how many more there are."""
    shown = [show(value) for value in values[:_SHOWN_VALUES]]
    if len(values) > _SHOWN_VALUES:
        shown.append(f"and {len(values) - _SHOWN_VALUES:,} more")
    return f"[{', '.join(shown)}]"


def _show_key(key: str | int) -> str:
    return "..." if isinstance(key, str) and len(key) > _SHOWN_KEY else repr(key)
