"""What an approximate index misses is found all the same."""

from datetime import UTC, datetime, timedelta

import pytest

from memstore import Memory
from memstore_mem0.oss.ranking import _completed
from memstore_mem0.oss.support import ENGINES

START = datetime(2026, 1, 1, tzinfo=UTC)
MEMORIES = [
    Memory(str(number), "note", created_at=START + timedelta(days=number), updated_at=START) for number in range(5)
]


@pytest.mark.parametrize(("limit", "ids", "exhausted"), [(9, "31024", True), (5, "31024", True), (4, "3102", False)])
def test_what_was_missed_comes_last(limit, ids, exhausted):
    """Chroma's index was seen to miss one of a small scope in 1 run of 3; no test can make it."""
    hits = [(MEMORIES[3], 0.9), (MEMORIES[1], 0.4)]
    found, is_all = _completed(hits, reversed(MEMORIES), limit)
    assert "".join(memory.id for memory, _ in found) == ids
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert is_all is exhausted


def test_nothing_found_at_all():
    assert _completed([], MEMORIES[:1], 3) == ([(MEMORIES[0], 0.0)], True)


def test_which_engines_may_miss():
    assert {name for name, engine in ENGINES.items() if engine.may_miss} == {"chroma", "pgvector"}
