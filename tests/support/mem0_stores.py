"""Stores on a loopback platform of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from haystack.utils import Secret
from mem0_platform import MemoryPlatform, Reading

from memstore_mem0 import Mem0MemoryStore

KEY_NAME = "MEMSTORE_LOOPBACK_KEY"
"""Not MEM0_API_KEY, so that no test can ever reach the hosted service."""
KEY = "m0-loopback-key-1b2c3d"


@contextmanager
def running(reading: Reading | None = None, **steering: Any) -> Iterator[MemoryPlatform]:
    """An empty platform, its key in the environment."""
    steering = {"pending_seconds": 0.01, **steering}
    with pytest.MonkeyPatch.context() as patch, MemoryPlatform(api_key=KEY, reading=reading, **steering) as platform:
        patch.setenv(KEY_NAME, KEY)
        yield platform


def store_on(platform: MemoryPlatform, **options: Any) -> Mem0MemoryStore:
    """A store on a running platform, quick to look again."""
    options = {"timeout": 10.0, "poll_interval": 0.002, **options}
    return Mem0MemoryStore(api_key=Secret.from_env_var(KEY_NAME), host=platform.url, **options)
