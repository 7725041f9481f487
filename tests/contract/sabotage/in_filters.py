"""Bugs in the logic of filters, and in what a missing value is."""

from __future__ import annotations

from dataclasses import replace

from contract.sabotage.engines import AsWritten, Engine, Rewriting
from contract.sabotage.registry import sabotage

from memstore.filters import And, Comparison, Field, FilterError, In, Not, Operator, Or
from memstore.filters.evaluate import lookup
from memstore.filters.instants import format_instant, parse_instant
from memstore.memory import Scope, pinned_ids
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_null_and_missing_are_one",
    source="Qdrant: `is_null` finds an explicit null, and not a missing key, which is `is_empty`",
)
class ExplicitNullOnly(Engine):
    """Finds by `== null` only keys that are there and hold null."""

    def leaf(self, leaf, memory):
        asks_for_null = leaf == Comparison(leaf.field, Operator.EQ, None)
        return super().leaf(leaf, memory) and not (asks_for_null and leaf.field.path[-1] not in memory.meta)


@sabotage(
    caught_by="test_null_and_missing_are_one",
    source="Elasticsearch: a field with an empty list does not exist",
)
class EmptyListIsNull(Engine):
    """Takes an empty list for a missing value."""

    def stored(self, field, memory):
        found = super().stored(field, memory)
        return None if found == [] else found


@sabotage(
    caught_by="test_not_equal_is_the_negation_of_equal",
    source="mem0.md: on the embedded Qdrant store `ne` misses rows that lack the field",
)
class MissingIsNotUnequal(Engine):
    """Finds by `!=` only memories that have the key."""

    def negated(self, child, memory):
        equality = isinstance(child, Comparison) and child.operator is Operator.EQ
        return super().negated(child, memory) and not (equality and lookup(child.field, memory) is None)


@sabotage(
    caught_by="test_in_is_equality_with_one_of_several",
    source="SQL: `a IN (1, NULL)` is not true of NULL",
)
class NullIsNotAmongValues(Engine):
    """Does not find null by an `in` whose list has null in it."""

    def leaf(self, leaf, memory):
        return super().leaf(leaf, memory) and not (isinstance(leaf, In) and lookup(leaf.field, memory) is None)


@sabotage(
    caught_by="test_in_is_equality_with_one_of_several",
    source="SQL: `a NOT IN (1, NULL)` is true of nothing",
)
class NotInNullFindsNothing(Engine):
    """Finds nothing by a `not in` whose list has null in it."""

    def negated(self, child, memory):
        return super().negated(child, memory) and not (isinstance(child, In) and None in child.values)


@sabotage(
    caught_by="test_in_is_equality_with_one_of_several",
    source="MongoDB: `$in` finds an array by any of its items",
)
class InLooksIntoLists(Engine):
    """Finds a list by `in` when one of its items is among the values."""

    def leaf(self, leaf, memory):
        found = self.stored(leaf.field, memory)
        items = found if isinstance(leaf, In) and isinstance(found, list) else []
        return super().leaf(leaf, memory) or any(self.equal(item, value) for item in items for value in leaf.values)


@sabotage(
    caught_by="test_not_in_is_the_negation_of_in",
    source="mem0-haystack 1.0.0 sends `not in` as `ne` with a list",
)
class NotInAsNotEqual(Engine):
    """Sends `not in` as `!=` with the first value of the list."""

    def negated(self, child, memory):
        if isinstance(child, In):
            child = Comparison(child.field, Operator.EQ, child.values[0])
        return super().negated(child, memory)


@sabotage(
    caught_by="test_in_nothing_finds_nothing",
    source="needs.md: `in []` matching everything, and a delete by it erasing everything",
)
class EmptyListDropped(AsWritten):
    """Drops a condition whose list is empty."""

    def all_of(self, children, memory):
        return super().all_of(tuple(child for child in children if not isinstance(child, In) or child.values), memory)


@sabotage(
    caught_by="test_in_nothing_finds_nothing",
    source="OpenSearch: a `bool` query without a clause matches all documents",
)
class EmptyOrFindsEverything(AsWritten):
    """Finds everything by an `OR` without conditions."""

    def any_of(self, children, memory):
        return not children or super().any_of(children, memory)


@sabotage(
    caught_by="test_what_has_no_order_never_matches",
    source="SQL's three-valued logic; langchain-ai/langgraph#8366 asks what null means",
)
class UnknownStaysUnknown(Engine):
    """Drops a row from a `NOT` when its value is null, by three-valued logic."""

    def negated(self, child, memory):
        return super().negated(child, memory) and lookup(child.field, memory) is not None


