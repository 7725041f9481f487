"""Bound stores beyond the required methods: changing, telling, expiring, exporting and waiting within a scope."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import given
from hypothesis import strategies as st
from support.bare import BareStore
from support.stores import ListStore, NativeUpdatingStore, UpdatingStore

from memstore import (
    EventNotFoundError,
    FilterError,
    InvalidMemoryError,
    MemoryConflictError,
    MemoryNotFoundError,
    ScopeError,
    UnsupportedError,
    bind,
)
from memstore.filters import Comparison, Not, Operator, field
from memstore.filters.fields import EXPIRES_AT
from memstore_in_memory import InMemoryMemoryStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
STORES = {"in-memory": InMemoryMemoryStore, "base": UpdatingStore}


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request):
    store = request.param()
    store._clock = lambda: NOON
    return store


@pytest.fixture
def alice(store):
    return bind(store, user_id="alice")


@pytest.fixture
def own(alice):
    return add(alice, "mine", metadata={"n": 1})


@pytest.fixture
def bobs(store):
    return add(store, "bob's", user_id="bob", run_id="r1")


def add(store, text, **kwargs):
    return store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, **kwargs)[0]["memory_id"]


def texts(messages):
    return sorted(message.text for message in messages)


def exported(store, **where):
    file = StringIO()
    store.export_memories(file, **where)
    return file.getvalue()


class TestUpdating:
    def test_own_memories_are_changed_and_told(self, store, alice, own):
        after = alice.update_memory(own, text="changed", metadata={"n": None, "m": 2}, expected_version=1)
        assert (after.text, after.meta, after.version, after.user_id) == ("changed", {"m": 2}, 2, "alice")
        assert [memory.text for memory in alice.memory_history(own)] == ["mine", "changed"]
        assert [memory.text for memory in asyncio.run(alice.memory_history_async(own))] == ["mine", "changed"]
        assert asyncio.run(alice.update_memory_async(own, text="again")).version == 3
        with pytest.raises(MemoryConflictError):
            alice.update_memory(own, text="lost", expected_version=1)
        assert texts(store.search_memories(user_id="alice")) == ["again"]

    def test_to_it_foreign_ones_do_not_exist(self, store, alice, own, bobs):
        for call in (
            lambda memory_id: alice.update_memory(memory_id, text="changed"),
            lambda memory_id: alice.update_memory(memory_id, text="changed", expected_version=7),
            alice.memory_history,
            lambda memory_id: asyncio.run(alice.update_memory_async(memory_id, text="changed")),
            lambda memory_id: asyncio.run(alice.memory_history_async(memory_id)),
        ):
            with pytest.raises(MemoryNotFoundError) as foreign:
                call(bobs)
            with pytest.raises(MemoryNotFoundError) as unknown:
                call("unknown")
            assert str(foreign.value) == str(unknown.value).replace("unknown", bobs)
        assert texts(store.search_memories(user_id="bob")) == ["bob's"]

    @pytest.mark.parametrize(
        ("patch", "error"),
        [
            ({}, ValueError),
            ({"text": " "}, InvalidMemoryError),
            ({"metadata": {"n": {1}}}, InvalidMemoryError),
            ({"metadata": {"user_id": "bob"}}, ScopeError),
            ({"metadata": {"user_id": None}}, ScopeError),
            ({"text": "x", "expected_version": 0}, ValueError),
        ],
        ids=str,
    )
    def test_a_bad_patch_is_refused_alike_for_own_foreign_and_unknown_ids(self, alice, own, bobs, patch, error):
        said = set()
        for memory_id in (own, bobs, "unknown"):
            with pytest.raises(error) as refused:
                alice.update_memory(memory_id, **patch)
            said.add(str(refused.value))
        assert len(said) == 1
        assert alice.memory_history(own)[-1].version == 1

    def test_what_the_store_does_not_claim_is_refused_alike(self, store, alice, own, bobs):
        store.capabilities = store.capabilities - {"update", "history"}
        for memory_id in (own, bobs, "unknown"):
            with pytest.raises(UnsupportedError, match="'update'"):
                alice.update_memory(memory_id, text="x")
            with pytest.raises(UnsupportedError, match="'history'"):
                alice.memory_history(memory_id)


class TestExpiring:
    def test_what_has_expired_is_found_by_nothing(self, store, alice):
        memory_id = add(alice, "mine", expires_at=LATER)
        assert texts(alice.search_memories()) == ["mine"]
        assert [memory.expires_at for memory in alice.list_memories().memories] == [LATER]
        store._clock = lambda: LATER
        assert alice.search_memories() == alice.search_memories(query="mine") == []
        assert alice.search_memories(filters=field("id") == memory_id) == []
        assert alice.count_memories() == 0
        assert exported(alice).count("\n") == 1
        for call in (alice.delete_memory, alice.memory_history, lambda known: alice.update_memory(known, text="x")):
            with pytest.raises(MemoryNotFoundError):
                call(memory_id)

    def test_purging_keeps_to_the_scope(self, store, alice):
        for user in ("alice", "bob"):
            for run in ("r1", "r2"):
                add(store, f"{user} {run}", user_id=user, run_id=run, expires_at=NOON)
        assert alice.purge_expired_memories(run_id="r1") == 1
        assert asyncio.run(alice.purge_expired_memories_async()) == 1
        assert alice.purge_expired_memories() == 0
        with pytest.raises(ScopeError, match="user_id is bound"):
            alice.purge_expired_memories(user_id="bob")
        store._clock = lambda: NOON - timedelta(days=1)
        assert texts(store.search_memories(run_id="r1")) == ["bob r1"]
        assert store.count_memories(user_id="bob") == 2

    def test_no_filter_reaches_what_has_expired(self, store, alice):
        add(alice, "mine", expires_at=NOON)
        for condition in (
            Comparison(EXPIRES_AT, Operator.LE, "2027-01-01"),
            Not(Comparison(EXPIRES_AT, Operator.EQ, None)),
        ):
            with pytest.raises(FilterError):
                alice.search_memories(filters=condition)


class TestExport:
    def test_it_writes_the_scope_and_nothing_else(self, store, alice, own, bobs):
        add(alice, "in a run", run_id="r1")
        for where in ({}, {"filters": {"operator": "AND", "conditions": []}}, {"filters": field("user_id") != "x"}):
            assert exported(alice, **where) == exported(store, user_id="alice")
        assert exported(alice, run_id="r1") == exported(store, user_id="alice", run_id="r1")
        assert exported(alice, filters=field("user_id") == "bob").count("\n") == 1
        with pytest.raises(ScopeError, match="user_id is bound"):
            alice.export_memories(StringIO(), user_id="bob")
        file = StringIO()
        assert asyncio.run(alice.export_memories_async(file)) == 2
        assert file.getvalue() == exported(alice)

    def test_it_reads_what_it_wrote(self, store, alice, own):
        text = exported(alice)
        assert alice.import_memories(StringIO(text)) == 0
        alice.delete_all_memories()
        assert asyncio.run(alice.import_memories_async(StringIO(text))) == 1
        assert exported(alice) == text

    @pytest.mark.parametrize("ids", [{"user_id": "bob"}, {"user_id": None, "run_id": "r1"}, {"user_id": "Alice"}])
    def test_memories_outside_of_the_scope_are_refused_by_line(self, store, alice, ids):
        line = {"text": "mine", "user_id": "alice", "created_at": "2026-01-01", "updated_at": "2026-01-01"}
        header = '{"format": "memstore", "version": 1}'
        records = [json.dumps({**line, "id": f"m{n}", **(ids if n == 3 else {})}) for n in range(5)]
        with pytest.raises(ScopeError, match="^line 5: the memory does not belong to user_id, which is bound here$"):
            alice.import_memories([header, *records])
        with pytest.raises(ScopeError, match="^line 5: "):
            asyncio.run(alice.import_memories_async([header, *records]))
        assert store.count_memories(filters={"operator": "AND", "conditions": []}) == 0
        with pytest.raises(ScopeError, match="^line 2: the memory does not belong to user_id, run_id"):
            alice.bound(run_id="r2").import_memories([header, *records])

    def test_a_malformed_line_is_named_as_it_stands(self, store, alice, own):
        lines = exported(alice).splitlines()
        for broken, number in (([], 1), (["x"], 1), ([*lines, "x"], 3), ([lines[0], "", lines[1]], 2)):
            with pytest.raises(InvalidMemoryError, match=f"^line {number}: "):
                alice.import_memories(broken)
        with pytest.raises(TypeError, match="^lines is a text file"):
            alice.import_memories("text")
        assert alice.import_memories([*lines, "", "\n"]) == 0

    def test_what_is_read_is_what_was_checked(self, alice):
        """A key twice: which one counts is up to the reader, so no store gets to choose."""
        seen = []
        alice._store.import_memories = lambda lines: seen.extend(lines) or 0
        line = '{"id": "a", "text": "mine", "created_at": "2026-01-01", "updated_at": "2026-01-01", %s}'
        alice.import_memories(['{"format": "memstore", "version": 1}', line % '"user_id": "bob", "user_id": "alice"'])
        assert len(seen) == 2
        assert "bob" not in seen[1]

    def test_a_taken_id_is_a_conflict_whoever_has_it(self, store, alice, own, bobs):
        lines = exported(alice).replace(own, bobs)
        with pytest.raises(MemoryConflictError) as conflict:
            alice.import_memories(StringIO(lines))
        assert "bob's" not in str(conflict.value)
        assert texts(store.search_memories(user_id="bob")) == ["bob's"]


async def test_awaitable_primitives_are_awaited():
    store = NativeUpdatingStore()
    alice = bind(store, user_id="alice")
    added = await alice.add_memories_async(
        messages=[ChatMessage.from_user("mine")], infer=False, expires_at=datetime.now(UTC) + timedelta(hours=1)
    )
    memory_id = added[0]["memory_id"]
    assert (await alice.update_memory_async(memory_id, text="changed")).version == 2
    assert len(await alice.memory_history_async(memory_id)) == 2
    file = StringIO()
    assert await alice.export_memories_async(file) == 1
    assert await alice.import_memories_async(StringIO(file.getvalue())) == 0
    assert await alice.purge_expired_memories_async() == 0


@pytest.mark.parametrize(
    ("call", "capability"),
    [
        (lambda alice: alice.update_memory("x", text="y"), "update"),
        (lambda alice: alice.memory_history("x"), "history"),
        (lambda alice: alice.purge_expired_memories(), "expiration"),
        (lambda alice: add(alice, "mine", expires_at=5), "expiration"),
        (lambda alice: alice.export_memories(StringIO()), "export"),
        (lambda alice: alice.import_memories([]), "export"),
    ],
)
def test_what_a_bare_store_has_not_is_refused_by_name(call, capability):
    with pytest.raises(UnsupportedError) as refused:
        call(bind(BareStore(), user_id="alice"))
    assert refused.value.capability == capability


def test_a_bare_store_that_has_it_is_asked():
    """It names no capabilities, so what it has is what it offers."""

    class Updating(BareStore):
        def update_memory(self, memory_id, *, text=None, metadata=None, expected_version=None):
            self.rows[memory_id]["text"] = text
            return self.rows[memory_id]

    store = Updating()
    memory_id = add(store, "mine", user_id="alice")
    bind(store, user_id="alice").update_memory(memory_id, text="changed")
    assert texts(store.search_memories(user_id="alice")) == ["changed"]
    with pytest.raises(MemoryNotFoundError):
        bind(store, user_id="bob").update_memory(memory_id, text="planted")


def test_waiting_for_a_foreign_event():
    class Pending(ListStore):
        def wait(self, event_ids, *, timeout=None):
            return [{"memory_id": next(iter(self.memories)), "memory": "bob's"}]

    store = Pending()
    add(store, "bob's", user_id="bob")
    with pytest.raises(EventNotFoundError):
        bind(store, user_id="alice").wait(["bobs-event"])
    assert bind(store, user_id="bob").wait(["bobs-event"])[0]["memory"] == "bob's"


ACTIONS = ("add", "add expiring", "update", "delete", "purge", "later", "export and import")


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.booleans()), max_size=15))
def test_it_is_indistinguishable_from_a_store_of_its_own(actions):
    """Alice and Bob do the same things in one store that she does alone in another; she cannot tell."""
    now = NOON
    shared, alone = InMemoryMemoryStore(clock=lambda: now), InMemoryMemoryStore(clock=lambda: now)
    views = {
        "alice": [bind(shared, user_id="alice"), bind(alone, user_id="alice")],
        "bob": [bind(shared, user_id="bob")],
    }
    for number, (action, which, by_alice) in enumerate(actions):
        now += timedelta(minutes=30 if action == "later" else 0)
        user = "alice" if by_alice else "bob"
        results = [outcome(view, action, f"{user} {number}", f"{user} {which}", now) for view in views[user]]
        assert all(result == results[0] for result in results)
        seen = [
            (
                exported(view),
                [
                    (message.text, message.meta)
                    for message in view.search_memories(query="alice", include_memory_metadata=True, top_k=50)
                ],
            )
            for view in views["alice"]
        ]
        assert seen[0] == seen[1]


def outcome(view, action, new_id, some_id, now):
    """What an action returns or raises."""
    message = ChatMessage.from_user(f"words of {new_id}")
    try:
        match action:
            case "add":
                return view.add_memories(messages=[message], infer=False, ids=[some_id])
            case "add expiring":
                moment = now + timedelta(minutes=30)
                return view.add_memories(messages=[message], infer=False, ids=[some_id], expires_at=moment)
            case "update":
                return view.update_memory(some_id, text=f"changed by {new_id}", metadata={"by": new_id}).to_dict()
            case "delete":
                return view.delete_memory(some_id)
            case "purge":
                return view.purge_expired_memories()
            case "export and import":
                text = exported(view)
                view.delete_all_memories()
                return view.import_memories(StringIO(text))
    except (MemoryNotFoundError, MemoryConflictError) as error:
        return str(error)
