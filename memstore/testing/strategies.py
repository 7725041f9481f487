"""Hypothesis strategies for filters, and for the memories and records they are asked about.

Values and keys come from small shared pools, so that a random filter often matches a random
record, and the pools hold what stores get wrong: 1, 1.0 and True; zeros with a sign; integers that
no float can hold; one instant in many spellings; strings that only look like times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from memstore.filters import And, Comparison, Field, Filter, In, Not, Operator, Or
from memstore.filters.fields import TEXT_FIELDS, TIME_FIELDS
from memstore.memory import SCOPE_FIELDS, Memory

TIMES: Final = (
    "2024-05-01",
    "2024-05-01T00:00",
    "2024-05-01 00:00:00",
    "2024-05-01T00:00:00.0",
    "2024-05-01T00:00:00Z",
    "2024-05-01T02:00+02:00",
    "2024-04-30T19:00:00-05:00",
    "2024-05-01T00:00:00.000001Z",
    "2024-05-01 02:00:00",
    "2024-05-02",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.999999-01:00",
)
"""Strings of the time grammar; the first seven name the same instant."""

LOOKALIKES: Final = (
    "2024-02-30",
    "20240501",
    "2024-W18-3",
    "2024-05-01T24:00",
    "2024-05-01T00",
    "2024-05-01t00:00:00z",
    "2024-05-01T00:00:00.0000000",
    " 2024-05-01",
)
"""Strings that some parser takes for a time, and a filter does not."""

TEXTS: Final = ("", "a", "A", "1", "true", "null", "alice", "bob", "it's 100%_", "ü", "u\u0308", "日本", "🙂")
"""Plain strings, among them two spellings of ü that are different strings."""

NUMBERS: Final = (0, 0.0, -0.0, 1, 1.0, -1, 2, 1.5, 0.1, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 1e300)
"""Integers and floats, equal across the two types or only nearly so."""

IDS: Final = ("alice", "Alice", "bob", "it's", "2024-05-01", "ü", "u\u0308")
"""Values of ``user_id`` and the other ids."""

KEYS: Final = ("a", "b", "a.b", "ü\\", "meta")
"""Keys of metadata, and of the objects in it."""

_DATETIMES: Final = (
    datetime(2024, 5, 1),  # noqa: DTZ001  # a naive one is read as UTC
    datetime(2024, 5, 1, tzinfo=UTC),
    datetime(2024, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 5, 2, tzinfo=UTC),
)
_LEVELS: Final = 3
_ROLES: Final = ("user", "assistant", "system", "tool")


def scalars() -> SearchStrategy[str | int | float | bool | None]:
    """Null, booleans, numbers, strings and times, as metadata and filters hold them."""
    return st.one_of(
        st.sampled_from((None, True, False)),
        st.sampled_from(NUMBERS),
        st.sampled_from(TIMES),
        st.sampled_from((*TEXTS, *LOOKALIKES)),
    )


def json_values() -> SearchStrategy[Any]:
    """Scalars, and lists and objects of them."""
    return st.one_of(scalars(), scalars(), _containers(st.one_of(scalars(), scalars(), _containers(scalars()))))


def metadata() -> SearchStrategy[dict[str, Any]]:
    """User metadata that every store can keep."""
    return _objects(json_values(), largest=len(KEYS))


def fields() -> SearchStrategy[Field]:
    """A memory's own fields, and metadata one or two keys deep."""
    own = st.sampled_from(sorted(TEXT_FIELDS | TIME_FIELDS)).map(lambda name: Field((name,)))
    key = st.sampled_from(KEYS)
    meta = key.map(lambda name: Field(("meta", name)))
    nested = st.tuples(key, key).map(lambda path: Field(("meta", *path)))
    return st.one_of(meta, meta, nested, own)


