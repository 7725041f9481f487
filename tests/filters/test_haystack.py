"""Reading Haystack's dictionaries: whatever comes in, a filter or an error that names the place."""

import json
from collections import UserDict
from types import MappingProxyType

import haystack.errors
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memstore.filters import MAX_DEPTH, MAX_SIZE, And, Filter, FilterError, In, Not, Or, field, parse, serialize

SECRET = "attack at dawn"
LEAF = {"field": "a", "operator": "==", "value": 1}


def leaf(**changes):
    return LEAF | changes


def logic(*conditions, operator="AND"):
    return {"operator": operator, "conditions": list(conditions)}


def refused(filters):
    with pytest.raises(FilterError) as caught:
        parse(filters)
    assert SECRET not in str(caught.value)
    return caught.value


# What is read.


@pytest.mark.parametrize(
    ("filters", "node"),
    [
        (LEAF, field("a") == 1),
        (leaf(operator="!="), field("a") != 1),
        (leaf(operator="in", value=[1]), field("a").is_in([1])),
        (leaf(operator="not in", value=[1]), field("a").not_in([1])),
        (logic(LEAF), And((field("a") == 1,))),
        (logic(operator="OR"), Or(())),
        (logic(LEAF, operator="NOT"), field("a") != 1),
        (logic(LEAF, LEAF, operator="not"), Not(And((field("a") == 1, field("a") == 1)))),
        (logic(operator="NOT"), Not(And(()))),
        (logic(field("a") == 1, LEAF), And((field("a") == 1, field("a") == 1))),
        ({"operator": "AND", "conditions": (LEAF,)}, And((field("a") == 1,))),
        (UserDict(LEAF), field("a") == 1),
        (MappingProxyType(logic(MappingProxyType(LEAF))), And((field("a") == 1,))),
    ],
)
def test_what_is_read(filters, node):
    assert parse(filters) == node


def test_a_node_is_returned_as_it_is():
    node = field("a") == 1
    assert parse(node) is node


def test_what_was_given_is_not_changed():
    filters = logic(leaf(operator="in", value=[1, {"b": [2]}]))
    before = json.dumps(filters)
    parse(filters)
    assert json.dumps(filters) == before


# What is refused, and where.


