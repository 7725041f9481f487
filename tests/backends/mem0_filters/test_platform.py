"""The platform's dialect: tables of what is said how, both ways, and of what is refused where."""

import pytest
from mem0_platform import Reading
from mem0_platform.dialect import compile_filter

from memstore.filters import FALSE, TRUE, And, Field, FilterError, In, Not, Or, field, normalize, parse, split_filter
from memstore_mem0.platform.filters import PLATFORM_SUPPORT, from_platform, pushed_filters, to_platform
from memstore_mem0.platform.reserved import MIRRORED

UUIDS = ["0191f2c4-0000-7000-8000-000000000001", "0191f2c4-0000-7000-8000-000000000002"]
SET = {"user_id": "*"}
ANY = {"OR": [SET, {"NOT": [SET]}]}
NONE = {"AND": [SET, {"NOT": [SET]}]}
READINGS = [
    Reading(unmentioned, not_of_several, ne_matches_missing)
    for unmentioned in ("unconstrained", "null")
    for not_of_several in ("none of", "not all")
    for ne_matches_missing in (True, False)
]


def mention(name):
    return {"OR": [{name: "*"}, {"NOT": [{name: "*"}]}]}


def condition(name, operator, value):
    return {"field": name, "operator": operator, "value": value}


def logic(operator, *conditions):
    return {"operator": operator, "conditions": list(conditions)}


