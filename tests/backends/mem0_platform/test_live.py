"""The contract against the hosted service: ``MEM0_API_KEY=... pytest -m live``. Never by default: it costs money."""

from contextlib import contextmanager

import pytest
from backends.mem0_platform.test_contract import TestMem0 as Mem0Contract

from memstore_mem0 import Mem0MemoryStore


@pytest.mark.live
class TestHosted(Mem0Contract):
    exclusive = False

    @contextmanager
    def new_store(self):
        with Mem0MemoryStore() as store:
            yield store

    def secrets(self):
        import os

        return [os.environ["MEM0_API_KEY"]]
