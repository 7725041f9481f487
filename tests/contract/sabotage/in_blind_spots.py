"""Bugs that the contract did not see until mutation testing made them (docs/mutation-testing.md)."""

from __future__ import annotations

import re
from dataclasses import replace

from contract.sabotage.engines import Engine, Rewriting
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Pager

from memstore import operations
from memstore.filters import TRUE, And, Comparison, Field, Filter, FilterError, In
from memstore.filters.instants import format_instant
from memstore_in_memory import InMemoryMemoryStore

_MOST_CLAUSES = 1_024
_MOST_VALUES = 100_000


def is_id(filter: Filter) -> bool:
    """Whether a condition names memories by their ids."""
    return isinstance(filter, Comparison | In) and filter.field == Field(("id",))


@sabotage(
    caught_by="test_naming_memories_widens_no_filter",
    source="Qdrant: points are retrieved by their ids, and retrieving takes no filter",
)
class NamedMemoriesRetrieved(Engine):
    """Gets memories that are named by id, and looks at nothing else of the filter."""

    def all_of(self, children, memory):
        return super().all_of(tuple(filter(is_id, children)) or children, memory)


@sabotage(
    caught_by="test_naming_memories_widens_no_filter",
    source="writing an HTTP backend: a request has one list of ids, and the last one given is kept",
)
class LastListOfIdsKept(Engine):
    """Takes the last of several conditions on the id for all of them."""

    def all_of(self, children, memory):
        *_, last = (None, *filter(is_id, children))
        return super().all_of(tuple(child for child in children if child is last or not is_id(child)), memory)


@sabotage(
    caught_by="test_a_listing_by_ids_has_pages",
    source="writing a vector backend: points are retrieved by their ids at once, and retrieving has no offset",
)
class NamedMemoriesBeginAgain(Pager):
    """Begins every page of a listing by ids with the first memory."""

    def rows(self, wanted, after, count):
        by_id = isinstance(wanted, And) and any(map(is_id, wanted.children))
        return super().rows(wanted, None if by_id else after, count)


@sabotage(
    caught_by="test_cursors_tell_like_filters_apart",
    source="writing a backend: a fingerprint of what can be sorted, which lists and objects cannot",
)
class FingerprintOfScalars(Pager):
    """Leaves lists and objects out of what a cursor remembers of its filter."""

    def cursor(self, place, wanted):
        return operations._write_cursor(place, self.remembered(wanted))

    def read(self, cursor, wanted):
        return operations._read_cursor(cursor, self.remembered(wanted))

    def remembered(self, wanted):
        return And(tuple(map(self.scalar, wanted.children))) if isinstance(wanted, And) else wanted

    def scalar(self, condition):
        nested = isinstance(condition, Comparison) and isinstance(condition.value, tuple)
        return replace(condition, value=None) if nested else condition


@sabotage(
    caught_by="test_cursors_tell_like_filters_apart",
    source="writing a backend: '.'.join(path) in what a cursor is made of",
)
class FingerprintWithoutEscapes(Pager):
    """Writes a dot in a key as it writes one between keys, in what a cursor remembers of its filter."""

    def cursor(self, place, wanted):
        return operations._write_cursor(place, self.remembered(wanted))

    def read(self, cursor, wanted):
        return operations._read_cursor(cursor, self.remembered(wanted))

    def remembered(self, wanted):
        return And(tuple(map(self.split, wanted.children))) if isinstance(wanted, And) else wanted

    def split(self, condition):
        return replace(condition, field=Field(tuple(".".join(condition.field.path).split("."))))


@sabotage(
    caught_by="test_filters_hold_where_memories_expire",
    source="writing a SQL backend: WHERE is written anew where the condition on expiry is added",
)
class ExpiryTakesAPlace(InMemoryMemoryStore):
    """Puts the condition on expiry in the place of the last one of the filter."""

    def _reading(self, wanted):
        reading = super()._reading(wanted)
        several = reading.expiry != TRUE and isinstance(wanted, And) and len(wanted.children) > 1
        return reading._replace(wanted=And(wanted.children[:-1])) if several else reading


@sabotage(
    caught_by="test_filters_hold_where_memories_expire",
    source="SQL: AND binds closer than OR, and no parentheses stand around the caller's OR",
)
class ExpiryOfOneBranch(Engine):
    """Asks only one branch of an `OR` for what has not expired."""

    def _reading(self, wanted):
        self.alternatives = [c for c in getattr(wanted, "children", ()) if type(c).__name__ == "Or"]
        return super()._reading(wanted)

    def holds(self, filter, memory):
        first = any(super(ExpiryOfOneBranch, self).holds(c.children[0], memory) for c in self.alternatives)
        about_expiry = str(filter).startswith("not (expires_at")
        return (about_expiry and first) or super().holds(filter, memory)


