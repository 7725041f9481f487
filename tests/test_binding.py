"""`bind`: every way to reach past it, over stores of ours and over one that follows only the bare protocol."""

import asyncio
import contextlib
from io import StringIO

import pytest
from haystack.dataclasses import ChatMessage
from support.bare import BareStore
from support.stores import ListStore

from memstore import (
    BoundMemoryStore,
    FilterError,
    MemoryConflictError,
    MemoryNotFoundError,
    MemoryStore,
    RegistryError,
    ScopeError,
    StoreClosedError,
    UnsupportedError,
    bind,
    open_store,
    store_from_dict,
)
from memstore.filters import field, serialize
from memstore_in_memory import InMemoryMemoryStore


@pytest.fixture(params=["in-memory", "base", "bare"])
def store(request):
    return {"in-memory": lambda: open_store("memory://"), "base": ListStore, "bare": BareStore}[request.param]()


@pytest.fixture
def alice(store):
    return bind(store, user_id="alice")


@pytest.fixture(autouse=True)
def bobs_id(store):
    """Bob's memory was there first."""
    add(store, "bob's secret", user_id="bob", run_id="r1")
    return store.search_memories(user_id="bob") and ids_of(store)[0]


def add(store, text, **kwargs):
    return store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, **kwargs)


def ids_of(store):
    return (
        list(store.rows)
        if isinstance(store, BareStore)
        else [m.id for m in store.list_memories(filters=EVERYTHING).memories]
    )


def texts(messages):
    return sorted(message.text for message in messages)


EVERYTHING = {"operator": "AND", "conditions": []}
IS_BOB = {"field": "user_id", "operator": "==", "value": "bob"}

REACHING_OUT = {
    "everything": EVERYTHING,
    "an id": IS_BOB,
    "an Or": {"operator": "OR", "conditions": [IS_BOB, {"field": "user_id", "operator": "==", "value": "alice"}]},
    "an Or with a tautology": {"operator": "OR", "conditions": [IS_BOB, EVERYTHING]},
    "a Not": {"operator": "NOT", "conditions": [{"field": "user_id", "operator": "==", "value": "alice"}]},
    "a Not of nothing": {"operator": "NOT", "conditions": [{"operator": "OR", "conditions": []}]},
    "not equal": {"field": "user_id", "operator": "!=", "value": "nobody"},
    "not in": {"field": "user_id", "operator": "not in", "value": []},
    "an id that may be anything": {"field": "user_id", "operator": "in", "value": ["alice", "bob", "*"]},
    "a wildcard": {"field": "user_id", "operator": "==", "value": "*"},
}


@pytest.mark.parametrize("filters", REACHING_OUT.values(), ids=REACHING_OUT)
@pytest.mark.parametrize("query", [None, "secret"])
def test_a_filter_does_not_reach_past_it(store, alice, filters, query):
    add(alice, "alice's own")
    assert "bob's secret" not in texts(alice.search_memories(query=query, filters=filters, top_k=50))
    assert "bob's" not in alice.search_memories_as_single_message(query=query, filters=filters, top_k=50).text
    assert "bob's secret" not in texts(asyncio.run(alice.search_memories_async(query=query, filters=filters, top_k=50)))


def test_a_filter_still_filters_within_it(alice):
    add(alice, "tea", metadata={"n": 1})
    add(alice, "milk", metadata={"n": 2})
    assert texts(alice.search_memories(filters={"field": "meta.n", "operator": ">", "value": 1})) == ["milk"]
    assert texts(alice.search_memories(filters=field("meta.n") < 2)) == ["tea"]
    assert texts(alice.search_memories(filters={})) == ["milk", "tea"]


def test_a_malformed_filter_names_the_callers_own_place(alice):
    with pytest.raises(FilterError, match=r"^conditions\[0\]\.value: ") as caught:
        alice.search_memories(
            filters={"operator": "AND", "conditions": [{"field": "n", "operator": "<", "value": "x"}]}
        )
    assert caught.value.place == "conditions[0].value"


@pytest.mark.parametrize("method", ["search_memories", "search_memories_as_single_message", "delete_all_memories"])
def test_an_id_as_argument_does_not_reach_past_it(store, alice, method):
    with pytest.raises(ScopeError, match="user_id is bound"):
        getattr(alice, method)(user_id="bob")
    with pytest.raises(ScopeError, match="user_id is bound"):
        asyncio.run(getattr(alice, f"{method}_async")(user_id="bob"))
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


