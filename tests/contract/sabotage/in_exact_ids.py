"""Bugs in which ids are the same, and in whose memories a query reaches."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from contract.sabotage.engines import Engine, Rewriting
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatMessage

from memstore.filters import TRUE, Comparison, Field, Operator, Or, matches
from memstore.memory import SCOPE_FIELDS, Scope, pinned_ids
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Alike(Engine):
    """Takes an id for another when `folded` makes the same of both."""

    def folded(self, value: str) -> Any:
        return value

    def leaf(self, leaf: Any, memory: Any) -> bool:
        name = leaf.field.path[0]
        if isinstance(leaf, Comparison) and name in SCOPE_FIELDS and isinstance(leaf.value, str):
            own = getattr(memory, name)
            return own is not None and self.folded(own) == self.folded(leaf.value)
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_ids_are_exact",
    source="MySQL: a collation that ends in _ci",
)
class IdsFoldCase(Alike):
    """Takes two ids for the same that differ in case."""

    def folded(self, value):
        return value.casefold()


@sabotage(
    caught_by="test_ids_are_exact",
    source="writing a backend: unicodedata.normalize('NFKC', user_id), as for user names",
)
class IdsNormalised(Alike):
    """Takes two ids for the same that Unicode calls compatible."""

    def folded(self, value):
        return unicodedata.normalize("NFKC", value)


@sabotage(
    caught_by="test_ids_are_exact",
    source="MySQL: VARCHAR(191), without strict mode",
)
class IdsCut(Alike):
    """Compares the first 191 letters of ids."""

    def folded(self, value):
        return value[:191]


@sabotage(
    caught_by="test_ids_are_exact",
    source="SQLite: a column declared as STRING has NUMERIC affinity",
)
class IdsAsNumbers(Alike):
    """Takes two ids for the same that are one number."""

    def folded(self, value):
        try:
            return float(value)
        except ValueError:
            return value


@sabotage(
    caught_by="test_ids_are_exact",
    source="Elasticsearch: dynamic mapping makes an id a `text`, of which the tokens are compared",
)
class IdsTokenised(Alike):
    """Compares the words of ids."""

    def folded(self, value):
        return "".join(letter if letter.isalnum() else " " for letter in value).split()


class Loosely(Rewriting):
    """Finds by an id that a filter names all that are `alike`."""

    def alike(self, own: str, value: str) -> bool:
        return own == value

    def comparison(self, condition: dict[str, Any]) -> Any:
        name = condition["field"]
        if name in SCOPE_FIELDS and condition["operator"] == "==":
            owned = {getattr(memory, name) for memory in self._memories.values()} - {None}
            alike = [own for own in owned if self.alike(own, condition["value"])]
            return {**condition, "operator": "in", "value": alike}
        return condition


@sabotage(
    caught_by="test_filters_compare_ids_exactly",
    source="Haystack: document_matches_filter compares an id as a time where it is one",
)
class IdsInFiltersAsTimes(Loosely):
    """Takes two ids in filters for the same that are one moment."""

    def alike(self, own, value):
        try:
            return datetime.fromisoformat(own) == datetime.fromisoformat(value)
        except (ValueError, TypeError):
            return own == value


@sabotage(
    caught_by="test_filters_compare_ids_exactly",
    source="SQLite: GLOB, and Redis: SCAN MATCH",
)
class IdsInFiltersAsPatterns(Loosely):
    """Reads an id in a filter as a pattern."""

    def alike(self, own, value):
        return own == value or fnmatchcase(own, value)


@sabotage(
    caught_by="test_filters_compare_ids_exactly",
    source="writing a SQL backend: json_extract() of an id, where the other side is a literal",
)
class IdsInFiltersAsJSON(Loosely):
    """Compares ids in filters as JSON."""

    def alike(self, own, value):
        try:
            return json.loads(own) == json.loads(value)
        except ValueError:
            return own == value


class Deleter(InMemoryMemoryStore):
    """Deletes all memories of which each id given `names` their own."""

    def names(self, own: str | None, given: str) -> bool:
        return own == given

    def delete_all_memories(self, **ids: Any) -> None:
        if scope := Scope(**ids):
            self._delete([memory.id for memory in list(self._memories.values()) if self._has(memory, scope)])
        else:
            super().delete_all_memories()

    def _has(self, memory: Any, scope: Scope) -> bool:
        return all(self.names(getattr(memory, name), value) for name, value in scope.ids.items())


@sabotage(
    caught_by="test_deleting_all_takes_ids_exactly",
    source="Pinecone: list(prefix=user_id), and delete what comes",
)
class DeletesByPrefix(Deleter):
    """Deletes all memories of users whose id begins alike."""

    def names(self, own, given):
        return own is not None and own.startswith(given)


@sabotage(
    caught_by="test_deleting_all_takes_ids_exactly",
    source="writing a SQL backend: DELETE ... WHERE user_id LIKE ?, which ignores case",
)
class DeletesLike(Deleter):
    """Deletes all memories of users whose id is alike in lower case."""

    def names(self, own, given):
        return own is not None and own.lower() == given.lower()


# Whose memories a query reaches.


@sabotage(
    caught_by="test_a_user_never_sees_anothers_memories",
    source="Lucene: the query string has a language, with fields and OR",
)
class QueriesNameUsers(InMemoryMemoryStore):
    """Reads `user_id:` in a query as the user whose memories are wanted too."""

    def _rank(self, query, filter, limit):
        if "user_id:" in query:
            user = query.rpartition("user_id:")[2].strip('"')
            filter = Or((filter, Comparison(Field(("user_id",)), Operator.EQ, user)))
        return super()._rank(query, filter, limit)


@sabotage(
    caught_by="test_a_user_never_sees_anothers_memories",
    source="RediSearch: FT.SEARCH index '*'",
)
class StarFindsAll(InMemoryMemoryStore):
    """Finds all memories of everybody by the query `*`."""

    def _rank(self, query, filter, limit):
        return super()._rank(query, TRUE if query == "*" else filter, limit)


@sabotage(
    caught_by="test_a_user_never_sees_anothers_memories",
    source="CVE-2025-8709: SQL made of what the caller wrote",
)
class QueriesPastedIntoSQL(InMemoryMemoryStore):
    """Runs what stands behind a quote in a query as SQL."""

    def _rank(self, query, filter, limit):
        return super()._rank(query, TRUE if "' OR 1=1" in query else filter, limit)


@sabotage(
    caught_by="test_a_user_never_sees_anothers_memories",
    source="writing a vector backend: the single message is made by a helper that knows only the query",
)
class SingleMessageOfEverybody(InMemoryMemoryStore):
    """Makes the single message for a query of everybody's memories."""

    def search_memories_as_single_message(self, *, query=None, **arguments):
        if query is None:
            return super().search_memories_as_single_message(**arguments)
        return ChatMessage.from_system("\n".join(memory.text for memory in self._memories.values()))