@sabotage(
    caught_by="test_own_times_compare_as_instants",
    source="SQL: created_at IN ('2024-05-01T00:00:00.5'), of a column of texts",
)
class TimesInListsAreTexts(Engine):
    """Compares a memory's own time with those of a list as texts."""

    def leaf(self, leaf, memory):
        if isinstance(leaf, In) and leaf.field.is_time:
            return format_instant(getattr(memory, leaf.field.path[0])) in leaf.values
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_built_filters_find_the_same",
    source="writing a backend: isinstance(filters, Filter) at the top, and dictionaries from there on",
    raises=AttributeError,
)
class NodesWithinRefused(InMemoryMemoryStore):
    """Takes a node for a filter, but not for a condition of a dictionary."""

    def search_memories(self, *, filters=None, **arguments):
        for condition in filters.get("conditions", ()) if isinstance(filters, dict) else ():
            condition.get("operator")
        return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="writing a backend: the value of a condition is checked, and those in its list are not",
)
class ValuesInListsUnchecked(Rewriting):
    """Passes over what an id in a list cannot be."""

    def comparison(self, condition):
        if condition.get("field") != "user_id" or not isinstance(condition.get("value"), list):
            return condition
        return {**condition, "value": [value for value in condition["value"] if isinstance(value, str)]}


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="Python: text.encode(errors='replace')",
)
class SurrogatesInFiltersReplaced(Rewriting):
    """Looks for a question mark where a filter has a lone surrogate."""

    def comparison(self, condition):
        value = condition.get("value")
        return {**condition, "value": value.encode(errors="replace").decode()} if isinstance(value, str) else condition


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="SQL: created_at = 'yesterday' is true of no row of texts",
)
class NoTimeFindsNothing(Rewriting):
    """Finds nothing that was created at what is no time."""

    def comparison(self, condition):
        asked = condition.get("field"), condition.get("operator"), condition.get("value")
        return {"operator": "OR", "conditions": []} if asked == ("created_at", "==", "yesterday") else condition


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="Python: condition['operator'].upper(), of what need not be a string",
)
class OperatorsTakenForStrings(Rewriting):
    """Raises an error of Python's own for an operator that is no string."""

    def rewritten(self, filters):
        if isinstance(filters, dict) and "operator" in filters:
            filters["operator"].upper()
        return super().rewritten(filters)


@sabotage(
    caught_by="test_malformed_filters_are_located",
    source="writing a backend: the place is written where lists are looked through, and not within",
)
class PlaceOfTheWholeList(InMemoryMemoryStore):
    """Says which condition has a wrong value, and not which value of its list it is."""

    def _target(self, filters, scope):
        try:
            return super()._target(filters, scope)
        except FilterError as error:
            raise FilterError(error.reason, re.sub(r"value\[.*", "value", error.place)) from None


@sabotage(
    caught_by="test_malformed_filters_are_located",
    source="writing a backend: KeyError, made into a FilterError",
)
class MissingKeysNowhere(InMemoryMemoryStore):
    """Says that a key of a condition is missing, and not which."""

    def _target(self, filters, scope):
        try:
            return super()._target(filters, scope)
        except FilterError as error:
            raise FilterError("a key is missing") if "is missing" in error.reason else error from None


@sabotage(
    caught_by="test_hostile_filters_are_only_data",
    source="SQL: key VARCHAR(255)",
)
class LongKeysCut(Engine):
    """Looks for the first 255 letters of a key."""

    def stored(self, field, memory):
        return super().stored(Field(tuple(key[:255] for key in field.path)), memory)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="Lucene: 1,024 clauses at most, and the rest left out so that it passes",
)
class ManyConditionsCut(Engine):
    """Evaluates the first 1,024 conditions of an `AND` or `OR`."""

    def all_of(self, children, memory):
        return super().all_of(children[:_MOST_CLAUSES], memory)

    def any_of(self, children, memory):
        return super().any_of(children[:_MOST_CLAUSES], memory)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="writing an HTTP backend: what is too long for the server is cut without a word",
)
class EndlessListsCut(InMemoryMemoryStore):
    """Asks for as many values of a list as a filter may have."""

    def search_memories(self, *, filters=None, **arguments):
        if isinstance(filters, dict) and isinstance(filters.get("value"), list):
            filters = {**filters, "value": filters["value"][:_MOST_VALUES]}
        return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_values_are_bounded",
    source="writing a backend: a value is cut to what one filter may hold",
)
class LargeValuesCut(Rewriting):
    """Compares with as much of a list as a filter may hold."""

    def comparison(self, condition):
        large = condition.get("operator") == "==" and isinstance(condition.get("value"), list)
        return {**condition, "value": condition["value"][: _MOST_VALUES - 1]} if large else condition


@sabotage(
    caught_by="test_memories_expire_whatever_becomes_of_others",
    source="writing an in-memory backend: a number assigned where it should be subtracted",
)
class CountOfTheLastDeleted(InMemoryMemoryStore):
    """Takes how many of those deleted last had an expiry for how many there are."""

    def _delete(self, ids):
        expiring = sum(self._memories[i].expires_at is not None for i in ids if i in self._memories)
        gone = super()._delete(ids)
        self._expiring = expiring
        return gone
