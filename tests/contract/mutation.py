"""Mutation testing with the contract as the tests: ``python tests/contract/mutation.py [FOLDER]``.

mutmut changes memstore/filters and the in-memory store, one small thing at a time, and the contract
judges each change. A first pass asks the tests that were seen to reach the changed function; what
survives that is put to the whole contract, since what a cache remembers reaches nothing. Changes to
the words of errors are counted apart. Prints the score of each file and what each survivor changes.
Takes some two hours on two cores; what was judged is kept in the folder, and the next run goes on from there.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTATED = ("memstore/filters/*", "memstore_in_memory/*")
TESTS = '''
"""The in-memory store as it is, and engines that evaluate less and choke on the rest, so that splitting matters."""

from contextlib import contextmanager

from memstore.filters import And, Comparison, FilterSupport, Not, Operator, Or
from memstore.testing import ManualClock, StoreContract
from memstore_in_memory import InMemoryMemoryStore


class Engine(InMemoryMemoryStore):
    evaluates = staticmethod(lambda leaf: True)
    either = negation = True

    def _select(self, filter, after, limit):
        self.check(filter)
        return super()._select(filter, after, limit)

    def _rank(self, query, filter, limit):
        self.check(filter)
        return super()._rank(query, filter, limit)

    def check(self, filter):
        match filter:
            case And(children):
                known = True
            case Or(children):
                known = self.either and bool(children)
            case Not(child):
                known, children = self.negation, (child,)
            case _:
                known, children = self.evaluates(filter), ()
        if not known:
            raise ValueError(f"this engine cannot evaluate {filter}")
        for child in children:
            self.check(child)


class TestInMemory(StoreContract):
    claims = InMemoryMemoryStore.capabilities
    store_type = InMemoryMemoryStore

    @contextmanager
    def new_store(self):
        self.clock = ManualClock()
        with self.store_type(clock=self.clock) as store:
            yield store

    def elapse(self, seconds):
        self.clock.advance(seconds)


def is_equality(leaf):
    return isinstance(leaf, Comparison) and leaf.operator is Operator.EQ


class Equality(Engine):
    evaluates = staticmethod(is_equality)
    negation = False
    filter_support = FilterSupport(leaf=is_equality, negation=False)


class Negation(Engine):
    evaluates = staticmethod(lambda leaf: not is_equality(leaf))
    either = False
    filter_support = FilterSupport(leaf=evaluates, either=False)


class Nothing(Engine):
    evaluates = staticmethod(lambda leaf: False)
    filter_support = FilterSupport.nothing()


class TestEquality(TestInMemory):
    store_type = Equality


class TestNegation(TestInMemory):
    store_type = Negation


class TestNothing(TestInMemory):
    store_type = Nothing
'''
CONFTEST = '''
"""Filters first, and for the engines that evaluate less nothing else; few random examples, the same every time."""

from hypothesis import settings

from memstore.testing.contract.suite import CONTRACT

settings.register_profile("mutation", max_examples=30, derandomize=True, database=None, deadline=None)
settings.load_profile("mutation")
ABOUT_FILTERS = ("filters", "hostile_filters", "expiring")


def pytest_collection_modifyitems(items):
    about = {item: CONTRACT[item.name].subject in ABOUT_FILTERS for item in items}
    items[:] = sorted((i for i in items if about[i] or i.cls.__name__ == "TestInMemory"), key=lambda i: not about[i])
'''
SETUP = """
[mutmut]
source_paths=
    memstore
    memstore_in_memory
only_mutate=
    {mutated}
pytest_add_cli_args_test_selection=
    tests
also_copy=
    memstore_pytest