@pytest.mark.parametrize(
    ("filters", "place", "reason"),
    [
        # No dictionary.
        (None, "", "a condition is a dictionary"),
        (SECRET, "", "a condition is a dictionary"),
        ([LEAF], "", "a condition is a dictionary"),
        (True, "", "a condition is a dictionary"),
        (logic(LEAF, SECRET), "conditions[1]", "a condition is a dictionary"),
        (logic(logic(LEAF, None)), "conditions[0].conditions[1]", "a condition is a dictionary"),
        # Keys.
        ({}, "conditions", "missing"),
        ({"field": "a"}, "operator", "missing"),
        ({"field": "a", "operator": "=="}, "value", "missing"),
        ({"field": "a", "value": SECRET}, "operator", "missing"),
        ({"operator": "==", "value": SECRET}, "", "a key that is none of"),
        ({"operator": "AND"}, "conditions", "missing"),
        ({"conditions": [LEAF]}, "operator", "missing"),
        (leaf(extra=SECRET), "", "a key that is none of"),
        (leaf(**{SECRET: 1}), "", "a key that is none of"),
        (leaf(conditions=[]), "", "a key that is none of"),
        (logic() | {"value": SECRET}, "", "a key that is none of"),
        ({1: SECRET}, "", "keys are strings"),
        ({None: SECRET} | LEAF, "", "keys are strings"),
        ({"a": SECRET}, "", "a key that is none of"),
        (logic(LEAF, logic({"field": "a"})), "conditions[1].conditions[0].operator", "missing"),
        # Operators.
        (leaf(operator=SECRET), "operator", "unknown comparison"),
        (leaf(operator="="), "operator", "unknown comparison"),
        (leaf(operator="IN", value=[1]), "operator", "unknown comparison"),
        (leaf(operator="AND"), "operator", "unknown comparison"),
        (leaf(operator=None), "operator", "unknown comparison"),
        (leaf(operator=[SECRET]), "operator", "unknown comparison"),
        (logic(operator=SECRET), "operator", "unknown logic"),
        (logic(operator="XOR"), "operator", "unknown logic"),
        (logic(operator="=="), "operator", "unknown logic"),
        (logic(operator={}), "operator", "unknown logic"),
        (logic(LEAF, leaf(operator="like")), "conditions[1].operator", "unknown comparison"),
        # Conditions.
        ({"operator": "AND", "conditions": LEAF}, "conditions", "a list of conditions"),
        ({"operator": "AND", "conditions": SECRET}, "conditions", "a list of conditions"),
        ({"operator": "AND", "conditions": None}, "conditions", "a list of conditions"),
        # Fields.
        (leaf(field=None), "field", "named by a string"),
        (leaf(field=[SECRET]), "field", "named by a string"),
        (leaf(field=""), "field", "a key after every dot"),
        (leaf(field="meta..a"), "field", "a key after every dot"),
        (leaf(field="a\0"), "field", r"U\+0000"),
        (leaf(field="a\udfff"), "field", "lone surrogate"),
        (leaf(field=".".join("a" * 10_000)), "field", "keys deep"),
        (logic(LEAF, leaf(field=1)), "conditions[1].field", "named by a string"),
        # Values.
        (leaf(value=float("nan")), "value", "finite"),
        (leaf(value=float("inf")), "value", "finite"),
        (leaf(value=10**1000), "value", "64 bits"),
        (leaf(value=SECRET + "\0"), "value", r"U\+0000"),
        (leaf(value=SECRET + "\ud800"), "value", "lone surrogate"),
        (leaf(value={SECRET}), "value", "JSON or a datetime"),
        (leaf(value={"b": [SECRET, {1: SECRET}]}), "value['b'][1]", "keys are strings"),
        (leaf(operator="in", value=[1, float("nan")]), "value[1]", "finite"),
        (leaf(operator="in", value=[[1, float("nan")]]), "value[0][1]", "finite"),
        (leaf(operator="in", value=SECRET), "value", "take a list"),
        (leaf(operator="not in", value=(1,)), "value", "take a list"),
        (leaf(operator="in", value={"a": 1}), "value", "take a list"),
        (leaf(operator="in", value=None), "value", "take a list"),
        (leaf(operator="<", value=SECRET), "value", "no order"),
        (leaf(operator=">", value="1"), "value", "no order"),
        (leaf(operator=">=", value=[1]), "value", "no order"),
        (leaf(operator="<=", value=True), "value", "no order"),
        (leaf(field="user_id", operator="<", value=None), None, None),
        (leaf(field="user_id", operator="<", value="a"), "operator", "no order"),
        (leaf(field="user_id", value=1), "value", "a string or null"),
        (leaf(field="role", operator="in", value=["user", ["tool"]]), "value[1]", "a string or null"),
        (leaf(field="created_at", value=SECRET), "value", "a datetime or an ISO 8601"),
        (leaf(field="created_at", operator=">", value=[]), "value", "a datetime or an ISO 8601"),
        (logic(LEAF, LEAF, leaf(value=float("nan"))), "conditions[2].value", "finite"),
        (
            logic(logic(leaf(operator="in", value=[float("nan")]), operator="NOT")),
            "conditions[0].conditions[0].value[0]",
            "finite",
        ),
    ],
)
def test_what_is_refused(filters, place, reason):
    if reason is None:  # ordering by null is no mistake: it never matches
        assert isinstance(parse(filters), Filter)
        return
    error = refused(filters)
    assert error.place == place
    assert str(error).startswith(f"{place or 'filter'}: ")
    with pytest.raises(FilterError, match=reason):
        parse(filters)


def test_the_error_is_haystacks_and_a_value_error():
    assert isinstance(refused({}), haystack.errors.FilterError)
    assert isinstance(refused({}), ValueError)


# Bounds.


def nested(levels, operator="NOT"):
    filters = LEAF
    for _ in range(levels - 1):
        filters = logic(filters, operator=operator)
    return filters


