"""Records and scopes: what they hold, refuse and turn into."""

import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given

from memstore import Memory, Scope, ScopeError
from memstore.filters import TRUE, And, field, matches, normalize
from memstore.memory import SCOPE_FIELDS, new_memory, pinned_ids, utc
from memstore.testing import strategies

MOMENT = datetime(2026, 5, 1, 9, 30, 0, 250, UTC)


@given(strategies.memories())
def test_a_record_goes_through_json_unchanged(memory):
    again = Memory.from_dict(json.loads(json.dumps(memory.to_dict())))
    assert again == memory
    assert again.created_at.tzinfo is UTC or again.created_at.utcoffset() == timedelta(0)


@given(strategies.memories())
def test_a_message_is_what_haystack_would_have_made(memory):
    """`to_chat_message` goes around Haystack's constructor; the result must not show it."""
    message, expected = memory.to_chat_message(), ChatMessage.from_system(memory.text, meta=memory.meta)
    assert message == expected
    assert vars(message).keys() == vars(expected).keys()
    assert message.to_dict() == expected.to_dict()
    assert message.text == memory.text and message.meta == memory.meta and message.meta is not memory.meta


@given(strategies.memories())
def test_a_memory_made_fast_is_what_the_constructor_makes(memory):
    fields = (memory.id, memory.text, memory.role, memory.name, memory.scope.values, memory.meta)
    made = new_memory(*fields, memory.created_at, memory.updated_at, memory.expires_at)
    assert made == replace(memory, version=1)
    assert type(made) is Memory
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises(FrozenInstanceError):
        made.text = "another"


@given(strategies.memories())
def test_a_memory_knows_its_ids(memory):
    assert memory.ids == memory.scope.ids


def test_ids_that_another_program_wrote_are_told_as_they_are():
    assert Memory("m", "tea", user_id="*", agent_id=" ", created_at=MOMENT, updated_at=MOMENT).ids == {
        "user_id": "*",
        "agent_id": " ",
    }


def test_a_copy_shares_nothing_that_can_change():
    memory = Memory("a", "tea", meta={"tags": [1]}, created_at=MOMENT, updated_at=MOMENT)
    memory.copy().meta["tags"].append(2)
    assert memory.meta == {"tags": [1]}
    assert memory.copy() == memory
    assert hash(memory.copy()) == hash(memory)


def test_text_and_metadata_stay_out_of_the_repr():
    shown = repr(Memory("a", "private words", meta={"k": "private too"}, created_at=MOMENT, updated_at=MOMENT))
    assert "private" not in shown
    assert "2026" in shown


@pytest.mark.parametrize("name", SCOPE_FIELDS)
@pytest.mark.parametrize("value", ["", " ", "zebra ", "\tzebra", "*", 5, True, b"zebra", "zebra\0", "zebra\ud800"])
def test_impossible_ids_are_refused_by_name_and_never_shown(name, value):
    with pytest.raises(ScopeError, match=f"^{name}") as refused:
        Scope(**{name: value})
    assert "zebra" not in str(refused.value)


def test_a_scope_knows_its_ids():
    scope = Scope(user_id="a", app_id="b")
    assert scope.ids == {"user_id": "a", "app_id": "b"}
    assert scope
    assert not Scope()
    assert Scope().filter == TRUE
    assert str(scope.filter) == 'user_id == "a" and app_id == "b"'
    assert scope.narrowed(Scope(user_id="a", run_id="r")).ids == {"user_id": "a", "run_id": "r", "app_id": "b"}
    with pytest.raises(ScopeError, match="^user_id is bound"):
        scope.narrowed(Scope(user_id="b"))


def test_naive_times_are_read_as_utc():
    assert utc(datetime(2026, 5, 1)) == datetime(2026, 5, 1, tzinfo=UTC)
    assert utc(datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=2)))).hour == 22


@given(strategies.filters(), strategies.memories())
def test_pinned_ids_and_the_rest_mean_the_filter(wanted, memory):
    for form in (wanted, normalize(wanted), And((wanted, field("user_id") == "u1"))):
        pinned, rest = pinned_ids(form)
        both = matches(rest, memory) and all(getattr(memory, name) == value for name, value in pinned.items())
        assert both == matches(form, memory)


def test_a_branch_of_an_or_is_not_pinned():
    assert pinned_ids((field("user_id") == "a") | (field("n") == 1))[0] == {}
    assert pinned_ids(~(field("user_id") == "a"))[0] == {}
    assert pinned_ids((field("user_id") == "a") & (field("user_id") == "b"))[0] == {"user_id": "a"}
    assert pinned_ids(field("user_id") == None)[0] == {}
