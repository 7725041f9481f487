"""A Mem0 platform on loopback for the stores that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mem0_platform import MemoryPlatform

KEY: Final = "MEM0_API_KEY"
"""The environment variable in which every Mem0 client looks for its key."""

QUEUE_SECONDS: Final = 0.2
"""How long queued work takes; hosted, it takes seconds."""


@contextmanager
def running_platform() -> Iterator[MemoryPlatform]:
    """An empty platform of one's own, its key in the environment."""
    before = os.environ.get(KEY)
    with MemoryPlatform(api_key="m0-loopback-only", pending_seconds=QUEUE_SECONDS) as platform:
        os.environ[KEY] = platform.api_key
        try:
            yield platform
        finally:
            if before is None:
                del os.environ[KEY]
            else:
                os.environ[KEY] = before
