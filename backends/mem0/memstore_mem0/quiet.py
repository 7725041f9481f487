"""Silence: while Mem0 works for a store, nothing of what is logged in its thread leaves, but what memstore logs.

mem0ai logs texts (``Creating memory with data=...``), clients of models log whole requests, and what
they log of a failure may quote either. Which packages do depends on the configuration, so it is all of
them. Only the calls that a store makes are silenced; a program's own use of Mem0, in the same process,
logs as it always did, and so do threads that Mem0 and its engines start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HEARD: Final = frozenset({"haystack", "memstore", "memstore_mem0"})
_silent: ContextVar[bool] = ContextVar("memstore_mem0_silent", default=False)


class _Withheld(logging.Filter):
    """Lets nothing through while this context is silent, but what memstore and Haystack say."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _silent.get() or _is_heard(record.name)


_withheld: Final = _Withheld()
_loggers_seen = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what is logged in this block, by this thread."""
    _withhold()
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def _withhold() -> None:
    """Put the filter wherever records pass.

    On a logger it stops a record before anything sees it, but works on that logger only, not on those
    below. Loggers that come in the middle of a call, as engines are loaded, are left to the handlers.
    """
    global _loggers_seen  # noqa: PLW0603  # loggers stay, and going over them all takes a while
    names = logging.root.manager.loggerDict
    if (count := len(names)) != _loggers_seen:
        for name in list(names):
            if not _is_heard(name):
                logging.getLogger(name).addFilter(_withheld)  # one that is there is not added again
        _loggers_seen = count
    for place in (logging.root, *logging.root.handlers, logging.lastResort):
        if place is not None:
            place.addFilter(_withheld)


def _is_heard(name: str) -> bool:
    return name.partition(".")[0] in _HEARD
