"""Forks: a child must not touch what it has of its parent's library, not even by ending.

Locks of files are shared with the parent, so unlocking in the child gives them away. SQLite forbids to
close a connection in a child, and destructors do just that when objects go or the interpreter ends.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What is told that it is in a child now."""

    def abandon(self) -> None:
        """Let go of what the parent has too, without a trace in its files."""


_opened: Final[WeakSet[Forkable]] = WeakSet()


def watch_forks(opened: Forkable) -> None:
    """Have it abandoned in every child that this process forks from now on."""
    _opened.add(opened)


def unwatch_forks(closed: Forkable) -> None:
    """Forget it: it holds nothing any more."""
    _opened.discard(closed)


def leak(thing: Any) -> None:
    """Keep it, and all that it refers to, from ever being destroyed, at the end of the interpreter too."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _abandon_all() -> None:
    for opened in list(_opened):
        opened.abandon()
    _opened.clear()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_abandon_all)
