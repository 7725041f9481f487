"""Bugs that show when a filter is odd, malformed, hostile or huge."""

from __future__ import annotations

import copy
import json
import sqlite3
from contextlib import closing
from typing import Any

from contract.sabotage.engines import Engine, Rewriting
from contract.sabotage.registry import sabotage

from memstore import MemoryStoreError
from memstore.filters import Field, FilterError, In, parse
from memstore_in_memory import InMemoryMemoryStore

_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")


@sabotage(
    caught_by="test_one_odd_record_breaks_no_query",
    source="needs.md: one odd row making the whole query raise, as PostgreSQL's ::numeric does",
)
class OddRowRaises(Engine):
    """Casts what is stored to a number in order to compare it with one."""

    def ordered(self, found, operator, value):
        if found is not None and not isinstance(value, str):
            found = float(found)
        return super().ordered(found, operator, value)


@sabotage(
    caught_by="test_one_odd_record_breaks_no_query",
    source="SQLite: CAST('9 lives' AS REAL) is 9, and of other texts 0",
)
class OddRowIsZero(Engine):
    """Reads what is no number as 0 when it compares it with one."""

    def ordered(self, found, operator, value):
        odd = isinstance(value, int | float) and isinstance(found, str | list | dict)
        return super().ordered(0 if odd else found, operator, value)


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="mem0ai/mem0#7214 silently drops operators; OpenSearch in Mem0 OSS does too",
)
class UnknownOperatorsDropped(Rewriting):
    """Drops a comparison whose operator it does not know."""

    def comparison(self, condition):
        known = condition.get("operator", "==") in _OPERATORS
        return condition if known else {"operator": "AND", "conditions": []}


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="mem0ai/mem0#5903: a failure that looks empty",
)
class MalformedFindsNothing(InMemoryMemoryStore):
    """Finds nothing by a filter that it cannot read."""

    def search_memories(self, **arguments):
        try:
            return super().search_memories(**arguments)
        except FilterError:
            return []


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="writing a vector backend: three keys are read, and no more are looked for",
)
class UnknownKeysIgnored(Rewriting):
    """Ignores keys of a condition that it does not know."""

    def comparison(self, condition):
        return {key: value for key, value in condition.items() if key in ("field", "operator", "value")}


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="Python: a string is a sequence of strings",
)
class StringAsList(Rewriting):
    """Reads the letters of a string as the values of `in`."""

    def comparison(self, condition):
        if condition.get("operator") in ("in", "not in") and isinstance(condition.get("value"), str):
            return {**condition, "value": list(condition["value"])}
        return condition


@sabotage(
    caught_by="test_malformed_filters_are_refused",
    source="Mem0's own dialect is {key: value}, and is taken beside Haystack's",
)
class ShorthandAccepted(Rewriting):
    """Takes {key: value} for an equality."""

    def rewritten(self, filters):
        if isinstance(filters, dict) and len(filters) == 1 and not {"field", "operator"} & filters.keys():
            [(key, value)] = filters.items()
            return {"field": key, "operator": "==", "value": value}
        return super().rewritten(filters)


@sabotage(
    caught_by="test_hostile_filters_are_only_data",
    source="CVE-2025-8709: filter keys pasted into langgraph-checkpoint-sqlite's statements",
    raises=MemoryStoreError,
)
class KeysPastedIntoStatements(Engine):
    """Writes the key of a filter into its SQL."""

    def stored(self, field, memory):
        first, *others = field.path[1:]
        key = _asked(f"SELECT key FROM json_each(?) WHERE key = '{first}'", json.dumps(memory.meta))
        return super().stored(Field(("meta", key or first, *others)), memory)


@sabotage(
    caught_by="test_hostile_filters_are_only_data",
    source="writing a SQL backend: a value in quotes within the statement",
)
class ValuesPastedIntoStatements(Engine):
    """Writes the value of a filter into its SQL."""

    def equal(self, found, value):
        texts = isinstance(found, str) and isinstance(value, str)
        return super().equal(found, value) or (texts and bool(_asked(f"SELECT ? = '{value}'", found)))


