"""Filters written in Python are the nodes that `parse` reads."""

import pytest

from memstore.filters import FilterError, field, parse


@pytest.mark.parametrize(
    ("built", "written"),
    [
        (field("age") == 1, ("age", "==", 1)),
        (field("age") != 1, ("age", "!=", 1)),
        (field("age") < 1, ("age", "<", 1)),
        (field("age") <= 1, ("age", "<=", 1)),
        (field("age") > 1, ("age", ">", 1)),
        (field("age") >= 1, ("age", ">=", 1)),
        (1 < field("age"), ("age", ">", 1)),  # Python turns it round
        (field("age").is_in([1, 2]), ("age", "in", [1, 2])),
        (field("age").is_in((1, 2)), ("age", "in", [1, 2])),
        (field("age").not_in([]), ("age", "not in", [])),
        (field("meta.age") == 1, ("age", "==", 1)),
        (field("user_id") == "alice", ("user_id", "==", "alice")),
    ],
)
def test_each_comparison(built, written):
    assert built == parse(dict(zip(("field", "operator", "value"), written, strict=True)))


def test_logic():
    a, b = field("a") == 1, field("b") == 2
    leaves = [{"field": "a", "operator": "==", "value": 1}, {"field": "b", "operator": "==", "value": 2}]
    assert (a & b) == parse({"operator": "AND", "conditions": leaves})
    assert (a | b) == parse({"operator": "OR", "conditions": leaves})
    assert ~(a & b) == parse({"operator": "NOT", "conditions": leaves})


@pytest.mark.parametrize("values", ["bob", ""])
def test_a_string_is_not_taken_for_its_letters(values):
    with pytest.raises(FilterError, match="take a list") as caught:
        field("user_id").is_in(values)
    assert caught.value.place == "value"


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "meta.", "meta..a", "a\0", "a\ud800", None, 1, ["a"]])
def test_impossible_fields(name):
    with pytest.raises(FilterError) as caught:
        field(name)
    assert caught.value.place == "field"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("user_id", ("user_id",)),
        ("meta.user_id", ("meta", "user_id")),
        ("age", ("meta", "age")),
        ("meta", ("meta", "meta")),
        ("metadata.a", ("meta", "metadata", "a")),
        (r"a\.b.c", ("meta", "a.b", "c")),
        (r"a\\.b", ("meta", "a\\", "b")),
        (r"a\b", ("meta", r"a\b")),
        ("a\\", ("meta", "a\\")),
        ("a\nb", ("meta", "a\nb")),
        ("\\\n", ("meta", "\\\n")),
    ],
)
def test_how_names_are_read(name, path):
    assert field(name).is_in([]).field.path == path


def test_a_long_name_is_read_once_through():
    name = "\\" + "a" * 1_000_000
    assert (field(name) == 1).field.path == ("meta", name)


def test_a_field_is_shown_and_is_no_key():
    assert repr(field("age")) == "field('meta.age')"
    with pytest.raises(TypeError, match="unhashable"):
        {field("age")}


def test_what_has_no_order_is_called_as_it_was_written():
    for value, kind in (([1], "a list"), ({"b": 1}, "an object"), (True, "a boolean")):
        with pytest.raises(FilterError, match=f"{kind}.* has no order"):
            field("a") < value
