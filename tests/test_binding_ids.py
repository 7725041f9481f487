"""Ids that would let a bound store reach past its scope, or that it ignores."""

import pytest
from haystack.dataclasses import ChatMessage
from support.bare import BareStore
from support.stores import ListStore

from memstore import ScopeError, bind, open_store

EVERYTHING = {"operator": "AND", "conditions": []}


@pytest.fixture(params=["in-memory", "base", "bare"])
def store(request):
    return {"in-memory": lambda: open_store("memory://"), "base": ListStore, "bare": BareStore}[request.param]()


@pytest.fixture
def alice(store):
    """Bob's memory was there first."""
    add(store, "bob's secret", user_id="bob", run_id="r1")
    return bind(store, user_id="alice")


def add(store, text, **kwargs):
    return store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, **kwargs)


def texts(messages):
    return sorted(message.text for message in messages)


class SeedStore(BareStore):
    """The seed's signatures: it has never heard of an `app_id`, and ignores what it does not know."""

    def add_memories(self, *, messages, infer=True, user_id=None, run_id=None, agent_id=None, **kwargs):
        kwargs.pop("app_id", None)
        ids = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id}
        return super().add_memories(messages=messages, infer=infer, **ids, **kwargs)

    def search_memories(self, *, query=None, filters=None, user_id=None, run_id=None, agent_id=None, **kwargs):
        kwargs.pop("app_id", None)
        ids = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id}
        return super().search_memories(query=query, filters=filters, **ids, **kwargs)


def test_an_id_that_the_store_may_ignore_is_refused():
    """Bound to it, a store would be bound to nothing."""
    store = SeedStore()
    add(store, "bob's secret", user_id="bob")
    with pytest.raises(ScopeError, match="SeedStore has no parameter app_id"):
        bind(store, app_id="shop")
    alice = bind(store, user_id="alice")
    for call in (alice.search_memories, alice.delete_all_memories, alice.bound):
        with pytest.raises(ScopeError, match="app_id"):
            call(app_id="shop")
    with pytest.raises(ScopeError, match="app_id"):
        add(alice, "tea", app_id="shop")
    add(alice, "mine", run_id="r1", agent_id="a1")
    assert texts(alice.search_memories(run_id="r1")) == ["mine"]


def test_a_store_that_lacks_a_method_is_bound_all_the_same():
    class WithoutDeleting(BareStore):
        delete_all_memories = None

    alice = bind(WithoutDeleting(), user_id="alice", app_id="shop")
    add(alice, "mine")
    assert texts(alice.search_memories()) == ["mine"]


class Liar(str):
    """Equal to whatever it is compared with, and without blanks."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__

    def strip(self, *_):
        return self


def test_an_id_that_lies_about_itself_is_taken_by_its_letters(store, alice):
    with pytest.raises(ScopeError):
        add(alice, "planted", user_id=Liar("bob"))
    with pytest.raises(ScopeError):
        alice.search_memories(user_id=Liar("bob"))
    with pytest.raises(ScopeError):
        alice.delete_all_memories(user_id=Liar("bob"))
    for impossible in ("*", " bob", ""):
        with pytest.raises(ScopeError):
            bind(store, user_id=Liar(impossible))
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


def test_ids_beside_a_filter_are_ignored_with_one_warning(alice, caplog):
    add(alice, "mine")
    for _ in range(2):
        assert texts(alice.search_memories(filters=EVERYTHING, run_id="elsewhere")) == ["mine"]
    assert [record.getMessage() for record in caplog.records if "are ignored" in record.getMessage()] == [
        "filters were given, so the ids beside them are ignored, other than those that are bound"
    ]
