"""Stores as backend authors write them, each the least that shows one thing."""

import threading
from collections.abc import Callable, Collection
from datetime import datetime

from haystack.core.serialization import default_to_dict

from memstore import BASE_CAPABILITIES, BaseMemoryStore, Memory, MemoryConflictError, Position
from memstore.filters import TRUE, Comparison, Filter, FilterSupport, Leaf, compile_filter
from memstore.primitives import Ranked
from memstore.ranking import rank


class ListStore(BaseMemoryStore):
    """The three primitives and nothing else; `calls` says what was asked of them."""

    def __init__(
        self, filter_support: FilterSupport | None = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        super().__init__(clock=clock)
        self.filter_support = filter_support or FilterSupport.nothing()
        self.memories: dict[str, Memory] = {}
        self.earlier: dict[str, list[Memory]] = {}
        self.calls: list[tuple] = []
        self.lock = threading.Lock()

    def to_dict(self):
        return default_to_dict(self)

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        self.calls.append(("insert", len(memories)))
        with self.lock:
            for memory in memories:
                if memory.id in self.memories:
                    raise MemoryConflictError(memory.id)
            self.memories |= {memory.id: memory for memory in memories}
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        self.calls.append(("select", filter, after, limit))
        assert_supported(filter, self.filter_support)
        keep = compile_filter(filter)
        found = [m for m in self.memories.values() if keep(m) and (after is None or m.position > after)]
        return sorted(found, key=lambda memory: memory.position)[:limit]

    def _delete(self, ids: list[str]) -> Collection[str]:
        self.calls.append(("delete", len(ids)))
        with self.lock:
            for memory_id in ids:
                self.earlier.pop(memory_id, None)
            return [memory_id for memory_id in ids if self.memories.pop(memory_id, None)]


class EngineStore(ListStore):
    """Ranks by itself, never more than `ceiling` hits."""

    capabilities = BASE_CAPABILITIES - {"scoped_ranking"}

    def __init__(
        self, filter_support: FilterSupport, ceiling: int, clock: Callable[[], datetime] | None = None
    ) -> None:
        super().__init__(filter_support, clock)
        self.ceiling = ceiling

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked:
        self.calls.append(("rank", filter, limit))
        assert_supported(filter, self.filter_support)
        matching = [memory for memory in self.memories.values() if compile_filter(filter)(memory)]
        asked = min(limit, self.ceiling)
        return rank(query, matching, asked), asked >= len(matching)


class NativeAsyncStore(ListStore):
    """Has awaitable primitives and claims them; the others must not be used by its async methods."""

    capabilities = BASE_CAPABILITIES | {"native_async"}

    async def _insert_async(self, memories):
        return super()._insert(memories)

    async def _select_async(self, filter, after, limit):
        return super()._select(filter, after, limit)

    async def _delete_async(self, ids):
        return super()._delete(ids)

    def _insert(self, memories):
        raise AssertionError("a thread was used")

    _select = _delete = _insert


class NativeUpdatingStore(NativeAsyncStore):
    """Awaits its optional primitives too."""

    capabilities = NativeAsyncStore.capabilities | {"update", "history"}

    async def _replace_async(self, memory, expected_version):
        return replace_in(self, memory, expected_version)

    async def _history_async(self, memory_id):
        return states_in(self, memory_id)


class FailingStore(ListStore):
    """Its engine is down, and says so with words that must not travel."""

    capabilities = BASE_CAPABILITIES | {"update", "history"}

    def _insert(self, memories):
        raise ConnectionError(f"db://admin:hunter2@host refused {memories[0].text}")

    def _select(self, filter, after, limit):
        raise ConnectionError("db://admin:hunter2@host refused")

    def _delete(self, ids):
        raise ConnectionError("db://admin:hunter2@host refused")

    def _history(self, memory_id):
        raise ConnectionError("db://admin:hunter2@host refused")


class UpdatingStore(ListStore):
    """Has the optional primitives that change and tell single memories."""

    capabilities = BASE_CAPABILITIES | {"update", "history"}

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        self.calls.append(("replace", memory.version, expected_version))
        return replace_in(self, memory, expected_version)

    def _history(self, memory_id: str) -> list[Memory]:
        return states_in(self, memory_id)


def replace_in(store, memory: Memory, expected_version: int) -> bool:
    with store.lock:
        old = store.memories.get(memory.id)
        if old is None or old.version != expected_version:
            return False
        store.memories[memory.id] = memory
        store.earlier.setdefault(memory.id, []).append(old)
    return True


def states_in(store, memory_id: str) -> list[Memory]:
    with store.lock:
        present = store.memories.get(memory_id)
        return [] if present is None else [*store.earlier.get(memory_id, ()), present]


def only(*names: str) -> FilterSupport:
    """Support for comparisons of these fields."""

    def supported(leaf: Leaf) -> bool:
        return str(leaf.field) in names

    return FilterSupport(leaf=supported)


def assert_supported(filter: Filter, support: FilterSupport) -> None:
    """A primitive never gets a filter that its store did not claim."""
    from memstore.filters import And, In, Not, Or

    match filter:
        case And(children):
            for child in children:
                assert_supported(child, support)
        case Or(children):
            assert support.either or not children
            for child in children:
                assert_supported(child, support)
        case Not(child):
            assert support.negation
            assert_supported(child, support)
        case Comparison() | In():
            assert support.leaf(filter)
        case _:
            assert filter == TRUE
