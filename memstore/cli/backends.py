"""`memstore backends`: what is installed and what each backend offers, as a Markdown table."""

from __future__ import annotations

from memstore.capabilities import CAPABILITIES
from memstore.errors import MissingDependencyError, RegistryError
from memstore.registry import find_backend, load_backend, schemes


def backends_table() -> str:
    """A row for each capability, a column for each backend; below, what cannot be loaded and why."""
    offers: dict[str, frozenset[str]] = {}
    problems: list[str] = []
    for scheme in schemes():
        try:
            offers[scheme] = _offers(scheme)
        except (MissingDependencyError, RegistryError) as error:
            problems.append(f"\n{error}")
    lines = [
        f"| capability | {' | '.join(f'`{scheme}://`' for scheme in offers)} | promise |",
        f"|---|{'---|' * len(offers)}---|",
    ]
    for capability in CAPABILITIES.values():
        marks = ("yes" if capability.name in offered else "" for offered in offers.values())
        lines.append(f"| `{capability.name}` ({capability.kind}) | {' | '.join(marks)} | {capability.promise} |")
    return "\n".join([*lines, *problems])


def _offers(scheme: str) -> frozenset[str]:
    """The capabilities of the class; where only an instance knows them, none are shown."""
    offered = getattr(load_backend(find_backend(scheme)), "capabilities", None)
    return offered if isinstance(offered, frozenset) else frozenset()
