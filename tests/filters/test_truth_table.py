"""What filters mean, by hand: `memstore.testing.truth_table`, and what only mappings can be.

Every cell is asked of each evaluation there is, on a mapping and, where a memory can be like that,
on a memory.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from memstore.filters import compile_filter, matches, normalize, parse
from memstore.memory import Memory
from memstore.testing.truth_table import EAST, NOON, TABLE, Cell, a, meta, where

# What no memory is, but a mapping may be.
MAPPING_CELLS = [
    Cell(where("user_id", "==", None), {}, True, "missing is null"),
    Cell(where("user_id", "!=", "alice"), {}, True),
    Cell(where("user_id", "==", "1"), {"user_id": 1}, False, "the wrong type does not match"),
    Cell(where("created_at", "==", "2024-05-01T12:00Z"), {"created_at": "2024-05-01 12:00"}, True, "as text"),
    Cell(where("created_at", ">", "2024-05-01"), {"created_at": datetime(2024, 5, 2)}, True, "naive is UTC"),
    Cell(where("created_at", ">", "2024-05-01"), {"created_at": "yesterday"}, False),
    Cell(where("created_at", ">", "2024-05-01"), {"created_at": 1714521600}, False),
    Cell(a("==", None), {}, True, "no metadata at all"),
    Cell(a("==", None), {"meta": None}, True),
    Cell(a("==", 1), {"meta": "x"}, False),
    Cell(a("==", 1), {"a": 1}, False, "metadata lies under meta"),
    Cell(a("==", "2024-05-01"), meta(a=datetime(2024, 5, 1, 2, tzinfo=EAST)), True),
    Cell(a(">", "2024-05-01"), meta(a=datetime(2024, 5, 1, 1)), True),
    Cell(a("==", "2024-05-01"), meta(a=date(2024, 5, 1)), False, "no JSON, so equal to nothing"),
    Cell(a("!=", 1), meta(a=float("nan")), True),
    Cell(a(">=", 0), meta(a=float("nan")), False),
    Cell(a("<", 1), meta(a=float("-inf")), True),
    Cell(a("==", [1]), meta(a=(1,)), True, "a tuple is a list"),
    Cell(a("==", None), meta(a=object()), False),
]


def memory(record: dict[str, Any]) -> Memory:
    return Memory(**{"id": "m1", "text": "a text", "created_at": NOON, "updated_at": NOON} | record)


def check(filters: dict[str, Any], record: Any, expected: bool, why: str) -> None:
    node = parse(filters)
    assert matches(node, record) is expected, why
    assert compile_filter(node)(record) is expected, why
    assert matches(normalize(node), record) is expected, why
    assert compile_filter(normalize(node))(record) is expected, why


@pytest.mark.parametrize(("filters", "record", "expected", "why"), TABLE)
def test_a_memory(filters, record, expected, why):
    check(filters, memory(record), expected, why)


@pytest.mark.parametrize(("filters", "record", "expected", "why"), [*TABLE, *MAPPING_CELLS])
def test_a_mapping(filters, record, expected, why):
    check(filters, record, expected, why)
