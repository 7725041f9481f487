"""What each vector store may be asked for, cell by cell, on the real ones; and what it does with the rest."""

import pytest
from backends.mem0_oss.engines import DEEP, VALUES, filled
from hypothesis import given
from hypothesis import strategies as st

from memstore.filters import And, Comparison, Field, In, Operator, field
from memstore_mem0.oss.support import ENGINES, UNKNOWN

LOCAL = ["qdrant", "chroma", "faiss", pytest.param("pgvector", marks=pytest.mark.slow)]
FIELDS = ["user_id", "run_id", "agent_id", "app_id", "meta.topic", "meta.other", "meta.absent", "name", "role", "text"]
TEXTS = ["tea", "Tea", "tea ", "te", "5", "Maya Lind", "日本", "maya", "noor", "", "foreign", "user"]


@pytest.fixture(scope="module", params=LOCAL)
def engine(request):
    with filled(request.param) as rows:
        yield request.param, rows


def supported(provider):
    """Every comparison of a field with a value that is pushed down."""
    for name in FIELDS:
        for value in dict.fromkeys([*TEXTS, *(value for value in VALUES if isinstance(value, str))]):
            leaf = Comparison(Field.parse(name), Operator.EQ, value)
            if ENGINES[provider].pushed.leaf(leaf):
                yield leaf


def test_what_is_pushed_finds_every_match(engine):
    provider, rows = engine
    leaves = list(supported(provider))
    assert {str(leaf.field) for leaf in leaves} == set(FIELDS) - {"name", "role", "text"}
    for leaf in leaves:
        assert rows.wanted(leaf) <= rows.listed(leaf), f"{provider}: {leaf}"


def test_two_conditions_find_every_match(engine):
    provider, rows = engine
    for topic in ("tea", "Tea", "te"):
        for name in ("user_id", "run_id"):
            both = And((field("meta.topic") == topic, field(name) == "tea"))
            assert rows.wanted(both) <= rows.listed(both), f"{provider}: {both}"


def test_ranking_finds_every_match_however_far(engine):
    provider, rows = engine
    if not ENGINES[provider].ranks_within_filter:
        starved = field("user_id") == "noor"  # the farthest
        assert rows.wanted(starved) - rows.searched(starved, len(rows.wanted(starved)))
        return
    for leaf in supported(provider):
        wanted = rows.wanted(leaf)
        assert wanted <= rows.searched(leaf, max(1, len(rows.listed(leaf)))), f"{provider}: {leaf}"


TOPIC, USER = field("meta.topic"), field("user_id")
OTHERS = {
    "topic == 'tea'": TOPIC == "tea",
    "topic == 5": TOPIC == 5,
    "topic == true": TOPIC == True,
    "topic == null": TOPIC == None,
    "topic == a time": TOPIC == "2024-05-01",
    "topic != 'tea'": TOPIC != "tea",
    "topic in": TOPIC.is_in(["tea", "5"]),
    "topic not in": TOPIC.not_in(["tea", "5"]),
    "topic > 4": TOPIC > 4,
    "topic > a time": TOPIC > "2024-01-01",
    "user_id != 'maya'": USER != "maya",
    "user_id == null": USER == None,
    "or": (TOPIC == "tea") | (USER == "noor"),
    "not and": ~((TOPIC == "tea") & (USER == "maya")),
    "and of ors": ((TOPIC == "tea") | (TOPIC == "5")) & ((USER == "noor") | (USER == "maya")),
}
EXACT, MISSES, MORE, RAISES = "exact", "misses", "returns too much", "raises"
BOTH = f"{MISSES} and {MORE}"
VERDICTS = {
    "topic == 'tea'": (MORE, EXACT, EXACT, EXACT),
    "topic == 5": (BOTH, EXACT, EXACT, BOTH),
    "topic == true": (EXACT, EXACT, EXACT, EXACT),
    "topic == null": (MORE, RAISES, MISSES, MISSES),
    "topic == a time": (MISSES, MISSES, MISSES, MISSES),
    "topic != 'tea'": (MISSES, RAISES, MISSES, MISSES),
    "topic in": (MORE, EXACT, MISSES, MORE),
    "topic not in": (MISSES, RAISES, MISSES, MISSES),
    "topic > 4": (MORE, EXACT, MISSES, RAISES),
    "topic > a time": (EXACT, RAISES, MISSES, RAISES),
    "user_id != 'maya'": (EXACT, RAISES, MISSES, MISSES),
    "or": (EXACT, RAISES, MISSES, MISSES),
    "not and": (EXACT, RAISES, MISSES, MISSES),
    "and of ors": (MORE, RAISES, MISSES, MISSES),
    "user_id == null": (MORE, RAISES, MISSES, MISSES),
}
"""Of Qdrant, Chroma, FAISS and pgvector, in this order: what listing by a filter in Mem0's own dialect comes to."""


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_pushed_is_known_to_go_wrong(engine, name):
    """Fails where a new version of Mem0 or of an engine does better, or worse."""
    provider, rows = engine
    place = ["qdrant", "chroma", "faiss", "pgvector"].index(provider)
    assert rows.verdict(OTHERS[name]) == VERDICTS[name][place]


def test_everything_but_exact_is_not_pushed_or_looked_at_again():
    for name, verdicts in VERDICTS.items():
        for provider, verdict in zip(("qdrant", "chroma", "faiss", "pgvector"), verdicts, strict=True):
            filter, pushed = OTHERS[name], ENGINES[provider].pushed
            is_pushed = isinstance(filter, Comparison | In) and pushed.leaf(filter)
            assert not (is_pushed and MISSES in verdict), f"{provider}: {name}"


@given(st.sampled_from(FIELDS), st.sampled_from(list(Operator)), st.one_of(st.sampled_from(VALUES), st.text()))
def test_of_others_only_the_ids_that_mem0_scopes_by_are_pushed(name, operator, value):
    try:
        leaf = Comparison(Field.parse(name), operator, value)
    except ValueError:
        return
    is_id = name in {"user_id", "run_id", "agent_id"} and operator is Operator.EQ and isinstance(value, str)
    assert UNKNOWN.pushed.leaf(leaf) == (is_id and value != "*")


def test_the_wildcard_and_times_are_never_pushed():
    for engine in (*ENGINES.values(), UNKNOWN):
        for name in FIELDS:
            assert not engine.pushed.leaf(field(name) == "*")
        assert not engine.pushed.leaf(field("meta.topic") == "2024-05-01")
        for value in DEEP:
            assert not engine.pushed.leaf(field("meta.topic") == value)


def test_keys_that_mean_something_to_mem0_are_never_pushed():
    for key in ("data", "hash", "memstore", "AND", "OR", "NOT", "role", "expiration_date", "a b"):
        assert not ENGINES["qdrant"].pushed.leaf(Comparison(Field(("meta", key)), Operator.EQ, "x"))


def test_everything_known_says_where_it_shows():
    for engine in ENGINES.values():
        for fact in engine.known:
            assert "(" in fact and fact.endswith(")")
