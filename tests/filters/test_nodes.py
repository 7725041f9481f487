"""Nodes check themselves: whoever holds one holds a filter that every store can be asked."""

import pickle
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum

import pandas as pd
import pytest

from memstore.filters import (
    FALSE,
    MAX_DEPTH,
    MAX_SIZE,
    TRUE,
    And,
    Comparison,
    Field,
    FilterError,
    In,
    Not,
    Operator,
    Or,
    field,
    matches,
    normalize,
    serialize,
)
from memstore.filters.compile import compile_filter

A, B = field("a") == 1, field("b") == 2
SECRET = "attack at dawn"


class Level(IntEnum):
    HIGH = 3


class Colour(StrEnum):
    RED = "red"


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


# Identity.


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), (1.0, True), (0, False), ([], {}), ([["k", 1]], {"k": 1})]
)
def test_values_that_python_confuses_make_different_filters(one, other):
    assert (field("a") == one) != (field("a") == other)
    assert field("a").is_in([one]) != field("a").is_in([other])
    assert (field("a") == [one]) != (field("a") == [other])


def test_a_set_keeps_filters_apart():
    assert len({field("a") == value for value in (1, True, 1.0)}) == 3


def test_a_filter_is_no_other_thing():
    assert A != "meta.a == 1"
    assert And((A,)) != Or((A,))
    assert And((A,)) != A


def test_children_that_print_alike_are_sorted_by_what_they_are():
    empty, lists = field("a") == {}, field("a") == []
    assert normalize(And((Not(empty), Not(lists)))) == normalize(And((Not(lists), Not(empty))))
    assert normalize(empty | lists) == normalize(lists | empty)


def test_negative_zero_is_zero():
    assert str(field("a") == -0.0) == "meta.a == 0.0"


# Building.


def test_operators_flatten_chains():
    assert A & B & A == And((A, B, A))
    assert A | B | A == Or((A, B, A))
    assert (A | B) & A == And((Or((A, B)), A))
    assert ~A == Not(A)


@pytest.mark.parametrize("ask", [bool, lambda f: f and f, lambda f: not f, lambda f: 1 if f else 0])
def test_a_filter_has_no_truth_value(ask):
    with pytest.raises(TypeError, match="combine filters with &, | and ~"):
        ask(A)


def test_a_chained_comparison_is_refused_rather_than_halved():
    with pytest.raises(TypeError):
        18 <= field("age") <= 30


@pytest.mark.parametrize("stranger", [None, True, {"field": "a"}, "a"])
def test_filters_combine_with_filters_only(stranger):
    with pytest.raises(TypeError, match="filters combine with filters"):
        A & stranger
    with pytest.raises(TypeError, match="filters combine with filters"):
        A | stranger


@pytest.mark.parametrize("node", [A, field("a").is_in([1]), And((A,)), Or((A,)), Not(A)])
def test_nodes_do_not_change(node):
    name = node.__match_args__[0]
    with pytest.raises(AttributeError):
        setattr(node, name, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Level.HIGH, 3),
        (Colour.RED, "red"),
        (date(2024, 5, 1), "2024-05-01"),
        (datetime(2024, 5, 1), "2024-05-01T00:00:00Z"),
        (pd.Timestamp("2024-05-01T02:00+02:00"), "2024-05-01T00:00:00Z"),
        (float(pd.Series([1.5])[0]), 1.5),
        ((1, [2]), (1, (2,))),
    ],
)
def test_values_become_plain_json(given, kept):
    value = (field("a") == given).value
    assert value == kept
    assert type(value) is type(kept)


def test_the_value_is_a_copy():
    mine = [1]
    node = field("a") == mine
    mine.append(2)
    assert serialize(node)["value"] == [1]


def test_what_is_pickled_is_checked_when_it_comes_back():
    node = field("a") == {"b": [1, None]}
    again = pickle.loads(pickle.dumps(node))
    assert again == node
    assert again.depth == node.depth
    assert again.size == node.size


# Refusals.


