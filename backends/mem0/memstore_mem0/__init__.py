"""Mem0 as a memory store: the hosted platform, ``mem0://``, and the self-hosted library, ``mem0+oss://``."""

from memstore_mem0.loading import check_installed
from memstore_mem0.oss.store import Mem0OSSMemoryStore
from memstore_mem0.platform.store import Mem0MemoryStore

check_installed()

__all__ = ["Mem0MemoryStore", "Mem0OSSMemoryStore"]