def test_adding_under_another_id_is_refused(store, alice):
    with pytest.raises(ScopeError, match="user_id is bound"):
        add(alice, "planted", user_id="bob")
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


def test_a_foreign_id_beside_a_filter_is_refused_too(alice):
    with pytest.raises(ScopeError):
        alice.search_memories(filters=EVERYTHING, user_id="bob")


def test_other_ids_are_set_on_add_and_narrow_a_search(store, alice):
    add(alice, "in run one", run_id="r1")
    add(alice, "in run two", run_id="r2", user_id="alice")
    assert texts(alice.search_memories(run_id="r1")) == ["in run one"]
    assert texts(store.search_memories(user_id="alice", run_id="r2")) == ["in run two"]
    alice.delete_all_memories(run_id="r1")
    assert texts(alice.search_memories()) == ["in run two"]
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


@pytest.mark.parametrize("key", ["user_id", "run_id", "agent_id", "app_id", "memory_metadata", "mem0_memory_metadata"])
def test_metadata_cannot_move_a_memory(store, alice, key):
    with pytest.raises(ScopeError, match=key):
        add(alice, "planted", metadata={key: "bob"})
    with pytest.raises(ScopeError, match=rf"messages\[1\].*{key}"):
        planted = ChatMessage.from_user("planted", meta={key: "bob"})
        alice.add_memories(messages=[ChatMessage.from_user("x"), planted], infer=False)
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


def test_deleting_by_a_foreign_id_says_what_an_unknown_id_says(store, alice, bobs_id):
    with pytest.raises(MemoryNotFoundError) as foreign:
        alice.delete_memory(bobs_id)
    with pytest.raises(MemoryNotFoundError) as foreign_async:
        asyncio.run(alice.delete_memory_async(bobs_id))
    unknown_id = bobs_id[:-1] + ("0" if bobs_id[-1] != "0" else "1")
    with pytest.raises(MemoryNotFoundError) as unknown:
        alice.delete_memory(unknown_id)
    assert str(foreign.value) == str(foreign_async.value) == str(unknown.value).replace(unknown_id, bobs_id)
    assert foreign.value.__cause__ is unknown.value.__cause__ is None
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


def test_deleting_an_own_memory(store, alice):
    add(alice, "mine")
    mine = next(memory_id for memory_id in ids_of(store) if memory_id not in ids_of(bind_ids(store)))
    alice.delete_memory(mine)
    assert alice.search_memories() == []


def bind_ids(store):
    """A copy of the store without Alice's memories, to tell which ids are hers."""
    other = BareStore()
    rows = (
        store.rows if isinstance(store, BareStore) else {m.id: m for m in store.list_memories(user_id="bob").memories}
    )
    other.rows = {i: r for i, r in rows.items() if (r["user_id"] if isinstance(r, dict) else r.user_id) == "bob"}
    return other


def test_delete_all_deletes_the_scope(store, alice):
    add(alice, "mine")
    alice.delete_all_memories()
    assert alice.search_memories() == []
    add(alice, "mine again")
    asyncio.run(alice.delete_all_memories_async())
    assert alice.search_memories() == []
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]


@pytest.mark.parametrize(
    "method",
    [
        *("add_memories", "search_memories", "delete_all_memories", "list_memories", "count_memories"),
        *("purge_expired_memories", "export_memories", "import_memories"),
    ],
)
def test_a_keyword_that_the_store_would_pass_on_is_refused(store, alice, method):
    needed = {
        "add_memories": {"messages": [ChatMessage.from_user("x")]},
        "export_memories": {"file": StringIO()},
        "import_memories": {"lines": []},
    }
    arguments = needed.get(method, {})
    with pytest.raises(TypeError, match="unexpected keyword argument 'scope'"):
        getattr(alice, method)(**arguments, scope="everyone")
    with pytest.raises(TypeError, match="unexpected keyword argument 'scope'"):
        asyncio.run(getattr(alice, f"{method}_async")(**arguments, scope="everyone"))
    assert not any(passed for passed in getattr(store, "passed_on", []))


def test_optional_methods_keep_to_the_scope(store, alice):
    add(alice, "mine")
    if isinstance(store, BareStore):
        with pytest.raises(UnsupportedError) as refused:
            alice.list_memories()
        assert refused.value.capability == "list"
        with pytest.raises(UnsupportedError):
            asyncio.run(alice.count_memories_async())
        return
    assert [memory.text for memory in alice.list_memories(filters=EVERYTHING).memories] == ["mine"]
    assert alice.count_memories() == alice.count_memories(filters=field("user_id") != "x") == 1
    assert asyncio.run(alice.count_memories_async(filters=EVERYTHING)) == 1
    assert [memory.text for memory in asyncio.run(alice.list_memories_async()).memories] == ["mine"]


