"""Marks the tests of memstore's contract and reports on the stores that were judged.

Every pytest run of an environment with memstore loads this module, so it imports nothing but pytest
until a contract test is there, by which time memstore is loaded anyway.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from memstore.testing.contract.suite import StoreContract

_PROPERTY: Final = "memstore_contract"
_SUITE: Final = "memstore.testing.contract.suite"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for ``-m memstore_contract`` and ``--strict-markers``."""
    config.addinivalue_line("markers", "memstore_contract: a test of memstore's contract for memory stores")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of contract classes."""
    if _contract_class(item) is not None:
        item.add_marker(pytest.mark.memstore_contract)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the report needs, as plain data: it also travels from the workers of pytest-xdist."""
    report = yield
    contract = getattr(item, "instance", None) if _contract_class(item) else None
    if contract is not None:
        from memstore.testing.report import fail_if_skipped, observed  # noqa: PLC0415  # the contract class loaded it

        fail_if_skipped(report)
        raised = call.excinfo.value if call.excinfo else None
        observation = observed(contract, getattr(item, "originalname", item.name), report, raised)
        if observation is not None:
            report.user_properties.append((_PROPERTY, observation))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how each judged store did."""
    observations = [
        value for reports in terminalreporter.stats.values() for report in reports for value in _attached(report)
    ]
    if observations:
        from memstore.testing.report import judgements, summary  # noqa: PLC0415  # see above

        terminalreporter.section("memory store contract")
        for judgement in judgements(observations):
            terminalreporter.write(summary(judgement) + "\n")


def _attached(report: Any) -> list[Any]:
    """What was attached to a report here; other plugins attach what they like."""
    attached = getattr(report, "user_properties", None)
    if not isinstance(attached, list):
        return []
    return [pair[1] for pair in attached if isinstance(pair, list | tuple) and len(pair) == 2 and pair[0] == _PROPERTY]


def _contract_class(item: pytest.Item) -> type[StoreContract] | None:
    suite = sys.modules.get(_SUITE)
    cls: Any = getattr(item, "cls", None)
    if suite is None or not hasattr(cls, "contract_plan") or not issubclass(cls, suite.StoreContract):
        return None
    is_contract_test = getattr(item, "originalname", item.name) in suite.CONTRACT
    return cls if is_contract_test else None
