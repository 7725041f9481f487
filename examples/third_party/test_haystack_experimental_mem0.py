"""The contract, for the Mem0 store of haystack-experimental."""

from collections.abc import Iterator
from contextlib import contextmanager

from haystack_experimental.memory_stores.mem0 import Mem0MemoryStore

from memstore.testing import StoreContract

from .haystack_experimental_mem0 import opened
from .loopback import running_platform


class TestHaystackExperimentalMem0(StoreContract):
    """haystack-experimental promises nothing beyond its methods."""

    claims = frozenset()

    @contextmanager
    def new_store(self) -> Iterator[Mem0MemoryStore]:
        """A store on a platform of its own."""
        with running_platform() as self.platform, opened(self.platform) as store:
            yield store

    def settle(self) -> None:
        """Let the platform do what it has queued."""
        self.platform.settle()