@sabotage(
    caught_by="test_what_has_no_order_never_matches",
    source="weaviate-haystack: OPERATOR_INVERSE sends NOT (a < 3) as a >= 3",
)
class NotLessAsGreaterOrEqual(Engine):
    """Reads the negation of an order as the opposite order."""

    OPPOSITE = {"<": Operator.GE, "<=": Operator.GT, ">": Operator.LE, ">=": Operator.LT}

    def negated(self, child, memory):
        if isinstance(child, Comparison) and child.operator in self.OPPOSITE:
            return self.leaf(Comparison(child.field, self.OPPOSITE[child.operator], child.value), memory)
        return super().negated(child, memory)


@sabotage(
    caught_by="test_what_has_no_order_never_matches",
    source="MySQL and SQLite sort NULL before everything, and Python code that sorts does so too",
)
class NullComesFirst(Engine):
    """Orders null before every number."""

    def ordered(self, found, operator, value):
        if found is None and not isinstance(value, str):
            return operator in (Operator.LT, Operator.LE)
        return super().ordered(found, operator, value)


@sabotage(
    caught_by="test_not_of_several_is_not_all_of_them",
    source="mem0-haystack 1.0.0 turns `NOT [a, b]` into none-of: 86 rows where 142 are right",
)
class NotOfSeveralAsNoneOf(AsWritten):
    """Reads `NOT` of several conditions as none of them."""

    def negated(self, child, memory):
        return super().negated(Or(child.children) if isinstance(child, And) and child.children else child, memory)


@sabotage(
    caught_by="test_logic",
    source="mem0.md: on the embedded Qdrant store AND[c==a, c==b] keeps only the last",
)
class LastConditionOfAField(Engine):
    """Keeps of several comparisons of one field under an `AND` only the last."""

    def all_of(self, children, memory):
        by_field = {getattr(child, "field", child): child for child in children}
        return super().all_of(tuple(by_field.values()), memory)


@sabotage(
    caught_by="test_logic",
    source="mem0.md: on the embedded Qdrant store AND[OR[..], OR[..]] returns too much",
)
class OrsMerged(Engine):
    """Merges the `OR`s under an `AND` into one."""

    def all_of(self, children, memory):
        alternatives = [part for child in children if isinstance(child, Or) for part in child.children]
        rest = tuple(child for child in children if not isinstance(child, Or))
        return super().all_of(rest, memory) and (not alternatives or super().any_of(tuple(alternatives), memory))


@sabotage(
    caught_by="test_logic",
    source="mem0.md: AND mixing a range and `ne` on one field raises on the embedded Qdrant store",
)
class RangeBesideNotEqualRaises(Engine):
    """Raises for a range and a `!=` of one field, which it wants to put into one condition."""

    def all_of(self, children, memory):
        ranges = {child.field for child in children if isinstance(child, Comparison) and child.operator != "=="}
        if any(isinstance(child, Not) and child.child.field in ranges for child in children):
            raise ValueError("a condition is either a match or a range")
        return super().all_of(children, memory)


@sabotage(
    caught_by="test_logic",
    source="Haystack's own filters know AND, OR and NOT in capitals only",
)
class LogicInCapitalsOnly(Rewriting):
    """Refuses logic that is not written in capitals."""

    def rewritten(self, filters):
        if isinstance(filters, dict) and "field" not in filters and filters.get("operator") not in ("AND", "OR", "NOT"):
            raise FilterError("unknown logic", "operator")
        return super().rewritten(filters)


@sabotage(
    caught_by="test_not_of_several_is_not_all_of_them",
    source="OpenSearch: `should` beside `must_not` in one `bool` query",
)
class NegationBesideTheOr(Engine):
    """Moves the negated conditions of an `OR` beside it, where all of them must hold."""

    def any_of(self, children, memory):
        negated = tuple(child for child in children if isinstance(child, Not))
        others = tuple(child for child in children if not isinstance(child, Not))
        return self.all_of(negated, memory) and (not others or super().any_of(others, memory))


@sabotage(
    caught_by="test_logic",
    source="mem0.md: an object with an AND and a sibling OR silently drops the OR",
)
class OrBesideAndDropped(Engine):
    """Drops an `OR` that stands beside other conditions."""

    def all_of(self, children, memory):
        return super().all_of(tuple(child for child in children if not isinstance(child, Or)), memory)


