"""Filters: the truth table cell by cell, and random ones against the oracle."""

from __future__ import annotations

from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.filters import field, parse
from memstore.testing import truth_table
from memstore.testing.contract import expect
from memstore.testing.contract.judging import FilterHarness
from memstore.testing.contract.plan import needs
from memstore.testing.truth_table import a, all_of, any_of, not_all_of, where

_SEVERAL: Final[tuple[dict[str, Any], ...]] = ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}, {"a": 3, "b": 3})
"""Records with none, one and both of two keys."""


class Filters(FilterHarness):
    """A filter means on this store what docs/semantics.md says."""

    def test_null_and_missing_are_one(self, store: Any) -> None:
        """A missing key is null: `== null` finds both, `!=` anything else finds both, ordering finds neither.

        If this fails, check `!=` on records without the key, and SQL's NULL, which is equal to nothing.
        """
        self.judge(store, truth_table.NULL)

    def test_not_equal_is_the_negation_of_equal(self, store: Any) -> None:
        """`!=` finds exactly what `==` does not, missing keys and other types included.

        If this fails, check whether the engine leaves out records that lack the key.
        """
        self.judge_negation(store, "==", "!=", [1, "x", True, None, "2024-05-01", 0])

    def test_in_is_equality_with_one_of_several(self, store: Any) -> None:
        """`in` finds what `==` finds for one of its values.

        If this fails, check types within the list, null in it, and times that are one instant.
        """
        self.judge(store, truth_table.MEMBERSHIP)

    def test_not_in_is_the_negation_of_in(self, store: Any) -> None:
        """`not in` finds exactly what `in` does not, missing keys included.

        If this fails, check whether it is sent as `!=` with a list, and SQL's NOT IN with NULL.
        """
        self.judge_negation(store, "in", "not in", [[1, 2], ["x"], [None], [True, "x"], ["2024-05-01"], []])

    def test_in_nothing_finds_nothing(self, store: Any) -> None:
        """`in []` and an `OR` of no conditions find nothing; `not in []` and an `AND` of none find everything.

        If this fails, check for empty lists that are dropped, which turns "nothing" into "everything".
        """
        user = self.new_id()
        texts = self.add_records(store, [{"a": 1}, {}, {"a": []}], user_id=user)
        for filters, expected in (
            (a("in", []), []),
            (any_of(), []),
            (not_all_of(), []),
            (a("not in", []), texts),
            (all_of(), texts),
            (not_all_of(any_of()), texts),
        ):
            found = self.found(store, user, filters)
            expect.same(found, expected, f"texts found by {parse(filters)}")

    def test_booleans_are_no_numbers(self, store: Any) -> None:
        """A boolean equals only a boolean, and has no order: `== 1` does not find true, `>= 0` does not either.

        If this fails, check engines that keep booleans as 0 and 1, or as text.
        """
        self.judge(store, truth_table.BOOLEANS)

    def test_numbers_compare_across_types(self, store: Any) -> None:
        """Integers and floats compare by value, exactly: 1 equals 1.0, 10 is more than 9, 2^53 + 1 is no float.

        If this fails, check numbers compared as text ("10" < "9") or through floats.
        """
        self.judge(store, truth_table.NUMBERS)
        user = self.new_id()
        self.add_records(store, [{"a": 9}, {"a": 10}, {"a": 100}, {"a": -5}], user_id=user)
        expect.same(self.found(store, user, a(">=", 10)), ["note 1", "note 2"], "texts found by a >= 10")

    def test_what_has_no_order_never_matches(self, store: Any) -> None:
        """Ordering never matches null, missing keys or another type, in either direction; its negation does.

        If this fails, check `NOT (a < 3)` rewritten to `a >= 3`, and mixed types compared by their text.
        """
        self.judge(store, truth_table.ORDER)

    def test_times_compare_as_instants(self, store: Any) -> None:
        """Strings of the time grammar compare as instants, for equality and order; without a zone they are UTC.

        If this fails, check times compared as text, and naive ones read in the machine's zone.
        """
        self.judge(store, truth_table.TIMES)

    def test_only_the_grammar_is_a_time(self, store: Any) -> None:
        """Strings that only look like times are plain strings.

        If this fails, check lenient parsers: "20240501" and "2024-02-30" are letters.
        """
        self.judge(store, truth_table.NO_TIMES)

    def test_strings_are_equal_letter_by_letter(self, store: Any) -> None:
        """Strings are equal when they are the same letters: no case folding, trimming, normalising or wildcards.

        If this fails, check collations, LIKE, and analysed text fields.
        """
        self.judge(store, truth_table.STRINGS)

    def test_lists_and_objects_are_equal_by_their_parts(self, store: Any) -> None:
        """Lists are equal item by item and objects key by key; `==` never means "contains".

        If this fails, check engines that match a list by any of its items, or compare JSON as text.
        """
        self.judge(store, truth_table.CONTAINERS)

    def test_dots_walk_objects(self, store: Any) -> None:
        r"""A dot in a field walks into objects, with or without `meta.`; `\.` is a dot inside a key. Case matters.

        If this fails, check keys with dots in them, and fields passed to the engine unparsed.
        """
        self.judge(
            store,
            [cell for cell in truth_table.PATHS if not {"user_id", "text"} & {*cell.record, *cell.record["meta"]}],
        )
        self.judge_all(store, [{"a": 1, "A": 2}, {"A": 1}], [a("==", 1), where("A", "==", 1), a("==", None)])

    def test_logic(self, store: Any) -> None:
        """AND and OR, in any case and depth, mean all of their conditions and any of them.

        If this fails, check conditions on one field that are merged, and groups inside of groups.
        """
        self.judge(store, [cell for cell in truth_table.LOGIC if "NOT" not in str(cell.filters).upper()])
        b = where("b", "==", 2)
        self.judge_all(
            store,
            _SEVERAL,
            [
                all_of(any_of(a("==", 1), b), any_of(a("==", 3), b)),
                any_of(all_of(a("==", 1), b), all_of(a("==", 3), where("b", "==", 3))),
                any_of(a("==", 1), all_of(b, any_of(a("==", 3), a("==", None)))),
                all_of(a("!=", 1), a("!=", 3)),
                all_of(a(">", 0), a("<", 3), a("!=", 2)),
                all_of(a("==", 1), a("==", 3)),
            ],
        )

    def test_not_of_several_is_not_all_of_them(self, store: Any) -> None:
        """NOT, in any case and depth, is the complement: `NOT [a, b]` is not (a and b), missing keys included.

        If this fails, check whether `NOT [a, b]` is read as "none of", and SQL's NOT of an unknown.
        """
        b = where("b", "==", 2)
        self.judge_all(
            store,
            _SEVERAL,
            [
                not_all_of(a("==", 1), b),
                not_all_of(any_of(a("==", 1), b)),
                any_of(all_of(a("==", 1), b), not_all_of(b)),
                not_all_of(not_all_of(all_of(a("==", 1), b))),
                all_of(not_all_of(a("==", 1)), not_all_of(b)),
            ],
        )
        self.judge(store, [cell for cell in truth_table.LOGIC if "NOT" in str(cell.filters).upper()])

    def test_built_filters_find_the_same(self, store: Any) -> None:
        """A filter built in Python finds what its dictionary says, with every operator and with `&`, `|` and `~`.

        If this fails, check that nodes of `memstore.filters` are taken beside dictionaries, and inside of one.
        """
        user = self.new_id()
        texts = self.add_records(store, [{"a": 1}, {"a": 2}, {"a": 3, "b": "x"}, {}], user_id=user)
        key, mine = field("a"), field("user_id") == user
        for built, numbers in (
            (key == 2, [1]),
            (key != 2, [0, 2, 3]),
            (key < 2, [0]),
            (key <= 2, [0, 1]),
            (key > 2, [2]),
            (key >= 2, [1, 2]),
            (key.is_in([1, 3]), [0, 2]),
            (key.not_in({1, 3}), [1, 3]),
            ((key == 1) | (field("meta.b") == "x"), [0, 2]),
            ((key > 1) & ~(field("b") == "x"), [1]),
        ):
            expected = [texts[number] for number in numbers]
            expect.same(self.texts(store, filters=mine & built), expected, f"texts found by {built}")
            inside = where("user_id", "==", user), built
            expect.same(self.texts(store, filters=all_of(*inside)), expected, f"texts found by {built} in a dictionary")

    def test_own_strings_compare_letter_by_letter(self, store: Any) -> None:
        """`id`, `text`, `role`, `name` and ids can be filtered by, and never compare as times.

        If this fails, check that a memory's own fields are not looked for in its metadata.
        """
        user = self.new_id()
        messages = [
            ChatMessage.from_user("2024-05-01", name="maya"),
            ChatMessage.from_assistant("2024-05-01T00:00:00Z"),
            ChatMessage.from_user("tea", meta={"text": "2024-05-01", "role": "x"}),
        ]
        ids = self.add_messages(store, messages, user_id=user, run_id="2024-05-01")
        first, second, third = (message.text for message in messages)
        for filters, expected in (
            (where("text", "==", "2024-05-01"), [first]),
            (where("text", "in", ["tea", "2024-05-01"]), [first, third]),
            (where("role", "==", "assistant"), [second]),
            (where("role", "!=", "assistant"), [first, third]),
            (where("name", "==", "maya"), [first]),
            (where("name", "==", None), [second, third]),
            (where("id", "==", ids[1]), [second]),
            (where("id", "not in", ids[:1]), [second, third]),
            (where("run_id", "==", "2024-05-01"), [first, second, third]),
            (where("run_id", "==", "2024-05-01T00:00:00Z"), []),
            (where("agent_id", "==", None), [first, second, third]),
        ):
            expect.same(self.found(store, user, filters), expected, f"texts found by {parse(filters)}")

    def test_naming_memories_widens_no_filter(self, store: Any) -> None:
        """A filter that names memories by `id` finds those of them that meet its other conditions too.

        If this fails, check that the short way to a memory by its id leaves out nothing of the filter.
        """
        user, other = self.new_id(), self.new_id()
        ids = [
            memory_id
            for owner, text, number in ((user, "tea", 1), (user, "rain", 2), (other, "foreign", 1))
            for memory_id in self.add_each(store, text, user_id=owner, metadata={"a": number})
        ]
        for filters, expected in (
            (where("id", "in", ids), ["tea", "rain"]),
            (where("id", "in", ids[1:]), ["rain"]),
            (where("id", "==", ids[2]), []),
            (all_of(where("id", "in", ids), a("==", 1)), ["tea"]),
            (all_of(where("id", "==", ids[0]), a("==", 2)), []),
            (all_of(where("id", "==", ids[0]), where("id", "in", ids[:2])), ["tea"]),
            (any_of(where("id", "==", ids[0]), a("==", 2)), ["tea", "rain"]),
        ):
            for query in (None, "tea"):
                found = self.found(store, user, filters, query=query)
                expect.same(found, expected, f"texts found by a user's filter on ids, and query={query!r}")

    @needs("timestamp")
    def test_own_times_compare_as_instants(self, store: Any) -> None:
        """`created_at` can be filtered by equality, order and `in`, in any zone; so can `updated_at`.

        If this fails, check the precision and the zone in which the engine keeps times.
        """
        user = self.new_id()
        for day in (1, 2, 3):
            self.add(store, f"day {day}", user_id=user, timestamp=1_714_521_600 + (day - 1) * 86_400 + 0.5)
        for filters, expected in (
            (where("created_at", "==", "2024-05-02T00:00:00.5Z"), ["day 2"]),
            (where("created_at", "!=", "2024-05-02T02:00:00.500000+02:00"), ["day 1", "day 3"]),
            (where("created_at", ">", "2024-05-02T00:00:00.5"), ["day 3"]),
            (where("created_at", ">=", "2024-05-02"), ["day 2", "day 3"]),
            (where("created_at", "<", "2024-05-02"), ["day 1"]),
            (where("created_at", "in", ["2024-05-01T00:00:00.5"]), ["day 1"]),
            (where("created_at", "in", ["2024-05-01T00:00:00.5", "2024-05-03T02:00:00.5+02:00"]), ["day 1", "day 3"]),
            (where("created_at", "not in", ["2024-05-01T00:00:00.5", "2024-05-03T02:00:00.5+02:00"]), ["day 2"]),
            (where("created_at", "==", None), []),
            (where("created_at", ">", None), []),
            (where("updated_at", ">", "2000-01-01"), ["day 1", "day 2", "day 3"]),
            (where("updated_at", "<=", "2000-01-01"), []),
        ):
            expect.same(self.found(store, user, filters), expected, f"texts found by {parse(filters)}")

    def test_random_filters(self, store: Any) -> None:
        """Whatever the filter and the memories, a search without a query finds what the oracle says.

        If this fails, check `FilterSupport`: shrink it to what the engine evaluates exactly; the rest is done for you.
        """
        self.judge_random(store, lambda filters, _: self.texts(store, filters=filters))

    def test_random_filters_in_ranked_search(self, store: Any) -> None:
        """Whatever the filter and the memories, a query finds what the oracle says, when `top_k` allows it.

        If this fails, check the filter of the ranked search: it may be translated by other code than that of listing.
        """
        self.judge_random(store, lambda filters, count: self.texts(store, filters=filters, query="note", top_k=count))

    @needs("list")
    def test_random_filters_in_listing(self, store: Any) -> None:
        """Whatever the filter and the memories, `list_memories` finds what the oracle says.

        If this fails, check the filter of listing: it may be translated by other code than that of searching.
        """

        def listed(filters: dict[str, Any], _: int) -> list[str]:
            self.settle()
            return [memory.text for memory in store.list_memories(filters=filters).memories]

        self.judge_random(store, listed)

    def test_a_filter_never_costs_a_hit(self, store: Any) -> None:
        """A query with a filter returns `top_k` results whenever that many match, however badly they rank.

        If this fails, check filters applied after the engine's limit: over-fetch until enough are left.
        """
        user = self.new_id()
        for start in range(0, 300, 100):
            self.add(
                store, *["tea tea tea"] * 100, user_id=user, metadata={"a": start, "s": "common", "t": "2020-01-01"}
            )
        rare = [f"a rare one about something else, {number}" for number in range(3)]
        for text in rare:
            self.add(store, text, user_id=user, metadata={"a": 7, "s": "Rare", "t": "2024-05-01T02:00+02:00", "l": [1]})
        for filters in (
            a("==", 7),
            a("in", [7, 8]),
            where("s", "!=", "common"),
            where("s", "not in", ["common", "x"]),
            where("t", "==", "2024-05-01"),
            where("t", ">", "2021-01-01"),
            where("l", "==", [1]),
            not_all_of(any_of(where("s", "==", "common"), a(">", 1000))),
            any_of(a("==", 7), where("missing", "==", 1)),
        ):
            for top_k, expected in ((3, 3), (2, 2), (1, 1), (10, 3)):
                found = self.found(store, user, filters, query="tea", top_k=top_k)
                hits = [text for text in found if text in rare]
                expect.equal(len(found), len(hits), f"results that match {parse(filters)}")
                expect.equal(
                    len(hits), expected, f"results of top_k={top_k} with {parse(filters)}, which 3 of 303 match"
                )
