"""The library's dialect: tables of what is said how, both ways, and of what is refused where."""

import pytest

from memstore.filters import FALSE, TRUE, And, Comparison, Field, FilterError, In, Not, Operator, Or, field, normalize
from memstore_mem0.oss.filters import from_oss, to_oss

USER, RUN, TOPIC, AGE = field("user_id"), field("run_id"), field("topic"), field("age")
SAID_USER, SAID_TOPIC = {"user_id": "alice"}, {"topic": "food"}
NOBODY = {"user_id": {"in": []}}


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        (USER == "alice", SAID_USER),
        (field("agent_id") == "a", {"agent_id": "a"}),
        (field("app_id") == "a", {"app_id": "a"}),
        (field("role") == "user", {"role": "user"}),
        (field("name") == "Lea", {"actor_id": "Lea"}),
        (field("text") == "Hi", {"data": "Hi"}),
        (field("meta.topic") == "food", SAID_TOPIC),
        (field("meta.name") == "food", {"name": "food"}),
        (AGE == 1.5, {"age": 1.5}),
        (AGE == True, {"age": True}),
        (AGE == "*", {"age": {"eq": "*"}}),
        (AGE == None, {"NOT": [{"age": "*"}]}),
        (AGE != None, {"age": "*"}),
        (AGE != 1, {"NOT": [{"age": 1}]}),
        (AGE > 1, {"age": {"gt": 1}}),
        (AGE >= "2026-01-02", {"age": {"gte": "2026-01-02"}}),
        (field("created_at") < "2026-01-02", {"created_at": {"lt": "2026-01-02"}}),
        (field("updated_at") <= "2026-01-02", {"updated_at": {"lte": "2026-01-02"}}),
        (field("created_at") == "2026-01-02", {"created_at": "2026-01-02"}),
        (Comparison(Field(("meta", "age")), Operator.LT, None), NOBODY),
        (TOPIC.is_in(["food", 2]), {"topic": {"in": ["food", 2]}}),
        (TOPIC.is_in(["food", None]), {"OR": [{"topic": {"in": ["food"]}}, {"NOT": [{"topic": "*"}]}]}),
        (TOPIC.is_in([]), NOBODY),
        (TOPIC.not_in(["food"]), {"NOT": [{"topic": {"in": ["food"]}}]}),
        ((USER == "alice") & (RUN == "r"), {"user_id": "alice", "run_id": "r"}),
        ((USER == "alice") & (RUN == "r") & (TOPIC == "food"), {"user_id": "alice", "run_id": "r", "topic": "food"}),
        (
            And((And((USER == "alice", RUN == "r")), TOPIC == "food")),
            {"user_id": "alice", "run_id": "r", "topic": "food"},
        ),
        ((USER == "alice") & (USER == "bob"), {"AND": [SAID_USER, {"user_id": "bob"}]}),
        ((USER == "alice") & (AGE > 1), {"AND": [SAID_USER, {"age": {"gt": 1}}]}),
        ((USER == "alice") & (AGE == "*"), {"AND": [SAID_USER, {"age": {"eq": "*"}}]}),
        ((USER == "alice") & (AGE != None), {"AND": [SAID_USER, {"age": "*"}]}),
        ((USER == "alice") | (TOPIC == "food"), {"OR": [SAID_USER, SAID_TOPIC]}),
        (~((USER == "alice") & (AGE > 1)), {"NOT": [{"AND": [SAID_USER, {"age": {"gt": 1}}]}]}),
        (~~(USER == "alice"), SAID_USER),
        (TRUE, {}),
        (FALSE, NOBODY),
        (Or((USER == "alice", TRUE)), {"OR": [SAID_USER, {"NOT": [NOBODY]}]}),
        (Not(TRUE), NOBODY),
    ],
)
def test_said(filter, said):
    assert to_oss(filter) == said
    back, canonical = normalize(from_oss(said)), normalize(filter)
    assert back == canonical