ALICE = condition("user_id", "==", "alice")
FOOD = condition("meta.topic", "==", "food")
SAID_ALICE = {"user_id": "alice"}
SAID_FOOD = {"metadata": {"topic": "food"}}


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (ALICE, SAID_ALICE),
        (condition("user_id", "!=", "alice"), {"AND": [ANY, {"NOT": [SAID_ALICE]}]}),
        (condition("run_id", "in", ["a", "b"]), {"run_id": {"in": ["a", "b"]}}),
        (condition("run_id", "in", ["a"]), {"run_id": "a"}),
        (condition("run_id", "not in", ["a", "b"]), {"AND": [ANY, {"NOT": [{"run_id": {"in": ["a", "b"]}}]}]}),
        (condition("run_id", "==", None), {"AND": [ANY, {"NOT": [{"run_id": "*"}]}]}),
        (condition("run_id", "!=", None), {"run_id": "*"}),
        (condition("run_id", "in", ["a", None]), {"OR": [{"run_id": "a"}, {"NOT": [{"run_id": "*"}]}]}),
        (condition("run_id", "in", [None]), {"AND": [ANY, {"NOT": [{"run_id": "*"}]}]}),
        (condition("run_id", "in", []), NONE),
        (condition("run_id", "<", None), NONE),
        (condition("id", "==", UUIDS[0]), {"AND": [ANY, {"memory_ids": {"in": UUIDS[:1]}}]}),
        (condition("id", "in", UUIDS), {"AND": [ANY, {"memory_ids": {"in": UUIDS}}]}),
        (condition("created_at", "==", "2026-01-02"), {"AND": [ANY, {"created_at": "2026-01-02"}]}),
        (condition("created_at", "in", ["2026-01-02"]), {"AND": [ANY, {"created_at": "2026-01-02"}]}),
        (
            condition("created_at", "in", ["2026-01-02", "2026-01-03"]),
            {"AND": [ANY, {"created_at": {"in": ["2026-01-02", "2026-01-03"]}}]},
        ),
        (condition("created_at", ">", "2026-01-02"), {"AND": [ANY, {"created_at": {"gt": "2026-01-02"}}]}),
        (condition("created_at", ">=", "2026-01-02"), {"AND": [ANY, {"created_at": {"gte": "2026-01-02"}}]}),
        (condition("updated_at", "<", "2026-01-02"), {"AND": [ANY, {"updated_at": {"lt": "2026-01-02"}}]}),
        (condition("updated_at", "<=", "2026-01-02"), {"AND": [ANY, {"updated_at": {"lte": "2026-01-02"}}]}),
        (FOOD, {"AND": [ANY, SAID_FOOD]}),
        (condition("topic", "==", True), {"AND": [ANY, {"metadata": {"topic": True}}]}),
        (condition("topic", "==", 1.5), {"AND": [ANY, {"metadata": {"topic": 1.5}}]}),
        (
            condition("topic", "in", ["food", 2]),
            {"AND": [ANY, {"OR": [SAID_FOOD, {"metadata": {"topic": 2}}]}]},
        ),
        (condition("topic", "in", []), NONE),
        (condition("topic", "not in", ["food"]), {"AND": [ANY, {"NOT": [SAID_FOOD]}]}),
        (logic("AND", ALICE, FOOD), {"AND": [SAID_ALICE, SAID_FOOD]}),
        (logic("OR", ALICE, FOOD), {"OR": [SAID_ALICE, SAID_FOOD]}),
        (logic("AND", FOOD, FOOD), {"AND": [ANY, SAID_FOOD, SAID_FOOD]}),
        (logic("OR", FOOD, FOOD), {"AND": [ANY, {"OR": [SAID_FOOD, SAID_FOOD]}]}),
        (logic("AND", ALICE), SAID_ALICE),
        (logic("NOT", logic("NOT", ALICE)), SAID_ALICE),
        (logic("AND"), ANY),
        (logic("OR"), NONE),
        (
            logic("OR", logic("AND", ALICE, FOOD), logic("NOT", ALICE)),
            {"OR": [{"AND": [SAID_ALICE, SAID_FOOD]}, {"NOT": [SAID_ALICE]}]},
        ),
    ],
)
def test_said(filters, said):
    """Each is what the platform takes, and comes back as what was asked."""
    assert to_platform(parse(filters)) == said
    assert normalize(from_platform(said)) == normalize(parse(filters))
    for reading in READINGS:
        compile_filter(said, reading)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        # `meta.c` is not a key named "meta.c".
        (condition("meta.c", "==", "x"), {"AND": [ANY, {"metadata": {"c": "x"}}]}),
        # `in` and `not in` of metadata can be said.
        (
            condition("meta.c", "in", ["x", "y"]),
            {"AND": [ANY, {"OR": [{"metadata": {"c": "x"}}, {"metadata": {"c": "y"}}]}]},
        ),
        (
            condition("meta.c", "not in", ["x", "y"]),
            {"AND": [ANY, {"NOT": [{"OR": [{"metadata": {"c": "x"}}, {"metadata": {"c": "y"}}]}]}]},
        ),
        # `not in` of ids is no `ne` with a list.
        (
            condition("user_id", "not in", ["x", "y"]),
            {"AND": [ANY, {"NOT": [{"user_id": {"in": ["x", "y"]}}]}]},
        ),
        # NOT [a, b] is not(a and b), and no NOT has two conditions.
        (logic("NOT", ALICE, FOOD), {"AND": [ANY, {"NOT": [{"AND": [SAID_ALICE, SAID_FOOD]}]}]}),
    ],
)
def test_what_wrappers_of_mem0_get_wrong(filters, said):
    assert to_platform(parse(filters)) == said


@pytest.mark.parametrize(
    ("filters", "place", "word"),
    [
        # Orders of metadata are refused here, and nested names, instead of by a 400 or not at all.
        (condition("meta.c", ">", 1), "operator", "meta.c"),
        (condition("meta.c", "<=", "2026-01-01"), "operator", "meta.c"),
        (condition("meta.a.b", "==", 1), "field", "meta.a.b"),
        # An id that is an empty string does not drop the scope.
        (condition("user_id", "==", ""), "value", "empty"),
        (condition("user_id", "==", "*"), "value", "'*'"),
        (condition("user_id", "in", ["a", "*"]), "value[1]", "'*'"),
        (condition("meta.c", "==", None), "value", "null"),
        (condition("meta.c", "in", ["a", None]), "value[1]", "null"),
        (condition("meta.c", "==", ["secret"]), "value", "a list"),
        (condition("meta.c", "==", {"secret": "secret"}), "value", "an object"),
        (condition("id", "==", None), "value", "'id'"),
        (condition("id", "in", [""]), "value[0]", "empty"),
        (condition("created_at", "==", None), "value", "'created_at'"),
        (condition("created_at", "in", ["2026-01-01", None]), "value[1]", "'created_at'"),
        (condition("text", "==", "secret"), "field", "'text'"),
        (condition("role", "!=", "secret"), "field", "'role'"),
        (condition("name", "in", ["secret"]), "field", "'name'"),
        (
            logic("OR", ALICE, logic("NOT", FOOD, condition("c", "<", 1))),
            "conditions[1].conditions[0].conditions[1]",
            "",
        ),
        (logic("AND", condition("text", "!=", "secret")), "conditions[0].field", "'text'"),
    ],
)
def test_cannot_be_said(filters, place, word):
    with pytest.raises(FilterError) as caught:
        to_platform(parse(filters))
    assert caught.value.place.startswith(place)
    assert word in caught.value.reason
    assert "secret" not in str(caught.value)


