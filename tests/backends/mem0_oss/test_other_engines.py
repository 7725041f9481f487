"""The whole contract on other vector stores of Mem0's: Chroma, FAISS, and pgvector on a real server."""

from typing import Any

import pytest
from backends.mem0_oss.contracts import CLAIMS, OSSContract
from backends.mem0_oss.postgres import pgvector_config

pytestmark = pytest.mark.slow


class TestChroma(OSSContract):
    def config(self) -> dict[str, Any]:
        return {"vector_store": {"provider": "chroma"}}


class TestFAISS(OSSContract):
    claims = CLAIMS | {"erasure"}

    def config(self) -> dict[str, Any]:
        return {"vector_store": {"provider": "faiss"}}


class TestPgvector(OSSContract):
    def config(self) -> dict[str, Any]:
        return {"vector_store": pgvector_config()}