@pytest.mark.parametrize(
    ("filter", "place", "word"),
    [
        (field("id") == "secret", "field", "'id'"),
        (In(Field(("expires_at",)), ("2026-01-01",)), "field", "'expires_at'"),
        (field("meta.data") == "secret", "field", "meta.data"),
        (field("meta.hash") == "secret", "field", "meta.hash"),
        (field("meta.id") == "secret", "field", "meta.id"),
        (field("meta.actor_id") == "secret", "field", "meta.actor_id"),
        (field("meta.AND") == "secret", "field", "meta.AND"),
        (field("meta.$or") == "secret", "field", "meta.$or"),
        (field("meta.a.b") == "secret", "field", "meta.a.b"),
        (field(r"meta.a\.b") == "secret", "field", "one level"),
        (AGE == ["secret"], "value", "a list"),
        (AGE == {"secret": 1}, "value", "an object"),
        (AGE.is_in(["a", ["secret"]]), "value[1]", "a list"),
        (
            (USER == "alice") & ~((RUN == "r") | (AGE == [])),
            "conditions[1].conditions[0].conditions[1].value",
            "a list",
        ),
    ],
)
def test_cannot_be_said(filter, place, word):
    with pytest.raises(FilterError) as caught:
        to_oss(filter)
    assert caught.value.place == place
    assert word in caught.value.reason
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("filters", "filter"),
    [
        ({}, TRUE),
        ({"actor_id": "Lea"}, field("name") == "Lea"),
        ({"data": "Hi"}, field("text") == "Hi"),
        ({"name": "Lea"}, field("meta.name") == "Lea"),
        ({"topic": "*"}, TOPIC != None),
        ({"NOT": [{"topic": "*"}]}, TOPIC == None),
        ({"topic": {"eq": "*"}}, TOPIC == "*"),
        ({"topic": {"ne": "food"}}, TOPIC != "food"),
        ({"topic": {"nin": ["food", 2]}}, TOPIC.not_in(["food", 2])),
        ({"age": {"gte": 1, "lt": 5}}, (AGE >= 1) & (AGE < 5)),
        ({"age": {"gt": "2026-01-02"}}, AGE > "2026-01-02"),
        ({"user_id": "alice", "OR": [SAID_TOPIC, {"age": 1}]}, (USER == "alice") & ((TOPIC == "food") | (AGE == 1))),
        ({"AND": [SAID_USER], "OR": [SAID_TOPIC]}, (USER == "alice") & (TOPIC == "food")),
        ({"NOT": [{"user_id": "alice", "age": 1}]}, ~((USER == "alice") & (AGE == 1))),
    ],
)
def test_read(filters, filter):
    assert from_oss(filters) == filter


@pytest.mark.parametrize(
    ("filters", "place", "word"),
    [
        ([], "", "an object"),
        ({"AND": []}, "AND", "list"),
        ({"OR": [{}]}, "OR[0]", "at least one"),
        ({"NOT": [SAID_USER, SAID_TOPIC]}, "NOT", "several"),
        ({"$or": [SAID_USER]}, "$or", "no filter"),
        ({"hash": "secret"}, "hash", "no filter"),
        ({"id": "secret"}, "id", "no filter"),
        ({"expiration_date": "2026-01-01"}, "expiration_date", "no filter"),
        ({"a.b": "secret"}, "", "dot"),
        ({"": "secret"}, "", "key"),
        ({"topic": None}, "topic", "null"),
        ({"topic": ["secret"]}, "topic", "a list"),
        ({"topic": {}}, "topic", "operator"),
        ({"topic": {"contains": "secret"}}, "topic", "gt, gte, lt, lte, eq, ne, in, nin"),
        ({"topic": {"icontains": "secret"}}, "topic", "operator"),
        ({"topic": {"ne": None}}, "topic.ne", "null"),
        ({"topic": {"ne": ["secret"]}}, "topic.ne", "a list"),
        ({"topic": {"in": "secret"}}, "topic.in", "a string"),
        ({"topic": {"nin": ["a", None]}}, "topic.nin[1]", "null"),
        ({"topic": {"gt": "secret"}}, "topic.gt", "no order"),
        ({"topic": {"gt": True}}, "topic.gt", "no order"),
        ({"user_id": {"gt": "secret"}}, "user_id.gt", "no order"),
        ({"user_id": 7}, "user_id", "a string or null"),
        ({"created_at": "secret"}, "created_at", "ISO 8601"),
        ({"OR": [SAID_USER, {"topic": {"in": [1, 2**70]}}]}, "OR[1].topic.in[1]", "64 bits"),
    ],
)
def test_cannot_be_read(filters, place, word):
    with pytest.raises(FilterError) as caught:
        from_oss(filters)
    assert caught.value.place == place
    assert word in caught.value.reason
    assert "secret" not in str(caught.value)
