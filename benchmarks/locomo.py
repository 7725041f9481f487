"""Evidence recall on LoCoMo, by the script that lies beside the data; neither is part of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from benchmarks.plan import Plan
from benchmarks.report import Row, Target

_RECALL: Final = 62.0


def rows(plan: Plan) -> Iterator[Row]:
    """Recall among the first ten results; no row without the data."""
    if plan.locomo is None:
        return
    data = plan.locomo.resolve()
    script = data.with_name("locomo_recall.py")
    command = [sys.executable, str(script), str(data), "--store", "memory://"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # the user gave the place
    found = re.search(r"^recall@10 ([\d.]+)$", printed, re.MULTILINE)
    if found is None:
        raise ValueError("the script printed no recall@10")
    yield Row("locomo.recall@10", "LoCoMo evidence recall@10", float(found[1]), "percent", target=Target(">=", _RECALL))
