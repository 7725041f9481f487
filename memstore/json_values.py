"""Metadata as JSON: checked and copied on the way in, copied on the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from memstore.errors import InvalidMemoryError
from memstore.filters.instants import format_instant

MAX_DEPTH: Final = 100
"""How deep lists and objects may nest in metadata."""

_INT64: Final = range(-(2**63), 2**63)


def checked_copy(value: object, place: str, depth: int = 0) -> Any:
    """A deep copy of JSON that a store can keep; datetimes become ISO 8601 strings in UTC, tuples lists.

    Raises:
        InvalidMemoryError: a key that is no string, an integer beyond 64 bits, a number that is not
            finite, U+0000 or a lone surrogate, another type, or nesting beyond `MAX_DEPTH`; the
            message names the place below `place` and never the value.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        check_text(value, place)
        return str.__str__(value)
    if isinstance(value, int):
        if value not in _INT64:
            raise InvalidMemoryError(f"{place}: an integer must fit 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidMemoryError(f"{place}: a number must be finite")
        return float(value)
    if isinstance(value, date):
        try:
            return format_instant(value)
        except OverflowError:
            raise InvalidMemoryError(f"{place}: in UTC this time lies outside the years 1 to 9999") from None
    if depth >= MAX_DEPTH:
        raise InvalidMemoryError(f"{place}: nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return {
            _checked_key(key, place): checked_copy(item, f"{place}[{key!r}]", depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [checked_copy(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value)]
    raise InvalidMemoryError(f"{place}: a value is JSON or a datetime, not of type {type(value).__name__}")


def copy_json(value: Any) -> Any:
    """A deep copy of what `checked_copy` made."""
    if value.__class__ is dict:
        return {key: item if item.__class__ in _ATOMS else copy_json(item) for key, item in value.items()}
    if value.__class__ is list:
        return [item if item.__class__ in _ATOMS else copy_json(item) for item in value]
    return value


def check_text(text: str, place: str) -> None:
    """Refuse what no store can keep.

    Raises:
        InvalidMemoryError: U+0000 or a lone surrogate.
    """
    if "\0" in text:
        raise InvalidMemoryError(f"{place}: the character U+0000 cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidMemoryError(f"{place}: a lone surrogate cannot be stored") from None


_ATOMS: Final = frozenset({str, int, float, bool, type(None)})


def _checked_key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise InvalidMemoryError(f"{place}: keys are strings, not of type {type(key).__name__}")
    check_text(key, f"{place}, a key")
    return str.__str__(key)