@pytest.mark.parametrize("operator", ["AND", "OR", "NOT"])
def test_depth(operator):
    assert serialize(parse(nested(MAX_DEPTH, operator)))
    for levels in (MAX_DEPTH + 1, 10_000):
        error = refused(nested(levels, operator))
        assert "levels deep" in str(error)
        assert error.place == ".".join(["conditions[0]"] * MAX_DEPTH)


def test_the_deepest_not_of_several_is_refused_at_its_place():
    # It reads as a Not above an And: one level more than the dictionary has.
    assert parse(logic(nested(MAX_DEPTH - 2), LEAF, operator="NOT")).depth == MAX_DEPTH
    assert refused(logic(nested(MAX_DEPTH - 1), LEAF, operator="NOT")).place == ""


def test_a_million_conditions():
    assert parse(logic(*[LEAF] * (MAX_SIZE - 1))).size == MAX_SIZE
    error = refused(logic(*[LEAF] * 1_000_000))
    assert error.place == f"conditions[{2 * MAX_SIZE - 1}]", "no more was read than could matter"
    assert "100,000 conditions and values" in str(error)


def test_a_million_values():
    assert isinstance(parse(leaf(operator="in", value=list(range(MAX_SIZE)))), In)
    for filters in (leaf(operator="in", value=[0] * 1_000_000), leaf(value=[0] * 1_000_000)):
        error = refused(filters)
        assert error.place == "value"
        assert "100,000 conditions and values" in str(error)


def test_a_dictionary_that_holds_itself():
    endless = logic(LEAF)
    endless["conditions"].extend([endless, endless])
    assert "levels deep" in str(refused(endless))


def test_a_value_that_holds_itself():
    endless = {}
    endless["more"] = [endless, endless]
    assert "levels deep" in str(refused(leaf(value=endless)))


class CountedDict(dict):
    """A dictionary that counts how often it is looked into."""

    lookups = 0

    def __getitem__(self, key):
        CountedDict.lookups += 1
        return super().__getitem__(key)


def test_shared_conditions_are_not_read_endlessly():
    filters = CountedDict(LEAF)
    for _ in range(60):
        filters = CountedDict(logic(filters, filters))
    assert "100,000 conditions and values" in str(refused(filters))
    assert CountedDict.lookups < 10 * MAX_SIZE


def test_shared_values_are_not_read_endlessly():
    big = CountedDict(leaf(value=[0] * (MAX_SIZE - 2)))
    CountedDict.lookups = 0
    assert "100,000 conditions and values" in str(refused(logic(*[big] * 50_000)))
    assert CountedDict.lookups < 20


def test_what_nodes_allow_can_be_read_back():
    """A Not above a comparison has no weight of its own, or this filter would not survive its dictionary."""
    node = And((~(field("a") < 3),) * (MAX_SIZE - 1))
    assert parse(serialize(node)) == node


# Anything else.

JSON_LIKE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=5),
        st.sampled_from(
            ["AND", "or", "NOT", "==", "!=", "<", "in", "not in", "a", "user_id", "created_at", "2024-05-01"]
        ),
        st.binary(max_size=2),
        st.dates() | st.datetimes(),
    ),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3),
        st.dictionaries(st.text(max_size=3) | st.none() | st.integers(), parts, max_size=3),
        st.fixed_dictionaries({"field": parts, "operator": parts, "value": parts}),
        st.fixed_dictionaries({"operator": parts, "conditions": st.lists(parts, max_size=3) | parts}),
    ),
    max_leaves=12,
)


@given(JSON_LIKE)
@example({"field": "a", "operator": "==", "value": float("nan")})
@example({"field": "\ud800", "operator": "==", "value": 1})
def test_garbage_is_a_filter_or_a_filter_error(garbage):
    try:
        node = parse(garbage)
    except FilterError:
        return
    assert parse(json.loads(json.dumps(serialize(node), allow_nan=False))) == node
    assert str(node).encode()


@given(st.text(st.characters(), max_size=8))
def test_any_name_is_a_field_or_a_filter_error(name):
    try:
        node = parse(leaf(field=name, value=None))
    except FilterError as error:
        assert error.place == "field"
        return
    assert parse(serialize(node)) == node
