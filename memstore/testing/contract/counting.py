"""Counting: as many as would be found."""

from __future__ import annotations

from typing import Any, Final

from memstore.errors import ScopeError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import equals

_BEYOND_A_PAGE: Final = 1200
_BATCH: Final = 400


class Counting(Harness):
    """`count_memories` counts without reading."""

    @needs("count")
    def test_a_count_is_what_a_search_finds(self, store: Any) -> None:
        """A count is the number of memories that a search without a query finds, by ids and by filters.

        If this fails, check that the same filter, nulls and types included, is used to count and to search.
        """
        user, run = self.new_id(), self.new_id("run")
        self.add_records(store, [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": None}, {}], user_id=user)
        self.add_records(store, [{"a": 1}, {"a": 2}], user_id=user, run_id=run)
        self.add_records(store, [{"a": 1}], user_id=self.new_id(), run_id=run)
        for what, arguments, expected in (
            ("a user", {"user_id": user}, 7),
            ("a run", {"run_id": run}, 3),
            ("a run of a user", {"user_id": user, "run_id": run}, 2),
            ("a user's memories where a == 1", {"filters": equals(user_id=user, a=1)}, 3),
            ("a user's memories where a is missing or null", {"filters": equals(user_id=user, a=None)}, 2),
        ):
            expect.equal(len(self.search(store, **arguments)), expected, f"memories found of {what}")
            expect.equal(store.count_memories(**arguments), expected, f"memories counted of {what}")

    @needs("count")
    def test_a_count_of_nothing_is_zero(self, store: Any) -> None:
        """Where nothing is found the count is 0.

        If this fails, check the result of an empty scope, which some engines answer with null.
        """
        user = self.new_id()
        expect.equal(store.count_memories(user_id=user), 0, "memories counted of an unknown user")
        memory_id = self.add_one(store, "note", user_id=user)
        none = equals(user_id=user, text="another")
        expect.equal(store.count_memories(filters=none), 0, "memories counted by a filter that none matches")
        store.delete_memory(memory_id)
        self.settle()
        expect.equal(store.count_memories(user_id=user), 0, "memories counted after the only one was deleted")

    @needs("count")
    def test_a_count_goes_past_every_page_size(self, store: Any) -> None:
        """A count of 1,200 memories is 1,200.

        If this fails, check for a cap of the engine, such as 100 or 1,000 results, and for estimates.
        """
        user = self.new_id()
        for start in range(0, _BEYOND_A_PAGE, _BATCH):
            self.add(store, *(f"note {number}" for number in range(start, start + _BATCH)), user_id=user)
        expect.equal(store.count_memories(user_id=user), _BEYOND_A_PAGE, "memories counted")

    @needs("count")
    def test_counting_needs_an_id_or_a_filter(self, store: Any) -> None:
        """Counting without an id and without a filter is a `ScopeError`, not a count of everybody's memories.

        If this fails, check the ids before the engine is asked; `filters={}` is no filter.
        """
        self.add(store, "private", user_id=self.new_id())
        calls: tuple[dict[str, Any], ...] = ({}, {"filters": {}}, {"user_id": ""})
        for arguments in calls:
            with expect.raises(ScopeError, f"count_memories with {arguments or 'no ids'}"):
                store.count_memories(**arguments)
