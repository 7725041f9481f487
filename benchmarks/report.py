"""Rows of a run, as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from benchmarks.plan import Plan

Unit: TypeAlias = Literal["seconds", "bytes", "percent", "yes"]
"""What `ours` and `peer` count; ``yes`` is 1 for yes and 0 for no."""

_PACKAGES: Final = (
    *("memstore", "haystack-ai", "langgraph", "langgraph-checkpoint", "numpy"),
    *("mem0ai", "mem0-haystack", "qdrant-client", "wordllama"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on what a row is judged by."""

    sign: Literal[">=", "<="]
    bound: float

    def is_met_by(self, figure: float) -> bool:
        """Whether a figure is within the bound."""
        return figure >= self.bound if self.sign == ">=" else figure <= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. It is judged by its ratio, or by `ours` where there is none.

    Attributes:
        name: the same in every run, for machines.
        title: for people.
        ours: memstore's figure, in `unit`.
        peer: that of whom it is compared with.
        against: who that is; for growth, memstore itself in a smaller store.
        ratio: peer / ours, so that more is better; for growth, ours / peer, so that less is.
    """

    name: str
    title: str
    ours: float
    unit: Unit = "seconds"
    peer: float | None = None
    against: str | None = None
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.target.is_met_by(self.ours if self.ratio is None else self.ratio)


def compared(
    name: str,
    title: str,
    ours: float,
    peer: float,
    against: str,
    *,
    at_least: float | None = None,
    unit: Unit = "seconds",
) -> Row:
    """A row about a peer: how many times faster, or smaller, ours is."""
    target = None if at_least is None else Target(">=", at_least)
    return Row(name, title, ours, unit, peer, against, peer / ours, target)


def growth(name: str, title: str, large: float, small: float, against: str, *, at_most: float | None = None) -> Row:
    """A row about ourselves: how many times slower a larger store is."""
    target = None if at_most is None else Target("<=", at_most)
    return Row(name, title, large, "seconds", small, against, large / small, target)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    head = ("row", "ours", "peer", "compared with", "ratio", "target", "met")
    return markdown([head, *map(_cells, rows)])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table of lines of cells, the first of which is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    rule = ["-" * width for width in widths]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


def environment(plan: Plan) -> dict[str, Any]:
    """What the figures were measured with; it names no place on the machine."""
    sizes = asdict(plan)
    seed, _ = sizes.pop("seed"), sizes.pop("locomo")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "seed": seed,
        "sizes": sizes,
    }


def write_json(path: Path, plan: Plan, rows: Sequence[Row], requests: Sequence[dict[str, Any]]) -> None:
    """Write a run to a file, and how many requests each operation on Mem0's platform took."""
    measured = [{**asdict(row), "met": row.met} for row in rows]
    report = {**environment(plan), "rows": measured, "mem0_requests": [*requests]}
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _version(package: str) -> str | None:
    """None for a peer that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.title,
        _amount(row.ours, row.unit),
        "" if row.peer is None else _amount(row.peer, row.unit),
        row.against or "",
        "" if row.ratio is None else f"{_number(row.ratio)}x",
        "" if row.target is None else _bound(row.target, row),
        {None: "", True: "yes", False: "NO"}[row.met],
    )


def _bound(target: Target, row: Row) -> str:
    if row.unit == "yes":
        return "yes"
    return f"{target.sign} {f'{target.bound:g}x' if row.ratio is not None else _amount(target.bound, row.unit)}"


def _amount(value: float, unit: Unit) -> str:
    match unit:
        case "seconds":
            for name, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
                if value >= size:
                    return f"{_number(value / size)} {name}"
            return f"{_number(value * 1e9)} ns"
        case "bytes":
            return f"{value:,.0f} B"
        case "percent":
            return f"{value:.1f} %"
        case "yes":
            return "yes" if value else "NO"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