@pytest.mark.parametrize(
    ("make", "place", "reason"),
    [
        (lambda: field("a") == float("nan"), "value", "finite"),
        (lambda: field("a") == float("-inf"), "value", "finite"),
        (lambda: field("a").is_in([1, float("nan")]), "value[1]", "finite"),
        (lambda: field("a") == {"b": [1, float("nan")]}, "value['b'][1]", "finite"),
        (lambda: field("a").is_in([0, [1, {"b": 2**63}]]), "value[1][1]['b']", "64 bits"),
        (lambda: field("a") == {"k" * 1000: 2**63}, "value[...]", "64 bits"),
        (lambda: field("a") == 2**63, "value", "64 bits"),
        (lambda: field("a") == -(2**63) - 1, "value", "64 bits"),
        (lambda: field("a") == f"{SECRET}\0", "value", r"U\+0000"),
        (lambda: field("a") == f"{SECRET}\ud800", "value", "lone surrogate"),
        (lambda: field("a") == {"\0": 1}, "value", r"U\+0000"),
        (lambda: field("a") == {1: 1}, "value", "keys are strings"),
        (lambda: field("a") == {SECRET}, "value", "JSON or a datetime"),
        (lambda: field("a") == SECRET.encode(), "value", "JSON or a datetime"),
        (lambda: field("a") == pd.NaT, "value", "whole microseconds"),
        (lambda: field("a") == pd.Timestamp(1), "value", "whole microseconds"),
        (
            lambda: field("a") == datetime.max.replace(tzinfo=pd.Timestamp("2024-05-01T00-02:00").tzinfo),
            "value",
            "9999",
        ),
        (lambda: field("a") < SECRET, "value", "no order"),
        (lambda: field("a") < True, "value", "no order"),
        (lambda: field("a") < [SECRET], "value", "no order"),
        (lambda: field("a") < {"b": SECRET}, "value", "no order"),
        (lambda: field("a") < "2024-02-30", "value", "no order"),
        (lambda: field("text") > "2024-05-01", "operator", "no order"),
        (lambda: field("user_id") == 1, "value", "a string or null"),
        (lambda: field("user_id") == [SECRET], "value", "a string or null"),
        (lambda: field("user_id").is_in(["alice", 1]), "value[1]", "a string or null"),
        (lambda: field("text") == datetime(2024, 5, 1), "value", "a string or null"),
        (lambda: field("created_at") == 1714521600, "value", "datetime or an ISO 8601"),
        (lambda: field("created_at") == SECRET, "value", "datetime or an ISO 8601"),
        (lambda: field("created_at") > [], "value", "datetime or an ISO 8601"),
        (lambda: Comparison(Field(("id",)), "~", SECRET), "operator", "unknown operator"),
        (lambda: Comparison(Field(("id",)), [SECRET], SECRET), "operator", "unknown operator"),
        (lambda: Comparison("id", Operator.EQ, SECRET), "field", "a Field belongs here"),
        (lambda: In("id", ()), "field", "a Field belongs here"),
        (lambda: In(Field(("id",)), SECRET), "value", "take a list"),
        (lambda: And([A]), "conditions", "a tuple of filters"),
        (lambda: And((A, SECRET)), "conditions[1]", "a filter belongs here"),
        (lambda: Not(None), "conditions[0]", "a filter belongs here"),
        (lambda: Field(()), "field", "one of a memory's own"),
        (lambda: Field(("age",)), "field", "one of a memory's own"),
        (lambda: Field(("user_id", "a")), "field", "one of a memory's own"),
        (lambda: Field(("meta",)), "field", "a key after every dot"),
        (lambda: Field(("meta", "")), "field", "a key after every dot"),
        (lambda: Field(("meta", 1)), "field", "tuple of strings"),
        (lambda: Field(["meta", "a"]), "field", "tuple of strings"),
        (lambda: Field(("meta", *"a" * MAX_DEPTH)), "field", "keys deep"),
    ],
)
def test_what_is_refused(make, place, reason):
    with pytest.raises(FilterError, match=reason) as caught:
        make()
    assert caught.value.place == place
    assert SECRET not in str(caught.value)


def test_an_error_survives_pickling():
    error = FilterError("no order", "conditions[2].value")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.place) == ("conditions[2].value: no order", "conditions[2].value")


# Bounds.


def test_depth_is_bounded():
    node = A
    for _ in range(MAX_DEPTH - 1):
        node = Not(node)
    assert node.depth == MAX_DEPTH
    for use in (str, repr, hash, normalize, serialize, compile_filter, lambda f: matches(f, {}), pickle.dumps):
        use(node)
    with pytest.raises(FilterError, match="levels deep"):
        Not(node)


