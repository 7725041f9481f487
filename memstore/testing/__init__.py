"""What proves a store right: the contract that judges stores, and strategies for filters and memories.

    from memstore.testing import ExpectedFailure, ManualClock, StoreContract

needs pytest and hypothesis, which ``pip install "memstore[testing]"`` brings. Importing this package
alone loads neither: they come with the first name that is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from memstore.testing.clock import ManualClock
    from memstore.testing.contract.plan import CONTRACT_VERSION, ExpectedFailure
    from memstore.testing.contract.suite import StoreContract

__all__ = ["CONTRACT_VERSION", "ExpectedFailure", "ManualClock", "StoreContract"]

_HOMES: Final = {
    "CONTRACT_VERSION": "memstore.testing.contract.plan",
    "ExpectedFailure": "memstore.testing.contract.plan",
    "ManualClock": "memstore.testing.clock",
    "StoreContract": "memstore.testing.contract.suite",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
