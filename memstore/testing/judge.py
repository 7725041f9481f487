"""Judges a store without a test file: finds the target, runs the contract, returns the judgement."""

from __future__ import annotations

import inspect
import os
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

from memstore.capabilities import CAPABILITIES
from memstore.registry import open_store, schemes
from memstore.testing.contract.plan import Status
from memstore.testing.contract.suite import CONTRACT, StoreContract
from memstore.testing.report import Judgement, Outcome, fail_if_skipped, judgements, observed

EXAMPLES: Final = 100
"""Examples of each hypothesis test; ten times as many when thorough."""

_USERINFO: Final = re.compile(r"//[^/@\s]*@")
_PYTEST_ENVIRONMENT: Final = ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_TROUBLES: Final[Mapping[int, str]] = {
    pytest.ExitCode.INTERRUPTED: "it was interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "pytest failed",
    pytest.ExitCode.USAGE_ERROR: "pytest could not begin",
}

Progress = Callable[[str, Outcome], None]
"""Told of each test: its subject, and what became of it."""


class TargetError(Exception):
    """The target cannot be judged: it is not found, or is no store. The message says what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class _Target:
    """What the generated test module imports; one at a time, as pytest runs in this process."""

    contract: type[StoreContract] | None = None


def judge(
    target: str,
    *,
    claims: Collection[str] | None = None,
    only: Collection[str] = (),
    thorough: bool = False,
    progress: Progress = lambda subject, outcome: None,
) -> Judgement:
    """Run the contract against a target.

    Args:
        target: ``package.module:factory`` (what it makes is a store or a context manager of one; or a
            subclass of `StoreContract`), a store URL, or the scheme of an installed backend.
        claims: the capabilities to hold it to; what the store says of itself unless given.
        only: names or patterns of tests or subjects; all of them unless given.
        thorough: look ten times as long for counterexamples.
        progress: called after each test.

    Raises:
        TargetError: there is no such target, or it is no store.
    """
    with _importing_from_here():
        return _judge(target, contract_of(target, claims), only, thorough=thorough, progress=progress)


def _judge(
    target: str, contract: type[StoreContract], only: Collection[str], *, thorough: bool, progress: Progress
) -> Judgement:
    selected = _selected(contract, only)
    collector = _Collector(selected, progress)
    profile = settings.get_current_profile_name()
    settings.register_profile("memstore-contract", max_examples=EXAMPLES * (10 if thorough else 1), database=None)
    settings.load_profile("memstore-contract")
    _Target.contract = contract
    try:
        with tempfile.TemporaryDirectory() as folder, _by_itself():
            module = Path(folder, "test_contract.py")
            module.write_text("from memstore.testing.judge import _Target\n\nTestTarget = _Target.contract\n")
            ini = Path(folder, "pytest.ini")
            ini.write_text("[pytest]\n")
            options = ["--noconftest", "--rootdir", folder, "-c", str(ini), "--import-mode=importlib", "-W", "ignore"]
            arguments = [str(module), "-p", "no:terminal", "-p", "no:cacheprovider", *options]
            ended = pytest.main(arguments, plugins=[collector])
    finally:
        _Target.contract = None
        settings.load_profile(profile)
    trouble = _TROUBLES.get(ended, "")
    for judgement in judgements(collector.observations):
        return replace(judgement, store=masked(target), trouble=trouble)
    promised = tuple(name for name in CAPABILITIES if name in contract.contract_plan.claims)
    return Judgement(masked(target), promised, (), (), len(_selected(contract, ())), trouble)


def masked(target: str) -> str:
    """A target as it may be shown: a URL without user and password, which it should not have."""
    return _USERINFO.sub("//***@", target)


def contract_of(target: str, claims: Collection[str] | None = None) -> type[StoreContract]:
    """The contract class for a target.

    Raises:
        TargetError: there is no such target, or it is no store.
    """
    made, by_url = _resolved(target)
    if inspect.isclass(made) and issubclass(made, StoreContract):
        if not hasattr(made, "contract_plan"):
            raise TargetError(f"{target!r} claims nothing and opens nothing: give it claims and new_store")
        if claims is not None:
            raise TargetError(f"{target!r} has claims of its own, so --claims has no place")
        return made
    try:
        with _opened(target, made) as store:
            own: Collection[str] = getattr(store, "capabilities", frozenset())
    except TargetError:
        raise
    except Exception as error:
        raise TargetError(f"{target!r} cannot be opened: {type(error).__name__}: {error}") from error
    shared = by_url and "durable" in own
    promised = frozenset(own if claims is None else claims)

    class TargetContract(StoreContract):
        claims = promised
        exclusive = not shared  # a URL may lead to memories that somebody needs

        def new_store(self) -> AbstractContextManager[Any]:
            return _opened(target, made)

    return TargetContract


def _resolved(target: str) -> tuple[Any, bool]:
    """What a target names, a factory or a contract class, and whether it is a URL that may lead to what is kept."""
    if "://" in target:
        return lambda: open_store(target), True
    module, colon, name = target.partition(":")
    if not colon:
        if target in schemes():
            return lambda: open_store(f"{target}://"), True
        raise TargetError(
            f"{target!r} is no target: name a factory as package.module:factory, a store URL, or an installed "
            f"backend ({', '.join(schemes())})"
        )
    try:
        home = import_module(module)
    except ModuleNotFoundError as error:
        raise TargetError(f"{target!r}: there is no module {error.name!r} to import from here") from error
    except Exception as error:
        raise TargetError(f"{target!r}: importing {module} raised {type(error).__name__}: {error}") from error
    if not hasattr(home, name):
        raise TargetError(f"{target!r}: the module {module} has no {name!r}")
    return getattr(home, name), False


@contextmanager
def _opened(target: str, factory: Any) -> Iterator[Any]:
    """A store from a factory: the store itself, or what its context manager or generator gives."""
    if not callable(factory):
        raise TargetError(f"{target!r} is no factory: it is a {type(factory).__name__} and cannot be called")
    made = factory()
    if inspect.isgenerator(made):
        made = contextmanager(factory)()
    if not hasattr(made, "search_memories") and not hasattr(made, "__enter__"):
        raise TargetError(f"{target!r} made a {type(made).__name__}, which is neither a store nor opens one")
    if hasattr(made, "__enter__"):
        with made as store:
            yield store
        return
    try:
        yield made
    finally:
        getattr(made, "close", bool)()


def _selected(contract: type[StoreContract], only: Collection[str]) -> frozenset[str]:
    running = [test for name, test in CONTRACT.items() if contract.contract_plan.statuses[name] is Status.RUN]
    return frozenset(
        test.name
        for test in running
        if not only or any(fnmatch(name, pattern) for pattern in only for name in (test.name, test.subject))
    )


@contextmanager
def _by_itself() -> Iterator[None]:
    """Options and plugins of the environment have no business here."""
    before = {name: os.environ.pop(name, None) for name in _PYTEST_ENVIRONMENT}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _importing_from_here() -> Iterator[None]:
    """The working directory is searched for modules, as by ``python -m``; by the processes of a test too."""
    here = os.getcwd()  # noqa: PTH109  # a string, as the path has them
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


class _Collector:
    """The part of a pytest plugin that selects tests and collects what is observed."""

    def __init__(self, selected: frozenset[str], progress: Progress) -> None:
        self.observations: list[dict[str, Any]] = []
        self._selected = selected
        self._progress = progress

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name in self._selected]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function, call: pytest.CallInfo[None]) -> Any:
        report = yield
        fail_if_skipped(report)
        raised = call.excinfo.value if call.excinfo else None
        seen = observed(item.instance, item.name, report, raised)
        if seen is not None:
            self.observations.append(seen)
            self._progress(seen["result"]["subject"], Outcome(seen["result"]["outcome"]))
        return report
