"""Other processes that use the store under test: they load its configuration, and add memories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from haystack.dataclasses import ChatMessage

KILLED: Final = 77
"""The exit code of a child that ended in the middle of things, as it was told to."""
PATIENCE: Final = 120.0
"""Seconds after which a child is killed."""

_BOOT: Final = (
    "import json, sys; job = json.loads(sys.stdin.readline()); sys.path[:] = job['path']; "
    "from memstore.testing.contract.children import work; work(job)"
)


class Child:
    """A process with the store open, which adds its texts, each in a call of its own, when it is told to.

    It ends by closing the store, or with `killed` by an exit right after its last add returned.
    """

    def __init__(
        self, configuration: dict[str, Any], texts: Sequence[str], *, killed: bool = False, **ids: str
    ) -> None:
        """Start it; `ready` waits until it has opened the store."""
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter, our own code
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._watch = threading.Timer(PATIENCE, self._process.kill)
        self._watch.start()
        self._expected = KILLED if killed else 0
        self._say({"path": sys.path, "store": configuration, "texts": list(texts), "killed": killed, "ids": ids})

    def ready(self) -> None:
        """Wait until the store is open there."""
        assert self._process.stdout  # noqa: S101  # it is a pipe
        if self._process.stdout.readline().strip() != "ready":
            self._fail()

    def go(self) -> None:
        """Let it add."""
        self._say("go")

    def finished(self) -> None:
        """Wait until it has added everything and ended.

        Raises:
            AssertionError: it failed; with what it said last.
        """
        if self._process.wait() != self._expected:
            self._fail()

    def stop(self) -> None:
        """End it in any case."""
        self._watch.cancel()
        self._process.kill()
        self._process.communicate()

    def _say(self, something: object) -> None:
        assert self._process.stdin  # noqa: S101  # it is a pipe
        try:
            self._process.stdin.write(json.dumps(something) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()

    def _fail(self) -> None:
        self._process.kill()
        _, errors = self._process.communicate()
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        raise AssertionError(f"another process that uses the store ended with {self._process.returncode}: {last}")


@contextmanager
def children(*made: Child) -> Iterator[None]:
    """Have them all open the store, then all begin at the same time; stop them at the end."""
    try:
        for child in made:
            child.ready()
        for child in made:
            child.go()
        yield
    finally:
        for child in made:
            child.stop()


def work(job: dict[str, Any]) -> None:
    """What a child does."""
    store = _loaded(job["store"])
    print("ready", flush=True)  # noqa: T201  # how it tells its parent
    sys.stdin.readline()
    for text in job["texts"]:
        store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, **job["ids"])
    if job["killed"]:
        os._exit(KILLED)
    getattr(store, "close", bool)()


def _loaded(configuration: dict[str, Any]) -> Any:
    """The store of a configuration, whose `type` is its class's importable name."""
    module, _, name = configuration["type"].rpartition(".")
    return getattr(import_module(module), name).from_dict(configuration)
