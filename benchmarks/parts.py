"""The parts of a run, each measured in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter
from typing import Final

from benchmarks import adding, filters, footprint, imports, listing, locomo, mem0_setup, search
from benchmarks.plan import Plan
from benchmarks.report import Row

PARTS: Final[Mapping[str, Callable[[Plan], Iterator[Row]]]] = {
    "imports": imports.rows,
    "filters": filters.rows,
    "listing": listing.rows,
    "adding": adding.rows,
    "memory": footprint.rows,
    "search": search.rows,
    "locomo": locomo.rows,
    **mem0_setup.ROWS,
}
"""What is measured, by name."""


def measured_apart(part: str, plan: Plan) -> list[Row]:
    """Measure in a process of its own: what one part leaves in memory slows the next."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measured, part, plan).result()


def measured(part: str, plan: Plan) -> list[Row]:
    """Measure in this process."""
    start, rows = perf_counter(), list[Row]()
    for row in PARTS[part](plan):
        rows.append(row)
        print(f"{perf_counter() - start:6.1f} s  {row.name}", file=sys.stderr)
    return rows
