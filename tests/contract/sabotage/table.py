"""The sabotaged stores as docs/sabotaged-stores.md lists them: ``python -m contract.sabotage.table`` in tests/."""

from __future__ import annotations

from itertools import groupby

from contract.sabotage import SABOTAGES

from memstore.testing.contract.suite import CONTRACT

_INTRODUCTION = """\
# Sabotaged stores

Each of these {count} stores is a store that keeps the whole contract, but for one bug of a kind that is
seen in the wild or easily made. The test suite checks that each is caught by the test named beside it,
and that the store without the bug is not. They live in `tests/contract/sabotage/`, and this page is
written by `python -m contract.sabotage.table` from there.
"""


def page() -> str:
    """The whole page."""
    lines = [_INTRODUCTION.format(count=len(SABOTAGES))]
    places = {name: place for place, name in enumerate(CONTRACT)}
    ordered = sorted(SABOTAGES, key=lambda case: places[case.caught_by])
    for subject, cases in groupby(ordered, key=lambda case: case.test.subject):
        lines += [
            f"## {subject.replace('_', ' ').capitalize()}",
            "",
            "| what it does wrong | where from | caught by |",
            "|---|---|---|",
        ]
        lines += [f"| {_cell(case.bug)} | {_cell(case.source)} | `{case.caught_by}` |" for case in cases]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").rstrip(".")


if __name__ == "__main__":
    print(page(), end="")
