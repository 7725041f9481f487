"""Opening, closing, sharing, copying: a store between processes, threads and event loops."""

import asyncio
import copy
import inspect
import math
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from typing import get_type_hints

import numpy as np
import pytest
from haystack.core.pipeline import Pipeline
from haystack.dataclasses import ChatMessage
from support.stores import FailingStore, ListStore, NativeAsyncStore, UpdatingStore

from memstore import (
    AddedMemory,
    AsyncMemoryStore,
    Memory,
    MemoryStore,
    MemoryStoreError,
    MissingDependencyError,
    OpenedMemoryStore,
    StoreClosedError,
    SupportsCapabilities,
    SupportsCount,
    SupportsExpiration,
    SupportsExport,
    SupportsHistory,
    SupportsLifecycle,
    SupportsList,
    SupportsUpdate,
    SupportsWait,
    UnsupportedError,
    open_store,
)
from memstore.demo.json_file import JSONFileMemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)
TEA = [ChatMessage.from_user("tea")]
EXPORTED = [
    '{"format": "memstore", "version": 1}',
    '{"id": "x", "text": "tea", "user_id": "u", "created_at": "2026-01-01", "updated_at": "2026-01-01"}',
]


@pytest.fixture(params=["in-memory", "base", "json"])
def store(request, tmp_path):
    makers = {
        "in-memory": lambda: open_store("memory://"),
        "base": ListStore,
        "json": lambda: JSONFileMemoryStore(str(tmp_path / "memories.json")),
    }
    return makers[request.param]()


CALLS = {
    "add_memories": {"messages": TEA, "user_id": "u", "infer": False},
    "search_memories": {"user_id": "u"},
    "search_memories_as_single_message": {"user_id": "u"},
    "delete_all_memories": {"user_id": "u"},
    "delete_memory": {"memory_id": "x"},
    "list_memories": {"user_id": "u"},
    "count_memories": {"user_id": "u"},
    "wait": {"event_ids": []},
    "update_memory": {"memory_id": "x", "text": "milk"},
    "memory_history": {"memory_id": "x"},
    "purge_expired_memories": {},
    "export_memories": {"file": StringIO()},
    "import_memories": {"lines": EXPORTED},
}


def test_it_follows_the_protocols(store):
    for protocol in (
        MemoryStore,
        AsyncMemoryStore,
        OpenedMemoryStore,
        SupportsCapabilities,
        SupportsCount,
        SupportsExpiration,
        SupportsExport,
        SupportsHistory,
        SupportsLifecycle,
        SupportsList,
        SupportsUpdate,
        SupportsWait,
    ):
        assert isinstance(store, protocol)


@pytest.mark.parametrize(("method", "arguments"), CALLS.items(), ids=CALLS)
def test_a_closed_store_refuses_every_call(store, method, arguments):
    with store:
        pass
    store.close()
    with pytest.raises(StoreClosedError, match=type(store).__name__):
        getattr(store, method)(**arguments)
    with pytest.raises(StoreClosedError):
        asyncio.run(getattr(store, f"{method}_async")(**arguments))
    with pytest.raises(StoreClosedError):
        store.warm_up()
    assert "closed" in repr(store)


async def test_async_context(store):
    async with store as entered:
        assert entered is store
        await store.add_memories_async(**CALLS["add_memories"])
        assert [m.text for m in await store.search_memories_async(user_id="u")] == ["tea"]
        assert (await store.search_memories_as_single_message_async(user_id="u")).text == "- MEMORY #1: tea"
        [memory] = (await store.list_memories_async(user_id="u")).memories
        await store.delete_memory_async(memory.id)
        assert await store.count_memories_async(user_id="u") == 0
        await store.delete_all_memories_async(user_id="u")
        assert await store.wait_async([]) == []
    await store.close_async()
    with pytest.raises(StoreClosedError):
        await store.search_memories_async(user_id="u")


def test_warming_up_twice_is_fine(store):
    store.warm_up()
    store.warm_up()


def test_closed_in_the_middle_a_listing_fails():
    class ClosedMidway(ListStore):
        def _select(self, filter, after, limit):
            page = super()._select(filter, after, limit)
            self.close()
            return page

    store = ClosedMidway()
    store._insert([Memory(f"m{n}", "tea", user_id="u", created_at=START, updated_at=START) for n in range(1500)])
    with pytest.raises(StoreClosedError):
        store.search_memories(user_id="u")


def test_of_many_threads_one_releases():
    closed = []

    class Counting(ListStore):
        def _close(self):
            closed.append(1)

    store = Counting()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.close(), range(64)))
    assert closed == [1]


def test_a_closed_store_says_so_before_it_looks_at_arguments():
    store = ListStore()
    store.close()
    for call in (store.search_memories, store.bound, lambda: store.update_memory("x"), lambda: store.delete_memory("")):
        with pytest.raises(StoreClosedError):
            call()


