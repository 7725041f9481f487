"""`python -m benchmarks` runs and reports every row; what the rows say is not judged here."""

import json
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.data import SCOPE_SIZE, sessions
from benchmarks.measure import medians
from benchmarks.parts import measured_apart
from benchmarks.plan import QUICK
from benchmarks.report import compared, growth

ROOT = Path(__file__).parents[2]
KINDS = ("user", "agent", "run", "user_run", "user_agent")
ROWS = {
    *(f"filters.{name}" for name in ("equal", "range", "in", "logic", "nested", "date", "total")),
    *(f"listing.{size}{seen}" for size in (1000, 2000) for seen in ("", ".bound")),
    *(f"adding.{ids}.{what}" for ids in ("user", "ids") for what in ("answered", "alone", "uuid")),
    *(f"search.{kind}.{what}" for kind in KINDS for what in ("growth.middle", "growth.large", "cold")),
    *("search.user_topic.growth.middle", "search.user_topic.growth.large"),
    *("search.user.haystack", "search.user_topic.haystack", "search.one_user.haystack", "search.one_user.cold"),
    "search.foreign",
    "imports",
}
MEMORY_ROWS = {f"memory.{state}.{peer}" for state in ("added", "searched") for peer in ("haystack", "langgraph")}
MEM0_ROWS = {
    *("mem0.add.one.bare", "mem0.add.session.bare", "mem0.search.bare", "mem0.punctual"),
    *(f"mem0.residual.{share}" for share in ("100", "10", "1", "0.1")),
    *(f"mem0.oss.add.{how}" for how in ("loop", "list", "alone")),
    *("mem0.oss.search.200", "mem0.oss.search.400", "mem0.oss.search.400.growth"),
}
MEM0_HAYSTACK_ROWS = {f"mem0.{what}.haystack" for what in ("add.one", "add.session", "search")}
REQUESTS = {
    "add a message word for word": "1",
    "add a conversation of 20 turns word for word": "1",
    "add 20 messages, each with metadata of its own": "20",
    "add and infer facts; the event is pending once": "3",
    "search with a filter that is pushed": "1",
    "list 1,000 memories": "5",
    "delete a memory of a bound store": "2",
}


def is_installed(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # one of the packages that it lies in
        return False


def run(*options):
    command = [sys.executable, "-m", "benchmarks", "--quick", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory):
    """What a run of everything prints and writes."""
    file = tmp_path_factory.mktemp("quick") / "report.json"
    printed = run("--json", file)
    return printed, json.loads(file.read_text())


@pytest.mark.slow
def test_a_quick_run_reports_every_row_as_a_table_and_as_json(quick_run):
    printed, report = quick_run

    expected = ROWS | (MEMORY_ROWS if sys.platform == "linux" else set())
    if is_installed("mem0"):
        expected |= MEM0_ROWS
        if is_installed("haystack_integrations.memory_stores.mem0"):
            expected |= MEM0_HAYSTACK_ROWS
    assert {row["name"] for row in report["rows"]} == expected
    assert report["seed"] == 0
    assert {"python", "memstore", "haystack-ai", "langgraph", "numpy"} <= set(report["versions"])
    assert {"date", "processor", "sizes"} <= set(report)
    for row in report["rows"]:
        assert f"| {row['title']}" in printed
        assert (row["target"] is None) == (row["met"] is None)
    assert next(row["met"] for row in report["rows"] if row["name"] == "search.foreign")
    assert "LoCoMo evidence recall is left out" in printed


@pytest.mark.slow
def test_requests_to_mem0_are_counted_for_each_operation(quick_run):
    printed, report = quick_run

    cells = (line.strip("| ").split("|") for line in printed.splitlines() if line.count("|") == 4)
    counted = {operation.strip(): number.strip() for operation, number, _ in cells}
    assert REQUESTS.items() <= counted.items()
    written = {each["operation"]: each for each in report["mem0_requests"]}
    assert written.keys() == counted.keys() - {"operation", "-" * len(max(counted, key=len))}
    assert written["list 1,000 memories"]["numbers"] == [5]
    assert written["list 1,000 memories"]["asked"] == {"POST /v3/memories/": 5}


def test_without_mem0_its_parts_are_left_out(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mem0", None)

    main(["--quick", "--only", "mem0-platform", "--only", "mem0-oss"])

    printed = capsys.readouterr().out
    assert "Mem0 is left out: pip install 'memstore[mem0]'." in printed
    assert "Targets met: 0, missed: 0." in printed


def test_a_part_can_be_measured_in_a_process_of_its_own():
    assert {row.name for row in measured_apart("filters", QUICK)} == {
        name for name in ROWS if name.startswith("filters.")
    }


def test_locomo_recall_is_what_the_script_beside_the_data_prints(tmp_path):
    (tmp_path / "locomo_recall.py").write_text("print('session hit@10 90.0')\nprint('recall@10 61.5')")

    printed = run("--only", "locomo", "--locomo", tmp_path / "data.json")

    assert "61.5 %" in printed
    assert ">= 62.0 %" in printed
    assert str(tmp_path) not in printed


def test_every_user_agent_and_run_has_a_scope_of_memories():
    sizes = Counter()
    pairs = Counter()
    for session in sessions(5_000, seed=1):
        sizes.update({item: len(session.texts) for item in session.ids().items()})
        pairs[session.user_id, session.agent_id, session.run_id] += 1

    assert set(sizes.values()) == {SCOPE_SIZE}
    assert len(sizes) == 3 * 50
    assert set(pairs.values()) == {1}


def test_conversations_depend_on_the_seed_and_on_nothing_else():
    assert list(sessions(1_000, 1)) == list(sessions(1_000, 1))
    assert list(sessions(1_000, 1)) != list(sessions(1_000, 2))


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (compared("a", "a", 1.0, 5.0, "peer", at_least=5), True),
        (compared("a", "a", 1.0, 4.9, "peer", at_least=5), False),
        (growth("a", "a", 1.5, 1.0, "itself", at_most=1.5), True),
        (growth("a", "a", 1.6, 1.0, "itself", at_most=1.5), False),
        (compared("a", "a", 1.0, 5.0, "peer"), None),
    ],
)
def test_a_row_is_judged_by_its_ratio(row, met):
    assert row.met is met


def test_contenders_take_turns_and_each_makes_all_its_calls():
    made = []
    contenders = [[lambda: made.append("a")] * 4, [lambda: made.append("b")] * 2]

    medians(contenders)

    assert made == ["a", "b", "a", "a", "b", "a"]
