"""`memstore contract TARGET`, as a user types it."""

import json
import subprocess
import sys
import textwrap

import pytest

STORES = """
    from contextlib import contextmanager
    from memstore.testing import StoreContract
    from memstore_in_memory import InMemoryMemoryStore

    class Cut(InMemoryMemoryStore):
        def search_memories(self, **arguments):
            return super().search_memories(**arguments)[:2]

    class Silent(InMemoryMemoryStore):
        capabilities = frozenset()

    @contextmanager
    def opened():
        with InMemoryMemoryStore() as store:
            yield store

    def generated():
        with InMemoryMemoryStore() as store:
            yield store

    def failing():
        raise ConnectionError("no server")

    class MyContract(StoreContract):
        claims = Cut.capabilities
        def new_store(self):
            return Cut()

    class Base(StoreContract):
        pass

    number = 7

    def nothing():
        return 7
"""


@pytest.fixture
def memstore(tmp_path):
    def memstore(*arguments):
        tmp_path.joinpath("stores.py").write_text(textwrap.dedent(STORES))
        tmp_path.joinpath("broken_module.py").write_text("1 / 0")
        code = "from memstore.cli.main import main; raise SystemExit(main())"
        command = [sys.executable, "-c", code, "contract", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return memstore


ONLY = ("--only", "test_every_message_is_kept*", "test_claims_are_*")


@pytest.mark.parametrize(
    "target", ["memory", "memory://", "stores:opened", "stores:generated", "stores:InMemoryMemoryStore"]
)
def test_a_store_that_keeps_its_promises(memstore, target):
    done = memstore(target, *ONLY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{target}\n")
    assert "KEPT, as far as it was looked at: 3 of" in done.stdout
    assert done.stderr == "protocol          .\nadding            ..\n"


@pytest.mark.parametrize("target", ["stores:Cut", "stores:MyContract"])
def test_a_store_that_breaks_one(memstore, target, tmp_path):
    done = memstore(target, *ONLY, "--json", "report.json")
    assert done.returncode == 1
    assert "BROKEN: 2 of 3 tests of the contract" in done.stdout
    assert "Check for roles that the engine drops" in done.stdout
    assert done.stderr == "protocol          .\nadding            XX\n"
    report = json.loads(tmp_path.joinpath("report.json").read_text())
    assert report["proven"] is False
    assert [result["outcome"] for result in report["results"]] == ["kept", "broken", "broken"]


def test_subjects_can_be_selected(memstore):
    done = memstore("memory", "--only", "protocol")
    assert done.returncode == 0
    assert "protocol 12/12" in done.stdout


def test_nothing_executed_is_no_success(memstore):
    done = memstore("memory", "--only", "test_that_is_not_there")
    assert done.returncode == 1
    assert "NOT PROVEN: no test of the contract was executed" in done.stdout


def test_nothing_claimed_is_no_success(memstore):
    done = memstore("stores:Silent", "--only", "test_an_odd*", "test_dots_walk_objects")
    assert done.returncode == 1
    assert "NOT PROVEN: nothing is claimed" in done.stdout


def test_claims_can_be_given(memstore):
    done = memstore("stores:Silent", "--claims", "list,count", "--only", "test_claims_are_the_stores_own_capabilities")
    assert done.returncode == 1
    assert "BROKEN: 1 of 1" in done.stdout
    assert "missing   ['list', 'count']" in done.stdout or "missing   ['count', 'list']" in done.stdout


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("stores:number", "'stores:number' is no factory: it is a int and cannot be called"),
        ("stores:nothing", "'stores:nothing' made a int, which is neither a store nor opens one"),
        ("stores:missing", "'stores:missing': the module stores has no 'missing'"),
        ("no_such_module:x", "'no_such_module:x': there is no module 'no_such_module' to import from here"),
        ("stores:failing", "'stores:failing' cannot be opened: ConnectionError: no server"),
        ("stores:Base", "'stores:Base' claims nothing and opens nothing"),
        ("broken_module:x", "'broken_module:x': importing broken_module raised ZeroDivisionError"),
        ("nosuch://u:hunter2@host", "'nosuch://***@host' cannot be opened: RegistryError"),
        ("nothing", "'nothing' is no target: name a factory as package.module:factory"),
        ("nothing://", "'nothing://' cannot be opened: RegistryError: no backend for 'nothing://'"),
    ],
)
def test_what_is_no_target(memstore, target, words):
    done = memstore(target)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"memstore contract: {words}")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_unknown_claims_are_refused(memstore):
    done = memstore("memory", "--claims", "lists")
    assert done.returncode == 2
    assert "no such capability: lists" in done.stderr


def test_the_environments_options_have_no_say(memstore, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing --no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert memstore("memory", "--only", "test_logic").returncode == 0


def test_the_json_files_folder_must_be_there(memstore):
    done = memstore("memory", "--json", "missing/report.json")
    assert done.returncode == 2
    assert done.stderr == "memstore contract: --json missing/report.json: there is no such folder\n"


def test_an_installed_backend_is_judged_as_what_others_may_use(monkeypatch):
    from memstore.testing import judge
    from memstore_in_memory import InMemoryMemoryStore

    class Durable(InMemoryMemoryStore):
        capabilities = InMemoryMemoryStore.capabilities | {"durable"}

    monkeypatch.setattr(judge, "open_store", lambda url: Durable())
    assert not judge.contract_of("memory").exclusive
    assert not judge.contract_of("memory://").exclusive


def test_an_interrupt_is_no_success(memstore, tmp_path):
    tmp_path.joinpath("interrupted.py").write_text(
        "from memstore_in_memory import InMemoryMemoryStore\n\n"
        "class Store(InMemoryMemoryStore):\n"
        "    def search_memories(self, **arguments):\n"
        "        raise KeyboardInterrupt\n"
    )
    done = memstore("interrupted:Store", "--only", "protocol", "adding")
    assert done.returncode == 1
    assert "NOT PROVEN: it was interrupted, after" in done.stdout
