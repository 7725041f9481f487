"""Silence: while Mem0 works for a store, nothing of what it and its engines log leaves.

mem0ai logs texts (``Creating memory with data=...``), clients of models log whole requests, and what
they log of a failure may quote either. Only the calls that a store makes are silenced; a program's own
use of Mem0, in the same process, logs as it always did.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_PACKAGES: Final = frozenset(
    {
        "anthropic",
        "chromadb",
        "faiss",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "mem0",
        "openai",
        "psycopg",
        "qdrant_client",
    }
)
_silent: ContextVar[bool] = ContextVar("memstore_mem0_silent", default=False)


class _Withheld(logging.Filter):
    """Lets nothing through while this context is silent."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _silent.get()


_withheld: Final = _Withheld()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what is logged in this block, by this thread."""
    # A filter works on its own logger only, not on those below, and engines make theirs when they are loaded.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _PACKAGES:
            logging.getLogger(name).addFilter(_withheld)  # one that is there is not added again
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
