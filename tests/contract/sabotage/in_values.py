"""Bugs in when two values are equal, and which is less."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage

from memstore.filters import Operator
from memstore.filters.instants import parse_instant
from memstore.filters.values import thaw


@sabotage(
    caught_by="test_booleans_are_no_numbers",
    source="SQLite: json_extract gives 1 and 0 for true and false",
)
class BooleansAsIntegers(Engine):
    """Keeps booleans as 1 and 0."""

    def equal(self, found, value):
        return super().equal(_number(found), _number(value))

    def ordered(self, found, operator, value):
        return super().ordered(_number(found), operator, value)


@sabotage(
    caught_by="test_booleans_are_no_numbers",
    source="PostgreSQL: ->> gives the text 'true'",
)
class BooleansAsText(Engine):
    """Compares booleans as the texts true and false."""

    def equal(self, found, value):
        return super().equal(*(str(part).lower() if isinstance(part, bool) else part for part in (found, value)))


@sabotage(
    caught_by="test_booleans_are_no_numbers",
    source="Python: isinstance(True, int), so a check for numbers lets booleans through",
)
class BooleansInOrder(Engine):
    """Orders booleans among numbers."""

    def ordered(self, found, operator, value):
        return super().ordered(_number(found), operator, value)


@sabotage(
    caught_by="test_numbers_compare_across_types",
    source="mem0.md: pgvector compares numbers as text, so n >= 10 returns 9",
)
class NumbersAsText(Engine):
    """Orders numbers by their digits."""

    def ordered(self, found, operator, value):
        if isinstance(value, str) or isinstance(found, bool) or not isinstance(found, int | float):
            return super().ordered(found, operator, value)
        return _in_order(str(found), operator, str(value))


@sabotage(
    caught_by="test_numbers_compare_across_types",
    source="JavaScript has no other numbers, nor has Lua in Redis",
)
class IntegersThroughFloat(Engine):
    """Compares integers as floats."""

    def equal(self, found, value):
        return super().equal(*(float(part) if type(part) is int else part for part in (found, value)))


@sabotage(
    caught_by="test_numbers_compare_across_types",
    source="Qdrant: a match is on an integer, and finds no float",
)
class IntegersAreNoFloats(Engine):
    """Does not find 1.0 by 1."""

    def equal(self, found, value):
        apart = isinstance(found, int | float) and isinstance(value, int | float) and type(found) is not type(value)
        return not apart and super().equal(found, value)


@sabotage(
    caught_by="test_what_has_no_order_never_matches",
    source="SQLite orders every number before every text",
)
class TextAfterNumbers(Engine):
    """Orders every text behind every number."""

    def ordered(self, found, operator, value):
        if isinstance(found, str) and isinstance(value, int | float):
            return operator in (Operator.GT, Operator.GE)
        return super().ordered(found, operator, value)


@sabotage(
    caught_by="test_what_has_no_order_never_matches",
    source="PostgreSQL: a ->> comparison is one of texts",
)
class StringsInOrder(Engine):
    """Orders any string against a time, letter by letter."""

    def ordered(self, found, operator, value):
        if isinstance(found, str) and isinstance(value, str) and parse_instant(found) is None:
            return _in_order(found, operator, value)
        return super().ordered(found, operator, value)


@sabotage(
    caught_by="test_times_compare_as_instants",
    source="writing a SQL backend: times are strings in JSON, and are compared as such",
)
class TimesAsText(Engine):
    """Compares times letter by letter."""

    def equal(self, found, value):
        return found == value if isinstance(found, str) and isinstance(value, str) else super().equal(found, value)

    def ordered(self, found, operator, value):
        if isinstance(found, str) and isinstance(value, str) and parse_instant(found) is not None:
            return _in_order(found, operator, value)
        return super().ordered(found, operator, value)


@sabotage(
    caught_by="test_times_compare_as_instants",
    source="PostgreSQL: timestamptz reads a time without a zone in the session's zone",
)
class NaiveTimesInALocalZone(Engine):
    """Reads a time without a zone as one of Brussels."""

    def equal(self, found, value):
        return super().equal(_in_brussels(found), _in_brussels(value))

    def ordered(self, found, operator, value):
        return super().ordered(_in_brussels(found), operator, _in_brussels(value))


@sabotage(
    caught_by="test_times_compare_as_instants",
    source="MySQL: DATETIME keeps no zone",
)
class ZonesDropped(Engine):
    """Compares times as they stand on the clock, whatever their zone."""

    def equal(self, found, value):
        return super().equal(_without_zone(found), _without_zone(value))

    def ordered(self, found, operator, value):
        return super().ordered(_without_zone(found), operator, _without_zone(value))


@sabotage(
    caught_by="test_times_compare_as_instants",
    source="writing a SQL backend: the orders are cast to timestamps, and = is pushed down as it is",
)
class TimesAreEqualAsText(Engine):
    """Orders times as instants, and finds them equal only letter by letter."""

    def equal(self, found, value):
        return found == value if isinstance(found, str) and isinstance(value, str) else super().equal(found, value)


@sabotage(
    caught_by="test_only_the_grammar_is_a_time",
    source="Python 3.11: datetime.fromisoformat reads 20240501 and 2024-W18-3",
)
class EveryIsoDateIsATime(Engine):
    """Takes for a time whatever Python's ISO parser reads."""

    def equal(self, found, value):
        return super().equal(_iso(found), _iso(value))


