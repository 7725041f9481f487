"""Bugs in how much a search returns, and in which order."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatMessage

from memstore import MemoryStoreError
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_a_new_store_is_empty",
    source="Python: `memories: dict = {}` in the class's body",
)
class StorageOfTheClass(Engine):
    """Keeps memories on its class, so that a new store has those of the one before."""

    shared = {}

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self._memories = self.shared


StorageOfTheClass().add_memories(messages=[ChatMessage.from_user("of an earlier store")], infer=False, user_id="maya")


@sabotage(
    caught_by="test_a_new_store_is_empty",
    source="writing a vector backend: a first record is added so that the engine makes its schema",
)
class ProbeLeftBehind(InMemoryMemoryStore):
    """Adds a memory of its own when it is opened, and leaves it there."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.add_memories(messages=[ChatMessage.from_user("probe")], infer=False, user_id="probe")


class Ranking(Engine):
    """Ranks by `hits`, of which it returns as many as are wanted."""

    def hits(self, query, filter):
        return super()._rank(query, filter, 100_000)[0]

    def _rank(self, query, filter, limit):
        return self.hits(query, filter)[:limit], True


class FullText(Engine):
    """Ranks by SQLite's FTS5; what its expression does not find comes last."""

    def expression(self, query):
        return " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query)) or '""'

    def matched(self, connection, expression):
        statement = "SELECT id, -rank FROM texts WHERE texts MATCH ? ORDER BY rank"
        return connection.execute(statement, [expression]).fetchall()

    def _rank(self, query, filter, limit):
        known = {memory.id: memory for memory in self._matching(filter)}
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE texts USING fts5(id UNINDEXED, text)")
            connection.executemany("INSERT INTO texts VALUES (?, ?)", [(m.id, m.text) for m in known.values()])
            scores = dict(self.matched(connection, self.expression(query)))
        hits = [(memory, scores.get(memory_id, 0.0)) for memory_id, memory in known.items()]
        return sorted(hits, key=lambda hit: -hit[1])[:limit], True


@sabotage(
    caught_by="test_top_k_bounds_a_ranked_search",
    source="OpenSearch: a search has 10 hits unless `size` is given",
)
class EngineCapsResults(Ranking):
    """Returns what the engine returns unasked, which is never more than ten."""

    def hits(self, query, filter):
        return super().hits(query, filter)[:10]


@sabotage(
    caught_by="test_top_k_bounds_a_ranked_search",
    source="mem0.md: top_k is 10 on the platform and 20 in OSS unless given",
)
class EnginesOwnTopK(InMemoryMemoryStore):
    """Returns ten results where `top_k` is not given."""

    def search_memories(self, *, top_k=10, **arguments):
        return super().search_memories(top_k=top_k, **arguments)


@sabotage(
    caught_by="test_weak_matches_fill_up_top_k",
    source="mem0.md: the threshold of a search is 0.1 unless given",
)
class Threshold(Ranking):
    """Leaves out what scores less than 0.1."""

    def hits(self, query, filter):
        return [(memory, score) for memory, score in super().hits(query, filter) if score >= 0.1]


@sabotage(
    caught_by="test_top_k_below_one_is_refused",
    source="Python: `top_k or 1000`",
)
class ZeroMeansAll(InMemoryMemoryStore):
    """Takes a `top_k` of 0 for no limit."""

    def search_memories(self, *, top_k=5, **arguments):
        return super().search_memories(top_k=1000 if top_k == 0 else top_k, **arguments)


@sabotage(
    caught_by="test_top_k_below_one_is_refused",
    source="Python: results[:-1] is a list as well; SQLite: LIMIT -1 is no limit",
)
class NegativeTopK(InMemoryMemoryStore):
    """Takes a negative `top_k` for an end of the list."""

    def search_memories(self, *, top_k=5, **arguments):
        negative = type(top_k) is int and top_k < 0
        found = super().search_memories(top_k=1000 if negative else top_k, **arguments)
        return found[:top_k] if negative else found


