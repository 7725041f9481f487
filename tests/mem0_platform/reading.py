"""How the platform is to read what its documentation leaves open or contradicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reading:
    """One consistent reading of the filter dialect."""

    unmentioned: Literal["unconstrained", "null"] = "unconstrained"
    """An id that a filter does not mention: free, or null as older documentation has it."""

    not_of_several: Literal["none of", "not all"] = "none of"
    """NOT over several conditions: none of them holds, or not all do."""

    ne_matches_missing: bool = True
    """Whether `ne` on metadata and on an expiration date matches a memory that has none."""
