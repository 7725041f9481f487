"""How a judged store did: what was observed, as data, and the report that people read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from textwrap import indent, shorten, wrap
from typing import TYPE_CHECKING, Any, Final

from memstore.capabilities import CAPABILITIES, Kind
from memstore.testing.contract.plan import CONTRACT_VERSION, Status

if TYPE_CHECKING:
    import pytest

    from memstore.testing.contract.suite import StoreContract

_WIDTH: Final = 100
_NAMES: Final = 18
_LINES: Final = 14
_TWIN: Final = "_async"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

NOT_OPENED: Final = "the store could not be opened"
"""How the message of a test begins whose store could not be opened."""


class Outcome(StrEnum):
    """What became of a contract test that ran."""

    KEPT = "kept"
    BROKEN = "broken"
    EXPECTED = "expected failure"
    UNEXPECTED = "unexpectedly kept"
    """It was expected to fail, and does not any more."""
    SKIPPED = "not executed"


@dataclass(frozen=True, slots=True)
class Result:
    """One test that ran.

    Attributes:
        test: its name.
        subject: what it is about.
        guarantee: what it holds the store to.
        advice: what to look at when it is broken.
        outcome: what became of it.
        message: of the exception, with the smallest counterexample; the reason of an expected failure.
        seconds: how long it took.
        refusal: the operation whose refusal it checks, if it does.
    """

    test: str
    subject: str
    guarantee: str
    advice: str
    outcome: Outcome
    message: str
    seconds: float
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that is known of a store.

    Attributes:
        store: the name of the target.
        claims: the capabilities that it promises.
        results: the tests that ran, in order.
        left_out: tests that need a store of their own, which the target is not.
        applicable: how many tests its claims call for, whether they were selected or not.
        trouble: why the run ended before its end, if it did.
    """

    store: str
    claims: tuple[str, ...]
    results: tuple[Result, ...]
    left_out: tuple[str, ...]
    applicable: int
    trouble: str = ""

    def having(self, *outcomes: Outcome) -> list[Result]:
        """The results with one of these outcomes."""
        return [result for result in self.results if result.outcome in outcomes]

    @property
    def refused(self) -> list[str]:
        """Operations that are not claimed, and were seen to be refused."""
        seen = {result.refusal for result in self.results}
        not_refused = {result.refusal for result in self.results if result.outcome is not Outcome.KEPT}
        return [name for name in self._unclaimed(Kind.OPERATION) if name in seen - not_refused]

    @property
    def not_promised(self) -> list[str]:
        """Guarantees that are not claimed, and so were not tested."""
        return self._unclaimed(Kind.GUARANTEE)

    @property
    def kept(self) -> bool:
        """Whether something is claimed, something was executed, and nothing of it is broken."""
        bad = self.having(Outcome.BROKEN, Outcome.UNEXPECTED, Outcome.SKIPPED)
        return bool(self.claims and self.having(Outcome.KEPT)) and not bad and not self.trouble

    @property
    def complete(self) -> bool:
        """Whether every test was executed that the claims call for."""
        return not self.trouble and len(self.results) >= self.applicable

    @property
    def proven(self) -> bool:
        """Whether all of the contract was looked at, and kept."""
        return self.kept and self.complete

    @property
    def verdict(self) -> str:
        """The judgement in a sentence."""
        broken, ran = self.having(Outcome.BROKEN, Outcome.UNEXPECTED), len(self.results)
        skipped = self.having(Outcome.SKIPPED)
        if self.trouble:
            return f"NOT PROVEN: {self.trouble}, after {ran} of {self.applicable} tests of the contract"
        if broken:
            return f"BROKEN: {len(broken)} of {ran} tests of the contract"
        if skipped:
            return f"NOT PROVEN: {len(skipped)} of {ran} tests of the contract were skipped"
        if not self.having(Outcome.KEPT):
            return "NOT PROVEN: no test of the contract was executed"
        if not self.claims:
            return f"NOT PROVEN: nothing is claimed; kept are {ran} of {self.applicable} tests of the required part"
        if not self.complete:
            return f"KEPT, as far as it was looked at: {ran} of {self.applicable} tests of the contract"
        expected = len(self.having(Outcome.EXPECTED))
        but = f", but for {expected} expected failure{'s' if expected > 1 else ''}" if expected else ""
        return f"KEPT: everything that is claimed{but} ({ran} tests)"

    def to_dict(self) -> dict[str, Any]:
        """The whole as plain JSON."""
        return {
            "contract_version": CONTRACT_VERSION,
            "store": self.store,
            "proven": self.proven,
            "complete": self.complete,
            "applicable": self.applicable,
            "verdict": self.verdict,
            "claims": list(self.claims),
            "refused": self.refused,
            "not_promised": self.not_promised,
            "left_out": list(self.left_out),
            "results": [asdict(result) for result in self.results],
        }

    def _unclaimed(self, kind: Kind) -> list[str]:
        return [name for name, known in CAPABILITIES.items() if known.kind is kind and name not in self.claims]