@sabotage(
    caught_by="test_top_k_below_one_is_refused",
    source="writing an HTTP backend: int(top_k)",
)
class TopKConverted(InMemoryMemoryStore):
    """Makes an integer of whatever `top_k` is."""

    def search_memories(self, *, top_k=5, **arguments):
        return super().search_memories(top_k=top_k if top_k is None else int(top_k), **arguments)


@sabotage(
    caught_by="test_top_k_bounds_a_ranked_search",
    source="mem0.md: top_k is 1 to 1000 on the platform, which refuses more",
    raises=MemoryStoreError,
)
class LargeTopKRefused(InMemoryMemoryStore):
    """Hands on a `top_k` that the engine refuses."""

    def search_memories(self, *, top_k=5, **arguments):
        if type(top_k) is int and top_k > 1000:
            raise MemoryStoreError("Bad Request: top_k")
        return super().search_memories(top_k=top_k, **arguments)


@sabotage(
    caught_by="test_top_k_goes_past_every_page",
    source="mem0.md: search on the platform stops at 1,000 results, and has no offset",
)
class CeilingTakenForTheEnd(Ranking):
    """Takes the engine's ceiling of 1,000 hits for all there are."""

    def hits(self, query, filter):
        return super().hits(query, filter)[:1000]


@sabotage(
    caught_by="test_no_query_returns_everything",
    source="mem0ai/mem0#6438: page one only; the platform's pages have 200 memories",
)
class FirstPageOnly(InMemoryMemoryStore):
    """Reads the first page of the engine, of 200 memories."""

    def _select(self, filter, after, limit):
        return super()._select(filter, after, min(limit, 200))


@sabotage(
    caught_by="test_no_query_returns_everything",
    source="mem0.md: get_all(top_k=20)",
)
class TopKLimitsListing(InMemoryMemoryStore):
    """Limits a search without a query by `top_k` too."""

    def search_memories(self, *, query=None, top_k=5, **arguments):
        found = super().search_memories(query=query, top_k=top_k, **arguments)
        return found if query else found[:top_k]


@sabotage(
    caught_by="test_no_query_returns_everything",
    source="writing a SQL backend: WHERE created_at > ? for the next page",
)
class TiesLostBetweenPages(Engine):
    """Begins a page behind the moment at which the one before ended."""

    def follows(self, memory, after):
        return memory.created_at > after[0]


@sabotage(
    caught_by="test_no_query_returns_everything",
    source="writing a SQL backend: >= for > in the next page's condition",
)
class PagesOverlap(Engine):
    """Begins a page with the last memory of the one before."""

    def follows(self, memory, after):
        return memory.position >= after


@sabotage(
    caught_by="test_a_blank_query_is_none",
    source="writing a vector backend: a query of blanks is a query, and has an embedding",
)
class BlankQueryRanked(InMemoryMemoryStore):
    """Searches for a blank query, and returns `top_k` results."""

    def search_memories(self, *, query=None, top_k=5, **arguments):
        found = super().search_memories(query=query, top_k=top_k, **arguments)
        return found if query is None or query.strip() else found[:top_k]


@sabotage(
    caught_by="test_a_blank_query_is_none",
    source="writing a SQL backend: FTS5 finds nothing by an empty phrase",
)
class BlankQueryFindsNothing(InMemoryMemoryStore):
    """Finds nothing by a blank query."""

    def search_memories(self, *, query=None, **arguments):
        return super().search_memories(query=query, **arguments) if query is None or query.strip() else []


@sabotage(
    caught_by="test_no_memory_is_returned_twice",
    source="writing a vector backend: a long text has several embeddings, each of which is a hit",
)
class HitForEachChunk(Ranking):
    """Returns a memory for each of its chunks that match."""

    def hits(self, query, filter):
        return [hit for hit in super().hits(query, filter) for _ in range(0, len(hit[0].text), 12)]


