"""The fields that filters name: a memory's own, and the keys of its metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from memstore.errors import FilterError
from memstore.filters.values import MAX_DEPTH, check_text, kind_of

TEXT_FIELDS: Final = frozenset({"id", "text", "role", "name", "user_id", "run_id", "agent_id", "app_id"})
"""Fields of a memory that hold a string or null, and compare letter by letter."""
TIME_FIELDS: Final = frozenset({"created_at", "updated_at"})
"""Fields of a memory that hold a time."""

_EXPIRY: Final = "expires_at"
_OWN_FIELDS: Final = TEXT_FIELDS | TIME_FIELDS | {_EXPIRY}
_REMEMBERED_LENGTH: Final = 200
_NAME_PARTS: Final = re.compile(r"\\[.\\]|.", re.DOTALL)


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
        elif keys or head not in _OWN_FIELDS:
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
            raise FilterError(f"a field is named by a string, not {kind_of(name)}", "field")
        return _remembered_field(name) if len(name) <= _REMEMBERED_LENGTH else _parse_field(name)

    @property
    def is_time(self) -> bool:
        """Whether this is one of a memory's own times."""
        return self.path[0] in TIME_FIELDS or self.path[0] == _EXPIRY

    @property
    def is_text(self) -> bool:
        """Whether this is one of a memory's own strings, which never compare as times."""
        return self.path[0] in TEXT_FIELDS

    def __str__(self) -> str:
        return ".".join(key.replace("\\", "\\\\").replace(".", "\\.") for key in self.path)


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


def _check_path(path: object) -> None:
    if not (isinstance(path, tuple) and all(isinstance(key, str) for key in path)):
        raise FilterError("a field's path is a tuple of strings", "field")


EXPIRES_AT: Final = Field((_EXPIRY,))
"""A memory's own time that no caller's filter can name: there ``expires_at`` is a key of metadata.

Stores say with it what has expired. It cannot be serialized.
"""
