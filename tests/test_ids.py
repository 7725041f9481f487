"""Ids are UUIDv7 and increase in the order of adding."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from memstore.ids import new_ids


def test_they_are_uuids_of_version_7_and_tell_the_time():
    before = time.time_ns() // 1_000_000
    ids = [uuid.UUID(text) for text in new_ids(100)]
    after = time.time_ns() // 1_000_000
    assert {(each.version, each.variant) for each in ids} == {(7, uuid.RFC_4122)}
    assert all(before <= each.int >> 80 <= after + 1 for each in ids)
    assert [str(each) for each in ids] == sorted(str(each) for each in ids)


def test_they_increase_across_calls_and_are_unique_across_threads():
    singles = [new_ids(1)[0] for _ in range(1000)]
    assert singles == sorted(set(singles))
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(new_ids, [50] * 200))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({each for batch in batches for each in batch}) == 10_000


def test_a_clock_that_stands_still_or_goes_back_does_not_matter(monkeypatch):
    before = new_ids(2)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    ids = [*before, *new_ids(3), *new_ids(1)]
    assert ids == sorted(set(ids))


def test_none_is_no_id():
    assert new_ids(0) == []
