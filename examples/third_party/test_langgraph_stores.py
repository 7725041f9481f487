"""The contract, for LangGraph's stores behind a thin adapter."""

from contextlib import AbstractContextManager, nullcontext

from memstore.testing import StoreContract

from .langgraph_stores import LangGraphMemoryStore, in_memory, sqlite


class TestLangGraphInMemoryStore(StoreContract):
    """All in this process."""

    claims = frozenset({"read_after_write"})

    def new_store(self) -> AbstractContextManager[LangGraphMemoryStore]:
        """An empty one."""
        return nullcontext(in_memory())


class TestLangGraphSqliteStore(StoreContract):
    """In a file."""

    claims = frozenset({"durable", "read_after_write"})

    def new_store(self) -> AbstractContextManager[LangGraphMemoryStore]:
        """One on a new file."""
        return sqlite()
