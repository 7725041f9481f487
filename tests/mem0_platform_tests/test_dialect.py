"""The filter dialect: a table of what it refuses, a table of what the rest means."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mem0_platform import Reading
from mem0_platform.dialect import RefusedFilterError, compile_filter
from mem0_platform.records import Memory

FREE = Reading()
STRICT = Reading(unmentioned="null", not_of_several="not all", ne_matches_missing=False)


def memory(name, *, user="maya", agent=None, run=None, meta=None, categories=(), expires=None, day=1):
    created = datetime(2026, 1, day, 12, tzinfo=UTC)
    changed = datetime(2026, 2, day, tzinfo=UTC)
    return Memory(name, f"Text {name}", user, agent, None, run, meta, list(categories), created, changed, expires)


MEMORIES = [
    memory("bare"),
    memory("agent", agent="ada", run="r1", day=2),
    memory("tom", user="tom", agent="bob", meta={"a": None}, day=3),
    memory("nobody", user=None, agent="ada"),
    memory("one", meta={"a": 1, "t": "travel log", "l": ["x", 2]}, day=4),
    memory("true", meta={"a": True, "a.b": 1}, categories=["travel", "family trip"]),
    memory("expiring", expires=date(2026, 3, 1), day=5),
]


def found(filters, reading=FREE):
    matches = compile_filter(filters, reading).matches
    return {memory.id for memory in MEMORIES if matches(memory)}


HERS = {"bare", "agent", "one", "true", "expiring"}
ALL = HERS | {"tom", "nobody"}
ANYBODY = {"OR": [{"user_id": "*"}, {"NOT": [{"user_id": "*"}]}]}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"user_id": "maya"}, HERS),
        ({"user_id": {"eq": "maya"}}, HERS),
        ({"user_id": {"in": ["maya", "tom"]}}, HERS | {"tom"}),
        ({"user_id": {"in": []}}, set()),
        ({"user_id": "*"}, HERS | {"tom"}),
        (ANYBODY, ALL),
        ({"user_id": "maya", "agent_id": "ada"}, {"agent"}),
        ({"user_id": "maya", "agent_id": {"ne": "bob"}}, HERS),
        ({"user_id": "*", "agent_id": {"ne": "ada"}}, HERS - {"agent"} | {"tom"}),
        ({"user_id": "*", "AND": [{"run_id": "r1"}]}, {"agent"}),
        ({"AND": [{"user_id": "maya"}, {"OR": [{"run_id": "r1"}, {"metadata": {"a": 1}}]}]}, {"agent", "one"}),
        ({"user_id": "maya", "created_at": "2026-01-02T12:00:00Z"}, {"agent"}),
        ({"user_id": "maya", "created_at": {"gte": "2026-01-02", "lt": "2026-01-04"}}, {"agent"}),
        ({"user_id": "maya", "timestamp": {"gt": "2026-01-04T13:00:00+01:00"}}, {"expiring"}),
        ({"user_id": "maya", "timestamp": {"lte": 1767355200}}, {"bare", "agent", "true"}),
        ({"user_id": "maya", "updated_at": {"in": ["2026-02-02"]}}, {"agent"}),
        ({"user_id": "maya", "updated_at": {"ne": "2026-02-02"}}, HERS - {"agent"}),
        ({"user_id": "maya", "expiration_date": {"lte": "2026-03-01"}}, {"expiring"}),
        ({"user_id": "maya", "expiration_date": {"ne": "2026-03-01"}}, HERS - {"expiring"}),
        ({"user_id": "maya", "metadata": {"a": 1}}, {"one"}),
        ({"user_id": "maya", "metadata": {"a": 1.0}}, {"one"}),
        ({"user_id": "maya", "metadata": {"a": True}}, {"true"}),
        ({"user_id": "maya", "metadata": {"a": {"eq": "1"}}}, set()),
        ({"user_id": "*", "metadata": {"a": None}}, {"tom"}),
        ({"user_id": "maya", "metadata": {"a.b": 1}}, {"true"}),
        ({"user_id": "maya", "metadata": {"meta.a": 1}}, set()),
        ({"user_id": "maya", "metadata": {"a": {"ne": 1}}}, HERS - {"one"}),
        ({"user_id": "maya", "metadata": {"a": 1, "t": {"contains": "travel"}}}, {"one"}),
        ({"user_id": "maya", "metadata": {"l": {"contains": 2}}}, {"one"}),
        ({"user_id": "maya", "metadata": {"l": ["x", 2]}}, {"one"}),
        ({"user_id": "maya", "categories": {"in": ["travel"]}}, {"true"}),
        ({"user_id": "maya", "categories": {"contains": "family"}}, {"true"}),
        ({"user_id": "maya", "categories": {"in": ["family"]}}, set()),
        ({"user_id": "maya", "keywords": {"contains": "one"}}, {"one"}),
        ({"user_id": "maya", "keywords": {"contains": "ONE"}}, set()),
        ({"user_id": "maya", "keywords": {"icontains": "ONE"}}, {"one"}),
        ({"user_id": "maya", "memory_ids": {"in": ["one", "tom"]}}, {"one"}),
        ({"user_id": "maya", "NOT": [{"metadata": {"a": 1}}]}, HERS - {"one"}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_meaning(filters, expected):
    assert found(filters) == expected


def test_and_beside_or_drops_the_or():
    assert found({"AND": [{"user_id": "maya"}], "OR": [{"run_id": "r1"}]}) == HERS
    assert found({"AND": [{"user_id": "maya"}], "OR": "nonsense"}) == HERS
    assert found({"AND": [{"AND": [{"user_id": "maya"}], "OR": [{"run_id": "r1"}]}]}) == HERS
    assert found({"OR": [{"run_id": "r1"}], "user_id": "maya"}) == {"agent"}


def test_readings_of_what_is_not_mentioned():
    assert found({"user_id": "maya"}, STRICT) == HERS - {"agent"}
    assert found({"user_id": "maya", "agent_id": "ada"}, STRICT) == set()
    assert found({"user_id": "maya", "agent_id": "*", "run_id": "*"}, STRICT) == {"agent"}
    both = [{"OR": [{name: "*"}, {"NOT": [{name: "*"}]}]} for name in ("agent_id", "run_id", "app_id")]
    assert found({"AND": [{"user_id": "maya"}, *both]}, STRICT) == HERS


def test_readings_of_not():
    filters = {"user_id": "maya", "NOT": [{"agent_id": "ada"}, {"metadata": {"a": 1}}]}
    mentioned = {**filters, "OR": [{"run_id": "*"}, {"NOT": [{"run_id": "*"}]}]}
    assert found(filters) == HERS - {"agent", "one"}
    assert found(mentioned, STRICT) == HERS


def test_readings_of_ne():
    filters = {"user_id": "*", "metadata": {"a": {"ne": 1}}}
    assert found(filters) == HERS - {"one"} | {"tom"}
    assert found({**filters, "agent_id": {"ne": "x"}}, STRICT) == {"tom", "true"}
    expiring = {"user_id": "maya", "expiration_date": {"ne": "2026-03-02"}}
    assert found(expiring, STRICT) == {"expiring"}


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"category": "travel"},
        {"meta.a": 1},
        {"session_id": "r1"},
        {"id": "one"},
        {"feedback": "POSITIVE"},
        {"text": {"contains": "x"}},
        {"keywords_search": "x"},
        {"and": [{"user_id": "maya"}]},
        {"AND": []},
        {"OR": {}},
        {"NOT": {"user_id": "maya"}},
        {"AND": ["maya"]},
        {"user_id": None},
        {"user_id": 7},
        {"user_id": ""},
        {"user_id": ["maya"]},
        {"user_id": {}},
        {"user_id": {"nin": ["maya"]}},
        {"user_id": {"contains": "may"}},
        {"user_id": {"gt": "a"}},
        {"user_id": {"==": "maya"}},
        {"user_id": {"in": "maya"}},
        {"user_id": {"in": [7]}},
        {"user_id": {"ne": ["maya", "tom"]}},
        {"created_at": {"eq": "2026-01-01"}},
        {"created_at": {"contains": "2026"}},
        {"created_at": "yesterday"},
        {"created_at": 17},
        {"created_at": {"gt": None}},
        {"created_at": {"in": "2026-01-01"}},
        {"timestamp": True},
        {"categories": ["travel"]},
        {"categories": {"ne": "travel"}},
        {"categories": {"in": "travel"}},
        {"keywords": "travel"},
        {"memory_ids": ["one"]},
        {"memory_ids": {"ne": "one"}},
        {"metadata": "a"},
        {"metadata": {}},
        {"metadata": {"a": {}}},
        {"metadata": {"a": {"in": [1]}}},
        {"metadata": {"a": {"gt": 1}}},
        {"metadata": {"a": {"gte": 1}}},
        {"metadata": {"a": {"lt": 1}}},
        {"metadata": {"a": {"lte": 1}}},
        {"metadata": {"a": {"b": 1}}},
        {"metadata": {"a": {"eq": {"b": 1}}}},
    ],
    ids=json.dumps,
)
def test_refused(part):
    for filters in ({"AND": [{"user_id": "maya"}, part]}, {"AND": [{"user_id": "maya"}, {"OR": [{"NOT": [part]}]}]}):
        with pytest.raises(RefusedFilterError):
            compile_filter(filters, FREE)


def test_depth_is_refused_and_no_crash():
    filters = {"user_id": "maya"}
    for _ in range(100_000):
        filters = {"AND": [filters]}
    with pytest.raises(RefusedFilterError, match="deeply"):
        compile_filter(filters, FREE)


KEYS = st.sampled_from(
    ["AND", "OR", "NOT", "user_id", "run_id", "created_at", "metadata", "categories", "keywords", "memory_ids"]
    + ["eq", "ne", "in", "contains", "gt", "lte", "a", "text", "$eq"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["*", "maya", "2026-01-01", ""])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


def test_whatever_comes_is_understood_or_refused():
    @settings(max_examples=500)
    @given(st.dictionaries(KEYS, JSON, max_size=3), st.sampled_from([FREE, STRICT]))
    def holds(filters, reading):
        try:
            found({"AND": [{"user_id": "maya"}, filters]}, reading)
        except RefusedFilterError:
            pass

    holds()
