"""Long-term memory for AI agents: one protocol, any store, the same meaning on every one."""

from memstore.base import BASE_CAPABILITIES, BaseMemoryStore
from memstore.binding import BoundMemoryStore, bind
from memstore.capabilities import CAPABILITIES, Capability
from memstore.errors import (
    EventNotFoundError,
    FilterError,
    InvalidMemoryError,
    MemoryConflictError,
    MemoryNotFoundError,
    MemoryStoreError,
    MemoryTimeoutError,
    MissingDependencyError,
    RegistryError,
    ScopeError,
    StoreClosedError,
    UnsupportedError,
)
from memstore.memory import AddedMemory, Memory, MemoryPage, Position, Scope
from memstore.registry import open_store, store_from_dict
from memstore.store import (
    AsyncMemoryStore,
    BareMemoryStore,
    Filters,
    MemoryStore,
    OpenedMemoryStore,
    SupportsCapabilities,
    SupportsLifecycle,
)
from memstore.supports import (
    SupportsCount,
    SupportsExpiration,
    SupportsExport,
    SupportsHistory,
    SupportsList,
    SupportsUpdate,
    SupportsWait,
    TextSink,
)

__version__ = "0.1.0"

__all__ = [
    "BASE_CAPABILITIES",
    "CAPABILITIES",
    "AddedMemory",
    "AsyncMemoryStore",
    "BareMemoryStore",
    "BaseMemoryStore",
    "BoundMemoryStore",
    "Capability",
    "EventNotFoundError",
    "FilterError",
    "Filters",
    "InvalidMemoryError",
    "Memory",
    "MemoryConflictError",
    "MemoryNotFoundError",
    "MemoryPage",
    "MemoryStore",
    "MemoryStoreError",
    "MemoryTimeoutError",
    "MissingDependencyError",
    "OpenedMemoryStore",
    "Position",
    "RegistryError",
    "Scope",
    "ScopeError",
    "StoreClosedError",
    "SupportsCapabilities",
    "SupportsCount",
    "SupportsExpiration",
    "SupportsExport",
    "SupportsHistory",
    "SupportsLifecycle",
    "SupportsList",
    "SupportsUpdate",
    "SupportsWait",
    "TextSink",
    "UnsupportedError",
    "__version__",
    "bind",
    "open_store",
    "store_from_dict",
]