class Cutting(Engine):
    """Ranks `fetched` memories, `so_many` of them, and keeps what matches."""

    def fetched(self, filter: Any) -> Any:
        return self._matching(filter)

    def so_many(self, limit: int) -> int:
        return limit

    def _rank(self, query: str, filter: Any, limit: int) -> Any:
        hits = rank(query, self.fetched(filter), self.so_many(limit))
        return [hit for hit in hits if self.holds(filter, hit[0])][:limit], True


@sabotage(
    caught_by="test_others_starve_no_search",
    source="FAISS: nearer rows of others starve a scoped search",
)
class FilteredBehindTheIndex(Cutting):
    """Takes the best of all memories, and of these the caller's own."""

    def fetched(self, filter):
        return self._matching(TRUE)


@sabotage(
    caught_by="test_others_starve_no_search",
    source="writing a vector backend: top_k * 10 is enough for everybody",
)
class FetchesTenTimes(Cutting):
    """Takes ten times as many of all memories, and of these the caller's own."""

    def fetched(self, filter):
        return self._matching(TRUE)

    def so_many(self, limit):
        return 10 * limit


@sabotage(
    caught_by="test_what_a_filter_leaves_out_starves_no_search",
    source="pgvector: an HNSW index returns ef_search rows, and WHERE comes behind it",
)
class FilteredBehindTheScope(Cutting):
    """Takes the best forty of a scope, and of these what matches the filter."""

    def fetched(self, filter):
        ids, _ = pinned_ids(filter)
        return self._matching(Scope(**ids).filter)

    def so_many(self, limit):
        return 40


@sabotage(
    caught_by="test_what_a_filter_leaves_out_starves_no_search",
    source="mem0.md: OpenSearch drops operators, so the rest is checked on the page that it returned",
)
class FiltersThePage(InMemoryMemoryStore):
    """Filters the page that a search by the ids returned."""

    def _rank(self, query, filter, limit):
        ids, rest = pinned_ids(filter)
        hits, _ = super()._rank(query, Scope(**ids).filter, limit)
        return [hit for hit in hits if matches(rest, hit[0])], True