def filters(on: SearchStrategy[Field] | None = None) -> SearchStrategy[Filter]:
    """Filters of every kind of node, nested, with every operator that the field allows.

    Args:
        on: which fields they name; `fields` unless given.
    """
    tree = leaves = (fields() if on is None else on).flatmap(_leaves)
    for _ in range(_LEVELS):
        tree = st.one_of(leaves, *_logic(tree))
    return tree


def memories() -> SearchStrategy[Memory]:
    """Memories as a store returns them. For a list without a repeated id say ``unique_by``."""
    return st.builds(
        Memory,
        id=st.sampled_from(IDS) | st.uuids().map(str),
        text=st.sampled_from((*TEXTS, *TIMES)),
        role=st.sampled_from(_ROLES),
        name=st.none() | st.sampled_from(IDS),
        **{name: st.none() | st.sampled_from(IDS) for name in SCOPE_FIELDS},
        meta=metadata(),
        created_at=_moments(),
        updated_at=_moments(),
    )


def records() -> SearchStrategy[Mapping[str, Any]]:
    """Mappings of field to value with metadata under ``meta``, as another store may hold them.

    Anything may be missing, null, or of the wrong type, ``meta`` included.
    """
    odd: SearchStrategy[Any] = st.one_of(json_values(), _strangers())
    meta = _objects(odd | _objects(odd), largest=len(KEYS))
    return st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(sorted(TEXT_FIELDS), st.sampled_from(IDS) | odd),
            **dict.fromkeys(sorted(TIME_FIELDS), _times() | odd),
            "meta": st.one_of(meta, meta, meta, odd),
        },
    )


def _containers(parts: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(parts, max_size=3) | _objects(parts)


def _objects(parts: SearchStrategy[Any], largest: int = 3) -> SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(KEYS), parts, max_size=largest)


def _strangers() -> SearchStrategy[Any]:
    """What is no JSON, yet may stand in a record."""
    return st.sampled_from((*_DATETIMES, float("nan"), float("inf"), b"a", (1,), _DATETIMES[0].date(), frozenset("a")))


def _times() -> SearchStrategy[Any]:
    """Times as a caller may write them."""
    return st.sampled_from((*TIMES, *_DATETIMES))


def _moments() -> SearchStrategy[datetime]:
    pool = st.sampled_from([moment for moment in _DATETIMES if moment.tzinfo is UTC])
    return pool | st.datetimes(timezones=st.just(UTC))


@lru_cache  # building a strategy takes longer than drawing from it
def _leaves(field: Field) -> SearchStrategy[Filter]:
    """Comparisons that the field allows; a value that has no order is only compared for equality."""
    times = _times()
    ordered: SearchStrategy[Any]
    if field.is_text:
        equals, ordered = st.none() | st.sampled_from(IDS), st.none()
    elif field.is_time:
        equals = ordered = st.none() | times
    else:
        equals = st.one_of(scalars(), json_values(), times)
        ordered = st.one_of(st.sampled_from(NUMBERS), times, st.sampled_from((1, 1.0, "2024-05-01", None)))
    order = st.sampled_from([operator for operator in Operator if operator is not Operator.EQ])
    equal = st.builds(Comparison, st.just(field), st.just(Operator.EQ), equals)
    among = st.builds(In, st.just(field), st.lists(equals, min_size=1, max_size=4).map(tuple))
    less_or_more = st.builds(Comparison, st.just(field), order, ordered)
    constant = less_or_more if field.is_text else st.just(In(field, ()))  # only null has a place in a text's order
    ordering = equal if field.is_text else less_or_more
    return st.one_of(equal, among, ordering, equal, among, ordering, equal, among, ordering, constant)


def _logic(children: SearchStrategy[Filter]) -> list[SearchStrategy[Filter]]:
    """And, Or and Not of other filters; seldom of none, or most filters would be constants."""
    several = st.lists(children, min_size=2, max_size=4).map(tuple)
    one_or_none = children.map(lambda child: (child,)) | st.just(())
    few = one_or_none.map(And) | one_or_none.map(Or)
    return [*(several.map(And), several.map(Or)) * 3, children.map(Not), few]
