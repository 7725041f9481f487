"""The contract as one class: subclass it, say what is claimed, open a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, ClassVar, Final

import pytest

from memstore.testing.contract.adding import Adding
from memstore.testing.contract.asynchronous import Asynchronous
from memstore.testing.contract.binding import Binding
from memstore.testing.contract.bound_operations import BoundOperations
from memstore.testing.contract.concurrency import Concurrency
from memstore.testing.contract.counting import Counting
from memstore.testing.contract.deleting import Deleting
from memstore.testing.contract.durability import Durability
from memstore.testing.contract.erasing import Erasing
from memstore.testing.contract.expiring import Expiring
from memstore.testing.contract.exporting import Exporting
from memstore.testing.contract.filters import Filters
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.history import History
from memstore.testing.contract.hostile_filters import HostileFilters
from memstore.testing.contract.ids import Ids
from memstore.testing.contract.listing import Listing
from memstore.testing.contract.metadata import Metadata
from memstore.testing.contract.native import NativeAsync
from memstore.testing.contract.plan import (
    ContractTest,
    ExpectedFailure,
    Status,
    checked_claims,
    checked_expectations,
    tests_of,
)
from memstore.testing.contract.protocol import Protocol
from memstore.testing.contract.ranking import Ranking
from memstore.testing.contract.refused_imports import RefusedImports
from memstore.testing.contract.refused_updates import RefusedUpdates
from memstore.testing.contract.refusing import Refusing
from memstore.testing.contract.scope import Scope
from memstore.testing.contract.searching import Searching
from memstore.testing.contract.stateful import Stateful
from memstore.testing.contract.updating import Updating
from memstore.testing.contract.versions import Versions

SUBJECTS: Final[tuple[type[Harness], ...]] = (
    Protocol,
    Adding,
    Metadata,
    Scope,
    Ids,
    Binding,
    BoundOperations,
    Searching,
    Ranking,
    Filters,
    HostileFilters,
    Deleting,
    Erasing,
    Concurrency,
    Durability,
    Asynchronous,
    NativeAsync,
    Refusing,
    Updating,
    RefusedUpdates,
    Versions,
    History,
    Expiring,
    Listing,
    Counting,
    Exporting,
    RefusedImports,
    Stateful,
)
"""The files of the contract, in the order in which they run."""

CONTRACT: Final[Mapping[str, ContractTest]] = {test.name: test for subject in SUBJECTS for test in tests_of(subject)}
"""Every test of the contract by name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the contract comes to for one store.

    Attributes:
        claims: the capabilities that the store promises.
        statuses: of every test of the contract, by name.
        expected_failures: of tests that run, by name.
    """

    claims: frozenset[str]
    statuses: Mapping[str, Status]
    expected_failures: Mapping[str, ExpectedFailure]


class StoreContract(*SUBJECTS):  # type: ignore[misc]  # a tuple, so that the order stands in one place
    """Judges a store: what it claims must hold, and what it does not offer must be refused.

        class TestMyStore(StoreContract):
            claims = {"list", "durable"}

            @contextmanager
            def new_store(self):
                with MyStore.connect(URL) as store:
                    yield store

    `Harness` describes the other hooks.

    Raises:
        TypeError: when the class is made: no claims, or unknown ones; an expected failure that names
            no test which runs; a test of the contract overridden.
    """

    contract_plan: ClassVar[Plan]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _refuse_overrides(cls)
        if cls.new_store is Harness.new_store and not hasattr(cls, "claims"):
            return  # a base of the author's own; run by itself, it says what is missing
        if not hasattr(cls, "claims"):
            raise TypeError(f"{cls.__name__}.claims: say what the store promises, such as {{'list', 'durable'}}")
        claims = checked_claims(cls.__name__, cls.claims)
        statuses = {name: test.status(claims, exclusive=cls.exclusive) for name, test in CONTRACT.items()}
        expected = checked_expectations(cls.__name__, cls.expected_failures, statuses)
        cls.contract_plan = Plan(claims, statuses, expected)
        for name, test in CONTRACT.items():
            runs = statuses[name] is Status.RUN
            setattr(cls, name, _planned(test.function, expected.get(name)) if runs else _NOT_RUN)


class _NotRun:
    """Stands where a test is that does not apply; pytest collects only what can be called."""

    def __repr__(self) -> str:
        return "<not run with these claims>"


_NOT_RUN: Final = _NotRun()


def _planned(function: Callable[..., None], failure: ExpectedFailure | None) -> Callable[..., None]:
    """A function of the class's own, since marks stay with the function they are put on."""
    assert isinstance(function, FunctionType)  # noqa: S101  # as every def is
    own = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    own.__dict__.update({**function.__dict__, "pytestmark": []})
    own.__doc__, own.__qualname__, own.__module__ = function.__doc__, function.__qualname__, function.__module__
    own.__contract_test__ = True  # type: ignore[attr-defined]  # to tell it from an override
    if failure is None:
        return own
    marked: Callable[..., None] = pytest.mark.xfail(raises=failure.exception, reason=failure.reason, strict=True)(own)
    return marked


def _refuse_overrides(cls: type) -> None:
    for base in cls.__mro__:
        if base in StoreContract.__mro__:
            continue
        for name, value in vars(base).items():
            if name in CONTRACT and not _is_planned(value):
                raise TypeError(
                    f"{cls.__name__} overrides {name}, a test of the contract; where the store is known to fail it, "
                    f"say so in expected_failures"
                )


def _is_planned(value: Any) -> bool:
    return value is _NOT_RUN or getattr(value, "__contract_test__", False) is True
