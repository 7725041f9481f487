"""Mem0's platform on loopback, in a process of its own: its work delays no contender more than another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter, sleep
from typing import IO, Any, Final

KEY: Final = "m0-benchmark-only"
"""The one API key that it accepts."""
LATENCY: Final = 0.002
"""Seconds from a request to its answer; an answer that takes the stand-in longer is as late as it is."""
POLLS: Final = 1
"""How often an event is asked for in vain before its work is done."""

_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server saw it.

    Attributes:
        method: of HTTP.
        path: without the query.
        seconds: that the stand-in itself took for it.
    """

    method: str
    path: str
    seconds: float


class Platform:
    """The platform as the process that measures sees it."""

    def __init__(self, url: str, commands: IO[str], answers: IO[str]) -> None:
        self.url = url
        self._commands = commands
        self._answers = answers

    def log(self) -> list[Asked]:
        """The requests since it was asked last."""
        self._commands.write("log\n")
        self._commands.flush()
        return [Asked(*entry) for entry in json.loads(self._answers.readline())]


@contextmanager
def serving() -> Iterator[Platform]:
    """An empty platform; its process ends with the block."""
    command = [sys.executable, "-m", "benchmarks.mem0_server"]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        commands, answers = process.stdin, process.stdout
        assert commands is not None  # noqa: S101  # they are pipes
        assert answers is not None  # noqa: S101  # they are pipes
        try:
            yield Platform(answers.readline().strip(), commands, answers)
        finally:
            commands.close()  # the end of its input is its end


def _serve() -> None:
    """Serve until the input ends."""
    sys.path.insert(0, str(_ROOT / "tests"))
    taken: list[float] = []
    with import_module("mem0_platform").MemoryPlatform(api_key=KEY, pending_polls=POLLS) as platform:
        server = platform._server  # a delay has no other way in
        server.answer = partial(_late, server.answer, taken)
        print(platform.url, flush=True)
        for _ in sys.stdin:
            requests, platform.requests = platform.requests, []
            log = [(request.method, request.path, seconds) for request, seconds in zip(requests, taken, strict=True)]
            taken.clear()
            print(json.dumps(log), flush=True)


def _late(answer: Callable[[Any, str], Any], taken: list[float], request: Any, authorization: str) -> Any:
    start = perf_counter()
    reply = answer(request, authorization)
    seconds = perf_counter() - start
    taken.append(seconds)
    sleep(max(0.0, LATENCY - seconds))
    return reply


if __name__ == "__main__":
    _serve()
