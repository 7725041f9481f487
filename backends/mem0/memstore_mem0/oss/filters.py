"""The filter dialect of Mem0's self-hosted library: the way there and the way back.

The rules are those of its documentation
(https://docs.mem0.ai/open-source/features/metadata-filtering) and of ``mem0.memory.main``. What a
vector store then makes of a filter is another matter, and often less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from memstore.errors import FilterError
from memstore.filters import TRUE, Comparison, Field, Filter, In, Leaf, Operator
from memstore.filters.values import Value, kind_of, thaw
from memstore_mem0.dialects import (
    LOGIC,
    ORDER_WORDS,
    ORDERS,
    Reader,
    Said,
    Writer,
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

PAYLOAD_KEYS: Final = {
    "user_id": "user_id",
    "agent_id": "agent_id",
    "app_id": "app_id",
    "run_id": "run_id",
    "role": "role",
    "name": "actor_id",
    "text": "data",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
"""Where a payload has a memory's own fields. Its id is none of them."""
_FIELDS: Final = {key: Field((name,)) for name, key in PAYLOAD_KEYS.items()}

RESERVED_KEYS: Final = frozenset(
    {*PAYLOAD_KEYS.values(), "id", "hash", "text_lemmatized", "attributed_to", "expiration_date"}
    | {*LOGIC, "$and", "$or", "$not"}
)
"""What cannot be a key of the user's metadata, which lies beside Mem0's own keys (seen in mem0ai 2.2.1)."""

_WILDCARD: Final = "*"  # the key exists
_OPERATORS: Final = (*ORDERS, "eq", "ne", "in", "nin")


def to_oss(filter: Filter) -> dict[str, Any]:
    """The whole filter in the library's dialect; equalities of different keys stay flat.

    Vector stores list by a flat filter as it is, without the library's translation.

    Raises:
        FilterError: the dialect cannot say it; `place` is a path into what `memstore.filters.serialize` writes.
    """
    return {} if filter == TRUE else write(filter, _WRITER)


def from_oss(filters: Mapping[str, Any]) -> Filter:
    """The filter that an object of the library's dialect says; ``from_oss(to_oss(f))`` means `f`.

    Raises:
        FilterError: it is malformed, or says what no filter of ours does; `place` is a path into the
            object.
    """
    return TRUE if filters == {} else read(filters, Reader(_read_condition, drops_or=False))


def _constant(holds: bool) -> Said:
    """A user among none, or not: most vector stores take the wildcard for no condition at all."""
    nobody: Said = {"user_id": {"in": []}}
    return opposite(nobody) if holds else nobody


def _conjunction(parts: list[Said]) -> Said:
    merged: Said = {}
    for part in parts:
        if not _is_flat(part) or not merged.keys().isdisjoint(part):
            return {"AND": parts}
        merged |= part
    return merged


def _is_flat(said: Said) -> bool:
    """Whether it only has equalities, each a key with a bare value."""
    return all(is_scalar(value) and value != _WILDCARD for value in said.values())


def _leaf(leaf: Leaf) -> Said:
    key = _key_of(leaf.field)
    match leaf:
        case Comparison(_, Operator.EQ, None):
            return opposite({key: _WILDCARD})
        case Comparison(_, Operator.EQ, value):
            _check_scalar(thaw(value), "value")
            # Written as an operator, an asterisk is an asterisk (seen).
            return {key: {"eq": value} if value == _WILDCARD else value}
        case Comparison(_, operator, value):
            return {key: {ORDER_WORDS[operator]: value}}
        case In():
            return _among(key, leaf)


def _among(key: str, leaf: In) -> Said:
    wanted = equalities(leaf) or []
    values: list[Value] = []
    for place, value in wanted:
        if value is not None:
            _check_scalar(thaw(value), place)
            values.append(value)
    parts: list[Said] = [{key: {"in": values}}] if values else []
    if len(values) < len(wanted):
        parts.append(opposite({key: _WILDCARD}))
    return one_of(parts)


def _key_of(field: Field) -> str:
    match field.path:
        case (name,) if name in PAYLOAD_KEYS:
            return PAYLOAD_KEYS[name]
        case ("meta", name) if name in RESERVED_KEYS:
            raise FilterError(f"{field} has the name of one of Mem0's own keys, beside which metadata lies", "field")
        case ("meta", name) if "." not in name:
            return name
        case ("meta", *_):
            raise FilterError(f"Mem0 has one level of metadata, without dots in its names: not {field}", "field")
    raise FilterError(f"Mem0 cannot filter by '{field}': it can by {', '.join(PAYLOAD_KEYS)} and metadata", "field")


_WRITER: Final = Writer(leaf=_leaf, constant=_constant, conjunction=_conjunction)


def _read_condition(key: str, value: Any) -> Filter:
    field = _field_of(key)
    try:
        if value == _WILDCARD:
            return ~Comparison(field, Operator.EQ, None)
        if isinstance(value, Mapping):
            return compare(field, value, _OPERATORS, _check_scalar)
        return equality(field, value, _check_scalar)
    except FilterError as error:
        raise error.within(key) from None


def _field_of(key: str) -> Field:
    if key in _FIELDS:
        return _FIELDS[key]
    if key in RESERVED_KEYS:
        raise FilterError("no filter of memstore can say this", key)
    if "." in key:
        raise FilterError("has a key with a dot, which some vector stores walk and others do not")
    return metadata_field(key)


def _check_scalar(value: object, place: str = "") -> None:
    if value is None:
        raise FilterError("Mem0 has no null to compare with: a key that is missing is NOT of '*'", place)
    if not is_scalar(value):
        raise FilterError(f"Mem0 compares with a string, a number or a boolean, not {kind_of(value)}", place)
