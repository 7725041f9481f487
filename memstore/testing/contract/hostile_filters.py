"""Filters that try to break something: odd, malformed, hostile, huge."""

from __future__ import annotations

import copy
from typing import Any

from memstore.errors import FilterError
from memstore.filters import parse
from memstore.testing.contract import expect
from memstore.testing.contract.judging import FilterHarness
from memstore.testing.truth_table import a, all_of, any_of, not_all_of, where


class HostileFilters(FilterHarness):
    """Whatever a filter is, it finds what it says or is refused."""

    def test_one_odd_record_breaks_no_query(self, store: Any) -> None:
        """A memory whose value has another type than the filter's just does not match.

        If this fails, check casts that raise: one odd row must not make a whole search fail.
        """
        odd: list[Any] = ["zebra", "", [], [1], {}, {"b": 1}, True, None, "2024-02-30", 1e300, -(2**63), "9" * 400]
        self.judge_all(
            store,
            [{"a": value} for value in [5, "2024-05-01", *odd]],
            [a(operator, value) for operator in ("<", ">=") for value in (6, 0.5, "2024-06-01")]
            + [a("==", 5), a("!=", 5), a("in", [5, "zebra", [1]]), where("a.b", ">", 0), where("a.b", "==", None)],
        )

    def test_malformed_filters_are_refused(self, store: Any) -> None:
        """A malformed filter is a `FilterError`: never an empty result, and never everything.

        If this fails, check unknown operators and keys, which some engines drop without a word.
        """
        user = self.new_id()
        self.add(store, "tea", user_id=user, metadata={"a": 1})
        malformed: list[Any] = [
            {"field": "a"},
            {"operator": "==", "value": 1},
            {"field": "a", "operator": "==", "value": 1, "extra": 1},
            a("like", "x"),
            a("=", 1),
            a("IN", [1]),
            a("in", 1),
            a("in", "abc"),
            a("not in", {"a": 1}),
            a("<", "zebra"),
            a(">", True),
            a(">=", [1]),
            a("==", float("nan")),
            a("==", 2**64),
            a("==", "a\0"),
            a("==", "a\ud800"),
            {"field": "a", "operator": None, "value": 1},
            where("", "==", 1),
            where("a.", "==", 1),
            where("user_id", "==", 7),
            where("user_id", "in", ["maya", 7]),
            where("created_at", ">", "yesterday"),
            where("created_at", "==", "yesterday"),
            where("created_at", "==", 7),
            where("created_at", "in", ["2024-05-01", "yesterday"]),
            {"operator": None, "conditions": []},
            {"operator": "XOR", "conditions": []},
            {"operator": "AND"},
            {"operator": "AND", "conditions": {}},
            {"operator": "AND", "conditions": [a("==", 1), "x"]},
            all_of(a("==", 1), any_of(not_all_of(a("~", 1)))),
            {"a": 1},
            ["a", "==", 1],
        ]
        for filters in malformed:
            for query in (None, "tea"):
                with expect.raises(FilterError, f"filters={expect.shown(filters)}"):
                    self.texts(store, filters=filters, query=query)

    def test_malformed_filters_are_located(self, store: Any) -> None:
        """A `FilterError` names the place in the filter: `conditions[1].conditions[0].value`, or `value[1]` in a list.

        If this fails, check that errors keep the path to the node, as their `place` and in their message.
        """
        for place, filters in (
            ("operator", a("like", "x")),
            ("field", where("a.", "==", 1)),
            ("field", where("a\0", "==", 1)),
            ("value", {"field": "a", "operator": "=="}),
            ("value", a("in", "abc")),
            ("value", a("==", "a\0")),
            ("value", a("==", {"a\0": 1})),
            ("value", where("user_id", "==", 7)),
            ("value[1]", where("user_id", "in", ["maya", 7])),
            ("value[1][0]", a("in", [1, [float("nan")]])),
            ("conditions[1].value", all_of(a("==", 1), a("<", "zebra"))),
            ("conditions[1].conditions[0].operator", all_of(a("==", 1), any_of(a("~", 1)))),
            ("conditions[0].conditions", not_all_of({"operator": "OR", "conditions": {}})),
        ):
            try:
                self.texts(store, filters=filters)
            except FilterError as error:
                expect.equal(error.place, place, f"place of what is wrong with {expect.shown(filters)}")
                expect.true(place in str(error), f"{place!r} is not named for {expect.shown(filters)}: {error}")
            else:
                expect.true(False, f"filters={expect.shown(filters)} was accepted")

    def test_hostile_filters_are_only_data(self, store: Any) -> None:
        """Keys and values of a filter never reach the engine as code, and find what they name.

        If this fails, check that keys and values are bound as parameters, in JSON paths too (CVE-2025-8709).
        """
        hostile = (
            "x' OR '1'='1",
            "x'); DROP TABLE memories; --",
            'x") OR json_extract(value, "$.a") IS NOT NULL --',
            "$.a",
            "a[0]",
            "a' || 'b",
            "%",
            "_",
            "*",
            "{}",
            "`a`",
            "a:b",
            "\\",
            "a\nb",
            "__proto__",
            "k" * 300,
        )
        user = self.new_id()
        texts = self.add_records(store, [*({key: key} for key in hostile), {"a": "plain"}], user_id=user)
        for key, text in zip(hostile, texts, strict=False):  # the last record has no such key
            field = "meta." + key.replace("\\", "\\\\").replace(".", "\\.")
            expect.same(self.found(store, user, where(field, "==", key)), [text], f"texts found by the key {key!r}")
            expect.same(self.found(store, user, where("a", "==", key)), [], f"texts found by the value {key!r}")
            others = [other for other in texts if other != text]
            expect.same(self.found(store, user, where(field, "!=", key)), others, f"texts not having {key!r}")

    def test_size_and_depth_are_bounded(self, store: Any) -> None:
        """A filter may nest deep and hold much; one that is too deep or too large is a `FilterError`, nothing else.

        If this fails, check recursion over filters, and conditions or values that are cut to what a statement takes.
        """
        user = self.new_id()
        self.add_records(store, [{"a": 1}, {"a": 4_999}, {"a": 5_000}], user_id=user)
        deep: Any = a("==", 1)
        for _ in range(2_000):
            deep = not_all_of(deep)
        endless: dict[str, Any] = {"operator": "NOT"}
        endless["conditions"] = [endless]
        for what, filters in (
            ("2,000 deep", deep),
            ("that holds itself", endless),
            ("with a list of 100,001 values", a("in", [1] * 100_001)),
        ):
            with expect.raises(FilterError, f"a filter {what}"):
                self.texts(store, filters=filters)
        nested: Any = a("==", 1)
        for _ in range(90):
            nested = not_all_of(nested)
        expect.same(self.found(store, user, nested), ["note 0"], "texts found by a filter 90 deep")
        long = a("in", list(range(5_000)))
        expect.same(self.found(store, user, long), ["note 0", "note 1"], "texts found by a list of 5,000 values")
        # Of the bounds only the first or only the last decides.
        for what, wide, texts in (
            ("any of 2,000 equalities", any_of(*(a("==", number) for number in range(2_000))), ["note 0"]),
            ("any of 2,000 bounds", any_of(*(a("<", number) for number in range(3_001, 5_001))), ["note 0", "note 1"]),
            ("all of 2,000 bounds", all_of(*(a("<", number) for number in range(5_000, 7_000))), ["note 0", "note 1"]),
        ):
            expect.same(self.found(store, user, wide), texts, f"texts found by {what}")

    def test_values_are_bounded(self, store: Any) -> None:
        """A value that nests deep is found by an equal one; one that is too deep or too large is a `FilterError`.

        If this fails, check recursion over values, and that a filter may nest as deep as metadata.
        """
        user, value, endless = self.new_id(), "core", []  # type: tuple[str, Any, list[Any]]
        for level in range(90):
            value = [value] if level % 2 else {"b": value, "c": level}
        path = "a" + ".b.x" * 6
        nested: Any = 1
        for key in ("x", "b") * 6:
            nested = {key: nested}
        self.add_records(store, [{"a": value}, {"a": {"b": "core"}}, {"a": nested}], user_id=user)
        expect.same(self.found(store, user, a("==", value)), ["note 0"], "texts found by a value 90 deep")
        expect.same(self.found(store, user, where(path, "==", 1)), ["note 2"], f"texts found by {path}")
        for _ in range(2_000):
            value = [value]
        endless.append(endless)
        for what, filters in (
            ("2,000 deep", a("==", value)),
            ("that holds itself", a("in", [endless])),
            ("of 100,001 values", a("==", [1] * 100_001)),
        ):
            with expect.raises(FilterError, f"a value {what}"):
                self.texts(store, filters=filters)

    def test_filters_are_left_as_they_were(self, store: Any) -> None:
        """A search changes nothing in the filter it was given, and takes a node of `memstore.filters` as well.

        If this fails, check filters that are rewritten in place.
        """
        user = self.new_id()
        self.add_records(store, [{"a": 1}, {"a": 2}], user_id=user)
        filters = all_of(where("user_id", "==", user), not_all_of(a("in", [1])), any_of(a(">", 1), a("==", None)))
        before = copy.deepcopy(filters)
        expect.same(self.texts(store, filters=filters), ["note 1"], "texts found by a dictionary")
        expect.equal(filters, before, "the dictionary after the search")
        expect.same(self.texts(store, filters=parse(filters)), ["note 1"], "texts found by a node")
