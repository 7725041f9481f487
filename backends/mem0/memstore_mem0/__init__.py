"""Mem0 as a memory store: the hosted platform, ``mem0://``, and the self-hosted library, ``mem0+oss://``."""

from memstore_mem0.platform.store import Mem0MemoryStore

__all__ = ["Mem0MemoryStore"]
