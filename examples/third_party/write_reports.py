"""Judge every store anew and write what the contract says into docs/third-party-reports.md and beside it.

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
REPORTS: Final = ROOT / "docs" / "third-party"
MARK: Final = "<!-- what follows is written by examples/third_party/write_reports.py -->\n"

TARGETS: Final = {
    "mem0-haystack": "test_mem0_haystack:TestMem0Haystack",
    "haystack-experimental": "test_haystack_experimental_mem0:TestHaystackExperimentalMem0",
    "langgraph-in-memory": "test_langgraph_stores:TestLangGraphInMemoryStore",
    "langgraph-sqlite": "test_langgraph_stores:TestLangGraphSqliteStore",
}
"""What to judge, by the name of its report."""


def report(target: str) -> str:
    """What `memstore contract` prints, with what differs from run to run taken out."""
    memstore = Path(sys.executable).with_name("memstore")
    command = [memstore, "contract", f"examples.third_party.{target}"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout  # noqa: S603  # own command
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "...", text).strip() + "\n"


def row(name: str, text: str) -> str:
    """A store's line in the table of the page."""
    kept = re.search(r"^  kept +(.*?)^  \S", text, re.MULTILINE | re.DOTALL)
    verdict = re.search(r"^  verdict +(.*)", text, re.MULTILINE)
    subjects = " ".join(kept[1].split()) if kept else ""
    return f"| [{name}](third-party/{name}.txt) | {verdict[1] if verdict else ''} | {subjects} |"


def main() -> None:
    """Write each report, and replace what is below the mark."""
    REPORTS.mkdir(exist_ok=True)
    rows = ["| report | verdict | kept, of the tests of each subject |", "|---|---|---|"]
    for name, target in TARGETS.items():
        text = report(target)
        REPORTS.joinpath(f"{name}.txt").write_text(text)
        rows.append(row(name, text))
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + "\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
