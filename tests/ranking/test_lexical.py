"""BM25: against its formula, against a fresh index, and against foreign memories."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from memstore import Memory
from memstore.ranking import LexicalIndex, rank
from memstore.ranking.lexical import K1, B
from memstore.ranking.terms import date_terms, query_terms, terms_of

START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ["walnut", "allergy", "bicycle", "the", "what", "running", "museum", "👍", "2026"]

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


@st.composite
def memories(draw, max_size=12):
    drawn = draw(st.lists(st.tuples(texts, st.integers(0, 3)), max_size=max_size))
    return [
        Memory(f"m{n}", text, created_at=START + timedelta(days=day), updated_at=START)
        for n, (text, day) in enumerate(drawn)
    ]


def by_the_book(query, records):
    """Okapi BM25 with Lucene's idf, a loop for each sum of the formula."""
    documents = {memory.id: Counter(terms_of(memory.text) + date_terms(memory.created_at)) for memory in records}
    mean = sum(sum(document.values()) for document in documents.values()) / max(1, len(documents))
    scores = {}
    for memory_id, document in documents.items():
        scores[memory_id] = 0.0
        for term in query_terms(query):
            having = sum(term in other for other in documents.values())
            idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
            frequency = document[term]
            length = sum(document.values()) / mean
            scores[memory_id] += idf * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * length))
    return scores


@given(texts, memories())
def test_scores_are_those_of_the_formula(query, records):
    expected = by_the_book(query, records)
    found = rank(query, records, 100)
    assert len(found) == len(records)
    assert all(math.isclose(score, expected[memory.id], abs_tol=1e-12) for memory, score in found)


@given(texts, memories(), st.integers(1, 15))
def test_order_is_by_score_then_newest_first(query, records, limit):
    expected = sorted(rank(query, records, 100), key=lambda hit: (hit[1], hit[0].position), reverse=True)
    assert rank(query, records, limit) == expected[:limit]
    assert rank(query, list(reversed(records)), limit) == expected[:limit]


@given(st.data())
def test_an_index_that_grew_and_shrank_equals_a_fresh_one(data):
    """Exactly: not a bit of a score depends on how the index came to be."""
    index, present = LexicalIndex(), {}
    pool = data.draw(memories(max_size=30))
    for memory in pool:
        action = data.draw(st.sampled_from(["add", "add and ask", "remove one"]))
        if action == "remove one" and present:
            gone = data.draw(st.sampled_from(sorted(present)))
            index.remove(gone)
            del present[gone]
        index.add(memory)
        present[memory.id] = memory
        if action == "add and ask":
            query = data.draw(texts)
            assert index.rank(query, 5) == rank(query, present.values(), 5)
    query = data.draw(texts)
    assert index.rank(query, 50) == rank(query, present.values(), 50)
    assert len(index) == len(present)


@given(texts, memories(), st.sets(st.integers(0, 11)))
def test_what_is_not_kept_changes_nothing(query, records, kept_numbers):
    kept = [memory for number, memory in enumerate(records) if number in kept_numbers]
    index = LexicalIndex(records)
    assert index.rank(query, 5, keep=lambda memory: memory in kept) == rank(query, kept, 5)


def test_many_removals_rebuild_the_index():
    records = [Memory(f"m{n}", f"walnut {n}", created_at=START, updated_at=START) for n in range(1000)]
    index = LexicalIndex(records)
    index.rank("walnut", 1)
    for memory in records[:990]:
        index.remove(memory.id)
    assert len(index._memories) < 200
    assert index.rank("walnut", 100) == rank("walnut", records[990:], 100)
    index.add(records[0])
    assert index.rank("walnut", 100) == rank("walnut", [records[0], *records[990:]], 100)


def test_segments_stay_few():
    index = LexicalIndex()
    for n in range(500):
        index.add(Memory(f"m{n}", f"walnut {n}", created_at=START, updated_at=START))
        index.rank("walnut", 1)
    assert len(index._segments) <= 10


def test_a_posting_takes_16_bytes():
    index = LexicalIndex([Memory("a", "walnut walnut bread", created_at=START, updated_at=START)])
    index.rank("walnut", 1)
    [segment] = index._segments
    sizes = [array.itemsize for array in (segment._terms, segment._slots, segment._counts)]
    assert sizes == [8, 4, 4]
    assert sorted(segment._counts.tolist())[-1] == 2


def test_nothing_to_rank():
    assert rank("walnut", [], 5) == []
    memory = Memory("a", "tea", created_at=START, updated_at=START)
    assert rank("walnut", [memory], 5) == [(memory, 0.0)]
    assert rank(" ", [memory], 5) == [(memory, 0.0)]


def test_times_before_1970_and_the_first_year():
    old = Memory("a", "tea", created_at=datetime(1, 1, 1, tzinfo=UTC), updated_at=START)
    newer = replace(old, id="b", created_at=datetime(1969, 1, 1, tzinfo=UTC))
    assert [memory.id for memory, _ in rank("coffee", [old, newer], 1)] == ["b"]
    assert [memory.id for memory, _ in rank("1969", [old, newer], 1)] == ["b"]
