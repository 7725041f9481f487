"""The contract's hooks for stores over Mem0's library, each with files of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from haystack.utils import Secret
from openai_server import KEY, OpenAIServer

from memstore import BASE_CAPABILITIES
from memstore.testing import ManualClock, StoreContract
from memstore_mem0.oss.store import Mem0OSSMemoryStore

CLAIMS = BASE_CAPABILITIES - {"scoped_ranking"} | {"durable", "update"}
IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where files cost nothing to sync: these tests are of what is in them, not of disks."""


def model_at(server: OpenAIServer) -> dict[str, Any]:
    """The section of a configuration that has a language model."""
    key = Secret.from_env_var("MEMSTORE_TEST_OPENAI_KEY")
    return {"provider": "openai", "config": {"api_key": key, "openai_base_url": server.base_url, "model": "scripted"}}


@contextmanager
def key_in_environment() -> Iterator[None]:
    os.environ["MEMSTORE_TEST_OPENAI_KEY"] = KEY
    try:
        yield
    finally:
        del os.environ["MEMSTORE_TEST_OPENAI_KEY"]


class OSSContract(StoreContract):
    """A store in a new folder for each test, with a clock that tests advance, and a model that finds no facts."""

    claims = CLAIMS

    def config(self) -> dict[str, Any]:
        """What is configured beside the model."""
        return {}

    def model(self, server: OpenAIServer) -> dict[str, Any]:
        """What is configured of it."""
        return {"llm": model_at(server)}

    @contextmanager
    def new_store(self) -> Iterator[Any]:
        self.clock = ManualClock()
        with (
            OpenAIServer().running() as server,
            key_in_environment(),
            tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder,
        ):
            self.folder = Path(folder)
            config = {**self.model(server), **self.config()}
            with Mem0OSSMemoryStore(config, path=folder, clock=self.clock) as store:
                yield store

    def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def raw_dump(self) -> bytes:
        return b"\n".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())

    def secrets(self) -> Sequence[str]:
        return (KEY,)
