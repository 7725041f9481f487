"""Metadata as JSON: checked and copied on the way in, copied on the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

from memstore.errors import InvalidMemoryError
from memstore.filters.instants import format_instant

MAX_DEPTH: Final = 100
"""How deep lists and objects may nest in metadata."""
MAX_SIZE: Final = 100_000
"""How many values one memory's metadata may hold."""

_SHOWN_LENGTH: Final = 60
_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
T = TypeVar("T")

_ATOMS: Final = frozenset({str, int, float, bool, type(None)})
"""Types whose values need no copy."""


def checked_copy(value: Any, place: str) -> Any:
    """A deep copy of JSON that a store can keep; datetimes become ISO 8601 strings in UTC, tuples lists.

    Raises:
        InvalidMemoryError: a key that is no string, an integer beyond 64 bits, a number that is not
            finite, U+0000 or a lone surrogate, another type, or more than `MAX_DEPTH` and
            `MAX_SIZE` allow; the message names the place below `place` and never the value.
    """
    if value.__class__ is dict and _is_plain_object(value):
        return value.copy()
    try:
        return _checked_copy(value, _Room(MAX_DEPTH, MAX_SIZE))
    except _RefusedError as refused:
        raise InvalidMemoryError(f"{place}{''.join(reversed(refused.place))}: {refused.reason}") from None


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
    if reason := _unstorable(text):
        raise InvalidMemoryError(f"{place}: {reason}")


class _RefusedError(Exception):
    """Why a value is refused; its place is put together on the way out, so that good values cost nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place: list[str] = []


class _Room:
    """How much deeper, and how many more values, metadata may go: shared parts make a small value huge."""

    __slots__ = ("depth", "values")

    def __init__(self, depth: int, values: int) -> None:
        self.depth = depth
        self.values = values

    def enter(self, values: int) -> None:
        """Go into a list or an object."""
        self.depth -= 1
        self.values -= values
        if self.depth < 0:
            raise _RefusedError(f"nested more than {MAX_DEPTH} levels deep")
        if self.values < 0:
            raise _RefusedError(f"more than {MAX_SIZE:,} values")

    def leave(self, copied: T) -> T:
        """Come out of it with its copy."""
        self.depth += 1
        return copied


def _checked_copy(value: object, room: _Room) -> Any:
    if isinstance(value, str):
        return _checked_text(value)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _INT64_MAX:
            raise _RefusedError("an integer must fit 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _RefusedError("a number must be finite")
        return float(value)
    if isinstance(value, Mapping):
        return _checked_object(value, room)
    if isinstance(value, list | tuple):
        room.enter(len(value))
        return room.leave([_checked_part(item, index, room) for index, item in enumerate(value)])
    if isinstance(value, date):
        try:
            return format_instant(value)
        except ValueError as error:
            raise _RefusedError(str(error)) from None
    raise _RefusedError(f"a value is JSON or a datetime, not of type {type(value).__name__}")


def _checked_object(value: Mapping[Any, Any], room: _Room) -> dict[str, Any]:
    room.enter(len(value))
    return room.leave({_checked_key(key): _checked_part(item, key, room) for key, item in value.items()})


def _is_plain_object(value: dict[Any, Any]) -> bool:
    """Whether a copy of the outermost object is all there is to do, as for nearly all metadata."""
    for key, item in value.items():
        if key.__class__ is not str or not key.isascii() or "\0" in key:
            return False
        if item.__class__ is str:
            if not item.isascii() or "\0" in item:
                return False
        elif item.__class__ is int:
            if not _INT64_MIN <= item <= _INT64_MAX:
                return False
        elif item is not None and item.__class__ is not bool:
            return False
    return len(value) <= MAX_SIZE


def _checked_key(key: object) -> str:
    if not isinstance(key, str):
        raise _RefusedError(f"keys are strings, not of type {type(key).__name__}")
    return _checked_text(key)


def _checked_part(value: object, key: str | int, room: _Room) -> Any:
    try:
        return _checked_copy(value, room)
    except _RefusedError as refused:
        shown = key if isinstance(key, int) or len(key) <= _SHOWN_LENGTH else f"{key[:_SHOWN_LENGTH]}..."
        refused.place.append(f"[{shown!r}]")
        raise


def _checked_text(text: str) -> str:
    if reason := _unstorable(text):
        raise _RefusedError(reason)
    return str.__str__(text)


def _unstorable(text: str) -> str | None:
    if "\0" in text:
        return "the character U+0000 cannot be stored"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "a lone surrogate cannot be stored"
    return None