"""
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-W", "ignore", "-k", "not _async")
KILLED = {1, 3, 36, 24, -24, 152, 255, -11, -9}


def prepare(folder: Path) -> None:
    """A tree in which every package stands at the top, as mutmut needs it."""
    for package in (ROOT / "memstore", ROOT / "memstore_pytest", ROOT / "backends/in_memory/memstore_in_memory"):
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_contract.py").write_text(TESTS)
    (folder / "tests" / "conftest.py").write_text(CONFTEST)
    (folder / "setup.cfg").write_text(SETUP.format(mutated="\n    ".join(MUTATED)))
    options = " ".join(f'"{option}"' if " " in option else option for option in PYTEST[2:])
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = {options}\n")


def exit_codes(folder: Path) -> dict[str, int | None]:
    """What became of each mutant in the first pass."""
    codes: dict[str, int | None] = {}
    for meta in sorted((folder / "mutants").rglob("*.meta")):
        codes |= json.loads(meta.read_text())["exit_code_by_key"]
    return codes


def survives(folder: Path, mutant: str) -> bool:
    """Whether the whole contract finds nothing wrong with a mutant."""
    environment = {**os.environ, "MUTANT_UNDER_TEST": mutant, "PYTHONPATH": str(folder / "mutants")}
    command = [sys.executable, "-m", "pytest", "tests", *PYTEST]
    try:
        done = subprocess.run(
            command, cwd=folder / "mutants", env=environment, capture_output=True, check=False, timeout=600
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def judged(folder: Path, mutants: list[str]) -> dict[str, bool]:
    """Which mutants survive the whole contract; each verdict is kept, so that an interrupted run goes on."""
    verdicts = folder / "second_pass.jsonl"
    known = dict(map(json.loads, verdicts.read_text().splitlines())) if verdicts.exists() else {}
    missing = [mutant for mutant in mutants if mutant not in known]
    with ThreadPoolExecutor(2) as pool, verdicts.open("a") as file:
        for mutant, lives in zip(missing, pool.map(lambda m: survives(folder, m), missing), strict=True):
            known[mutant] = lives
            print(json.dumps([mutant, lives]), file=file, flush=True)
    return known


def changes_of(folder: Path, mutants: list[str]) -> dict[str, list[str]]:
    """The lines that each mutant takes out and puts in: mutmut keeps all of a function's versions in one file."""
    bodies: dict[str, list[str]] = {}
    for module in {mutant.rpartition(".")[0] for mutant in mutants}:
        text = (folder / "mutants" / f"{module.replace('.', '/')}.py").read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
                bodies[f"{module}.{node.name}"] = text.splitlines()[node.lineno : node.end_lineno]
    changes = {}
    for mutant in mutants:
        before, after = bodies[f"{mutant.rpartition('__mutmut_')[0]}__mutmut_orig"], bodies[mutant]
        lines = difflib.unified_diff(before, after, n=0, lineterm="")
        changes[mutant] = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    return changes


def is_wording(lines: list[str]) -> bool:
    """Whether a change is in the words of an error, or in how a filter is printed: the contract reads neither."""
    taken_out = [line[1:].strip() for line in lines if line.startswith("-")]
    return all("Error(" in line or line.startswith(('"', 'f"', 'return f"')) for line in taken_out)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    if not (folder / "setup.cfg").exists():
        prepare(folder)
    with (folder / "mutmut.log").open("w") as log:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2"]
        subprocess.run(command, cwd=folder, check=False, stdout=log, stderr=log)
    codes = exit_codes(folder)
    if None in codes.values():
        sys.exit(f"mutmut did not finish; see {folder / 'mutmut.log'}")
    changes = changes_of(folder, [mutant for mutant, code in codes.items() if code not in KILLED])
    wording = {mutant for mutant, lines in changes.items() if is_wording(lines)}
    left = [mutant for mutant in changes if mutant not in wording]
    if not survives(folder, "none"):
        sys.exit("the contract fails without any change")
    lives = judged(folder, left)
    report(codes, wording, {mutant: changes[mutant] for mutant in sorted(left) if lives[mutant]})


def report(codes: Mapping[str, int | None], wording: set[str], survivors: Mapping[str, list[str]]) -> None:
    """A line for each file, then every survivor with what it changes."""
    file_of = {mutant: mutant.rpartition(".")[0] for mutant in codes}
    files = {"all": list(codes)} | {file: [m for m in codes if file_of[m] == file] for file in file_of.values()}
    print("| file | changes | in wording | others | killed | score |\n|---|---|---|---|---|---|")
    for file, mutants in files.items():
        words, alive = len(wording.intersection(mutants)), len(survivors.keys() & set(mutants))
        judged = len(mutants) - words
        score = 100 * (judged - alive) / judged
        print(f"| `{file}` | {len(mutants)} | {words} | {judged} | {judged - alive} | {score:.1f} % |")
    for mutant, lines in survivors.items():
        print(f"\n{mutant}\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