@sabotage(
    caught_by="test_no_memory_is_returned_twice",
    source="writing a vector backend: results merged by their text",
)
class SameTextOneHit(Ranking):
    """Returns one of the memories that have the same text."""

    def hits(self, query, filter):
        return list({hit[0].text: hit for hit in super().hits(query, filter)}.values())


@sabotage(
    caught_by="test_a_memory_is_found_first_by_its_own_text",
    source="mem0ai/mem0#4456: 11 of 22 stores return distances; #4453: a threshold inverted by that",
)
class DistancesTakenForScores(Ranking):
    """Puts the farthest first, since the engine's scores are distances."""

    def hits(self, query, filter):
        distances = [(memory, 1 / (1 + score)) for memory, score in super().hits(query, filter)]
        return sorted(distances, key=lambda hit: -hit[1])


@sabotage(
    caught_by="test_order_follows_score",
    source="pgvector: <=> is a distance, and ORDER BY has it right",
)
class DistancesShown(Ranking):
    """Puts the nearest first, and shows distances as scores."""

    def hits(self, query, filter):
        return [(memory, 1 / (1 + score)) for memory, score in super().hits(query, filter)]


@sabotage(
    caught_by="test_order_follows_score",
    source="writing a SQL backend: WHERE id IN (the hits), in the table's order",
)
class HitsInOrderOfTime(Ranking):
    """Reads the records of the hits, and returns them in the order in which it reads them."""

    def _rank(self, query, filter, limit):
        hits, exhausted = super()._rank(query, filter, limit)
        return sorted(hits, key=lambda hit: hit[0].position), exhausted


@sabotage(
    caught_by="test_order_follows_score",
    source="OpenSearch: what only a filter asks for scores the same",
)
class AllScoresTheSame(Ranking):
    """Shows 1.0 as the score of every hit."""

    def hits(self, query, filter):
        return [(memory, 1.0) for memory, _ in super().hits(query, filter)]


@sabotage(
    caught_by="test_the_same_query_gives_the_same_result",
    source="OpenSearch: replicas break ties differently",
)
class TiesInAnyOrder(Ranking):
    """Breaks ties at random."""

    def hits(self, query, filter):
        return sorted(super().hits(query, filter), key=lambda hit: (-hit[1], random.random()))


@sabotage(
    caught_by="test_the_same_query_gives_the_same_result",
    source="generative agents: what is remembered often is remembered better",
)
class SearchingChangesScores(Ranking):
    """Raises the score of a memory with each search that finds it."""

    def _rank(self, query, filter, limit):
        found = self.__dict__.setdefault("found", {})
        hits = [(memory, score + found.get(memory.id, 0)) for memory, score in self.hits(query, filter)]
        hits = sorted(hits, key=lambda hit: -hit[1])[:limit]
        found.update((memory.id, found.get(memory.id, 0) + 0.1) for memory, _ in hits)
        return hits, True


@sabotage(
    caught_by="test_odd_queries_are_only_text",
    source="SQLite: FTS5 has a syntax, and raises for what is none",
    raises=MemoryStoreError,
)
class QueryIsASyntax(FullText):
    """Hands the query to FTS5 as it is."""

    def expression(self, query):
        return query


@sabotage(
    caught_by="test_odd_queries_are_only_text",
    source="needs.md: failure is not empty; mem0ai/mem0#5903",
)
class OddQueryFindsNothing(FullText):
    """Takes a query that FTS5 cannot read for one that finds nothing."""

    def expression(self, query):
        return query

    def _rank(self, query, filter, limit):
        try:
            return super()._rank(query, filter, limit)
        except sqlite3.OperationalError:
            return [], True


@sabotage(
    caught_by="test_odd_queries_are_only_text",
    source="Lucene: NOT excludes",
)
class NotExcludes(Ranking):
    """Leaves out texts with a word that stands behind NOT in the query."""

    def hits(self, query, filter):
        excluded = re.findall(r"NOT \(?(\w+)", query)
        return [hit for hit in super().hits(query, filter) if not any(word in hit[0].text for word in excluded)]
