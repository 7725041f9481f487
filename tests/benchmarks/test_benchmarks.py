"""`python -m benchmarks` runs and reports every row; what the rows say is not judged here."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.data import SCOPE_SIZE, sessions
from benchmarks.measure import medians
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


def run(*options):
    command = [sys.executable, "-m", "benchmarks", "--quick", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout


def test_a_quick_run_reports_every_row_as_a_table_and_as_json(tmp_path):
    printed = run("--json", tmp_path / "report.json")

    report = json.loads((tmp_path / "report.json").read_text())
    expected = ROWS | (MEMORY_ROWS if sys.platform == "linux" else set())
    assert {row["name"] for row in report["rows"]} == expected
    assert report["seed"] == 0
    assert {"python", "memstore", "haystack-ai", "langgraph", "numpy"} <= set(report["versions"])
    assert {"date", "processor", "sizes"} <= set(report)
    for row in report["rows"]:
        assert f"| {row['title']}" in printed
        assert (row["target"] is None) == (row["met"] is None)
    assert next(row["met"] for row in report["rows"] if row["name"] == "search.foreign")
    assert "LoCoMo evidence recall is left out" in printed


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
