"""What filters mean, by hand: cell by cell, a filter, a record and whether it matches.

The first oracle of everything that evaluates filters, `memstore.filters.matches` included.
docs/semantics.md says the same in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple


class Cell(NamedTuple):
    """One cell of the truth table.

    Attributes:
        filters: in Haystack's form.
        record: a mapping of field to value, the user's metadata under ``meta``.
        matches: whether the filter holds for the record.
        why: where it is not plain.
    """

    filters: Mapping[str, Any]
    record: Mapping[str, Any]
    matches: bool
    why: str = ""


NOON: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
"""When the records with times of their own were made."""
EAST: Final = timezone(timedelta(hours=2))
BIG: Final = 2**53
"""From here on not every integer is a float."""


def a(operator: str, value: Any) -> dict[str, Any]:
    """A comparison with the metadata key ``a``."""
    return where("a", operator, value)


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    """A comparison."""
    return {"field": field, "operator": operator, "value": value}


def all_of(*conditions: Any) -> dict[str, Any]:
    """AND."""
    return {"operator": "AND", "conditions": list(conditions)}


def any_of(*conditions: Any) -> dict[str, Any]:
    """OR."""
    return {"operator": "OR", "conditions": list(conditions)}


def not_all_of(*conditions: Any) -> dict[str, Any]:
    """NOT, which is not (all of them)."""
    return {"operator": "NOT", "conditions": list(conditions)}


def meta(**values: Any) -> dict[str, Any]:
    """A record with this metadata."""
    return {"meta": values}


NOTHING: Final = meta()
ALWAYS: Final = all_of()
NEVER: Final = any_of()

NULL: Final = (
    Cell(a("==", None), NOTHING, True, "missing is null"),
    Cell(a("==", None), meta(a=None), True),
    Cell(a("==", None), meta(a=0), False),
    Cell(a("==", None), meta(a=""), False),
    Cell(a("==", None), meta(a=[]), False),
    Cell(a("==", None), meta(a=False), False),
    Cell(a("!=", None), NOTHING, False),
    Cell(a("!=", None), meta(a=0), True),
    Cell(a("==", 1), NOTHING, False),
    Cell(a("!=", 1), NOTHING, True, "!= is exactly not =="),
    Cell(a("!=", 1), meta(a=None), True),
    Cell(a("!=", 1), meta(a=1), False),
    Cell(a("!=", 1), meta(a="1"), True),
)
"""Missing and null are one thing."""

MEMBERSHIP: Final = (
    Cell(a("in", [1, 2]), meta(a=2), True),
    Cell(a("in", [1, 2]), meta(a=3), False),
    Cell(a("in", [1, 2]), NOTHING, False),
    Cell(a("in", [1, None]), NOTHING, True, "missing is null, and null is among them"),
    Cell(a("in", []), meta(a=1), False, "nothing is among none"),
    Cell(a("in", []), NOTHING, False),
    Cell(a("in", [1]), meta(a=[1]), False, "a list is not its items"),
    Cell(a("in", [[1]]), meta(a=[1]), True),
    Cell(a("in", ["2024-05-01"]), meta(a="2024-05-01T00:00Z"), True, "by instant, as == does"),
    Cell(a("in", [1]), meta(a=True), False),
    Cell(a("not in", [1, 2]), meta(a=2), False),
    Cell(a("not in", [1, 2]), meta(a=3), True),
    Cell(a("not in", [1, 2]), NOTHING, True, "not in is exactly not in"),
    Cell(a("not in", [1, None]), NOTHING, False),
    Cell(a("not in", []), NOTHING, True),
)
"""`in` is equality with one of several."""

BOOLEANS: Final = (
    Cell(a("==", True), meta(a=True), True),
    Cell(a("==", True), meta(a=False), False),
    Cell(a("==", True), meta(a=1), False, "Python says equal"),
    Cell(a("==", True), meta(a=1.0), False),
    Cell(a("==", True), meta(a="true"), False),
    Cell(a("==", 1), meta(a=True), False),
    Cell(a("==", 0), meta(a=False), False),
    Cell(a("!=", True), meta(a=1), True),
    Cell(a("in", [0, 1]), meta(a=False), False),
    Cell(a("in", [True]), meta(a=1), False),
    Cell(a("<", 2), meta(a=True), False, "a boolean has no order"),
    Cell(a(">=", 0), meta(a=False), False),
)
"""Booleans are no numbers, and no strings."""

NUMBERS: Final = (
    Cell(a("==", 1), meta(a=1.0), True),
    Cell(a("==", 1.0), meta(a=1), True),
    Cell(a("==", 0.0), meta(a=-0.0), True),
    Cell(a("==", 0), meta(a=-0.0), True),
    Cell(a("==", 1.5), meta(a=1.5), True),
    Cell(a("==", 1), meta(a="1"), False),
    Cell(a("==", BIG), meta(a=BIG + 1), False, "no rounding through float"),
    Cell(a("==", float(BIG)), meta(a=BIG + 1), False),
    Cell(a("==", float(BIG)), meta(a=BIG), True),
    Cell(a(">", float(BIG)), meta(a=BIG + 1), True),
    Cell(a("==", 2**63 - 1), meta(a=2**63 - 1), True),
    Cell(a("<", 2**63 - 1), meta(a=float(2**63)), False, "the float is one more"),
    Cell(a("<", 3), meta(a=2), True),
    Cell(a("<", 3), meta(a=2.5), True),
    Cell(a("<", 3), meta(a=3), False),
    Cell(a("<=", 3), meta(a=3.0), True),
    Cell(a(">", 3), meta(a=3), False),
    Cell(a(">", 2.5), meta(a=3), True),
    Cell(a(">=", 3), meta(a=3), True),
    Cell(a(">=", 3), meta(a=2), False),
    Cell(a("<", 0), meta(a=-0.0), False),
)
"""Numbers compare across int and float, exactly."""

ORDER: Final = (
    Cell(a("<", 3), NOTHING, False),
    Cell(a(">=", 3), NOTHING, False),
    Cell(a("<", 3), meta(a=None), False),
    Cell(a("<", None), meta(a=1), False),
    Cell(a(">=", None), NOTHING, False, "null is not >= null"),
    Cell(a("<", 3), meta(a="2"), False),
    Cell(a("<", 3), meta(a="2024-05-01"), False, "a time is no number"),
    Cell(a("<", "2024-05-01"), meta(a=3), False),
    Cell(a(">", "2024-05-01"), meta(a="zebra"), False),
    Cell(a("<", 3), meta(a=[1]), False, "an odd record breaks no search"),
    Cell(a("<", 3), meta(a={"b": 1}), False),
    Cell(not_all_of(a("<", 3)), NOTHING, True, "not (a < 3) is not a >= 3"),
    Cell(not_all_of(a("<", 3)), meta(a="zebra"), True),
    Cell(not_all_of(a("<", 3)), meta(a=4), True),
    Cell(not_all_of(a("<", 3)), meta(a=2), False),
    Cell(not_all_of(a("<", None)), meta(a=2), True),
)
"""Ordering against what has no order never matches, in either direction."""

TIMES: Final = (
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01"), True),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01T00:00"), True, "no seconds"),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01 00:00:00"), True, "a blank for T"),
    Cell(a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), True, "naive is UTC"),
    Cell(a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00+00:00"), True),
    Cell(a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T02:00:00+02:00"), True),
    Cell(a("==", "2024-05-01T00:00:00Z"), meta(a="2024-04-30T19:00-05:00"), True),
    Cell(a("==", "2024-05-01T00:00:00"), meta(a="2024-05-01T00:00:00+02:00"), False, "naive is UTC, not 'any zone'"),
    Cell(a("==", "2024-05-01T00:00:00.5"), meta(a="2024-05-01T00:00:00.500000Z"), True),
    Cell(a("==", "2024-05-01T00:00:00"), meta(a="2024-05-01T00:00:00.000001"), False),
    Cell(a("!=", "2024-05-01"), meta(a="2024-05-01T00:00Z"), False),
    Cell(a("==", NOON.replace(hour=0, tzinfo=None)), meta(a="2024-05-01T00:00Z"), True, "naive is UTC"),
    Cell(a("==", datetime(2024, 5, 1, 2, tzinfo=EAST)), meta(a="2024-05-01"), True),
    Cell(a("==", date(2024, 5, 1)), meta(a="2024-05-01T00:00Z"), True),
    Cell(a("<", "2024-05-01T01:00"), meta(a="2024-05-01T02:00+02:00"), True),
    Cell(a("<", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), False, "the same instant"),
    Cell(a("<=", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), True),
    Cell(a(">", "2024-05-01"), meta(a="2024-05-01T00:00:00.000001"), True),
    Cell(a(">", "2024-05-01 12:00"), meta(a="2024-05-01T13:00"), True, "letter by letter ' ' < 'T' says nothing"),
    Cell(a(">=", datetime(2024, 5, 1, 2, tzinfo=EAST)), meta(a="2024-05-01"), True),
    Cell(a("<", "0001-01-01"), meta(a="0001-01-01T00:00+01:00"), True, "an hour before year 1 is no overflow"),
    Cell(a("==", "2024-02-29"), meta(a="2024-02-29T00:00"), True, "a leap day"),
)
"""Times are equal when they name the same instant; a naive one is UTC."""

NO_TIMES: Final = (
    Cell(a("==", "2024-02-30"), meta(a="2024-02-30"), True, "the same letters"),
    Cell(a("==", "2024-02-30"), meta(a="2024-02-30T00:00"), False, "there is no such day"),
    Cell(a("==", "2024-05-01"), meta(a="20240501"), False),
    Cell(a("==", "20240501"), meta(a="2024-05-01"), False),
    Cell(a("==", "20240501"), meta(a="20240501"), True),
    Cell(a("==", "2024-05-01"), meta(a="2024-W18-3"), False),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01T00"), False, "hours alone"),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01t00:00"), False, "a small t"),
    Cell(a("==", "2024-05-02"), meta(a="2024-05-01T24:00"), False),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01T00:00:00.0000000"), False, "seven digits"),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01T00:00+0000"), False),
    Cell(a("==", "2024-05-01"), meta(a=" 2024-05-01"), False),
    Cell(a("==", "2024-05-01"), meta(a="2024-05-01\n"), False),
    Cell(a("==", "2024-05-01"), meta(a="\uff12\uff10\uff12\uff14-05-01"), False, "digits of another script"),
    Cell(a(">", "2024-01-01"), meta(a="2024-02-30"), False),
    Cell(a(">", "2024-01-01"), meta(a="20240501"), False),
)
"""What is not of the grammar is a plain string, whatever other parsers make of it."""

STRINGS: Final = (
    Cell(a("==", "x"), meta(a="x"), True),
    Cell(a("==", "x"), meta(a="X"), False),
    Cell(a("==", "x"), meta(a="x "), False),
    Cell(a("==", "x%"), meta(a="xy"), False, "no wildcards"),
    Cell(a("==", ""), meta(a=""), True),
    Cell(a("==", ""), NOTHING, False, "empty is not missing"),
    Cell(a("==", "ü"), meta(a="u\u0308"), False, "no Unicode normalisation"),
    Cell(a("==", "null"), NOTHING, False),
)
"""Strings are equal letter by letter."""

CONTAINERS: Final = (
    Cell(a("==", [1, "x"]), meta(a=[1, "x"]), True),
    Cell(a("==", [1, "x"]), meta(a=["x", 1]), False, "a list has an order"),
    Cell(a("==", [1]), meta(a=[1.0]), True),
    Cell(a("==", [1]), meta(a=[True]), False),
    Cell(a("==", [1]), meta(a=1), False),
    Cell(a("==", 1), meta(a=[1]), False, "no 'contains'"),
    Cell(a("==", []), meta(a=[]), True),
    Cell(a("==", []), meta(a={}), False),
    Cell(a("==", []), NOTHING, False),
    Cell(a("==", ["2024-05-01"]), meta(a=["2024-05-01T00:00Z"]), True, "parts compare as values do"),
    Cell(a("==", {"b": 1, "c": 2}), meta(a={"c": 2, "b": 1}), True, "an object has no order"),
    Cell(a("==", {"b": 1}), meta(a={"b": 1, "c": 2}), False),
    Cell(a("==", {"b": 1}), meta(a={"b": True}), False),
    Cell(a("==", {"b": None}), meta(a={}), False, "inside a value, null is not missing"),
    Cell(a("==", {"b": 1}), meta(a=[["b", 1]]), False),
    Cell(a("==", [["b", 1]]), meta(a={"b": 1}), False),
    Cell(a("==", {"b": {"c": [1]}}), meta(a={"b": {"c": [1.0]}}), True),
)
"""Lists and objects are equal by their parts."""

PATHS: Final = (
    Cell(where("meta.a", "==", 1), meta(a=1), True),
    Cell(where("meta.a.b", "==", 1), meta(a={"b": 1}), True),
    Cell(where("a.b", "==", 1), meta(a={"b": 1}), True, "with or without meta."),
    Cell(where("a.b", "==", 1), {"meta": {"a.b": 1}}, False),
    Cell(where(r"meta.a\.b", "==", 1), {"meta": {"a.b": 1}}, True),
    Cell(where(r"a\.b", "==", 1), {"meta": {"a.b": 1}}, True),
    Cell(where(r"a\.b", "==", 1), meta(a={"b": 1}), False),
    Cell(where(r"a\\b", "==", 1), {"meta": {"a\\b": 1}}, True),
    Cell(where(r"a\b", "==", 1), {"meta": {"a\\b": 1}}, True, "before other letters a backslash is itself"),
    Cell(where("meta.a.b", "==", None), meta(a=1), True, "a number has no keys"),
    Cell(where("meta.a.b", "!=", 1), meta(a="b"), True),
    Cell(where("meta.a.0", "==", 1), meta(a=[1]), False, "dots do not walk lists"),
    Cell(where("meta.a.b", "<", 3), meta(a={"b": 2}), True),
    Cell(where("meta.meta.a", "==", 1), meta(meta={"a": 1}), True),
    Cell(where("meta", "==", 1), meta(meta=1), True, "alone it is a key like others"),
    Cell(where("meta.text", "==", "x"), {"text": "y", "meta": {"text": "x"}}, True, "not the memory's own"),
    Cell(where("text", "==", "x"), {"text": "y", "meta": {"text": "x"}}, False, "the memory's own"),
    Cell(where("version", "==", 7), meta(version=7), True, "not a field of filters, so metadata"),
    Cell(where("expires_at", "==", None), NOTHING, True),
    Cell(where("user_id.a", "==", 1), meta(user_id={"a": 1}), True, "an id has no keys, so metadata"),
)
"""Dots walk objects; a backslash makes a dot part of the key."""

OWN_STRINGS: Final = (
    Cell(where("user_id", "==", "alice"), {"user_id": "alice"}, True),
    Cell(where("user_id", "==", "alice"), {"user_id": "Alice"}, False),
    Cell(where("user_id", "==", None), {"user_id": None}, True),
    Cell(where("user_id", "!=", "alice"), {"user_id": None}, True),
    Cell(where("user_id", "in", ["alice", None]), {"user_id": None}, True),
    Cell(where("user_id", "==", "2024-05-01"), {"user_id": "2024-05-01T00:00"}, False),
    Cell(where("user_id", "in", ["2024-05-01"]), {"user_id": "2024-05-01T00:00"}, False),
    Cell(where("text", "==", "2024-05-01"), {"text": "2024-05-01T00:00Z"}, False),
    Cell(where("text", "==", "2024-05-01"), {"text": "2024-05-01"}, True),
    Cell(where("role", "==", "assistant"), {"role": "assistant"}, True),
    Cell(where("name", "==", None), {"name": None}, True),
    Cell(where("id", "in", ["m1", "m2"]), {"id": "m2"}, True),
)
"""A memory's own strings compare letter by letter, also when they look like times."""