def test_what_a_subclass_overrides_its_async_twin_overrides_too():
    class Guarded(ListStore):
        capabilities = ListStore.capabilities | {"update"}

        def update_memory(self, memory_id, **patch):
            return "updated"

        def delete_memory(self, memory_id):
            raise PermissionError

    assert asyncio.run(Guarded().update_memory_async("x", text="y")) == "updated"
    with pytest.raises(PermissionError):
        asyncio.run(Guarded().delete_memory_async("x"))


def test_introspection_sees_what_comes_out(store):
    hints = get_type_hints(type(store).search_memories)
    assert hints["return"] == list[ChatMessage]
    assert get_type_hints(type(store).add_memories_async)["return"] == list[AddedMemory]
    assert str(inspect.signature(store.count_memories)).endswith("-> 'int'")


def test_closing_releases_once():
    class Counting(ListStore):
        closed = 0

        def _close(self):
            self.closed += 1

    store = Counting()
    store.close()
    store.close()
    asyncio.run(store.close_async())
    assert store.closed == 1


def test_async_twins_are_coroutines_with_the_same_parameters(store):
    for method in CALLS:
        sync, twin = getattr(store, method), getattr(store, f"{method}_async")
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(sync)
        assert inspect.signature(sync).parameters == inspect.signature(twin).parameters
        assert twin.__name__ == f"{method}_async"


async def test_the_event_loop_goes_on_while_a_store_without_native_async_works():
    started, release = threading.Event(), threading.Event()

    class Slow(ListStore):
        def _select(self, filter, after, limit):
            started.set()
            assert release.wait(10)
            return []

    search = asyncio.create_task(Slow().search_memories_async(user_id="u"))
    await asyncio.to_thread(started.wait, 10)
    release.set()  # reached only because the loop was free
    assert await search == []


async def test_native_async_uses_no_thread():
    store = NativeAsyncStore()
    threads = threading.active_count()
    await store.add_memories_async(**CALLS["add_memories"])
    found = await store.search_memories_async(user_id="u", query="tea")
    assert [message.text for message in found] == ["tea"]
    await store.delete_all_memories_async(user_id="u")
    assert await store.count_memories_async(user_id="u") == 0
    assert threading.active_count() == threads


async def test_native_async_errors_are_wrapped_too():
    class Failing(NativeAsyncStore):
        async def _select_async(self, filter, after, limit):
            raise OSError("no route")

        async def _insert_async(self, memories):
            raise MemoryStoreError("quota")

    with pytest.raises(MemoryStoreError, match="could not select memories: OSError") as failed:
        await Failing().search_memories_async(user_id="u")
    assert isinstance(failed.value.__cause__, OSError)
    with pytest.raises(MemoryStoreError, match="^quota$"):
        await Failing().add_memories_async(**CALLS["add_memories"])


@pytest.mark.parametrize(
    ("operation", "arguments", "capability"),
    [
        ("list_memories", {"user_id": "u"}, "list"),
        ("count_memories", {"user_id": "u"}, "count"),
        ("wait", {"event_ids": []}, "wait"),
        ("add_memories", {**CALLS["add_memories"], "ids": ["a"]}, "client_ids"),
        ("add_memories", {**CALLS["add_memories"], "expires_at": 5}, "expiration"),
        ("purge_expired_memories", {}, "expiration"),
        ("export_memories", {"file": StringIO()}, "export"),
        ("import_memories", {"lines": EXPORTED}, "export"),
        ("update_memory", {"memory_id": "x", "text": "milk"}, "update"),
        ("memory_history", {"memory_id": "x"}, "history"),
    ],
)
def test_what_an_instance_does_not_claim_is_refused_by_name(operation, arguments, capability):
    store = UpdatingStore()
    store.import_memories(EXPORTED)
    getattr(store, operation)(**arguments)
    store.capabilities = store.capabilities - {capability}
    with pytest.raises(UnsupportedError, match=f"UpdatingStore does not offer '{capability}'") as refused:
        getattr(store, operation)(**arguments)
    assert refused.value.capability == capability
    assert isinstance(refused.value, NotImplementedError)
    with pytest.raises(UnsupportedError, match=capability):
        asyncio.run(getattr(store, f"{operation}_async")(**arguments))


@pytest.mark.parametrize("method", CALLS)
def test_a_store_that_does_not_claim_async_awaits_nothing(method):
    store = UpdatingStore()
    store.capabilities = store.capabilities - {"async"}
    with pytest.raises(UnsupportedError, match="'async'"):
        asyncio.run(getattr(store, f"{method}_async")(**CALLS[method]))


@pytest.mark.parametrize("call", [c for c in CALLS if c != "wait"])
def test_a_failure_is_never_an_empty_result(call):
    with pytest.raises(MemoryStoreError) as failed:
        getattr(FailingStore(), call)(**CALLS[call])
    assert isinstance(failed.value.__cause__, ConnectionError)


