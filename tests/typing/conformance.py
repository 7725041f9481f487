"""mypy shows that each store follows the protocols it should; nothing here is run."""

from memstore import (
    AsyncMemoryStore,
    BaseMemoryStore,
    BoundMemoryStore,
    MemoryStore,
    SupportsCapabilities,
    SupportsCount,
    SupportsHistory,
    SupportsList,
    SupportsUpdate,
    SupportsWait,
)
from memstore.demo.json_file import JSONFileMemoryStore
from memstore_in_memory import InMemoryMemoryStore


def _base(store: BaseMemoryStore) -> MemoryStore:
    return store


def _base_async(store: BaseMemoryStore) -> AsyncMemoryStore:
    return store


in_memory: type[MemoryStore] = InMemoryMemoryStore
in_memory_async: type[AsyncMemoryStore] = InMemoryMemoryStore
json_file: type[MemoryStore] = JSONFileMemoryStore
bound: type[MemoryStore] = BoundMemoryStore
bound_async: type[AsyncMemoryStore] = BoundMemoryStore
listing: type[SupportsList] = InMemoryMemoryStore
counting: type[SupportsCount] = BoundMemoryStore
waiting: type[SupportsWait] = InMemoryMemoryStore
updating: type[SupportsUpdate] = BoundMemoryStore
telling: type[SupportsHistory] = BoundMemoryStore
saying: type[SupportsCapabilities] = BoundMemoryStore
