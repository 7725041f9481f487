"""What `import memstore` adds to importing Haystack's ChatMessage, which every user of either imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.plan import Plan
from benchmarks.report import Row, Target

_SECONDS: Final = 0.05
_CODE: Final = """
from time import perf_counter
start = perf_counter()
from haystack.dataclasses import ChatMessage
middle = perf_counter()
import memstore
print(middle - start, perf_counter() - middle)
"""


def rows(plan: Plan) -> Iterator[Row]:
    """One row, the median of fresh processes; the first one, which may write bytecode, does not count."""
    runs = [_run() for _ in range(plan.repetitions + 1)][1:]
    theirs, ours = (median(times) for times in zip(*runs, strict=True))
    target = Target("<=", _SECONDS)
    yield Row(
        "imports", "import memstore, after ChatMessage", ours, "seconds", theirs, "importing ChatMessage", target=target
    )


def _run() -> tuple[float, float]:
    printed = subprocess.run([sys.executable, "-c", _CODE], check=True, capture_output=True, text=True).stdout
    first, second = map(float, printed.split())
    return first, second
