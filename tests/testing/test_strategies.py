"""The strategies make what they say, and reach the corners they are there for."""

import subprocess
import sys

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from memstore.filters import And, Comparison, Field, Filter, In, Not, Operator, Or, matches
from memstore.filters.instants import parse_instant
from memstore.json_values import checked_copy
from memstore.memory import RESERVED_METADATA_KEYS, Memory
from memstore.testing import strategies

SEARCH = settings(max_examples=2000, database=None, derandomize=True)


@given(strategies.metadata())
def test_metadata_can_be_stored(meta):
    assert checked_copy(meta, "meta") == meta
    assert RESERVED_METADATA_KEYS.isdisjoint(meta)


@given(strategies.memories())
def test_memories_are_memories(memory):
    assert Memory.from_dict(memory.to_dict()) == memory
    assert memory.created_at.utcoffset().total_seconds() == 0


@given(st.lists(strategies.memories(), max_size=5, unique_by=lambda memory: memory.id))
def test_memories_can_be_told_apart(memories):
    assert len({memory.id for memory in memories}) == len(memories)


@given(strategies.filters(st.just(Field(("user_id",)))))
def test_filters_can_be_kept_to_some_fields(filter):
    assert {leaf.field.path for leaf in leaves(filter)} <= {("user_id",)}


@pytest.mark.parametrize(
    "wanted",
    [
        *(lambda f, kind=kind: isinstance(f, kind) for kind in (Comparison, In, And, Or, Not)),
        *(
            lambda f, order=order: any(getattr(leaf, "operator", None) is order for leaf in leaves(f))
            for order in Operator
        ),
        lambda f: f.depth > 3,
        lambda f: any(leaf.field.is_time for leaf in leaves(f)),
        lambda f: any(len(leaf.field.path) > 2 for leaf in leaves(f)),
    ],
)
def test_filters_of_every_kind(wanted):
    assert isinstance(find(strategies.filters(), wanted, settings=SEARCH), Filter)


@pytest.mark.parametrize("kind", [bool, int, float, str, list, dict, type(None)])
def test_values_of_every_kind(kind):
    assert type(find(strategies.json_values(), lambda value: type(value) is kind, settings=SEARCH)) is kind


def test_the_pools_are_what_they_say():
    instants = [parse_instant(text) for text in strategies.TIMES]
    assert None not in instants
    assert len(set(instants[:7])) == 1
    assert [text for text in strategies.LOOKALIKES if parse_instant(text) is not None] == []


def test_filters_often_match_and_often_do_not():
    answers = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(strategies.filters(), strategies.records())
    def ask(filter, record):
        answers.extend(matches(leaf, record) for leaf in leaves(filter))

    ask()
    assert 0.05 < sum(answers) / len(answers) < 0.5


@pytest.mark.parametrize("module", ["memstore", "memstore.testing"])
def test_importing_loads_no_test_tools(module):
    check = f"import {module}, sys; assert not {{'hypothesis', 'pytest'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def leaves(filter):
    match filter:
        case And(children) | Or(children):
            for child in children:
                yield from leaves(child)
        case Not(child):
            yield from leaves(child)
        case _:
            yield filter
