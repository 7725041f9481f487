"""The platform's filter dialect: what it refuses, and what the rest means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mem0_platform.extraction import ENTITIES
from mem0_platform.moments import midnight, read_moment
from mem0_platform.reading import Reading
from mem0_platform.records import Memory

DATES = ("created_at", "updated_at", "timestamp", "expiration_date")
LOGIC = ("AND", "OR", "NOT")
WILDCARD = "*"
WITHOUT_OPERATORS = ("text", "keywords_search")
"""Keys of the closed list for which no operator is documented."""

Predicate = Callable[[Memory], bool]


class RefusedFilterError(ValueError):
    """A filter that the platform answers with 400."""


@dataclass(frozen=True)
class Filter:
    """A filter that was accepted."""

    matches: Predicate
    keys: frozenset[str]
    """The top-level keys it uses anywhere."""


def compile_filter(filters: dict[str, Any], reading: Reading) -> Filter:
    """The meaning of a filter.

    Raises:
        RefusedFilterError: anything outside of the dialect, or no id that narrows.
    """
    try:
        leaves = list(_leaves(filters))
        matches = _object(filters, reading)
    except RecursionError:
        raise RefusedFilterError("filters are nested too deeply") from None
    if not any(_narrows(key, value) for key, value, negated in leaves if not negated):
        raise RefusedFilterError(f"filters must include at least one of {', '.join(ENTITIES)}")
    keys = frozenset(key for key, _, _ in leaves)
    if reading.unmentioned == "null":
        silent = [name for name in ENTITIES if name not in keys]
        return Filter(
            lambda memory: matches(memory) and all(getattr(memory, name) is None for name in silent),
            keys,
        )
    return Filter(matches, keys)


def _effective(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        raise RefusedFilterError("a filter must be an object with at least one key")
    # A known fault of the platform, and the reason never to put logical keys side by side.
    return {key: value for key, value in node.items() if not (key == "OR" and "AND" in node)}


def _conditions(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise RefusedFilterError(f"{key} takes a list of filters")
    return value


def _leaves(node: Any, *, negated: bool = False) -> Iterator[tuple[str, Any, bool]]:
    """Every key with its value, and whether it stands below a NOT."""
    for key, value in _effective(node).items():
        if key in LOGIC:
            for condition in _conditions(key, value):
                yield from _leaves(condition, negated=negated or key == "NOT")
        else:
            yield key, value, negated


def _narrows(key: str, value: Any) -> bool:
    return key in ENTITIES and not (isinstance(value, dict) and value.keys() == {"ne"})


def _object(node: Any, reading: Reading) -> Predicate:
    """An object: its keys are joined by AND."""
    parts = [_key(key, value, reading) for key, value in _effective(node).items()]
    return lambda memory: all(part(memory) for part in parts)


def _key(key: str, value: Any, reading: Reading) -> Predicate:
    if key in LOGIC:
        parts = [_object(condition, reading) for condition in _conditions(key, value)]
        if key == "AND":
            return lambda memory: all(part(memory) for part in parts)
        if key == "OR":
            return lambda memory: any(part(memory) for part in parts)
        if reading.not_of_several == "none of":
            return lambda memory: not any(part(memory) for part in parts)
        return lambda memory: not all(part(memory) for part in parts)
    if key in ENTITIES:
        return _entity(key, value)
    if key in DATES:
        return _date(key, value, reading)
    if key == "metadata":
        return _metadata(value, reading)
    if key == "categories":
        return _categories(value)
    if key == "keywords":
        return _keywords(value)
    if key == "memory_ids":
        wanted = frozenset(_strings(key, _operators(key, value, ("in",))["in"]))
        return lambda memory: memory.id in wanted
    if key in WITHOUT_OPERATORS:
        raise RefusedFilterError(f"unsupported operator for {key}")
    raise RefusedFilterError(f"unsupported filter field: {key}")


def _operators(key: str, value: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise RefusedFilterError(f"{key} takes an operator of {', '.join(allowed)}")
    for operator in value:
        if operator not in allowed:
            raise RefusedFilterError(f"unsupported operator for {key}: {operator}")
    return value


def _string(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise RefusedFilterError(f"{key} takes a non-empty string")
    return value


def _strings(key: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise RefusedFilterError(f"in of {key} takes a list")
    return [_string(key, item) for item in value]


def _entity(key: str, value: Any) -> Predicate:
    if value == WILDCARD:
        return lambda memory: getattr(memory, key) is not None
    if not isinstance(value, dict):
        value = {"eq": value}
    operators = _operators(key, value, ("eq", "ne", "in"))
    parts: list[Callable[[str | None], bool]] = []
    for operator, operand in operators.items():
        wanted = frozenset(_strings(key, operand) if operator == "in" else [_string(key, operand)])
        if operator == "ne":
            parts.append(lambda stored, wanted=wanted: stored not in wanted)
        else:
            parts.append(lambda stored, wanted=wanted: stored in wanted)
    return lambda memory: all(part(getattr(memory, key)) for part in parts)


_ORDERS: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": lambda stored, wanted: stored > wanted,
    "gte": lambda stored, wanted: stored >= wanted,
    "lt": lambda stored, wanted: stored < wanted,
    "lte": lambda stored, wanted: stored <= wanted,
}


def _date(key: str, value: Any, reading: Reading) -> Predicate:
    # Equality is a bare value; an explicit `eq` is refused.
    operators = _operators(key, value, (*_ORDERS, "ne", "in")) if isinstance(value, dict) else {"is": value}
    parts = [_date_part(key, operator, operand, reading) for operator, operand in operators.items()]
    return lambda memory: all(part(_date_of(memory, key)) for part in parts)


def _date_of(memory: Memory, key: str) -> datetime | None:
    if key == "expiration_date":
        return midnight(memory.expiration_date) if memory.expiration_date else None
    return memory.updated_at if key == "updated_at" else memory.created_at


def _date_part(key: str, operator: str, operand: Any, reading: Reading) -> Callable[[datetime | None], bool]:
    if operator == "in":
        if not isinstance(operand, list):
            raise RefusedFilterError(f"in of {key} takes a list")
        moments = [_moment(key, item) for item in operand]
        return lambda stored: stored in moments
    wanted = _moment(key, operand)
    if operator == "is":
        return lambda stored: stored == wanted
    if operator == "ne":
        return lambda stored: stored != wanted if stored is not None else reading.ne_matches_missing
    order = _ORDERS[operator]
    return lambda stored: stored is not None and order(stored, wanted)


def _moment(key: str, value: Any) -> datetime:
    moment = read_moment(value) if isinstance(value, str) or key == "timestamp" else None
    if moment is None:
        raise RefusedFilterError(f"{key} takes dates in ISO 8601")
    return moment


_ABSENT = object()


def _metadata(value: Any, reading: Reading) -> Predicate:
    if not isinstance(value, dict) or not value:
        raise RefusedFilterError("metadata takes an object of names and values")
    parts = [(name, _metadata_part(name, wanted, reading)) for name, wanted in value.items()]
    return lambda memory: all(part((memory.metadata or {}).get(name, _ABSENT)) for name, part in parts)


def _metadata_part(name: str, wanted: Any, reading: Reading) -> Callable[[Any], bool]:
    operators = wanted if isinstance(wanted, dict) else {"eq": wanted}
    parts: list[Callable[[Any], bool]] = []
    for operator, operand in _operators(f"metadata.{name}", operators, ("eq", "ne", "contains")).items():
        if isinstance(operand, dict):
            raise RefusedFilterError(f"metadata.{name} cannot be compared with an object")
        if operator == "eq":
            parts.append(lambda stored, operand=operand: same(stored, operand))
        elif operator == "contains":
            parts.append(lambda stored, operand=operand: _contains(stored, operand))
        else:
            parts.append(
                lambda stored, operand=operand: (
                    reading.ne_matches_missing if stored is _ABSENT else not same(stored, operand)
                )
            )
    return lambda stored: all(part(stored) for part in parts)


def _contains(stored: Any, operand: Any) -> bool:
    if isinstance(stored, list):
        return any(same(item, operand) for item in stored)
    return isinstance(stored, str) and isinstance(operand, str) and operand in stored


def _categories(value: Any) -> Predicate:
    operators = _operators("categories", value, ("in", "contains"))
    any_of = frozenset(_strings("categories", operators["in"])) if "in" in operators else None
    part = _string("categories", operators["contains"]) if "contains" in operators else ""
    return lambda memory: (
        (any_of is None or not any_of.isdisjoint(memory.categories))
        and (not part or any(part in category for category in memory.categories))
    )


def _keywords(value: Any) -> Predicate:
    operators = _operators("keywords", value, ("contains", "icontains"))
    exact = _string("keywords", operators["contains"]) if "contains" in operators else ""
    folded = _string("keywords", operators["icontains"]).casefold() if "icontains" in operators else ""
    return lambda memory: exact in memory.text and folded in memory.text.casefold()


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: a boolean is no number, and null is not a missing value."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other
