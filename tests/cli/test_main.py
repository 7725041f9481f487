"""The `memstore` command."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from memstore.cli.backends import backends_table
from memstore.cli.main import main
from memstore.registry import GROUP


def test_backends_shows_what_is_installed(capsys):
    assert main(["backends"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == "| capability | `mem0://` | `mem0+oss://` | `memory://` | promise |"
    assert "| `list` (operation) | yes | yes | yes |" in shown


def test_a_backend_without_its_dependencies_offers_nothing(monkeypatch):
    needy = EntryPoint("needy", "support.needy:Store", GROUP)
    monkeypatch.setattr("memstore.cli.backends.schemes", lambda: ["needy"])
    monkeypatch.setattr("memstore.cli.backends.find_backend", lambda _: needy)
    assert backends_table().endswith("\nneedy:// needs the module 'no_such_engine': pip install no_such_engine")


def test_a_chapter_that_fails_ends_the_demo(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert main(["demo"]) == 1


def test_the_demo_loads_nothing_from_the_folder_it_runs_in(tmp_path):
    (tmp_path / "haystack.py").write_text("raise SystemExit('not the one that is installed')")
    command = Path(sys.executable).with_name("memstore")
    assert subprocess.run([command, "demo"], cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("arguments", [[], ["nonsense"]])
def test_wrong_words_are_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: memstore" in capsys.readouterr().err


def test_the_installed_command_runs():
    command = Path(sys.executable).with_name("memstore")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "demo" in done.stdout