def test_an_expiry_cannot_be_said():
    with pytest.raises(FilterError, match="^field: the platform cannot filter by 'expires_at'"):
        to_platform(In(Field(("expires_at",)), ("2026-01-01",)))


USER, RUN, TOPIC = field("user_id"), field("run_id"), field("topic")


@pytest.mark.parametrize(
    ("filters", "filter"),
    [
        (SAID_ALICE, USER == "alice"),
        ({"user_id": {"eq": "alice"}}, USER == "alice"),
        ({"user_id": {"ne": "alice"}}, USER != "alice"),
        ({"user_id": {"in": ["alice", "bob"]}}, USER.is_in(["alice", "bob"])),
        ({"user_id": {"in": ["alice", "bob"], "ne": "bob"}}, USER.is_in(["alice", "bob"]) & (USER != "bob")),
        (SET, USER != None),
        ({"NOT": [SET]}, USER == None),
        (ANY, TRUE),
        (NONE, FALSE),
        ({"user_id": "alice", "run_id": "r"}, (USER == "alice") & (RUN == "r")),
        (
            {"user_id": "alice", "OR": [{"run_id": "r"}, SAID_FOOD]},
            (USER == "alice") & ((RUN == "r") | (TOPIC == "food")),
        ),
        ({"AND": [SAID_ALICE], "NOT": [SAID_FOOD]}, (USER == "alice") & (TOPIC != "food")),
        ({"metadata": {"topic": "food", "paid": True}}, (TOPIC == "food") & (field("paid") == True)),
        ({"metadata": {"topic": {"eq": "food"}}}, TOPIC == "food"),
        ({"metadata": {"topic": {"ne": 1}}}, TOPIC != 1),
        ({"metadata": {"a.b": 1}}, field(r"a\.b") == 1),
        ({"memory_ids": {"in": ["a", "b"]}}, field("id").is_in(["a", "b"])),
        ({"created_at": "2026-01-02"}, field("created_at") == "2026-01-02"),
        ({"created_at": {"ne": "2026-01-02"}}, field("created_at") != "2026-01-02"),
        ({"created_at": {"in": ["2026-01-02"]}}, field("created_at").is_in(["2026-01-02"])),
        (
            {"updated_at": {"gte": "2026-01-02", "lt": "2026-01-03"}},
            (field("updated_at") >= "2026-01-02") & (field("updated_at") < "2026-01-03"),
        ),
        ({"OR": [SAID_FOOD, {"metadata": {"topic": 2}}]}, TOPIC.is_in(["food", 2])),
        ({"NOT": [{"NOT": [SAID_ALICE]}]}, USER == "alice"),
        ({"NOT": [{"AND": [SAID_ALICE, SAID_FOOD]}]}, Not(And((USER == "alice", TOPIC == "food")))),
    ],
)
def test_read(filters, filter):
    assert from_platform(filters) == filter


