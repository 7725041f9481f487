"""The `memstore` command and its subcommands."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from memstore.cli import contract
from memstore.cli.backends import backends_table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is that of what it ran."""
    options = parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def parser() -> argparse.ArgumentParser:
    """What can be typed."""
    whole = argparse.ArgumentParser(prog="memstore", description="Long-term memory for AI agents.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="watch memory work on a conversation over months, in two processes")
    demo.set_defaults(run=lambda _: _demo())
    backends = commands.add_parser("backends", help="show the installed backends and what they offer")
    backends.set_defaults(run=lambda _: _backends())
    judging = commands.add_parser("contract", help="judge a store: does it keep what it claims?")
    contract.add_arguments(judging)
    judging.set_defaults(run=contract.run)
    return whole


def _demo() -> int:
    """Each chapter is a process, so that what the second one knows can only come from the store."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "memories.json")
        for chapter in ("remember", "recall"):
            code = subprocess.run([sys.executable, "-P", "-m", "memstore.demo", chapter, path], check=False).returncode
            if code:
                return code
    return 0


def _backends() -> int:
    print(backends_table())
    return 0