def observed(
    contract: StoreContract, name: str, report: pytest.TestReport, raised: BaseException | None
) -> dict[str, Any] | None:
    """What a phase of a test says, as plain data and without the store's secrets; None for one that says nothing."""
    from memstore.testing.contract.suite import CONTRACT  # noqa: PLC0415  # it imports pytest, a report need not

    test, plan = CONTRACT[name], contract.contract_plan
    outcome = _outcome(report)
    if outcome is None:
        return None
    message = "" if raised is None else _told(raised)
    if outcome is Outcome.EXPECTED:
        message = plan.expected_failures[name].reason
    elif outcome is Outcome.UNEXPECTED:
        message = f"expected to fail ({plan.expected_failures[name].reason}), but it passes: take it off the list"
    elif report.when == "setup":
        message = f"{NOT_OPENED}\n{message}"
    elif report.when == "teardown":
        message = f"the store could not be closed\n{message}"
    for secret in contract.secrets():
        message = message.replace(secret, "<SECRET>")
    seconds = round(report.duration, 4)
    result = Result(name, test.subject, test.guarantee, test.advice, outcome, message, seconds, test.refusal)
    return {
        "store": type(contract).__qualname__,
        "module": type(contract).__module__,
        "claims": sorted(plan.claims, key=list(CAPABILITIES).index),
        "left_out": [name for name, status in plan.statuses.items() if status is Status.LEFT_OUT],
        "applicable": sum(status is Status.RUN for status in plan.statuses.values()),
        "result": {**asdict(result), "outcome": outcome.value},
    }


