"""Metadata in and out: what is plain stays, what is nearly plain becomes plain."""

import json
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given

from memstore import InvalidMemoryError
from memstore.json_values import MAX_DEPTH, checked_copy, copy_json
from memstore.testing import strategies


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Ratio(float):
    pass


@given(strategies.json_values())
def test_json_comes_out_as_it_went_in_and_shares_nothing(value):
    copied = checked_copy(value, "metadata")
    assert json.dumps(copied) == json.dumps(copy_json(copied)) == json.dumps(value)
    for part in (value, copied):
        if isinstance(part, list | dict) and part:
            assert checked_copy(part, "metadata") is not part
            assert copy_json(part) is not part


def test_subclasses_become_what_they_hold():
    copied = checked_copy({Colour.RED: [Colour.RED, Level.HIGH, Ratio(0.5), (1,)]}, "metadata")
    assert copied == {"red": ["red", 3, 0.5, [1]]}
    assert [type(item) for item in copied["red"]] == [str, int, float, list]
    assert [type(key) for key in copied] == [str]


def test_nesting_ends_where_it_says():
    def nested(depth):
        value = 1
        for _ in range(depth):
            value = {"a": value}
        return value

    assert checked_copy(nested(MAX_DEPTH), "metadata") == nested(MAX_DEPTH)
    with pytest.raises(InvalidMemoryError, match=r"^metadata(\['a'\]){100}: nested more than 100"):
        checked_copy(nested(MAX_DEPTH + 1), "metadata")


@pytest.mark.parametrize("key", ["ü", "日本", "", "a.b"])
def test_any_key_that_is_text_is_kept(key):
    assert checked_copy({key: key}, "metadata") == {key: key}


@pytest.mark.parametrize("key", ["\ud800", "a\0", 1, None, ("a",)])
def test_other_keys_are_refused(key):
    with pytest.raises(InvalidMemoryError, match=r"^metadata\['in'\]: "):
        checked_copy({"in": {key: 1}}, "metadata")
