"""The laws of both dialects: there and back means f, and the platform answers what f means."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mem0_platform import Reading
from mem0_platform.dialect import compile_filter
from mem0_platform.records import Memory

from memstore import Memory as OurMemory
from memstore.filters import (
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
    split_filter,
)
from memstore.filters.instants import parse_instant
from memstore.filters.values import MAX_DEPTH
from memstore.testing import strategies
from memstore_mem0.oss.filters import PAYLOAD_KEYS, from_oss, to_oss
from memstore_mem0.platform.filters import (
    PLATFORM_SUPPORT,
    from_platform,
    pushed_filters,
    to_platform,
)
from memstore_mem0.platform.reserved import MIRRORED

ENTITIES = ("user_id", "agent_id", "app_id", "run_id")
OWNERS = (*ENTITIES, "user_id", "agent_id")
TIMES = ("created_at", "updated_at")
UUIDS = [f"0191f2c4-0000-7000-8000-00000000000{digit}" for digit in range(3)]
FREE = [Reading("unconstrained", several, missing) for several in ("none of", "not all") for missing in (True, False)]
READINGS = [*FREE, *(replace(reading, unmentioned="null") for reading in FREE)]
DIALECTS = pytest.mark.parametrize(
    ("write", "read", "sayable"),
    [(to_platform, from_platform, "platform"), (to_oss, from_oss, "oss")],
    ids=["platform", "oss"],
)

PLAIN = st.sampled_from([text for text in (*strategies.TEXTS, *strategies.LOOKALIKES) if parse_instant(text) is None])
EXACT = PLAIN | st.sampled_from(strategies.NUMBERS) | st.booleans()
SCALARS = EXACT | st.sampled_from(strategies.TIMES)
IDS = st.sampled_from(strategies.IDS)
ASTERISK = st.just("*")
MEMORIES = strategies.memories().flatmap(
    lambda memory: st.sampled_from(UUIDS).map(lambda id: replace(memory, id=id)) | st.just(memory)
)
RECORDS = MEMORIES | strategies.records()


def leaves(name, values, orders=None):
    """Comparisons of one field that the dialect has."""
    path = Field(name if isinstance(name, tuple) else (name,))
    equal = st.builds(Comparison, st.just(path), st.just(Operator.EQ), values)
    among = st.builds(In, st.just(path), st.lists(values, max_size=4).map(tuple))
    less = [operator for operator in Operator if operator is not Operator.EQ]
    order = st.builds(Comparison, st.just(path), st.sampled_from(less), st.none() if orders is None else orders)
    return st.one_of(equal, among, order) if orders is not None else st.one_of(equal, among)


def platform_leaves(scalars=SCALARS, null=st.none()):
    return st.one_of(
        *(leaves(name, IDS | null) for name in OWNERS),
        leaves("id", IDS | st.sampled_from(UUIDS)),
        *(leaves(name, st.sampled_from(strategies.TIMES), st.sampled_from(strategies.TIMES)) for name in TIMES),
        *(leaves(("meta", key), scalars) for key in strategies.KEYS for _ in "ab"),
    )


def oss_leaves(null=st.none()):
    scalars = SCALARS | ASTERISK
    orders = st.sampled_from((*strategies.TIMES, *strategies.NUMBERS))
    return st.one_of(
        *(leaves(name, IDS | ASTERISK | null) for name in PAYLOAD_KEYS if name not in TIMES),
        *(leaves(name, st.sampled_from(strategies.TIMES) | null, st.sampled_from(strategies.TIMES)) for name in TIMES),
        *(leaves(("meta", key), scalars | null, orders) for key in strategies.KEYS if "." not in key for _ in "ab"),
    )


def logic(children):
    several = st.lists(children, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | children.map(Not)


def trees(of):
    return st.recursive(of, logic, max_leaves=8)


SAYABLE = {
    "platform": trees(platform_leaves()),
    "oss": trees(oss_leaves()),
}
WITHOUT_NULL = {
    "platform": trees(platform_leaves(null=st.nothing())),
    "oss": trees(oss_leaves(null=st.nothing())),
}


@DIALECTS
def test_there_and_back_means_the_same(write, read, sayable):
    @given(SAYABLE[sayable], RECORDS)
    def law(filter, record):
        assert matches(read(write(filter)), record) == matches(filter, record)

    law()


@DIALECTS
def test_what_is_canonical_comes_back_the_same(write, read, sayable):
    """But for null of an entity: that a scope is set or not is how the platform says "always"."""

    @given(WITHOUT_NULL[sayable])
    def law(filter):
        canonical = normalize(filter)
        assert normalize(read(write(canonical))) == canonical

    law()


@DIALECTS
def test_any_filter_is_said_or_refused_at_its_place(write, read, sayable):
    @given(strategies.filters(), RECORDS)
    def law(filter, record):
        try:
            said = write(filter)
        except FilterError as error:
            at(serialize(filter), error.place)
        else:
            assert matches(read(said), record) == matches(filter, record)

    law()


def at(written, place):
    """What a place in a Haystack dictionary names; a KeyError or IndexError when it names nothing."""
    for key, index in re.findall(r"(\w+)|\[(\d+)\]", place):
        written = written[key] if key else written[int(index)]
    return written


@DIALECTS
def test_the_deepest_filter_comes_back(write, read, sayable):
    filter = field("user_id").is_in(["a", None])
    for level in range(MAX_DEPTH - 1):
        filter = (And, Or)[level % 2]((filter, field("a") == level))
    assert filter.depth == MAX_DEPTH
    assert normalize(read(write(filter))) == normalize(filter)


@DIALECTS
def test_the_largest_filter_comes_back(write, read, sayable):
    filter = In(Field(("meta", "a")), tuple(range(100_000)))
    assert read(write(filter)) == filter


def stored(memory, ids, mirrored=False):
    """A memory of ours as the platform keeps it, under these of its ids."""
    mirrors = {MIRRORED[name]: getattr(memory, name) for name in MIRRORED if getattr(memory, name) is not None}
    return Memory(
        memory.id,
        memory.text,
        **{name: getattr(memory, name) if name in ids else None for name in ENTITIES},
        metadata={**memory.meta, **(mirrors if mirrored else {})},
        categories=[],
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )


@given(trees(platform_leaves(EXACT)), MEMORIES)
def test_the_platform_answers_what_the_filter_means(filter, memory):
    said = to_platform(filter)
    for reading in FREE:
        assert compile_filter(said, reading).matches(stored(memory, ENTITIES)) == matches(filter, memory)


@given(SAYABLE["platform"])
def test_the_platform_takes_what_is_said(filter):
    for reading in READINGS:
        compile_filter(to_platform(filter), reading)


@given(
    st.one_of(trees(platform_leaves()), trees(platform_leaves(PLAIN, st.nothing())), strategies.filters()),
    MEMORIES,
    st.sampled_from([("app_id", "run_id", speaker) for speaker in ("user_id", "agent_id", "run_id")]),
)
@settings(max_examples=200)
def test_what_is_pushed_and_what_is_left_mean_the_filter(filter, memory, speakers):
    """In every reading of the documentation, and whichever of its ids the memory was attributed to."""
    split = split_filter(filter, PLATFORM_SUPPORT)
    pushed, left = pushed_filters(split.native), matches(split.residual, memory)
    for reading in READINGS:
        native = compile_filter(pushed, reading).matches
        for kept in (stored(memory, ENTITIES, True), stored(memory, speakers, True), stored(memory, ENTITIES)):
            assert native(kept) == matches(split.native, memory)
            assert (native(kept) and left) == matches(filter, memory)


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("speaker", ["user_id", "agent_id"])
def test_an_inferred_memory_is_found_by_every_id_passed(reading, speaker):
    now = datetime(2026, 1, 2, tzinfo=UTC)
    ours = OurMemory(UUIDS[0], "Hi", "user", user_id="maya", agent_id="ada", run_id="r", created_at=now, updated_at=now)
    kept = stored(ours, ("run_id", speaker), mirrored=True)
    user, agent, run = field("user_id"), field("agent_id"), field("run_id")
    for filter in (user == "maya", agent.is_in(["bob", "ada"]), (user == "maya") & (agent == "ada") & (run == "r")):
        assert compile_filter(pushed_filters(filter), reading).matches(kept)
    for filter in (user == "ada", agent.is_in(["bob", "maya"]), (user == "maya") & (agent == "bob")):
        assert not compile_filter(pushed_filters(filter), reading).matches(kept)


def objects():
    """Filters of the platform's dialect as someone may write them."""
    entity = IDS | st.just("*") | operators({"eq": IDS, "ne": IDS, "in": st.lists(IDS, max_size=3)})
    times = st.sampled_from(strategies.TIMES)
    order = dict.fromkeys(("gt", "gte", "lt", "lte", "ne"), times)
    date = times | operators({**order, "in": st.lists(times, max_size=3)})
    value = EXACT | operators({"eq": EXACT, "ne": EXACT})
    conditions = {
        **dict.fromkeys(ENTITIES, entity),
        **dict.fromkeys(TIMES, date),
        "metadata": st.dictionaries(st.sampled_from(strategies.KEYS), value, min_size=1, max_size=2),
        "memory_ids": operators({"in": st.lists(st.sampled_from(UUIDS), max_size=2)}),
    }
    leaves = st.sampled_from(sorted(conditions)).flatmap(lambda key: st.fixed_dictionaries({key: conditions[key]}))

    def nested(children):
        several = st.lists(children, min_size=1, max_size=3)
        beside = st.tuples(children, children).map(lambda pair: pair[0] | pair[1])
        return st.one_of(
            st.fixed_dictionaries({"AND": several}),
            st.fixed_dictionaries({"OR": several}),
            st.fixed_dictionaries({"NOT": st.lists(children, min_size=1, max_size=1)}),
            beside.filter(lambda both: not {"AND", "OR"} <= both.keys()),
        )

    return st.recursive(leaves, nested, max_leaves=6)


def operators(operands):
    return st.fixed_dictionaries({}, optional=operands).filter(bool)


@given(objects(), MEMORIES)
def test_what_is_read_means_what_the_platform_answers(filters, memory):
    anybody = {"OR": [{"user_id": "*"}, {"NOT": [{"user_id": "*"}]}]}
    answered = compile_filter({"AND": [anybody, filters]}, Reading()).matches(stored(memory, ENTITIES))
    assert answered == matches(from_platform(filters), memory)
