"""The contract, for the store of mem0-haystack."""

from collections.abc import Iterator
from contextlib import contextmanager

from haystack_integrations.memory_stores.mem0 import Mem0MemoryStore

from memstore.testing import StoreContract

from .loopback import running_platform
from .mem0_haystack import opened


class TestMem0Haystack(StoreContract):
    """mem0-haystack promises nothing beyond its methods."""

    claims = frozenset()

    @contextmanager
    def new_store(self) -> Iterator[Mem0MemoryStore]:
        """A store on a platform of its own."""
        with running_platform() as self.platform, opened(self.platform) as store:
            yield store

    def settle(self) -> None:
        """Let the platform do what it has queued."""
        self.platform.settle()