@sabotage(
    caught_by="test_hostile_filters_are_only_data",
    source="writing a SQL backend: a field's name unescaped a second time",
)
class BackslashesEaten(Engine):
    """Takes the backslashes out of the keys of a filter."""

    def stored(self, field, memory):
        [*walked, last] = field.path[1:]
        return memory.meta.get(last.replace("\\", "")) if not walked else super().stored(field, memory)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="writing a backend: a recursion over the filter before anything bounds its depth",
)
class CopiesEndlessFilters(InMemoryMemoryStore):
    """Copies a filter before it looks how deep it is."""

    def search_memories(self, *, filters=None, **arguments):
        return super().search_memories(filters=copy.deepcopy(filters), **arguments)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="OpenSearch: indices.query.bool.max_nested_depth",
    raises=FilterError,
)
class DeepFiltersRefused(InMemoryMemoryStore):
    """Refuses a filter that nests more than 20 deep."""

    def search_memories(self, *, filters=None, **arguments):
        if filters is not None and parse(filters).depth > 20:
            raise FilterError("nested too deep")
        return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="SQLite before 3.32: 999 parameters in a statement; Oracle: 1,000 in a list",
    raises=MemoryStoreError,
)
class TooManyParameters(Engine):
    """Binds each value of a list to a parameter, of which a statement has at most 999."""

    def leaf(self, leaf, memory):
        if isinstance(leaf, In) and len(leaf.values) > 999:
            raise sqlite3.OperationalError("too many SQL variables")
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_size_and_depth_are_bounded",
    source="writing an HTTP backend: a list cut to what the server takes",
)
class LongListsCut(Engine):
    """Asks for the first 1,000 values of a list."""

    def leaf(self, leaf, memory):
        if isinstance(leaf, In):
            leaf = In(leaf.field, leaf.values[:1000])
        return super().leaf(leaf, memory)


@sabotage(
    caught_by="test_filters_are_left_as_they_were",
    source="writing a vector backend: operators renamed in place, on the way to the engine's dialect",
)
class FiltersRewrittenInPlace(InMemoryMemoryStore):
    """Translates the operator in the caller's own dictionary."""

    def search_memories(self, *, filters=None, **arguments):
        if isinstance(filters, dict) and "conditions" in filters:
            filters["operator"] = filters["operator"].lower()
        return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_built_filters_find_the_same",
    source="writing a backend: filters are dictionaries, says Haystack's protocol",
    raises=TypeError,
)
class NodesRefused(InMemoryMemoryStore):
    """Takes filters as dictionaries only."""

    def search_memories(self, *, filters=None, **arguments):
        if filters is not None and not isinstance(filters, dict):
            raise TypeError("filters is a dictionary")
        return super().search_memories(filters=filters, **arguments)


def _asked(statement: str, parameter: str) -> Any:
    """The first value of the first row, if there is one."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return next(iter(connection.execute(statement, [parameter]).fetchone() or [None]))


@sabotage(
    caught_by="test_malformed_filters_are_located",
    source="langchain-ai/langgraph#8829: an error that only says that the filter is invalid",
)
class PlaceForgotten(InMemoryMemoryStore):
    """Says that a filter is malformed, and not where."""

    def _target(self, filters, scope):
        try:
            return super()._target(filters, scope)
        except FilterError as error:
            raise FilterError("malformed") from error


@sabotage(
    caught_by="test_values_are_bounded",
    source="writing a vector backend: json.dumps of a filter, which recurses",
    raises=(AssertionError, RecursionError),
)
class DeepValuesWalked(InMemoryMemoryStore):
    """Walks a filter's values without a bound."""

    def search_memories(self, *, filters=None, **arguments):
        json.dumps(filters, check_circular=False)
        return super().search_memories(filters=filters, **arguments)
