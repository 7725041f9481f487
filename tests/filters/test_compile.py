"""Compiled predicates where they could part from `matches`: odd records, hostile names, large filters."""

from collections import UserDict
from functools import partial

import pytest

from memstore.filters import And, Field, In, compile_filter, field, matches


class Attributes(dict):
    """A mapping whose keys are attributes too, as addict and Box have them; missing ones are truthy."""

    def __getattr__(self, name):
        return self.get(name, "missing")


class Thing:
    """No memory and no mapping, with whatever as metadata."""

    def __init__(self, meta):
        self.meta = meta


FILTERS = [
    field("user_id") == None,  # noqa: E711
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
    for wanted in (field("meta.a") == 1, ~(field("meta.a.b") == 1), field("meta.a") == None):  # noqa: E711
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


def test_large_filters_are_answered_and_not_compiled_for_minutes():
    many = And(tuple(field("n") != number for number in range(30_000)))
    predicate = compile_filter(many)
    assert predicate({"meta": {"n": -1}})
    assert not predicate({"meta": {"n": 29_999}})
    assert isinstance(predicate, partial)  # the compiler's time is quadratic: it would take seconds


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