@sabotage(
    caught_by="test_random_filters",
    source="LangGraph: the filter of a search is a flat dictionary",
)
class NestedConditionsIgnored(Rewriting):
    """Looks only at the comparisons at the top of a filter."""

    def rewritten(self, filters):
        if isinstance(filters, dict) and filters.get("operator") == "AND":
            return {**filters, "conditions": [part for part in filters["conditions"] if "field" in part]}
        return filters


@sabotage(
    caught_by="test_random_filters_in_ranked_search",
    source="writing a vector backend: a namespace for each scope, and no other filter in the query",
)
class RankedSearchKnowsTheScopeOnly(Engine):
    """Looks in a ranked search only at the ids that a filter names."""

    def _rank(self, query, filter, limit):
        ids, _ = pinned_ids(filter)
        return super()._rank(query, Scope(**ids).filter, limit)


@sabotage(
    caught_by="test_random_filters_in_listing",
    source="mem0.md: get_all of Mem0 OSS passes filters on untranslated",
)
class ListingIgnoresNestedConditions(InMemoryMemoryStore):
    """Looks in `list_memories` only at the comparisons at the top of a filter."""

    def list_memories(self, *, filters=None, **arguments):
        if isinstance(filters, dict) and filters.get("operator") == "AND":
            filters = {**filters, "conditions": [part for part in filters["conditions"] if "field" in part]}
        return super().list_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_a_filter_never_costs_a_hit",
    source="needs.md: nearer rows of others starving a scoped search, as Mem0's FAISS store does",
)
class FilterAfterTheLimit(Engine):
    """Asks for the best `top_k` of a scope, and filters those."""

    def _rank(self, query, filter, limit):
        ids, _ = pinned_ids(filter)
        hits = rank(query, self._matching(Scope(**ids).filter), limit)
        return [(memory, score) for memory, score in hits if self.holds(filter, memory)], True


@sabotage(
    caught_by="test_a_filter_never_costs_a_hit",
    source="mem0.md: search of Mem0 OSS rewrites filters before the store sees them, and get_all does not",
)
class RankedSearchIgnoresNot(Engine):
    """Translates the filter of a ranked search by other code than that of listing, which knows no negation."""

    def _rank(self, query, filter, limit):
        parts = filter.children if isinstance(filter, And) else (filter,)
        return super()._rank(query, And(tuple(part for part in parts if not isinstance(part, Not))), limit)


@sabotage(
    caught_by="test_own_strings_compare_letter_by_letter",
    source="writing a vector backend: one payload for a memory's fields and its metadata",
)
class OnePayload(Engine):
    """Looks for a memory's own fields in its metadata first."""

    def leaf(self, leaf, memory):
        name = leaf.field.path[0]
        if leaf.field.is_text and name in memory.meta:
            leaf = replace(leaf, field=Field(("meta", name)))
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_own_strings_compare_letter_by_letter",
    source="haystack.utils.filters parses whatever looks like a date, ids too",
)
class OwnStringsAsTimes(Engine):
    """Compares a memory's own strings as times when they look like times."""

    def leaf(self, leaf, memory):
        asked = leaf.value if leaf.field.is_text and isinstance(leaf, Comparison) else None
        if asked is None or parse_instant(asked) is None:
            return super().leaf(leaf, memory)
        return parse_instant(asked) == parse_instant(lookup(leaf.field, memory) or "")


@sabotage(
    caught_by="test_own_times_compare_as_instants",
    source="writing a SQL backend: times in a TEXT column",
)
class OwnTimesAsText(Engine):
    """Compares `created_at` with the letters of the filter's value."""

    def leaf(self, leaf, memory):
        if leaf.field.path != ("created_at",) or isinstance(leaf, In) or leaf.value is None:
            return super().leaf(leaf, memory)
        told, asked = format_instant(memory.created_at), leaf.value
        return {"==": told == asked, "<": told < asked, ">": told > asked, "<=": told <= asked, ">=": told >= asked}[
            leaf.operator
        ]


@sabotage(
    caught_by="test_own_times_compare_as_instants",
    source="writing a vector backend: updated_at is no field of its payload",
)
class UpdatedAtIsMetadata(Engine):
    """Looks for `updated_at` in metadata."""

    def leaf(self, leaf, memory):
        if leaf.field.path == ("updated_at",):
            leaf = replace(leaf, field=Field(("meta", "updated_at")))
        return super().leaf(leaf, memory)