@pytest.mark.parametrize(
    ("filters", "place", "word"),
    [
        ({}, "", "at least one"),
        ([SAID_ALICE], "", "an object"),
        ({1: 2}, "", "keys are strings"),
        ({"topic": "secret"}, "", "under 'metadata'"),
        ({"AND": []}, "AND", "list"),
        ({"OR": SAID_ALICE}, "OR", "list"),
        ({"AND": [SAID_ALICE], "OR": [SAID_FOOD]}, "", "dropped"),
        ({"OR": [{"AND": [SAID_ALICE], "OR": [SAID_FOOD]}]}, "OR[0]", "dropped"),
        ({"NOT": [SAID_ALICE, SAID_FOOD]}, "NOT", "several"),
        ({"AND": [SAID_ALICE, {"NOT": ["secret"]}]}, "AND[1].NOT[0]", "a string"),
        ({"text": "secret"}, "text", "no filter"),
        ({"categories": {"contains": "secret"}}, "categories", "no filter"),
        ({"keywords": {"contains": "secret"}}, "keywords", "no filter"),
        ({"keywords_search": "secret"}, "keywords_search", "no filter"),
        ({"timestamp": {"gt": 1}}, "timestamp", "no filter"),
        ({"expiration_date": "2026-01-01"}, "expiration_date", "no filter"),
        ({"user_id": None}, "user_id", "null"),
        ({"user_id": 7}, "user_id", "int"),
        ({"user_id": ""}, "user_id", "empty"),
        ({"user_id": ["secret"]}, "user_id", "a list"),
        ({"user_id": {}}, "user_id", "operator"),
        ({"user_id": {"nin": ["secret"]}}, "user_id", "eq, ne, in"),
        ({"user_id": {">": "secret"}}, "user_id", "eq, ne, in"),
        ({"user_id": {"ne": ["secret"]}}, "user_id.ne", "a list"),
        ({"user_id": {"eq": "*"}}, "user_id.eq", "'*'"),
        ({"user_id": {"in": "secret"}}, "user_id.in", "a list"),
        ({"user_id": {"in": ["a", None]}}, "user_id.in[1]", "null"),
        ({"user_id": "a\0"}, "user_id", "U+0000"),
        ({"user_id": {"in": ["a", "a\0"]}}, "user_id.in[1]", "U+0000"),
        ({"memory_ids": ["secret"]}, "memory_ids", "operator"),
        ({"created_at": {"eq": "2026-01-02"}}, "created_at", "gt, gte, lt, lte, ne, in"),
        ({"created_at": {"gt": "secret"}}, "created_at.gt", "ISO 8601"),
        ({"created_at": {"gt": 1}}, "created_at.gt", "ISO 8601"),
        ({"created_at": None}, "created_at", "ISO 8601"),
        ({"metadata": "secret"}, "metadata", "object"),
        ({"metadata": {}}, "metadata", "object"),
        ({"metadata": {"": 1}}, "metadata", "key"),
        ({"metadata": {1: 1}}, "metadata", "keys are strings"),
        ({"metadata": {"a": None}}, "metadata.a", "null"),
        ({"metadata": {"a": ["secret"]}}, "metadata.a", "a list"),
        ({"metadata": {"a": {"contains": "secret"}}}, "metadata.a", "eq, ne"),
        ({"metadata": {"a": {"in": ["secret"]}}}, "metadata.a", "eq, ne"),
        ({"metadata": {"a": {"gt": 1}}}, "metadata.a", "eq, ne"),
        ({"metadata": {"a": {"b": "secret"}}}, "metadata.a", "eq, ne"),
        ({"metadata": {"a": float("nan")}}, "metadata.a", "finite"),
        ({"AND": [SAID_ALICE, {"metadata": {"a": {"ne": 2**70}}}]}, "AND[1].metadata.a.ne", "64 bits"),
    ],
)
def test_cannot_be_read(filters, place, word):
    with pytest.raises(FilterError) as caught:
        from_platform(filters)
    assert caught.value.place == place
    assert word in caught.value.reason
    assert "secret" not in str(caught.value)


def test_what_holds_itself_is_refused():
    endless = {}
    endless["AND"] = [endless]
    with pytest.raises(FilterError, match="levels deep"):
        from_platform(endless)