def fail_if_skipped(report: pytest.TestReport) -> None:
    """A promise is kept or not: a contract test that skips itself has failed."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = "a test of the contract was skipped, so nothing is known of what it tests"


def judgements(observations: Iterable[Mapping[str, Any]]) -> Iterator[Judgement]:
    """A judgement for each store that was observed. A test that could not close its store is broken."""
    stores: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for observation in observations:
        stores.setdefault((observation["store"], observation["module"]), []).append(observation)
    names = Counter(store for store, _ in stores)
    for (store, module), of_store in stores.items():
        results: dict[str, Result] = {}
        for observation in of_store:
            result = Result(**{**observation["result"], "outcome": Outcome(observation["result"]["outcome"])})
            if result.test not in results or results[result.test].outcome is Outcome.KEPT:
                results[result.test] = result
        first = of_store[0]
        claims, left_out = tuple(first["claims"]), tuple(first["left_out"])
        name = f"{store} of {module}" if names[store] > 1 else store
        yield Judgement(name, claims, tuple(results.values()), left_out, first["applicable"])


def summary(judgement: Judgement) -> str:
    """The report, without what is plainly as it should be."""
    return _page(judgement, [_line("verdict", judgement.verdict)])


def full_report(judgement: Judgement) -> str:
    """The report that people read."""
    subjects: dict[str, list[Result]] = {}
    for result in judgement.results:
        subjects.setdefault(result.subject, []).append(result)
    kept = [
        f"{subject.replace('_', ' ')} {sum(result.outcome is Outcome.KEPT for result in results)}/{len(results)}"
        for subject, results in subjects.items()
    ]
    head = [
        _line("contract", f"version {CONTRACT_VERSION}"),
        _line("capabilities", ", ".join(judgement.claims) or "none"),
        _line("kept", ", ".join(kept) or "nothing"),
    ]
    return _page(judgement, head) + "\n" + _line("verdict", judgement.verdict)


def _page(judgement: Judgement, head: list[str]) -> str:
    """A store's name, these lines, and everything that is not plainly kept."""
    lines = [judgement.store, *head]
    lines += _entries("broken", judgement.having(Outcome.BROKEN, Outcome.UNEXPECTED, Outcome.SKIPPED))
    if judgement.refused:
        lines.append(_line("refused", f"{', '.join(judgement.refused)} (not claimed, and refused by name)"))
    if judgement.not_promised:
        lines.append(_line("not promised", f"{', '.join(judgement.not_promised)} (not claimed, so not tested)"))
    lines += [_line("expected failure", f"{r.test}: {r.message}") for r in judgement.having(Outcome.EXPECTED)]
    if judgement.left_out:
        lines.append(_line("left out", f"{', '.join(judgement.left_out)} (they need a store of their own)"))
    return "\n".join(lines)


def _entries(title: str, results: list[Result]) -> Iterator[str]:
    """Tests with what they promise, what came instead, and what to check; those that fail alike are only named."""
    if results:
        yield _line(title, str(len(results)))
    alike: dict[str, list[Result]] = {}
    for result in results:
        alike.setdefault(_UUID.sub("...", result.message), []).append(result)
    for first, *others in alike.values():
        twin = [other for other in others if other.test == first.test + _TWIN]
        more = [other.test for other in others if other not in twin]
        yield f"\n  {first.test}{' (and through the async methods)' if twin else ''}"
        about_the_store = first.message.startswith(NOT_OPENED) or first.outcome is Outcome.UNEXPECTED
        if not about_the_store:
            yield indent("\n".join(wrap(first.guarantee, _WIDTH)), "    ")
        yield indent(_cut(first.message), "    | ")
        if not about_the_store:
            yield indent("\n".join(wrap(first.advice, _WIDTH)), "    ")
        if more:
            yield indent("\n".join(wrap(f"The same of {len(more)} more: {', '.join(more)}", _WIDTH)), "    ")
    if results:
        yield ""


def _line(title: str, text: str) -> str:
    lines = wrap(text, _WIDTH, break_on_hyphens=False)
    return f"  {title:{_NAMES}}" + f"\n{' ' * (_NAMES + 2)}".join(lines)


def _cut(message: str) -> str:
    lines = message.strip().splitlines() or ["no message"]
    more = [f"... and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
    return "\n".join([shorten(line, 400) if len(line) > 400 else line for line in lines[:_LINES]] + more)


def _told(error: BaseException) -> str:
    """What an exception says, and the example that hypothesis found to be the smallest that raises it."""
    words = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    notes = [note for note in getattr(error, "__notes__", ()) if "Falsifying" in note or "state." in note]
    return "\n".join([words, *notes])


def _outcome(report: pytest.TestReport) -> Outcome | None:
    if report.failed:
        return Outcome.UNEXPECTED if "[XPASS(strict)]" in str(report.longrepr) else Outcome.BROKEN
    if report.skipped:
        return Outcome.EXPECTED if hasattr(report, "wasxfail") else Outcome.SKIPPED
    return Outcome.KEPT if report.when == "call" else None
