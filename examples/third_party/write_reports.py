"""Judge every store anew and write what the contract says into docs/third-party-reports.md.

Run it with the Python of the environment that README.md describes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "third-party-reports.md"
MARK: Final = "<!-- what follows is written by examples/third_party/write_reports.py -->\n"

TARGETS: Final = {
    "mem0-haystack": ("mem0_haystack:factory", ""),
    "haystack-experimental": ("haystack_experimental_mem0:factory", ""),
    "LangGraph InMemoryStore": ("langgraph_stores:in_memory", "read_after_write"),
    "LangGraph SqliteStore": ("langgraph_stores:sqlite", "durable,read_after_write"),
}
"""By heading: what to judge, and what is claimed for it."""


def report(target: str, claims: str) -> str:
    """What `memstore contract` prints, with what differs from run to run taken out."""
    memstore = Path(sys.executable).with_name("memstore")
    command = [memstore, "contract", f"examples.third_party.{target}", "--claims", claims]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "...", text).strip()


def main() -> None:
    """Replace what is below the mark."""
    sections = [
        f"## {heading}\n\n```text\n{report(target, claims)}\n```\n" for heading, (target, claims) in TARGETS.items()
    ]
    introduction = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(introduction + MARK + "\n" + "\n".join(sections))


if __name__ == "__main__":
    main()
