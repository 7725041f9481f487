"""mypy shows that each store follows the protocols it should; nothing here is run."""

from io import StringIO

from memstore import (
    AsyncMemoryStore,
    BaseMemoryStore,
    BoundMemoryStore,
    MemoryStore,
    SupportsCapabilities,
    SupportsCount,
    SupportsExpiration,
    SupportsExport,
    SupportsHistory,
    SupportsList,
    SupportsUpdate,
    SupportsWait,
    TextSink,
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
expiring: type[SupportsExpiration] = InMemoryMemoryStore
expiring_in_scope: type[SupportsExpiration] = BoundMemoryStore
exporting: type[SupportsExport] = InMemoryMemoryStore
exporting_a_scope: type[SupportsExport] = BoundMemoryStore
file: TextSink = StringIO()
saying: type[SupportsCapabilities] = BoundMemoryStore