class TestMistakesOfAuthors:
    """A primitive that breaks its promise is named, where the mistake would show far from where it was made."""

    @pytest.mark.parametrize("answer", [None, [], (), [1], {"a": 1}])
    def test_an_insert_returns_what_it_stored(self, answer):
        class Careless(ListStore):
            def _insert(self, memories):
                return answer

        for arguments in (CALLS["add_memories"], {**CALLS["add_memories"], "ids": ["a"]}):
            with pytest.raises(
                MemoryStoreError, match=r"^Careless\._insert must return a list of the memories as stored"
            ):
                Careless().add_memories(**arguments)

    async def test_an_awaitable_one_is_named_too(self):
        class Careless(NativeAsyncStore):
            async def _insert_async(self, memories):
                pass

        with pytest.raises(MemoryStoreError, match=r"^Careless\._insert_async must return"):
            await Careless().add_memories_async(**CALLS["add_memories"])

    @pytest.mark.parametrize(
        ("primitive", "answer", "call", "promise"),
        [
            ("_select", None, "search_memories", "a list of memories"),
            ("_select", (), "list_memories", "a list of memories"),
            ("_rank", [], "search_memories", "hits with finite scores, and whether there are no more"),
            ("_delete", None, "delete_memory", "the ids of the memories that were there"),
            ("_delete", "x", "delete_all_memories", "the ids of the memories that were there"),
            ("_replace", None, "update_memory", "whether it replaced a memory"),
            ("_history", None, "memory_history", "a list of memories"),
        ],
    )
    def test_the_others_return_what_they_promise(self, primitive, answer, call, promise):
        store = UpdatingStore()
        store.import_memories(EXPORTED)
        setattr(store, primitive, lambda *arguments: answer)
        with pytest.raises(MemoryStoreError, match=rf"^UpdatingStore\.{primitive} must return {promise}$"):
            getattr(store, call)(**CALLS[call], **({"query": "tea"} if primitive == "_rank" else {}))

    @pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, None, "1", np.float32("nan")], ids=repr)
    def test_scores_are_finite(self, score):
        class Careless(ListStore):
            def _rank(self, query, filter, limit):
                return [(memory, score) for memory in self.memories.values()], True

        store = Careless()
        store.add_memories(**CALLS["add_memories"])
        with pytest.raises(
            MemoryStoreError, match=r"^Careless\._rank must return hits with finite scores, and whether"
        ):
            store.search_memories(query="tea", user_id="u")

    def test_a_constructor_calls_the_one_above(self):
        class Forgetful(ListStore):
            def __init__(self):
                self.memories = {}

        store = Forgetful()
        assert repr(store) == "<Forgetful>"
        for call in (*(partial(getattr(store, name), **CALLS[name]) for name in CALLS), store.warm_up, store.close):
            with pytest.raises(MemoryStoreError, match=r"^Forgetful\.__init__ must call super\(\)\.__init__\(\)$"):
                call()

    def test_ids_that_were_given_are_kept(self):
        class Assigning(ListStore):
            def _insert(self, memories):
                return super()._insert([replace(memory, id=f"row-{memory.id}") for memory in memories])

        for call in (
            lambda: Assigning().add_memories(**CALLS["add_memories"], ids=["a"]),
            lambda: Assigning().import_memories(EXPORTED),
        ):
            with pytest.raises(MemoryStoreError, match="did not keep the ids"):
                call()


class TestCopies:
    def test_what_lives_in_this_process_refuses_to_be_copied(self):
        with pytest.raises(TypeError, match="keeps its memories in this process"):
            pickle.dumps(open_store("memory://"))
        with pytest.raises(TypeError, match="keeps its memories in this process"):
            copy.deepcopy(open_store("memory://"))

    def test_what_is_durable_is_opened_anew(self, tmp_path):
        store = JSONFileMemoryStore(str(tmp_path / "memories.json"))
        store.add_memories(**CALLS["add_memories"])
        again = pickle.loads(pickle.dumps(store))
        assert again is not store
        assert [message.text for message in again.search_memories(user_id="u")] == ["tea"]

    def test_a_dependency_that_is_missed_late_stays_the_pip_command(self):
        class Needy(ListStore):
            def _insert(self, memories):
                raise MissingDependencyError("needy needs the module 'x': pip install x")

        for call in (Needy().add_memories, lambda **given: asyncio.run(Needy().add_memories_async(**given))):
            with pytest.raises(MissingDependencyError, match="pip install x"):
                call(**CALLS["add_memories"])


class TestSerialisation:
    def test_through_json_it_is_the_same_configuration(self, store):
        import json

        data = json.loads(json.dumps(store.to_dict()))
        again = type(store).from_dict(data)
        assert again.to_dict() == store.to_dict() == data
        assert data["type"] == f"{type(store).__module__}.{type(store).__name__}"

    def test_through_a_pipeline(self):
        """What `Pipeline.dumps` writes of a component that holds a store, `Pipeline.loads` reads."""
        from support.component import StoreHolder

        pipeline = Pipeline()
        pipeline.add_component("holder", StoreHolder(open_store("memory://").bound(user_id="maya")))
        text = pipeline.dumps()
        again = Pipeline.loads(text, allowed_modules=["memstore", "support"])
        held = again.get_component("holder").store
        assert held.to_dict() == pipeline.get_component("holder").store.to_dict()
        held.add_memories(messages=TEA, infer=False)
        assert held.search_memories()[0].text == "tea"
