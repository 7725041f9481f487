"""What README and docs show is what there is."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from memstore.cli.main import parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
INSTALLS = {'pip install "memstore[testing]"', 'pip install "memstore[mem0]"'}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def without_process_ids(text):
    return re.sub(r"Process \d+", "Process N", text).strip()


def memstore_arguments(line):
    command, *arguments = shlex.split(line)
    assert command == "memstore"
    return arguments


def readme_part(start, end):
    found = re.search(f"{re.escape(start)}\n(.*?)\n{re.escape(end)}", PAGES[0].read_text(), re.DOTALL)
    assert found, f"README has no {start}"
    return found[1]


def test_the_demo_prints_what_the_readme_shows():
    command = Path(sys.executable).with_name("memstore")
    done = subprocess.run([command, "demo"], capture_output=True, text=True, check=True)
    shown = readme_part("<!-- output: demo -->\n```text", "```")
    assert without_process_ids(done.stdout) == without_process_ids(shown)


def test_the_table_of_backends_is_current():
    from memstore.cli.backends import backends_table

    assert readme_part("<!-- table: backends -->", "<!-- end -->") == backends_table(), (
        "paste what `memstore backends` prints"
    )


def test_ci_runs_the_readmes_test_command():
    command = subprocess.run([ROOT / ".ci" / "readme_command", "test"], capture_output=True, text=True, check=True)
    assert command.stdout.strip() in PAGES[0].read_text()
    assert "readme_command test" in (ROOT / ".ci" / "run").read_text()
    assert "readme_command demo" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_code_block_is_run_or_read_by_something(page):
    """python: sybil, in the root conftest. sh and text: the tests above, .ci/run, and here. toml: here."""
    for language, content in FENCE.findall(page.read_text()):
        assert language in {"python", "sh", "text", "toml"}, f"{page.name} has a block that nothing runs"
        if language == "toml":
            tomllib.loads(content)
        if language == "sh" and page.name not in {"README.md", "benchmarks.md", "mutation-testing.md"}:
            for line in content.splitlines():
                assert line in INSTALLS or parser().parse_args(memstore_arguments(line))
        if language == "text":
            assert page.name in {"README.md", "benchmarks.md"}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_backend_is_the_one_in_the_docs():
    page = (ROOT / "docs" / "writing-a-backend.md").read_text()
    shipped = (ROOT / "memstore" / "demo" / "json_file.py").read_text()
    example = FENCE.findall(page)[0][1]
    assert example.strip() == shipped.split('"""\n\n', 1)[1].strip()
    assert len(example.splitlines()) < 60


def test_the_version_is_said_once():
    import memstore

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert memstore.__version__ == project["version"]


def test_no_path_of_a_machine_is_in_the_repository():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    home = os.sep + "work" + os.sep
    for name in files.stdout.split():
        assert home not in (ROOT / name).read_text(errors="ignore"), name
