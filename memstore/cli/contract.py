"""`memstore contract TARGET`: judge a store and report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from memstore.testing.report import Outcome

BROKEN: Final = 1
UNUSABLE: Final = 2

_SIGNS: Final = {"kept": ".", "broken": "X", "unexpectedly kept": "X", "expected failure": "x", "not executed": "s"}
_SUBJECTS: Final = 18


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="package.module:factory (or a StoreContract class), a store URL, or an installed backend's name",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the judgement to FILE for machines")
    parser.add_argument(
        "--only", metavar="NAME", nargs="+", default=[], help="run these tests or subjects; patterns like 'test_*in*'"
    )
    parser.add_argument("--thorough", action="store_true", help="look ten times as long for counterexamples")
    parser.add_argument(
        "--claims", metavar="NAMES", help="comma-separated capabilities of a store that does not tell its own"
    )


def run(options: argparse.Namespace) -> int:
    """Judge the target; 0 when it keeps what it claims, 1 when not or when nothing was proven, 2 when unusable."""
    try:
        from memstore.testing.judge import TargetError, judge  # noqa: PLC0415  # pytest and hypothesis are an extra
        from memstore.testing.report import full_report  # noqa: PLC0415  # the same
    except ModuleNotFoundError as error:
        print(f'the contract needs {error.name}: pip install "memstore[testing]"', file=sys.stderr)
        return UNUSABLE
    claims = None if options.claims is None else [name for name in options.claims.split(",") if name]
    if options.json is not None and not options.json.absolute().parent.is_dir():
        print(f"memstore contract: --json {options.json}: there is no such folder", file=sys.stderr)
        return UNUSABLE
    progress = _Progress()
    try:
        judgement = judge(
            options.target, claims=claims, only=options.only, thorough=options.thorough, progress=progress
        )
    except (TargetError, TypeError) as error:
        print(f"memstore contract: {error}", file=sys.stderr)
        return UNUSABLE
    finally:
        progress.end()
    print(full_report(judgement))
    if options.json is not None:
        options.json.write_text(json.dumps(judgement.to_dict(), indent=2, ensure_ascii=False) + "\n")
    return 0 if judgement.kept else BROKEN


class _Progress:
    """A line for each subject, a sign for each test, as they end."""

    def __init__(self) -> None:
        self._subject = ""

    def __call__(self, subject: str, outcome: Outcome) -> None:
        if subject != self._subject:
            self.end()
            self._subject = subject
            print(f"{subject.replace('_', ' '):{_SUBJECTS}}", end="", file=sys.stderr)
        print(_SIGNS[outcome], end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Finish the line that was begun."""
        if self._subject:
            print(file=sys.stderr)
            self._subject = ""
