"""The laws of filters, each for every filter and record that hypothesis can think of."""

from __future__ import annotations

import copy
import json
import operator
import pickle

from hypothesis import given
from hypothesis import strategies as st

from memstore.filters import (
    FALSE,
    TRUE,
    And,
    Comparison,
    FieldBuilder,
    FilterSupport,
    In,
    Not,
    Operator,
    Or,
    compile_filter,
    field,
    matches,
    normalize,
    parse,
    serialize,
    split_filter,
)
from memstore.testing import strategies

FILTERS = strategies.filters()
RECORDS = strategies.memories() | strategies.records()
COMPARE = {
    Operator.EQ: operator.eq,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


@st.composite
def supports(draw):
    """An engine that evaluates some operators, on some fields, and perhaps no Or or negation."""
    kinds = draw(st.frozensets(st.sampled_from([*Operator, "in"])))
    known = draw(st.none() | st.frozensets(strategies.fields(), max_size=8))
    return FilterSupport(
        leaf=lambda leaf: kind(leaf) in kinds and (known is None or leaf.field in known),
        either=draw(st.booleans()),
        negation=draw(st.booleans()),
    )


def kind(leaf):
    return "in" if isinstance(leaf, In) else leaf.operator


def is_supported(filter, support):
    match filter:
        case And(children):
            return all(is_supported(child, support) for child in children)
        case Or(children):
            return bool(children) and support.either and all(is_supported(child, support) for child in children)
        case Not(child):
            return support.negation and isinstance(child, Comparison | In) and support.leaf(child)
    return support.leaf(filter)


def is_canonical(filter, above=None):
    """The form that `normalize` promises: flat, constants only alone, Not only above leaves."""
    match filter:
        case And(children) | Or(children):
            if len(children) < 2:
                return filter in (TRUE, FALSE) and above is None
            flat = not any(type(child) is type(filter) for child in children)
            return flat and len(set(children)) == len(children) and all(is_canonical(c, filter) for c in children)
        case Not(child):
            return isinstance(child, Comparison | In) and is_canonical(child, filter)
        case In(_, values):
            return len(values) > 1
        case Comparison(_, order, value):
            return order is Operator.EQ or value is not None
    return False


def shuffled(filter, random):
    """The same filter with children and values in another order."""
    match filter:
        case And(children) | Or(children):
            return type(filter)(tuple(random.sample([shuffled(c, random) for c in children], len(children))))
        case Not(child):
            return Not(shuffled(child, random))
        case In(name, values):
            return In(name, tuple(random.sample(values, len(values))))
    return filter


def rebuilt(filter):
    """The filter as somebody would write it with `field` and operators."""
    match filter:
        case Comparison(name, order, value):
            return COMPARE[order](field(str(name)), value)
        case In(name, values):
            return field(str(name)).is_in(values)
        case Not(Comparison(name, Operator.EQ, value)):
            return field(str(name)) != value
        case Not(In(name, values)):
            return field(str(name)).not_in(values)
        case Not(child):
            return ~rebuilt(child)
        case And(children) | Or(children):
            return type(filter)(tuple(rebuilt(child) for child in children))


# The dictionary form.


@given(FILTERS)
def test_what_is_serialized_parses_back(f):
    assert parse(serialize(f)) == f


@given(FILTERS)
def test_what_is_serialized_is_plain_json(f):
    assert parse(json.loads(json.dumps(serialize(f), allow_nan=False))) == f


@given(FILTERS)
def test_the_builder_makes_the_nodes_that_parse_makes(f):
    assert rebuilt(f) == f


@given(strategies.fields())
def test_a_field_is_named_by_its_text(name):
    assert repr(FieldBuilder(name)) == repr(field(str(name)))
    assert (field(str(name)) == None).field == name  # a node, not a comparison


# Identity.


@given(FILTERS, FILTERS)
def test_equal_filters_hash_alike(f, g):
    assert (f == g) == (serialize(f) == serialize(g) and repr(f) == repr(g))
    if f == g:
        assert hash(f) == hash(g)
    assert f == parse(serialize(f))
    assert hash(f) == hash(parse(serialize(f)))


@given(FILTERS)
def test_copies_are_equal(f):
    for twin in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f)):
        assert twin == f
        assert hash(twin) == hash(f)
        assert serialize(twin) == serialize(f)


# Meaning.


@given(FILTERS, RECORDS)
def test_compiled_means_the_same(f, record):
    assert compile_filter(f)(record) is matches(f, record)


@given(FILTERS, strategies.memories())
def test_a_memory_and_its_mapping_match_alike(f, memory):
    own = {name: getattr(memory, name) for name in type(memory).__slots__}
    assert matches(f, own) is matches(f, memory)
    assert matches(f, memory.to_dict()) is matches(f, memory), "times as text"


@given(FILTERS, RECORDS)
def test_nothing_matches_a_filter_and_its_negation(f, record):
    assert matches(~f, record) is not matches(f, record)
    assert matches(~~f, record) is matches(f, record)


@given(FILTERS, FILTERS, RECORDS)
def test_de_morgan(f, g, record):
    assert matches(~(f & g), record) is matches(~f | ~g, record)
    assert matches(~(f | g), record) is matches(~f & ~g, record)


@given(FILTERS, FILTERS, RECORDS)
def test_operators_are_logic(f, g, record):
    assert matches(f & g, record) is (matches(f, record) and matches(g, record))
    assert matches(f | g, record) is (matches(f, record) or matches(g, record))


# The canonical form.


@given(FILTERS, RECORDS)
def test_normalize_keeps_the_meaning(f, record):
    assert matches(normalize(f), record) is matches(f, record)


@given(FILTERS)
def test_normalize_is_idempotent(f):
    assert normalize(normalize(f)) == normalize(f)


@given(FILTERS)
def test_normalize_keeps_its_form(f):
    assert is_canonical(normalize(f))


@given(FILTERS, st.randoms(use_true_random=False))
def test_normalize_forgets_the_order(f, random):
    assert normalize(shuffled(f, random)) == normalize(f)


@given(FILTERS)
def test_normalize_never_outgrows_the_bounds(f):
    assert normalize(f).size <= f.size
    assert normalize(f).depth <= f.depth


# Pushdown.


@given(FILTERS, supports())
def test_native_uses_only_what_is_supported(f, support):
    assert is_supported(split_filter(f, support).native, support)


@given(FILTERS, supports(), RECORDS)
def test_native_and_residual_mean_the_filter(f, support, record):
    split = split_filter(f, support)
    assert matches(split.native & split.residual, record) is matches(f, record)


@given(FILTERS, supports(), RECORDS)
def test_the_filter_implies_native(f, support, record):
    assert matches(split_filter(f, support).native, record) or not matches(f, record)


@given(FILTERS, FILTERS, supports(), RECORDS)
def test_a_split_that_is_narrowed_means_both(f, g, support, record):
    split = split_filter(f, support).narrowed(normalize(g), support)
    assert is_supported(split.native, support)
    assert matches(split.native & split.residual, record) is matches(f & g, record)


@given(FILTERS)
def test_an_engine_that_evaluates_everything_leaves_nothing(f):
    split = split_filter(f, FilterSupport.everything())
    assert split.residual == (FALSE if normalize(f) == FALSE else TRUE)


@given(FILTERS)
def test_an_engine_that_evaluates_nothing_gets_nothing(f):
    assert split_filter(f, FilterSupport.nothing()).native == TRUE
