"""What is right passes the whole contract, with every capability it claims."""

import tempfile
from contextlib import contextmanager

import pytest
from contract.references import (
    AwaitableReference,
    DurableReference,
    InMemoryReference,
    OwnIdsDurableReference,
    OwnIdsReference,
)

from memstore.demo.json_file import JSONFileMemoryStore
from memstore.testing import StoreContract


class TestInMemory(InMemoryReference):
    pass


class TestDurable(DurableReference):
    pass


class TestAwaitable(AwaitableReference):
    pass


class TestOwnIds(OwnIdsReference):
    pass


class TestOwnIdsDurable(OwnIdsDurableReference):
    pass


@pytest.mark.slow
class TestJSONFile(StoreContract):
    """The store of docs/writing-a-backend.md, which writes its whole file for every memory."""

    claims = JSONFileMemoryStore.capabilities

    @contextmanager
    def new_store(self):
        with tempfile.TemporaryDirectory() as folder, JSONFileMemoryStore(f"{folder}/memories.json") as store:
            yield store
