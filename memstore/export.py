"""Memories as JSON Lines: a header, then one record a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from haystack.dataclasses import ChatRole

from memstore.arguments import check_memory_text, checked_metadata
from memstore.errors import InvalidMemoryError, ScopeError
from memstore.filters.instants import parse_instant
from memstore.json_values import check_text
from memstore.memory import SCOPE_FIELDS, Memory, Scope, check_memory_id, utc

HEADER: Final = {"format": "memstore", "version": 1}
"""The first line."""
FIRST_LINE: Final = 2
"""The line of the first memory."""

_ENDS_OF_LINES: Final = re.compile("[\x85\u2028\u2029]")
_ROLES: Final = frozenset(role.value for role in ChatRole)
_REQUIRED: Final = frozenset({"id", "text", "created_at", "updated_at"})
_FIELDS: Final = frozenset(Memory.__slots__)
_LARGEST_VERSION: Final = 2**63 - 1


def to_line(content: dict[str, Any]) -> str:
    """The header, or a memory's `to_dict`, as a line.

    `str.splitlines` ends lines at these three characters too, so they are escaped; the others JSON escapes itself.
    """
    text = json.dumps(content, ensure_ascii=False)
    return (text if text.isascii() else _ENDS_OF_LINES.sub(lambda end: f"\\u{ord(end[0]):04x}", text)) + "\n"


def to_lines(memories: Iterable[Memory]) -> Iterator[str]:
    """What `from_lines` reads."""
    yield to_line(HEADER)
    for memory in memories:
        yield to_line(memory.to_dict())


def from_lines(lines: Iterable[str]) -> Iterator[Memory]:
    """The memories of an export, each checked as an add would check it.

    Raises:
        TypeError: `lines` is a single string, or nothing that has lines.
        InvalidMemoryError: on reading, a line that is malformed; the message names it and quotes nothing.
    """
    if isinstance(lines, str | bytes) or not isinstance(lines, Iterable):
        raise TypeError(f"lines is a text file or a list of lines, not of type {type(lines).__name__}")
    return _read(lines)


def within(memories: Iterable[Memory], scope: Scope) -> Iterator[Memory]:
    """The same memories, of which none is outside of a scope.

    Raises:
        ScopeError: on reading, one is; the message names its line.
    """
    for number, memory in enumerate(memories, start=FIRST_LINE):
        if not scope.ids.items() <= memory.ids.items():
            raise ScopeError(
                f"line {number}: the memory does not belong to {', '.join(scope.ids)}, which is bound here"
            )
        yield memory


def _read(lines: Iterable[str]) -> Iterator[Memory]:
    numbered = enumerate(lines, start=1)
    number, header = next(numbered, (1, ""))
    if _parsed(number, header) != HEADER:
        raise InvalidMemoryError(f"line 1: not the header of an export, {json.dumps(HEADER)}")
    for number, line in numbered:
        if not _is_blank(line):
            yield _memory(number, _parsed(number, line))
            continue
        if not all(_is_blank(rest) for _, rest in numbered):
            raise InvalidMemoryError(f"line {number}: blank, with memories behind it")


def _is_blank(line: object) -> bool:
    return isinstance(line, str) and not line.strip()


def _parsed(number: int, line: object) -> dict[str, Any]:
    if not isinstance(line, str):
        raise InvalidMemoryError(f"line {number}: text belongs here, not {type(line).__name__}; open the file as text")
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):  # its own message quotes nothing, but names a line of its own
        raise InvalidMemoryError(f"line {number}: not JSON") from None
    if not isinstance(content, dict):
        raise InvalidMemoryError(f"line {number}: an object belongs here")
    return content


def _memory(number: int, record: dict[str, Any]) -> Memory:
    try:
        return _checked_memory(record)
    except (InvalidMemoryError, ScopeError) as error:
        raise InvalidMemoryError(f"line {number}: {error}") from None


def _checked_memory(record: dict[str, Any]) -> Memory:
    if missing := sorted(_REQUIRED - record.keys()):
        raise InvalidMemoryError(f"{', '.join(missing)}: missing")
    if not record.keys() <= _FIELDS:
        raise InvalidMemoryError("a field that no memory has")
    check_memory_id(record["id"], "id")
    check_memory_text(record["text"], "text")
    role, name, version = record.get("role", "user"), record.get("name"), record.get("version", 1)
    if not isinstance(role, str) or role not in _ROLES:
        raise InvalidMemoryError(f"role: one of {', '.join(sorted(_ROLES))}")
    if name is not None:
        if not isinstance(name, str):
            raise InvalidMemoryError(f"name: a string, not of type {type(name).__name__}")
        check_text(name, "name")
    if type(version) is not int or not 1 <= version <= _LARGEST_VERSION:
        raise InvalidMemoryError("version: an integer from 1 on")
    scope = Scope(*(record.get(field) for field in SCOPE_FIELDS))
    if not scope:
        raise InvalidMemoryError(f"a memory has at least one of {', '.join(SCOPE_FIELDS)}")
    return Memory(
        record["id"],
        record["text"],
        role,
        name,
        *scope.values,
        checked_metadata(record.get("meta", {}), "meta"),
        created_at=_moment(record["created_at"], "created_at"),
        updated_at=_moment(record["updated_at"], "updated_at"),
        expires_at=None if record.get("expires_at") is None else _moment(record["expires_at"], "expires_at"),
        version=version,
    )


def _moment(text: object, place: str) -> datetime:
    if isinstance(text, str) and parse_instant(text) is not None:
        try:
            return utc(datetime.fromisoformat(text))
        except ValueError as error:
            raise InvalidMemoryError(f"{place}: {error}") from None
    raise InvalidMemoryError(f"{place}: an ISO 8601 time belongs here")
