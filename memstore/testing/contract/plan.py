"""Which tests of the contract a store's claims call for, and what is known of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from memstore.capabilities import CAPABILITIES, Kind

CONTRACT_VERSION: Final = 1
"""Rises when a store that passed could fail: a test added, or made stricter."""

ADVICE: Final = "If this fails, check"
"""How the second part of every contract test's docstring begins."""

F = TypeVar("F", bound=Callable[..., None])


class Status(StrEnum):
    """What becomes of a contract test under a store's claims."""

    RUN = "run"
    NOT_OFFERED = "not offered"
    """It needs an operation that is not claimed; that the operation is refused is a test of its own."""
    NOT_PROMISED = "not promised"
    """It needs a guarantee that is not claimed."""
    LEFT_OUT = "left out"
    """It needs a store of its own, and the target is shared."""
    OFFERED = "offered"
    """It checks a refusal, and the operation is claimed."""


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """A contract test that a store is known to fail: with this exception, for this reason, until it passes.

    Raises:
        TypeError: `exception` is no exception type, or there is no reason.
    """

    exception: type[BaseException]
    reason: str

    def __post_init__(self) -> None:
        exception, reason = _unchecked(self.exception), _unchecked(self.reason)
        if not (isinstance(exception, type) and issubclass(exception, BaseException)):
            raise TypeError("an expected failure has the type of its exception first: ExpectedFailure(KeyError, 'why')")
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError("an expected failure has a reason: ExpectedFailure(KeyError, 'why')")


@dataclass(frozen=True, slots=True)
class ContractTest:
    """One test of the contract.

    Attributes:
        name: of the method, and what expected failures and ``--only`` call it.
        subject: the file it stands in.
        guarantee: what is promised, in a sentence.
        advice: what to look at when it fails.
        needs: the capabilities without which it does not apply.
        refusal: the operation whose refusal it checks, where that is not claimed.
        exclusive: whether it needs a store that nobody else uses.
        function: the test.
    """

    name: str
    subject: str
    guarantee: str
    advice: str
    needs: frozenset[str]
    refusal: str | None
    exclusive: bool
    function: Callable[..., None]

    def status(self, claims: frozenset[str], *, exclusive: bool) -> Status:
        """What becomes of it."""
        missing = self.needs - claims
        if any(CAPABILITIES[name].kind is Kind.OPERATION for name in missing):
            return Status.NOT_OFFERED
        if missing:
            return Status.NOT_PROMISED
        if self.refusal in claims:
            return Status.OFFERED
        return Status.RUN if exclusive or not self.exclusive else Status.LEFT_OUT


def needs(*names: str) -> Callable[[F], F]:
    """Mark a test that applies only to stores which claim these capabilities."""

    def mark(function: F) -> F:
        return _mark(function, needs=frozenset(names))

    return mark


def refuses(operation: str) -> Callable[[F], F]:
    """Mark a test of how an operation is refused; it applies only to stores which do not claim it."""

    def mark(function: F) -> F:
        return _mark(function, refusal=operation)

    return mark


def exclusive(function: F) -> F:
    """Mark a test that needs a store which nobody else uses, and which is empty at first."""
    return _mark(function, exclusive=True)


def sync_only(function: F) -> F:
    """Mark a test that means nothing, or the same again, through the async methods."""
    return _mark(function, sync_only=True)


def tests_of(subject: type) -> Iterator[ContractTest]:
    """The tests that a class defines, in order, each followed by its twin for the async methods.

    Raises:
        TypeError: a test without a guarantee or without advice.
    """
    for name, function in vars(subject).items():
        if name.startswith("test_"):
            test = _described(name, function)
            yield test
            if not _marks(function).get("sync_only") and test.refusal is None:
                yield _twin(test)


def checked_claims(name: str, claims: object) -> frozenset[str]:
    """The claims of a contract class.

    Raises:
        TypeError: no collection of names, or a name that is no capability.
    """
    if isinstance(claims, str) or not isinstance(claims, Iterable):
        raise TypeError(f"{name}.claims: a set of capabilities belongs here, such as {{'list', 'durable'}}")
    claimed = frozenset(claims)
    if unknown := sorted(map(str, claimed - CAPABILITIES.keys())):
        raise TypeError(f"{name}.claims: no such capability: {', '.join(unknown)}; there are {', '.join(CAPABILITIES)}")
    return claimed


def checked_expectations(name: str, expected: object, statuses: Mapping[str, Status]) -> Mapping[str, ExpectedFailure]:
    """The expected failures of a contract class.

    Raises:
        TypeError: not a mapping to `ExpectedFailure`, or one that names no test which runs.
    """
    if not isinstance(expected, Mapping):
        raise TypeError(f"{name}.expected_failures: a dictionary of test names belongs here")
    for test, failure in expected.items():
        if not isinstance(failure, ExpectedFailure):
            raise TypeError(f"{name}.expected_failures[{test!r}]: an ExpectedFailure(exception, reason) belongs here")
        if test not in statuses:
            raise TypeError(f"{name}.expected_failures: the contract has no test {test!r}")
        if statuses[test] is not Status.RUN:
            raise TypeError(f"{name}.expected_failures: {test} does not run with these claims ({statuses[test]})")
    return expected


def _unchecked(value: object) -> object:
    """A value that an author typed, of whatever type it really is."""
    return value


def _described(name: str, function: Callable[..., None]) -> ContractTest:
    guarantee, found, advice = (inspect.getdoc(function) or "").partition(ADVICE)
    if not guarantee.strip() or not found or not advice.strip():
        raise TypeError(f"{function.__qualname__}: its docstring says the guarantee, then '{ADVICE} ...'")
    marks = _marks(function)
    return ContractTest(
        name=name,
        subject=function.__module__.rpartition(".")[2],
        guarantee=" ".join(guarantee.split()),
        advice=f"Check {' '.join(advice.split())}",
        needs=marks.get("needs", frozenset()),
        refusal=marks.get("refusal"),
        exclusive=marks.get("exclusive", False),
        function=function,
    )


def _twin(test: ContractTest) -> ContractTest:
    """The same test through the async methods."""
    from memstore.testing.contract.awaited import awaited  # noqa: PLC0415  # so that plans load without asyncio

    return ContractTest(
        name=f"{test.name}_async",
        subject=test.subject,
        guarantee=f"Through the async methods: {test.guarantee[:1].lower()}{test.guarantee[1:]}",
        advice=test.advice,
        needs=test.needs | {"async"},
        refusal=None,
        exclusive=test.exclusive,
        function=awaited(test.function),
    )


def _mark(function: F, **marks: Any) -> F:
    function.__dict__.setdefault("__contract__", {}).update(marks)
    return function


def _marks(function: Callable[..., None]) -> dict[str, Any]:
    marks: dict[str, Any] = function.__dict__.get("__contract__", {})
    return marks
