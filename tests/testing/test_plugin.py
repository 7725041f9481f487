"""The pytest plugin: in runs that judge stores, and in those that have nothing to do with it."""

import subprocess
import sys
import textwrap

import pytest

CONTRACT = """
    from contextlib import contextmanager
    from memstore.testing import ExpectedFailure, StoreContract
    from memstore_in_memory import InMemoryMemoryStore

    class Cut(InMemoryMemoryStore):
        def search_memories(self, **arguments):
            return super().search_memories(**arguments)[:2]

    class TestRight(StoreContract):
        claims = InMemoryMemoryStore.capabilities
        @contextmanager
        def new_store(self):
            with InMemoryMemoryStore() as store:
                yield store

    class TestCut(TestRight):
        expected_failures = {
            "test_every_message_is_kept_async": ExpectedFailure(AssertionError, "system messages are dropped")
        }
        @contextmanager
        def new_store(self):
            with Cut() as store:
                yield store
"""


@pytest.fixture
def run(tmp_path):
    def run(text, *options):
        tmp_path.joinpath("test_it.py").write_text(textwrap.dedent(text))
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_reports_every_judged_store(run):
    done = run(CONTRACT, "-q", "-k", "every_message_is or claims_are")
    assert done.returncode == 1, done.stdout
    section = done.stdout.partition("memory store contract")[2]
    assert "TestRight\n  verdict           KEPT, as far as it was looked at: 3 of" in section
    assert "TestCut\n  verdict           BROKEN: 1 of 3 tests" in section
    assert "\n  test_every_message_is_kept\n    Messages of every role" in section
    assert "\n    Check for roles that the engine drops" in section
    assert "test_every_message_is_kept_async: system messages are dropped" in section


def test_an_expected_failure_that_passes_fails(run):
    done = run(CONTRACT.replace("Cut() as", "InMemoryMemoryStore() as"), "-q", "-k", "TestCut and every_message_is")
    assert done.returncode == 1
    assert "expected to fail (system messages are dropped), but it passes: take it off the list" in done.stdout


def test_an_expected_failure_of_another_type_fails(run):
    done = run(
        CONTRACT.replace("ExpectedFailure(AssertionError", "ExpectedFailure(KeyError"),
        "-q",
        "-k",
        "TestCut and every_message_is",
    )
    assert done.returncode == 1
    assert "BROKEN: 2 of 2 tests" in done.stdout


def test_a_store_that_cannot_be_opened_is_broken(run):
    done = run(CONTRACT.replace("with Cut()", "with Nothing()"), "-q", "-k", "TestCut and every_message_is")
    assert done.returncode == 1
    assert "the store could not be opened" in done.stdout
    assert "NameError" in done.stdout


def test_a_skipped_test_is_no_success(run):
    done = run(
        "import pytest\n" + textwrap.dedent(CONTRACT).replace("with Cut()", "pytest.skip('later')\n        with Cut()"),
        "-k",
        "TestCut and claims",
    )
    assert done.returncode == 1
    assert "BROKEN: 1 of 1 tests of the contract" in done.stdout


def test_marks_contract_tests(run):
    done = run(CONTRACT + "\n    def test_other(): pass\n", "-q", "--strict-markers", "-m", "not memstore_contract")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "memory store contract" not in done.stdout


def test_secrets_stay_out_of_the_report(run):
    text = CONTRACT.replace(
        "with Cut()", "raise ConnectionError('db://bob:hunter2hunter2@host')\n            with Cut()"
    )
    done = run(
        text + "\n        def secrets(self):\n            return ['hunter2hunter2']\n",
        "-q",
        "--tb=no",
        "-k",
        "TestCut and claims",
    )
    assert "ConnectionError: db://bob:<SECRET>@host" in done.stdout.partition("memory store contract")[2]


def test_what_is_attached_survives_the_way_from_a_worker():
    import pickle
    from types import SimpleNamespace

    from contract.references import InMemoryReference

    from memstore.testing.report import observed

    report = SimpleNamespace(failed=True, skipped=False, longrepr="", when="call", duration=0.1)
    seen = observed(InMemoryReference(), "test_logic", report, AssertionError("no"))

    def plain(value):
        if isinstance(value, dict):
            return all(map(plain, value)) and all(map(plain, value.values()))
        return all(map(plain, value)) if isinstance(value, list) else type(value) in {str, int, float, bool, type(None)}

    assert plain(seen), pickle.dumps(seen)


def test_leaves_alone_what_other_plugins_attach(run, tmp_path):
    tmp_path.joinpath("conftest.py").write_text(
        "import pytest\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.user_properties.append(('a', 1, 2))\n    return report\n"
    )
    done = run("def test_it(): pass\n", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_is_not_needed_to_judge(run):
    done = run(CONTRACT, "-q", "-p", "no:memstore", "-k", "TestRight and claims_are")
    assert done.returncode == 0, done.stdout + done.stderr


UNRELATED = """
    import sys
    import memstore_pytest.plugin

    def test_nothing_else_is_loaded():
        loaded = {name.partition(".")[0] for name in sys.modules}
        assert loaded.isdisjoint({"haystack", "memstore", "memstore_in_memory", "numpy"}), loaded

    class TestOdd:
        contract_plan = None

        def test_other_classes_are_left_alone(self):
            pass
"""


def test_loads_nothing_and_says_nothing_in_other_runs(run):
    done = run(UNRELATED, "-q", "-p", "no:hypothesispytest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "contract" not in done.stdout


def test_importing_it_loads_neither_hypothesis_nor_haystack():
    code = "import sys, memstore_pytest.plugin; print({'hypothesis', 'haystack', 'memstore'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_is_installed_as_a_plugin(run):
    assert "memstore_contract: a test of memstore's contract" in run("", "--markers").stdout
