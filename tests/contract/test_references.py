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


@pytest.mark.slow
class TestDurable(DurableReference):
    pass


@pytest.mark.slow
class TestAwaitable(AwaitableReference):
    pass


@pytest.mark.slow
class TestOwnIds(OwnIdsReference):
    pass


@pytest.mark.slow
class TestOwnIdsDurable(OwnIdsDurableReference):
    pass


@pytest.mark.slow
class TestJSONFile(StoreContract):
    """The store of docs/writing-a-backend.md, which writes its whole file for every memory; .ci/run judges it too."""

    claims = JSONFileMemoryStore.capabilities

    @contextmanager
    def new_store(self):
        with tempfile.TemporaryDirectory() as folder, JSONFileMemoryStore(f"{folder}/memories.json") as store:
            yield store