def test_a_cursor_of_another_scope_is_refused(store, alice):
    if isinstance(store, BareStore):
        with pytest.raises(UnsupportedError):
            alice.list_memories(cursor="x")
        return
    add(store, "bob's second", user_id="bob")
    bobs = store.list_memories(user_id="bob", limit=1)
    with pytest.raises(ValueError, match="cursor"):
        alice.list_memories(limit=1, cursor=bobs.cursor)


def test_what_the_store_underneath_lacks_is_refused_by_name(store, alice):
    if isinstance(store, InMemoryMemoryStore):
        store.capabilities = store.capabilities - {"update"}
    for memory_id in (add_and_find(store, alice), "unknown"):
        with pytest.raises(UnsupportedError) as refused:
            alice.update_memory(memory_id, text="x")
        assert refused.value.capability == "update"
        assert refused.value.store == type(store).__name__


def add_and_find(store, alice):
    add(alice, "mine")
    return ids_of(store)[-1]


def test_binding_again_narrows(store, alice):
    narrow = bind(alice, run_id="r1")
    assert isinstance(narrow, BoundMemoryStore)
    add(narrow, "in r1")
    add(alice, "elsewhere")
    assert texts(narrow.search_memories()) == ["in r1"]
    assert texts(store.search_memories(user_id="alice", run_id="r1")) == ["in r1"]
    with pytest.raises(ScopeError, match="user_id is bound"):
        bind(alice, user_id="bob")
    assert texts(alice.bound(run_id="r1").search_memories()) == ["in r1"]


@pytest.mark.parametrize("ids", [{}, {"user_id": ""}, {"user_id": " a"}, {"user_id": "*"}, {"user_id": 5}])
def test_binding_needs_a_scope(store, ids):
    with pytest.raises(ScopeError):
        bind(store, **ids)


def test_it_is_a_store_with_the_capabilities_of_the_one_underneath(store, alice):
    assert isinstance(alice, MemoryStore)
    assert alice.capabilities == getattr(store, "capabilities", frozenset())
    assert alice.scope.ids == {"user_id": "alice"}
    assert "alice" not in repr(alice)


def test_serialised_and_loaded_it_is_bound_still():
    alice = open_store("memory://").bound(user_id="alice", app_id="shop")
    data = alice.to_dict()
    assert data["init_parameters"]["user_id"] == "alice"
    again = store_from_dict(data)
    assert isinstance(again, BoundMemoryStore)
    assert again.scope == alice.scope
    again.close()
    with pytest.raises(StoreClosedError):
        again._store.search_memories(user_id="x")


def test_warming_up_warms_the_store_underneath():
    class Warm(ListStore):
        warmed = 0

        def _warm_up(self):
            self.warmed += 1

    store = Warm()
    bind(store, user_id="alice").warm_up()
    assert store.warmed == 1
    bind(BareStore(), user_id="alice").warm_up()  # has no such method, and needs none


class Sneaky(str):
    """Looks like no reserved key and is one."""

    def __hash__(self):
        return 0

    def __eq__(self, other):
        return False


class Fickle(list):
    """Shows one message to whoever checks, and another to whoever reads again."""

    reads = 0

    def __iter__(self):
        self.reads += 1
        meta = {} if self.reads == 1 else {"user_id": "bob"}
        return iter([ChatMessage.from_user("planted", meta=meta)])


class Masked(dict):
    def __iter__(self):
        return iter(())

    def __len__(self):
        return 1

    def items(self):
        return [("user_id", "bob")]


class Duck:
    text, meta, name = "planted", {"user_id": "bob"}, None


PLANTED = ChatMessage.from_user("planted", meta={"user_id": "bob"})
FINE = ChatMessage.from_user("planted")


# Made anew for each store: some of them change when they are read.
PLANTING = {
    "generator": lambda: {"messages": (PLANTED for _ in range(1))},
    "view of a dictionary": lambda: {"messages": {1: PLANTED}.values()},
    "duck": lambda: {"messages": [Duck()]},
    "fickle list": lambda: {"messages": Fickle([FINE])},
    "sneaky key": lambda: {"messages": [FINE], "metadata": {Sneaky("user_id"): "bob"}},
    "masked dictionary": lambda: {"messages": [FINE], "metadata": Masked()},
    "sneaky key of a message": lambda: {
        "messages": [ChatMessage.from_user("planted", meta={Sneaky("user_id"): "bob"})]
    },
    "nothing": lambda: {"messages": None},
    "string": lambda: {"messages": "hello"},
}


