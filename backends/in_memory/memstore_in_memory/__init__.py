"""The in-memory backend of memstore, ``memory://``."""

from memstore_in_memory.store import InMemoryMemoryStore

__all__ = ["InMemoryMemoryStore"]