def test_depth_of_values_is_bounded():
    assert str(field("a") == nested(MAX_DEPTH)).count("[") == MAX_DEPTH
    for levels in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(FilterError, match="levels deep"):
            field("a") == nested(levels)


def test_size_is_bounded():
    assert field("a").is_in([0] * MAX_SIZE).size == MAX_SIZE
    assert And((A,) * (MAX_SIZE - 1)).size == MAX_SIZE
    for make in (
        lambda: field("a").is_in([0] * (MAX_SIZE + 1)),
        lambda: field("a") == [0] * MAX_SIZE,
        lambda: And((A,) * MAX_SIZE),
    ):
        with pytest.raises(FilterError, match="100,000 conditions and values"):
            make()


def test_a_value_that_holds_itself_is_refused():
    endless = []
    endless.extend([endless, endless])
    with pytest.raises(FilterError, match="levels deep"):
        field("a") == endless


class CountedList(list):
    """A list that counts how often it is gone through."""

    visits = 0

    def __iter__(self):
        CountedList.visits += 1
        return super().__iter__()


def test_shared_values_are_not_gone_through_endlessly():
    big = CountedList([0] * (MAX_SIZE - 2))
    with pytest.raises(FilterError, match="100,000"):
        field("a").is_in([big] * 1000)
    assert CountedList.visits < 5


def test_doubling_values_are_refused():
    value = [0]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(FilterError, match="100,000"):
        field("a") == value


def test_the_canonical_form_is_no_larger():
    """Else the largest filters could not be normalised: a Not for each leaf, an In for each two equalities."""
    many = tuple(field(f"f{number // 2}") == number for number in range(1000))
    for node in (Not(And(many)), Or(many), Not(And(many[::2]))):
        assert normalize(node).size <= node.size


@pytest.mark.parametrize("logic", [lambda f: f & A, lambda f: f | A, lambda f: ~(f & A), lambda f: And((f | B, A))])
def test_the_deepest_filters_are_evaluated(logic):
    node = field("c.d") < 3
    while node.depth <= MAX_DEPTH - 2 and node.size < 1000:
        node = logic(node)
    for record in ({}, {"meta": {"a": 1, "c": {"d": 2}}}):
        assert compile_filter(node)(record) is matches(node, record) is matches(normalize(node), record)


def test_the_deepest_path_is_walked():
    keys = ["a"] * (MAX_DEPTH - 1)
    meta = 1
    for key in keys:
        meta = {key: meta}
    node = field("meta." + ".".join(keys)) == 1
    for record, expected in (({"meta": meta}, True), ({"meta": meta["a"]}, False)):
        assert compile_filter(node)(record) is matches(node, record) is expected


# What they look like.


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (A, "meta.a == 1"),
        (field("a.b") != None, "meta.a.b != null"),
        (field(r"a\.b") == "x", r'meta.a\.b == "x"'),
        (field("user_id").is_in(["alice", "Zoë"]), 'user_id in ["alice", "Zoë"]'),
        (field("a").not_in([True, [1], {"b": 1}]), 'meta.a not in [true, [1], {"b": 1}]'),
        (field("a").is_in(list(range(1012))), "meta.a in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 1,002 more]"),
        (field("created_at") >= datetime(2024, 5, 1, tzinfo=UTC), 'created_at >= "2024-05-01T00:00:00Z"'),
        (A & (B | ~A), "meta.a == 1 and (meta.b == 2 or meta.a != 1)"),
        (~(A & B), "not (meta.a == 1 and meta.b == 2)"),
        (~(field("a") < 3), "not (meta.a < 3)"),
        (TRUE, "everything"),
        (FALSE, "nothing"),
        (A | TRUE, "meta.a == 1 or (everything)"),
    ],
)
def test_a_filter_reads_like_a_sentence(node, text):
    assert str(node) == text


@pytest.mark.parametrize("use", [serialize, lambda f: matches(f, {}), compile_filter])
def test_only_filters_are_evaluated(use):
    with pytest.raises(TypeError, match="a filter belongs here"):
        use("meta.a == 1")