OWN_TIMES: Final = (
    Cell(where("created_at", "==", NOON), {"created_at": NOON}, True),
    Cell(where("created_at", "==", "2024-05-01T14:00+02:00"), {"created_at": NOON}, True),
    Cell(where("created_at", ">", "2024-05-01"), {"created_at": NOON}, True),
    Cell(where("created_at", "<", "2024-05-01T12:00"), {"created_at": NOON}, False),
    Cell(where("updated_at", "in", ["2024-05-01T12:00"]), {"updated_at": NOON}, True),
    Cell(where("created_at", "!=", None), {"created_at": NOON}, True),
)
"""A memory's own times."""

LOGIC: Final = (
    Cell(ALWAYS, NOTHING, True, "all of none"),
    Cell(NEVER, NOTHING, False, "any of none"),
    Cell(not_all_of(), NOTHING, False, "not (all of none)"),
    Cell(all_of(ALWAYS, NEVER), NOTHING, False),
    Cell(any_of(ALWAYS, NEVER), NOTHING, True),
    Cell(all_of(a("==", 1), where("b", "==", 2)), meta(a=1, b=2), True),
    Cell(all_of(a("==", 1), where("b", "==", 2)), meta(a=1), False),
    Cell(any_of(a("==", 1), where("b", "==", 2)), meta(a=1), True),
    Cell(any_of(a("==", 1), where("b", "==", 2)), NOTHING, False),
    Cell(not_all_of(a("==", 1), where("b", "==", 2)), meta(a=1), True, "not (a and b), as in Haystack"),
    Cell(not_all_of(a("==", 1), where("b", "==", 2)), meta(a=1, b=2), False),
    Cell(not_all_of(a("==", 1)), NOTHING, True),
    Cell(not_all_of(not_all_of(a("<", 3))), NOTHING, False),
    Cell(not_all_of(any_of(a("<", 3), a(">=", 3))), NOTHING, True, "neither holds for null"),
    Cell({"operator": "and", "conditions": [a("==", 1)]}, meta(a=1), True, "any case"),
    Cell({"operator": "Not", "conditions": [a("==", 1)]}, meta(a=1), False),
)
"""Logic."""

TABLE: Final = (
    *NULL,
    *MEMBERSHIP,
    *BOOLEANS,
    *NUMBERS,
    *ORDER,
    *TIMES,
    *NO_TIMES,
    *STRINGS,
    *CONTAINERS,
    *PATHS,
    *OWN_STRINGS,
    *OWN_TIMES,
    *LOGIC,
)
"""Every cell."""
