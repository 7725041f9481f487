"""``python -m benchmarks``: measure everything, print a table, and write JSON where asked to."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import mem0_setup
from benchmarks.parts import PARTS, measured, measured_apart
from benchmarks.plan import QUICK, Plan
from benchmarks.report import environment, table, write_json


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    plan = replace(QUICK if options.quick else Plan(), seed=options.seed, locomo=options.locomo)
    chosen = options.only or list(PARTS)
    left_out = set() if mem0_setup.is_installed() else mem0_setup.ROWS.keys() & chosen
    start = perf_counter()
    measure = measured if options.quick else measured_apart  # starting processes takes longer than a quick run
    rows = [row for part in chosen if part not in left_out for row in measure(part, plan)]
    about = environment(plan)
    print(f"{about['date']}, {about['processor']} ({about['cores']} cores), seed {about['seed']}")
    print(", ".join(f"{name} {number}" if number else f"no {name}" for name, number in about["versions"].items()))
    print(f"sizes {json.dumps(about['sizes'])}")
    if options.quick:
        print("A quick run shows that everything runs; its figures say nothing.")
    print(f"\n{table(rows)}\n")
    requests = list[dict[str, Any]]()
    if "mem0-platform" in chosen and not left_out:
        counted, requests = mem0_setup.requests(plan)
        print(f"Requests of `Mem0MemoryStore`:\n\n{counted}\n")
    if left_out:
        print("Mem0 is left out: pip install 'memstore[mem0]'.")
    if "locomo" in chosen and plan.locomo is None:
        print("LoCoMo evidence recall is left out: give its data with --locomo PATH/locomo-dev.json.")
    verdicts = [row.met for row in rows]
    taken = perf_counter() - start
    print(f"Targets met: {verdicts.count(True)}, missed: {verdicts.count(False)}. It took {taken:.0f} s.")
    if options.json is not None:
        write_json(options.json, plan, rows, requests)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there; nothing is written without")
    parser.add_argument("--quick", action="store_true", help="a small run that shows that everything works")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="NAME", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--locomo", type=Path, metavar="PATH", help="LoCoMo data with locomo_recall.py beside it")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic data (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
