"""What filters mean, by hand: the first oracle. docs/semantics.md says the same in words.

Every cell is asked of each evaluation there is, on a mapping and, where a memory can be like that,
on a memory.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from memstore.filters import compile_filter, matches, normalize, parse
from memstore.memory import Memory

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))
BIG = 2**53


def a(operator: str, value: Any) -> dict[str, Any]:
    return where("a", operator, value)


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def all_of(*conditions: Any) -> dict[str, Any]:
    return {"operator": "AND", "conditions": list(conditions)}


def any_of(*conditions: Any) -> dict[str, Any]:
    return {"operator": "OR", "conditions": list(conditions)}


def not_all_of(*conditions: Any) -> dict[str, Any]:
    return {"operator": "NOT", "conditions": list(conditions)}


def meta(**values: Any) -> dict[str, Any]:
    return {"meta": values}


NOTHING = meta()
ALWAYS, NEVER = all_of(), any_of()

# (filter, record, whether it matches, why)
CELLS = [
    # Missing and null are one thing.
    (a("==", None), NOTHING, True, "missing is null"),
    (a("==", None), meta(a=None), True, ""),
    (a("==", None), meta(a=0), False, ""),
    (a("==", None), meta(a=""), False, ""),
    (a("==", None), meta(a=[]), False, ""),
    (a("==", None), meta(a=False), False, ""),
    (a("!=", None), NOTHING, False, ""),
    (a("!=", None), meta(a=0), True, ""),
    (a("==", 1), NOTHING, False, ""),
    (a("!=", 1), NOTHING, True, "!= is exactly not =="),
    (a("!=", 1), meta(a=None), True, ""),
    (a("!=", 1), meta(a=1), False, ""),
    (a("!=", 1), meta(a="1"), True, ""),
    # `in` is equality with one of several.
    (a("in", [1, 2]), meta(a=2), True, ""),
    (a("in", [1, 2]), meta(a=3), False, ""),
    (a("in", [1, 2]), NOTHING, False, ""),
    (a("in", [1, None]), NOTHING, True, "missing is null, and null is among them"),
    (a("in", []), meta(a=1), False, "nothing is among none"),
    (a("in", []), NOTHING, False, ""),
    (a("in", [1]), meta(a=[1]), False, "a list is not its items"),
    (a("in", [[1]]), meta(a=[1]), True, ""),
    (a("in", ["2024-05-01"]), meta(a="2024-05-01T00:00Z"), True, "by instant, as == does"),
    (a("in", [1]), meta(a=True), False, ""),
    (a("not in", [1, 2]), meta(a=2), False, ""),
    (a("not in", [1, 2]), meta(a=3), True, ""),
    (a("not in", [1, 2]), NOTHING, True, "not in is exactly not in"),
    (a("not in", [1, None]), NOTHING, False, ""),
    (a("not in", []), NOTHING, True, ""),
    # Booleans are no numbers, and no strings.
    (a("==", True), meta(a=True), True, ""),
    (a("==", True), meta(a=False), False, ""),
    (a("==", True), meta(a=1), False, "Python says equal"),
    (a("==", True), meta(a=1.0), False, ""),
    (a("==", True), meta(a="true"), False, ""),
    (a("==", 1), meta(a=True), False, ""),
    (a("==", 0), meta(a=False), False, ""),
    (a("!=", True), meta(a=1), True, ""),
    (a("in", [0, 1]), meta(a=False), False, ""),
    (a("in", [True]), meta(a=1), False, ""),
    (a("<", 2), meta(a=True), False, "a boolean has no order"),
    (a(">=", 0), meta(a=False), False, ""),
    # Numbers compare across int and float, exactly.
    (a("==", 1), meta(a=1.0), True, ""),
    (a("==", 1.0), meta(a=1), True, ""),
    (a("==", 0.0), meta(a=-0.0), True, ""),
    (a("==", 0), meta(a=-0.0), True, ""),
    (a("==", 1.5), meta(a=1.5), True, ""),
    (a("==", 1), meta(a="1"), False, ""),
    (a("==", BIG), meta(a=BIG + 1), False, "no rounding through float"),
    (a("==", float(BIG)), meta(a=BIG + 1), False, ""),
    (a("==", float(BIG)), meta(a=BIG), True, ""),
    (a(">", float(BIG)), meta(a=BIG + 1), True, ""),
    (a("==", 2**63 - 1), meta(a=2**63 - 1), True, ""),
    (a("<", 2**63 - 1), meta(a=float(2**63)), False, "the float is one more"),
    (a("<", 3), meta(a=2), True, ""),
    (a("<", 3), meta(a=2.5), True, ""),
    (a("<", 3), meta(a=3), False, ""),
    (a("<=", 3), meta(a=3.0), True, ""),
    (a(">", 3), meta(a=3), False, ""),
    (a(">", 2.5), meta(a=3), True, ""),
    (a(">=", 3), meta(a=3), True, ""),
    (a(">=", 3), meta(a=2), False, ""),
    (a("<", 0), meta(a=-0.0), False, ""),
    # Ordering against what has no order never matches, in either direction.
    (a("<", 3), NOTHING, False, ""),
    (a(">=", 3), NOTHING, False, ""),
    (a("<", 3), meta(a=None), False, ""),
    (a("<", None), meta(a=1), False, ""),
    (a(">=", None), NOTHING, False, "null is not >= null"),
    (a("<", 3), meta(a="2"), False, ""),
    (a("<", 3), meta(a="2024-05-01"), False, "a time is no number"),
    (a("<", "2024-05-01"), meta(a=3), False, ""),
    (a(">", "2024-05-01"), meta(a="zebra"), False, ""),
    (a("<", 3), meta(a=[1]), False, "an odd record breaks no search"),
    (a("<", 3), meta(a={"b": 1}), False, ""),
    (not_all_of(a("<", 3)), NOTHING, True, "not (a < 3) is not a >= 3"),
    (not_all_of(a("<", 3)), meta(a="zebra"), True, ""),
    (not_all_of(a("<", 3)), meta(a=4), True, ""),
    (not_all_of(a("<", 3)), meta(a=2), False, ""),
    (not_all_of(a("<", None)), meta(a=2), True, ""),
    # Times are equal when they name the same instant; a naive one is UTC.
    (a("==", "2024-05-01"), meta(a="2024-05-01"), True, ""),
    (a("==", "2024-05-01"), meta(a="2024-05-01T00:00"), True, "no seconds"),
    (a("==", "2024-05-01"), meta(a="2024-05-01 00:00:00"), True, "a blank for T"),
    (a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), True, "naive is UTC"),
    (a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00+00:00"), True, ""),
    (a("==", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T02:00:00+02:00"), True, ""),
    (a("==", "2024-05-01T00:00:00Z"), meta(a="2024-04-30T19:00-05:00"), True, ""),
    (a("==", "2024-05-01T00:00:00"), meta(a="2024-05-01T00:00:00+02:00"), False, "naive is UTC, not 'any zone'"),
    (a("==", "2024-05-01T00:00:00.5"), meta(a="2024-05-01T00:00:00.500000Z"), True, ""),
    (a("==", "2024-05-01T00:00:00"), meta(a="2024-05-01T00:00:00.000001"), False, ""),
    (a("!=", "2024-05-01"), meta(a="2024-05-01T00:00Z"), False, ""),
    (a("==", datetime(2024, 5, 1)), meta(a="2024-05-01T00:00Z"), True, "naive is UTC"),
    (a("==", datetime(2024, 5, 1, 2, tzinfo=EAST)), meta(a="2024-05-01"), True, ""),
    (a("==", date(2024, 5, 1)), meta(a="2024-05-01T00:00Z"), True, ""),
    (a("<", "2024-05-01T01:00"), meta(a="2024-05-01T02:00+02:00"), True, ""),
    (a("<", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), False, "the same instant"),
    (a("<=", "2024-05-01T00:00:00Z"), meta(a="2024-05-01T00:00:00"), True, ""),
    (a(">", "2024-05-01"), meta(a="2024-05-01T00:00:00.000001"), True, ""),
    (a(">", "2024-05-01 12:00"), meta(a="2024-05-01T13:00"), True, "letter by letter ' ' < 'T' says nothing"),
    (a(">=", datetime(2024, 5, 1, 2, tzinfo=EAST)), meta(a="2024-05-01"), True, ""),
    (a("<", "0001-01-01"), meta(a="0001-01-01T00:00+01:00"), True, "an hour before year 1 is no overflow"),
    (a("==", "2024-02-29"), meta(a="2024-02-29T00:00"), True, "a leap day"),
    # What is not of the grammar is a plain string, whatever other parsers make of it.
    (a("==", "2024-02-30"), meta(a="2024-02-30"), True, "the same letters"),
    (a("==", "2024-02-30"), meta(a="2024-02-30T00:00"), False, "there is no such day"),
    (a("==", "2024-05-01"), meta(a="20240501"), False, ""),
    (a("==", "20240501"), meta(a="2024-05-01"), False, ""),
    (a("==", "20240501"), meta(a="20240501"), True, ""),
    (a("==", "2024-05-01"), meta(a="2024-W18-3"), False, ""),
    (a("==", "2024-05-01"), meta(a="2024-05-01T00"), False, "hours alone"),
    (a("==", "2024-05-01"), meta(a="2024-05-01t00:00"), False, "a small t"),
    (a("==", "2024-05-02"), meta(a="2024-05-01T24:00"), False, ""),
    (a("==", "2024-05-01"), meta(a="2024-05-01T00:00:00.0000000"), False, "seven digits"),
    (a("==", "2024-05-01"), meta(a="2024-05-01T00:00+0000"), False, ""),
    (a("==", "2024-05-01"), meta(a=" 2024-05-01"), False, ""),
    (a("==", "2024-05-01"), meta(a="2024-05-01\n"), False, ""),
    (a("==", "2024-05-01"), meta(a="２０２４-05-01"), False, "digits of another script"),
    (a(">", "2024-01-01"), meta(a="2024-02-30"), False, ""),
    (a(">", "2024-01-01"), meta(a="20240501"), False, ""),
    # Strings are equal letter by letter.
    (a("==", "x"), meta(a="x"), True, ""),
    (a("==", "x"), meta(a="X"), False, ""),
    (a("==", "x"), meta(a="x "), False, ""),
    (a("==", "x%"), meta(a="xy"), False, "no wildcards"),
    (a("==", ""), meta(a=""), True, ""),
    (a("==", ""), NOTHING, False, "empty is not missing"),
    (a("==", "ü"), meta(a="u\u0308"), False, "no Unicode normalisation"),
    (a("==", "null"), NOTHING, False, ""),
    # Lists and objects are equal by their parts.
    (a("==", [1, "x"]), meta(a=[1, "x"]), True, ""),
    (a("==", [1, "x"]), meta(a=["x", 1]), False, "a list has an order"),
    (a("==", [1]), meta(a=[1.0]), True, ""),
    (a("==", [1]), meta(a=[True]), False, ""),
    (a("==", [1]), meta(a=1), False, ""),
    (a("==", 1), meta(a=[1]), False, "no 'contains'"),
    (a("==", []), meta(a=[]), True, ""),
    (a("==", []), meta(a={}), False, ""),
    (a("==", []), NOTHING, False, ""),
    (a("==", ["2024-05-01"]), meta(a=["2024-05-01T00:00Z"]), True, "parts compare as values do"),
    (a("==", {"b": 1, "c": 2}), meta(a={"c": 2, "b": 1}), True, "an object has no order"),
    (a("==", {"b": 1}), meta(a={"b": 1, "c": 2}), False, ""),
    (a("==", {"b": 1}), meta(a={"b": True}), False, ""),
    (a("==", {"b": None}), meta(a={}), False, "inside a value, null is not missing"),
    (a("==", {"b": 1}), meta(a=[["b", 1]]), False, ""),
    (a("==", [["b", 1]]), meta(a={"b": 1}), False, ""),
    (a("==", {"b": {"c": [1]}}), meta(a={"b": {"c": [1.0]}}), True, ""),
    # Dots walk objects; a backslash makes a dot part of the key.
    (where("meta.a", "==", 1), meta(a=1), True, ""),
    (where("meta.a.b", "==", 1), meta(a={"b": 1}), True, ""),
    (where("a.b", "==", 1), meta(a={"b": 1}), True, "with or without meta."),
    (where("a.b", "==", 1), {"meta": {"a.b": 1}}, False, ""),
    (where(r"meta.a\.b", "==", 1), {"meta": {"a.b": 1}}, True, ""),
    (where(r"a\.b", "==", 1), {"meta": {"a.b": 1}}, True, ""),
    (where(r"a\.b", "==", 1), meta(a={"b": 1}), False, ""),
    (where(r"a\\b", "==", 1), {"meta": {"a\\b": 1}}, True, ""),
    (where(r"a\b", "==", 1), {"meta": {"a\\b": 1}}, True, "before other letters a backslash is itself"),
    (where("meta.a.b", "==", None), meta(a=1), True, "a number has no keys"),
    (where("meta.a.b", "!=", 1), meta(a="b"), True, ""),
    (where("meta.a.0", "==", 1), meta(a=[1]), False, "dots do not walk lists"),
    (where("meta.a.b", "<", 3), meta(a={"b": 2}), True, ""),
    (where("meta.meta.a", "==", 1), meta(meta={"a": 1}), True, ""),
    (where("meta", "==", 1), meta(meta=1), True, "alone it is a key like others"),
    (where("meta.text", "==", "x"), {"text": "y", "meta": {"text": "x"}}, True, "not the memory's own"),
    (where("text", "==", "x"), {"text": "y", "meta": {"text": "x"}}, False, "the memory's own"),
    (where("version", "==", 7), meta(version=7), True, "not a field of filters, so metadata"),
    (where("expires_at", "==", None), NOTHING, True, ""),
    (where("user_id.a", "==", 1), meta(user_id={"a": 1}), True, "an id has no keys, so metadata"),
    # A memory's own strings compare letter by letter, also when they look like times.
    (where("user_id", "==", "alice"), {"user_id": "alice"}, True, ""),
    (where("user_id", "==", "alice"), {"user_id": "Alice"}, False, ""),
    (where("user_id", "==", None), {"user_id": None}, True, ""),
    (where("user_id", "!=", "alice"), {"user_id": None}, True, ""),
    (where("user_id", "in", ["alice", None]), {"user_id": None}, True, ""),
    (where("user_id", "==", "2024-05-01"), {"user_id": "2024-05-01T00:00"}, False, ""),
    (where("user_id", "in", ["2024-05-01"]), {"user_id": "2024-05-01T00:00"}, False, ""),
    (where("text", "==", "2024-05-01"), {"text": "2024-05-01T00:00Z"}, False, ""),
    (where("text", "==", "2024-05-01"), {"text": "2024-05-01"}, True, ""),
    (where("role", "==", "assistant"), {"role": "assistant"}, True, ""),
    (where("name", "==", None), {"name": None}, True, ""),
    (where("id", "in", ["m1", "m2"]), {"id": "m2"}, True, ""),
    # A memory's own times.
    (where("created_at", "==", NOON), {"created_at": NOON}, True, ""),
    (where("created_at", "==", "2024-05-01T14:00+02:00"), {"created_at": NOON}, True, ""),
    (where("created_at", ">", "2024-05-01"), {"created_at": NOON}, True, ""),
    (where("created_at", "<", "2024-05-01T12:00"), {"created_at": NOON}, False, ""),
    (where("updated_at", "in", ["2024-05-01T12:00"]), {"updated_at": NOON}, True, ""),
    (where("created_at", "!=", None), {"created_at": NOON}, True, ""),
    # Logic.
    (ALWAYS, NOTHING, True, "all of none"),
    (NEVER, NOTHING, False, "any of none"),
    (not_all_of(), NOTHING, False, "not (all of none)"),
    (all_of(ALWAYS, NEVER), NOTHING, False, ""),
    (any_of(ALWAYS, NEVER), NOTHING, True, ""),
    (all_of(a("==", 1), where("b", "==", 2)), meta(a=1, b=2), True, ""),
    (all_of(a("==", 1), where("b", "==", 2)), meta(a=1), False, ""),
    (any_of(a("==", 1), where("b", "==", 2)), meta(a=1), True, ""),
    (any_of(a("==", 1), where("b", "==", 2)), NOTHING, False, ""),
    (not_all_of(a("==", 1), where("b", "==", 2)), meta(a=1), True, "not (a and b), as in Haystack"),
    (not_all_of(a("==", 1), where("b", "==", 2)), meta(a=1, b=2), False, ""),
    (not_all_of(a("==", 1)), NOTHING, True, ""),
    (not_all_of(not_all_of(a("<", 3))), NOTHING, False, ""),
    (not_all_of(any_of(a("<", 3), a(">=", 3))), NOTHING, True, "neither holds for null"),
    ({"operator": "and", "conditions": [a("==", 1)]}, meta(a=1), True, "any case"),
    ({"operator": "Not", "conditions": [a("==", 1)]}, meta(a=1), False, ""),
]

# What no memory is, but a mapping may be.
MAPPING_CELLS = [
    (where("user_id", "==", None), {}, True, "missing is null"),
    (where("user_id", "!=", "alice"), {}, True, ""),
    (where("user_id", "==", "1"), {"user_id": 1}, False, "the wrong type does not match"),
    (where("created_at", "==", "2024-05-01T12:00Z"), {"created_at": "2024-05-01 12:00"}, True, "as text"),
    (where("created_at", ">", "2024-05-01"), {"created_at": datetime(2024, 5, 2)}, True, "naive is UTC"),
    (where("created_at", ">", "2024-05-01"), {"created_at": "yesterday"}, False, ""),
    (where("created_at", ">", "2024-05-01"), {"created_at": 1714521600}, False, ""),
    (a("==", None), {}, True, "no metadata at all"),
    (a("==", None), {"meta": None}, True, ""),
    (a("==", 1), {"meta": "x"}, False, ""),
    (a("==", 1), {"a": 1}, False, "metadata lies under meta"),
    (a("==", "2024-05-01"), meta(a=datetime(2024, 5, 1, 2, tzinfo=EAST)), True, ""),
    (a(">", "2024-05-01"), meta(a=datetime(2024, 5, 1, 1)), True, ""),
    (a("==", "2024-05-01"), meta(a=date(2024, 5, 1)), False, "no JSON, so equal to nothing"),
    (a("!=", 1), meta(a=float("nan")), True, ""),
    (a(">=", 0), meta(a=float("nan")), False, ""),
    (a("<", 1), meta(a=float("-inf")), True, ""),
    (a("==", [1]), meta(a=(1,)), True, "a tuple is a list"),
    (a("==", None), meta(a=object()), False, ""),
]


def memory(record: dict[str, Any]) -> Memory:
    return Memory(**{"id": "m1", "text": "a text", "created_at": NOON, "updated_at": NOON} | record)


def check(filters: dict[str, Any], record: Any, expected: bool, why: str) -> None:
    node = parse(filters)
    assert matches(node, record) is expected, why
    assert compile_filter(node)(record) is expected, why
    assert matches(normalize(node), record) is expected, why
    assert compile_filter(normalize(node))(record) is expected, why


@pytest.mark.parametrize(("filters", "record", "expected", "why"), CELLS)
def test_a_memory(filters, record, expected, why):
    check(filters, memory(record), expected, why)


@pytest.mark.parametrize(("filters", "record", "expected", "why"), CELLS + MAPPING_CELLS)
def test_a_mapping(filters, record, expected, why):
    check(filters, record, expected, why)
