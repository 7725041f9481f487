"""`memstore backends`: what is installed and what each backend offers, as a Markdown table."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from memstore.capabilities import CAPABILITIES
from memstore.errors import MissingDependencyError
from memstore.registry import backends, load_backend


def backends_table() -> str:
    """A row for each capability, a column for each installed backend."""
    points = sorted(backends().items())
    offers = {scheme: _offers(point) for scheme, point in points}
    lines = [
        f"| capability | {' | '.join(f'`{scheme}://`' for scheme in offers)} | promise |",
        f"|---|{'---|' * len(offers)}---|",
    ]
    for capability in CAPABILITIES.values():
        marks = ("yes" if capability.name in offered else "" for offered in offers.values())
        lines.append(f"| `{capability.name}` ({capability.kind}) | {' | '.join(marks)} | {capability.promise} |")
    return "\n".join(lines)


def _offers(point: EntryPoint) -> frozenset[str]:
    """The capabilities of the class; none where its dependencies are missing."""
    try:
        offered: frozenset[str] = getattr(load_backend(point), "capabilities", frozenset())
    except MissingDependencyError:
        return frozenset()
    return offered
