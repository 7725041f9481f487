"""Compiled predicates where they could part from `matches`: odd records, hostile names, large filters."""

from collections import UserDict

import numpy as np
import pandas as pd
import pytest

from memstore.filters import And, Field, In, Or, compile_filter, field, matches


class Attributes(dict):
    """A mapping whose keys are attributes too, as addict and Box have them; missing ones are truthy."""

    def __getattr__(self, name):
        return self.get(name, "missing")


class Thing:
    """No memory and no mapping, with whatever as metadata."""

    def __init__(self, meta):
        self.meta = meta


FILTERS = [
    field("user_id") == None,
    field("user_id") == "missing",
    field("meta.a") == 1,
    field("meta.a.b") < 3,
    field("meta.a.b.c.d.e") == "deep",
    ~field("meta.a").is_in(["x", None]),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("make", [dict, Attributes, UserDict], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    "content",
    [
        {},
        {"meta": None},
        {"meta": "text"},
        {"meta": {"a": 1}},
        {"meta": {"a": {"b": 2}}},
        {"meta": UserDict({"a": UserDict({"b": UserDict({"c": {"d": {"e": "deep"}}})})})},
        {"meta": {"a": [1]}},
    ],
    ids=str,
)
def test_any_mapping(wanted, make, content):
    record = make(content)
    assert compile_filter(wanted)(record) is matches(wanted, record)


@pytest.mark.parametrize("meta", [None, 5, "text", [], {"a": 1}, UserDict(a={"b": 1})], ids=str)
def test_things_that_have_metadata_of_any_kind(meta):
    for wanted in (field("meta.a") == 1, ~(field("meta.a.b") == 1), field("meta.a") == None):
        assert compile_filter(wanted)(Thing(meta)) is matches(wanted, Thing(meta))


@pytest.mark.parametrize(
    "words",
    [
        '") or True or ("',
        "{}",
        "{0.__class__}",
        "\\",
        "'",
        '"""',
        "\n",
        "x := 1",
        "v17",
        "meta",
        "record",
        "__import__('os')",
    ],
)
def test_nothing_that_a_caller_writes_is_run(words):
    for wanted in (
        Field(("meta", words)),
        Field(("meta", "a", words)),
        Field(("meta", words, "a", "b", "c")),
    ):
        filter = In(wanted, (words, 1, None)) & ~In(wanted, (words,))
        assert compile_filter(filter)({"meta": {words: words}}) is matches(filter, {"meta": {words: words}})


@pytest.mark.parametrize("count", [99, 100, 101, 10_001])
def test_filters_of_any_size_are_compiled(count):
    every = And(tuple(field("n") != number for number in range(count)))
    some = Or(tuple((field("n") == number) & (field("m") == number) for number in range(count)))
    for filter in (every, some):
        predicate = compile_filter(filter)
        for n in (-1, 0, count // 2, count - 1, count):
            for record in ({"meta": {"n": n, "m": n}}, {"meta": {"n": n, "m": 0}}):
                assert predicate(record) is matches(filter, record)


class Hostile:
    def __eq__(self, other):
        raise RuntimeError("never ask me")

    __hash__ = None

    def __str__(self):
        return "hostile"  # the name of a test is the same in every process


@pytest.mark.parametrize(
    "stored", [np.array([1, 2]), np.float64(1), np.int64(1), Hostile(), pd.NA, pd.NaT, {1}], ids=str
)
@pytest.mark.parametrize("value", [1, 1.5, "x", True, None, "2024-05-01", [1], {"a": 1}], ids=str)
def test_stored_values_that_compare_in_their_own_way(stored, value):
    for wanted in (field("a") == value, field("a").is_in([value, 2]), field("a") < 3, field("a") < "2024-05-01"):
        record = {"meta": {"a": stored}}
        answer = compile_filter(wanted)(record)
        assert answer is matches(wanted, record)
        assert type(answer) is bool


def test_a_stored_value_of_any_depth_is_no_error():
    deep = []
    for _ in range(50_000):
        deep = [deep]
    record = {"meta": {"a": deep}}
    for wanted in (field("a") == [[1]], field("a").is_in([1, [2]]), field("a") == {"b": 1}):
        assert not matches(wanted, record)
        assert not compile_filter(wanted)(record)
    while deep:  # taken apart by hand, because so deep a list crashes its own destruction in some versions
        deep = deep.pop()