@pytest.mark.parametrize("make", PLANTING.values(), ids=PLANTING)
def test_what_is_checked_is_what_is_stored(store, alice, make):
    with contextlib.suppress(TypeError, ScopeError):  # refused, or stored in the scope without what would move it
        alice.add_memories(**make(), infer=False)
    assert texts(store.search_memories(user_id="bob")) == ["bob's secret"]
    assert all("user_id" not in message.meta for message in alice.search_memories())


@pytest.mark.parametrize("capability", [{"ids": ["x"]}, {"timestamp": 5}, {"expires_at": 5}])
def test_what_a_bare_store_does_not_promise_is_not_passed_on(capability):
    """One that takes ``ids`` for an upsert would overwrite another scope's memory."""
    with pytest.raises(UnsupportedError):
        add(bind(BareStore(), user_id="alice"), "tea", **capability)


@pytest.mark.parametrize("make", [lambda: open_store("memory://"), ListStore], ids=["in-memory", "base"])
def test_the_callers_ids_and_times_are_kept_within_the_scope(make):
    store = make()
    alice = bind(store, user_id="alice")
    for _ in range(2):
        [entry] = add(alice, "tea", ids=["a"], timestamp=0)
        assert entry == {"memory_id": "a", "memory": "tea"}
    [memory] = alice.list_memories().memories
    assert (memory.id, memory.user_id, memory.created_at.year) == ("a", "alice", 1970)
    for text, scope in (("coffee", {"user_id": "alice"}), ("tea", {"user_id": "tom"})):
        with pytest.raises(MemoryConflictError) as conflict:  # the same words, whoever has the id
            add(bind(store, **scope), text, ids=["a"])
        assert str(conflict.value) == "the id 'a' is taken by another memory; nothing was added"


def test_nothing_is_ever_bound_to_everything(store):
    with pytest.raises(ScopeError):
        BoundMemoryStore(store)
    data = open_store("memory://").bound(user_id="alice").to_dict()
    for lost in ({}, {"user_id": None}, {"user_id": ""}):
        parameters = {"store": data["init_parameters"]["store"], **lost}
        with pytest.raises(ScopeError):
            store_from_dict({**data, "init_parameters": parameters})
    for broken in ({"type": data["type"]}, {**data, "init_parameters": {"user_id": "alice"}}):
        with pytest.raises(RegistryError, match="'store'"):
            store_from_dict(broken)


def test_the_class_itself_narrows_a_bound_store(alice):
    with pytest.raises(ScopeError):
        BoundMemoryStore(alice, user_id="bob")
    assert BoundMemoryStore(alice, run_id="r").scope.ids == {"user_id": "alice", "run_id": "r"}


async def test_closing_an_owned_store_awaits_it():
    alice = store_from_dict(open_store("memory://").bound(user_id="alice").to_dict())
    await alice.close_async()
    await alice.close_async()
    with pytest.raises(StoreClosedError):
        alice._store.search_memories(user_id="x")
    async with bind(BareStore(), user_id="alice") as bare:
        pass
    with pytest.raises(StoreClosedError):
        bare.search_memories()


def test_closing_the_view_leaves_the_store_open(store, alice):
    with alice:
        add(alice, "mine")
    alice.close()
    for call in (alice.search_memories, alice.warm_up, lambda: bind(alice, run_id="x")):
        with pytest.raises(StoreClosedError):
            call()
    assert texts(store.search_memories(user_id="alice")) == ["mine"]


async def test_async_lifecycle(store):
    async with bind(store, user_id="alice") as alice:
        await alice.add_memories_async(messages=[ChatMessage.from_user("mine")], infer=False)
        assert texts(await alice.search_memories_async()) == ["mine"]
    with pytest.raises(StoreClosedError):
        await alice.search_memories_async()


def test_the_scope_is_outside_of_the_filter(alice, monkeypatch):
    """The bare protocol takes dictionaries, so that is what a store underneath gets."""
    seen = {}
    monkeypatch.setattr(alice._store, "search_memories", lambda **arguments: seen.update(arguments) or [])
    either = (field("n") == 1) | (field("user_id") == "bob")
    alice.search_memories(filters=either, query="q", run_id="r")
    scope = {"field": "user_id", "operator": "==", "value": "alice"}
    assert seen["filters"] == {"operator": "AND", "conditions": [scope, serialize(either)]}
    assert "user_id" not in seen
    assert "run_id" not in seen
