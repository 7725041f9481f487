"""The filter dialect of Mem0's platform: the way there, the way back, and what may be pushed.

The rules are those of Mem0's documentation and OpenAPI description; where a rule was seen and not
documented, its comment says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from memstore.errors import FilterError
from memstore.filters import Comparison, Field, Filter, FilterSupport, In, Leaf, Operator
from memstore.filters.instants import parse_instant
from memstore.filters.nodes import REMEMBERED_SIZE
from memstore.filters.values import Value, kind_of, thaw
from memstore_mem0.dialects import (
    LOGIC,
    ORDER_WORDS,
    ORDERS,
    Reader,
    Said,
    Writer,
    all_of,
    compare,
    equalities,
    equality,
    is_scalar,
    metadata_field,
    one_of,
    opposite,
    read,
    write,
)
from memstore_mem0.platform.reserved import MIRRORED, RESERVED, given_name, stored_name

ENTITIES: Final = ("user_id", "agent_id", "app_id", "run_id")
_WILDCARD: Final = "*"  # any value but null
_DATES: Final = ("created_at", "updated_at")
_UNSAYABLE: Final = ("timestamp", "expiration_date", "text", "categories", "keywords", "keywords_search")
_KEYS: Final = (*LOGIC, *ENTITIES, *_DATES, *_UNSAYABLE, "metadata", "memory_ids")  # all else is a 400
_OPERATORS: Final = (*ORDERS, "eq", "ne", "in", "nin", "contains", "icontains")
_WORDS: Final = frozenset(word.lower() for word in (*_KEYS, *_OPERATORS))


def to_platform(filter: Filter) -> dict[str, Any]:
    """The whole filter in the platform's dialect, which refuses a filter that names no entity at all.

    It means the same where an entity that is not mentioned is free, as the documentation has it now.
    What is pushed (`pushed_filters`) does not rely on that.

    Raises:
        FilterError: the dialect cannot say it; `place` is a path into what `memstore.filters.serialize` writes.
    """
    said = write(filter, _WRITER)
    if any(_named(said)):
        return said
    return {"AND": [_constant(True), *_conditions(said)]}


def from_platform(filters: Mapping[str, Any]) -> Filter:
    """The filter that an object of the platform's dialect says; ``from_platform(to_platform(f))`` means `f`.

    Raises:
        FilterError: the platform would refuse it, or it says what no filter of ours does; `place` is a
            path into the object.
    """
    return read(filters, Reader(_read_condition, drops_or=True))


def pushed_filters(native: Filter) -> dict[str, Any]:
    """What the store sends for the native part of a filter.

    A condition on a mirrored id also holds by its mirror. Every entity is mentioned: older
    documentation has it, and some users report, that one that is not must be null.
    """
    return dict(_remembered(native) if native.size <= REMEMBERED_SIZE else _pushed(native))


def _pushed(native: Filter) -> dict[str, Any]:
    said = write(native, _PUSHING)
    named = frozenset(_named(said))
    mentions = [_constant(True, entity) for entity in ENTITIES if entity not in named]
    return {"AND": [*_conditions(said), *mentions]}


_remembered = lru_cache(maxsize=256)(_pushed)  # agents repeat their filters


def _conditions(said: Said) -> list[Said]:
    return [*said["AND"]] if "AND" in said else [said]


def _named(said: Said) -> Iterator[str]:
    """The entities that are named outside of a ``NOT``; the platform wants one, and "*" will do."""
    for key, value in said.items():
        if key in ("AND", "OR"):
            for condition in value:
                yield from _named(condition)
        elif key in ENTITIES:
            yield key


def _constant(holds: bool, entity: str = "user_id") -> Said:
    """The entity is set, or (and) it is not: the dialect has no constants."""
    parts = [_is_set(entity), opposite(_is_set(entity))]
    return {"OR" if holds else "AND": parts}


def _is_set(entity: str) -> Said:
    return {entity: _WILDCARD}


def _leaf(leaf: Leaf) -> Said:
    match leaf.field.path:
        case (name,) if name in ENTITIES:
            return _entity(name, leaf)
        case (name,) if name in _DATES:
            return _date(name, leaf)
        case ("id",):
            return {"memory_ids": {"in": [_text(value, place, leaf.field) for place, value in _wanted(leaf)]}}
        case ("meta", name):
            return one_of([{"metadata": {stored_name(name): value}} for value in _metadata_values(leaf)])
        case ("meta", *_):
            raise FilterError(f"the platform has one level of metadata: {leaf.field} is nested", "field")
    raise FilterError(
        f"the platform cannot filter by '{leaf.field}': it can by {', '.join(ENTITIES)}, id, "
        f"{', '.join(_DATES)} and metadata",
        "field",
    )


def _wanted(leaf: Leaf) -> list[tuple[str, Value]]:
    return equalities(leaf) or []  # strings have no order: `write` has told apart the one with null


def _entity(name: str, leaf: Leaf) -> Said:
    wanted = _wanted(leaf)
    ids = [_text(value, place, leaf.field) for place, value in wanted if value is not None]
    parts: list[Said] = [{name: ids[0] if len(ids) == 1 else {"in": ids}}] if ids else []
    if len(ids) < len(wanted):
        parts.append(opposite(_is_set(name)))
    return one_of(parts)


def _text(value: Value, place: str, field: Field) -> str:
    if not isinstance(value, str):
        raise FilterError(f"the platform has no null for '{field}': ask for a string", place)
    _check_id(value, place)
    return value


def _check_id(value: object, place: str = "") -> None:
    if not isinstance(value, str):
        raise FilterError(f"takes a string, not {kind_of(value)}; null is NOT of '*'", place)
    if not value:
        raise FilterError("the platform refuses an empty string: ask for an id", place)
    if value == _WILDCARD:
        raise FilterError("an id of '*' cannot be said: the platform takes it for any id", place)


def _date(name: str, leaf: Leaf) -> Said:
    for place, value in equalities(leaf) or []:
        if value is None:
            raise FilterError(f"the platform has no null for '{name}', which is always set: ask for a time", place)
    match leaf:
        case Comparison(_, Operator.EQ, value) | In(_, (value,)):
            return {name: value}  # an explicit `eq` is refused
        case In(_, values):
            return {name: {"in": [*values]}}
        case Comparison(_, operator, value):
            return {name: {ORDER_WORDS[operator]: value}}


def _metadata_values(leaf: Leaf) -> list[str | int | float]:
    """What a key of metadata may equal: the platform has no `in`, and no order, there."""
    wanted = equalities(leaf)
    if wanted is None:
        raise FilterError(
            f"the platform has no order in metadata: compare {leaf.field} with ==, !=, in or 'not in'", "operator"
        )
    values = []
    for place, value in wanted:
        if not is_scalar(value):
            raise FilterError(
                f"the platform compares metadata with a string, a number or a boolean: {leaf.field} cannot be "
                f"compared with {kind_of(thaw(value))}",
                place,
            )
        values.append(value)
    return values


def _mirrored_leaf(leaf: Leaf) -> Said:
    said = _leaf(leaf)
    match leaf.field.path:
        case (name,) if name in MIRRORED:
            ids = [_text(value, place, leaf.field) for place, value in _wanted(leaf)]
            return {"OR": [said, *({"metadata": {MIRRORED[name]: id}} for id in ids)]}
    return said


_WRITER: Final = Writer(leaf=_leaf, constant=_constant)
_PUSHING: Final = Writer(leaf=_mirrored_leaf, constant=_constant)


def _read_condition(key: str, value: Any) -> Filter:
    if key not in _KEYS:
        raise FilterError(f"has a key that is none of {', '.join(_KEYS)}; keys of metadata go under 'metadata'")
    if key in _UNSAYABLE:
        raise FilterError("no filter of memstore can say this", key)
    try:
        if key == "metadata":
            return _read_metadata(value)
        if key in ENTITIES:
            return _read_entity(Field((key,)), value)
        if key == "memory_ids":
            return compare(Field(("id",)), value, ("in",), _check_id)
        return _read_date(Field((key,)), value)
    except FilterError as error:
        raise error.within(key) from None


def _read_entity(field: Field, value: object) -> Filter:
    if value == _WILDCARD:
        return ~Comparison(field, Operator.EQ, None)
    if isinstance(value, Mapping):
        # `ne` matches null too, as Not does.
        return compare(field, value, ("eq", "ne", "in"), _check_id)
    return equality(field, value, _check_id)


def _read_date(field: Field, value: object) -> Filter:
    if isinstance(value, Mapping):
        return compare(field, value, (*ORDERS, "ne", "in"), _check_date)
    return equality(field, value, _check_date)


def _check_date(value: object) -> None:
    if not isinstance(value, str):
        raise FilterError(f"takes an ISO 8601 string, not {kind_of(value)}")


def _read_metadata(value: object) -> Filter:
    if not isinstance(value, Mapping) or not value:
        raise FilterError("takes an object of names and values")
    parts = []
    for name, wanted in value.items():
        field = metadata_field(given_name(name) if isinstance(name, str) else name)
        try:
            if isinstance(wanted, Mapping):
                # What `ne` says of a missing key is not documented; ours is that it differs.
                parts.append(compare(field, wanted, ("eq", "ne"), _check_metadata_value))
            else:
                parts.append(equality(field, wanted, _check_metadata_value))
        except FilterError as error:
            raise error.within(name) from None
    return all_of(parts)


def _check_metadata_value(value: object) -> None:
    if not is_scalar(value):
        raise FilterError(f"takes a string, a number or a boolean, not {kind_of(value)}")


def _is_exact(leaf: Leaf) -> bool:
    """Whether the platform is known to evaluate a leaf as `memstore.filters.matches` does.

    Strings only, and none that a server might trim or take for a wildcard: how it compares numbers,
    booleans, times and null in metadata is not documented.
    """
    values = [value for _, value in equalities(leaf) or []]
    if not values or not all(isinstance(value, str) and _is_plain(value) for value in values):
        return False
    match leaf.field.path:
        case ("id",):
            return all(_is_uuid(str(value)) for value in values)  # a server refuses any other id
        case (name,):
            return name in ENTITIES
        case ("meta", name):
            # Strings of the time grammar are equal to other strings that name the same instant.
            return _is_own_word(name) and not any(parse_instant(str(value)) is not None for value in values)
    return False


def _is_plain(text: str) -> bool:
    return text not in ("", _WILDCARD) and text == text.strip()


def _is_own_word(name: str) -> bool:
    """Whether a name of metadata can be taken for nothing but the user's key."""
    return _is_plain(name) and "." not in name and name.lower() not in _WORDS and not name.startswith(RESERVED)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


PLATFORM_SUPPORT: Final = FilterSupport(leaf=_is_exact, either=True, negation=False)
"""What the platform may evaluate; a negation is evaluated here."""