@sabotage(
    caught_by="test_only_the_grammar_is_a_time",
    source="weaviate-haystack parses dates by dateutil, which skips blanks",
)
class BlanksAroundTimes(Engine):
    """Takes a string for a time with blanks around it."""

    def equal(self, found, value):
        bare = found.strip() if isinstance(found, str) else None
        return super().equal(bare if bare and parse_instant(bare) is not None else found, value)


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="MySQL: the default collation, utf8mb4_0900_ai_ci, ignores case",
)
class CaseIgnored(Engine):
    """Finds x by X."""

    def equal(self, found, value):
        return super().equal(*(part.lower() if _plain(part) else part for part in (found, value)))


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="writing a SQL backend: LIKE for =, because texts are searched so",
)
class EqualByLike(Engine):
    """Reads % and _ in a value as wildcards."""

    def equal(self, found, value):
        if not (_plain(found) and _plain(value)):
            return super().equal(found, value)
        pattern = re.escape(value).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, found, re.DOTALL) is not None


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="MySQL: PAD SPACE collations, and CHAR columns everywhere",
)
class TrailingBlanksIgnored(Engine):
    """Finds "x " by "x"."""

    def equal(self, found, value):
        return super().equal(*(part.rstrip(" ") if _plain(part) else part for part in (found, value)))


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="OpenSearch: the ICU normaliser; APFS and HFS+ file names",
)
class StringsNormalised(Engine):
    """Finds a letter with its accent beside it by the letter that has it."""

    def equal(self, found, value):
        return super().equal(*(unicodedata.normalize("NFC", p) if _plain(p) else p for p in (found, value)))


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="Oracle: the empty string is NULL",
)
class EmptyStringIsNull(Engine):
    """Takes the empty string for null."""

    def equal(self, found, value):
        return super().equal(*(None if part == "" else part for part in (found, value)))


@sabotage(
    caught_by="test_strings_are_equal_letter_by_letter",
    source="writing a vector backend: str() of every value, since payloads are strings",
)
class NullIsTheWordNull(Engine):
    """Compares null as the text null."""

    def equal(self, found, value):
        return super().equal(*("null" if part is None else part for part in (found, value)))


@sabotage(
    caught_by="test_lists_and_objects_are_equal_by_their_parts",
    source="Qdrant and MongoDB: an array matches when one of its items does",
)
class EqualMeansContains(Engine):
    """Finds a list by one of its items."""

    def equal(self, found, value):
        return super().equal(found, value) or (
            isinstance(found, list) and any(super(EqualMeansContains, self).equal(item, value) for item in found)
        )


@sabotage(
    caught_by="test_lists_and_objects_are_equal_by_their_parts",
    source="writing a SQL backend: JSON in a TEXT column, which MySQL and PostgreSQL would put in order",
)
class ContainersAsText(Engine):
    """Compares lists and objects by their JSON, letter by letter."""

    def equal(self, found, value):
        asked = thaw(value)
        if isinstance(found, list | dict) and isinstance(asked, list | dict):
            return json.dumps(found) == json.dumps(asked)
        return super().equal(found, value)


@sabotage(
    caught_by="test_lists_and_objects_are_equal_by_their_parts",
    source="PostgreSQL: jsonb @>",
)
class EqualByContainment(Engine):
    """Finds an object by some of its keys."""

    def equal(self, found, value):
        asked = thaw(value)
        if isinstance(found, dict) and isinstance(asked, dict):
            found = {key: part for key, part in found.items() if key in asked}
        return super().equal(found, value)


@sabotage(
    caught_by="test_lists_and_objects_are_equal_by_their_parts",
    source="DynamoDB sets, and rows of a table of tags",
)
class ListsWithoutOrder(Engine):
    """Compares lists as sets."""

    def equal(self, found, value):
        return super().equal(*(sorted(p, key=repr) if isinstance(p, list) else p for p in (found, thaw(value))))


def _number(value):
    return int(value) if isinstance(value, bool) else value


def _in_order(one, operator, other):
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]


def _plain(value):
    return isinstance(value, str) and parse_instant(value) is None


def _is_time(value):
    return isinstance(value, str) and parse_instant(value) is not None


def _in_brussels(value):
    if not _is_time(value) or re.search(r":..([+-]..:..|Z)$|\dZ$", value):
        return value
    return (value if ":" in value else f"{value}T00:00") + "+02:00"


def _without_zone(value):
    return re.sub(r"(?<=\d)(Z|[+-]\d\d:\d\d)$", "", value) if _is_time(value) else value


def _iso(value):
    try:
        return datetime.fromisoformat(value).isoformat() if isinstance(value, str) else value
    except ValueError:
        return value