@pytest.mark.slow
def test_what_shares_its_parts_is_refused():
    shared = dict(ANY)  # read back as the constant, it adds to no node's size
    for _ in range(60):
        shared = {"AND": [shared, shared]}
    with pytest.raises(FilterError, match="more than 100,000"):
        from_platform(shared)


@pytest.mark.parametrize(
    ("native", "parts"),
    [
        (TRUE, [mention("user_id"), mention("agent_id"), mention("app_id"), mention("run_id")]),
        (
            USER == "alice",
            [
                {"OR": [SAID_ALICE, {"metadata": {"memstore_user_id": "alice"}}]},
                *map(mention, ("agent_id", "app_id", "run_id")),
            ],
        ),
        (
            field("agent_id").is_in(["a", "b"]),
            [
                {
                    "OR": [
                        {"agent_id": {"in": ["a", "b"]}},
                        {"metadata": {"memstore_agent_id": "a"}},
                        {"metadata": {"memstore_agent_id": "b"}},
                    ]
                },
                *map(mention, ("user_id", "app_id", "run_id")),
            ],
        ),
        (RUN == "r", [{"run_id": "r"}, *map(mention, ("user_id", "agent_id", "app_id"))]),
        (
            (RUN == "r") & (TOPIC == "food"),
            [{"run_id": "r"}, SAID_FOOD, *map(mention, ("user_id", "agent_id", "app_id"))],
        ),
        (
            (RUN == "r") | (field("app_id") == "p"),
            [{"OR": [{"run_id": "r"}, {"app_id": "p"}]}, *map(mention, ("user_id", "agent_id"))],
        ),
    ],
)
def test_pushed(native, parts):
    assert pushed_filters(native) == {"AND": parts}


def test_mirrors():
    assert MIRRORED == {"user_id": "memstore_user_id", "agent_id": "memstore_agent_id"}


def test_null_has_no_mirror():
    with pytest.raises(FilterError, match="^value: the platform has no null for 'user_id'"):
        pushed_filters(USER == None)


@pytest.mark.parametrize(
    ("filter", "pushed"),
    [
        (USER == "alice", True),
        (RUN.is_in(["a", "b"]), True),
        (field("app_id") == "2026-01-01", True),
        (USER == None, False),
        (USER.is_in(["a", None]), False),
        (USER == "*", False),
        (USER == "", False),
        (USER == " alice", False),
        (USER != "alice", False),
        (field("id") == UUIDS[0], True),
        (field("id").is_in(UUIDS), True),
        (field("id") == UUIDS[0].upper(), False),
        (field("id").is_in([UUIDS[0], "a"]), False),
        (TOPIC == "food", True),
        (TOPIC.is_in(["food", "travel"]), True),
        (TOPIC == 1, False),
        (TOPIC == True, False),
        (TOPIC == None, False),
        (TOPIC == ["food"], False),
        (TOPIC > 1, False),
        (TOPIC == "2026-01-01", False),
        (TOPIC.is_in(["food", "2026-01-01"]), False),
        (TOPIC == "*", False),
        (field("meta.a.b") == "x", False),
        (field(r"meta.a\.b") == "x", False),
        (field("meta.text") == "x", False),
        (field("meta.AND") == "x", False),
        (field("meta.contains") == "x", False),
        (field("meta.memstore_user_id") == "x", False),
        (field("text") == "x", False),
        (field("role") == "user", False),
        (field("name") == "x", False),
        (field("created_at") == "2026-01-01", False),
        (field("created_at") > "2026-01-01", False),
    ],
)
def test_support(filter, pushed):
    """What is not pushed whole is evaluated here."""
    split = split_filter(filter, PLATFORM_SUPPORT)
    assert split == type(split)(*((normalize(filter), TRUE) if pushed else (TRUE, normalize(filter))))


def test_an_or_is_pushed_where_each_side_is():
    assert split_filter((RUN == "r") | (TOPIC == "food"), PLATFORM_SUPPORT).residual == TRUE
    assert split_filter(Or((RUN == "r", TOPIC > 1)), PLATFORM_SUPPORT).native == TRUE
