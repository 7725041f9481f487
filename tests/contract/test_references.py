"""What is right passes the whole contract, with every capability it claims."""

from contextlib import contextmanager

from contract.references import AwaitableReference, DurableReference, InMemoryReference

from memstore.demo.json_file import JSONFileMemoryStore
from memstore.testing import StoreContract


class TestInMemory(InMemoryReference):
    pass


class TestDurable(DurableReference):
    pass


class TestAwaitable(AwaitableReference):
    pass


class TestJSONFile(StoreContract):
    """The store of docs/writing-a-backend.md."""

    claims = JSONFileMemoryStore.capabilities

    @contextmanager
    def new_store(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder, JSONFileMemoryStore(f"{folder}/memories.json") as store:
            yield store
