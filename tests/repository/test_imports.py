"""What importing loads, in a fresh process each."""

import subprocess
import sys

import pytest


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def haystacks_own():
    return modules_after("from haystack.dataclasses import ChatMessage")


def test_importing_memstore_adds_little_to_haystack(haystacks_own):
    """benchmarks measures the time; what could cost it is visible here."""
    added = modules_after("from haystack.dataclasses import ChatMessage; import memstore") - haystacks_own
    packages = {name.partition(".")[0] for name in added if not name.startswith("_cython")}
    assert packages <= {"memstore", "Stemmer", "haystack", "numpy"} | sys.stdlib_module_names
    assert len([name for name in added if name.startswith(("haystack", "numpy"))]) <= 5  # they are there already
    assert not {name for name in added if name.startswith(("memstore.testing", "memstore.cli", "memstore.demo"))}


@pytest.mark.parametrize("code", ["import memstore", "import memstore.testing", "import memstore.cli.main"])
def test_no_backend_and_no_test_tool_is_loaded(code):
    loaded = {name.partition(".")[0] for name in modules_after(code)}
    assert not {name for name in loaded if name.startswith("memstore_")}
    assert not loaded & {"hypothesis", "pytest"}
