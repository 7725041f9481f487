"""Ranking within a scope: what others keep changes nothing."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.searching import TOPICS


class Ranking(Harness):
    """Order and scores depend on the query and on what matches."""

    @needs("scoped_ranking")
    def test_foreign_memories_change_neither_order_nor_scores(self, store: Any) -> None:
        """Order and scores of a search are the same, whatever other users store.

        If this fails, check statistics (document frequency, mean length) taken over the whole store.
        """
        user, query = self.new_id(), "a cabin, the budget and old typewriters"
        self.add(store, *TOPICS, user_id=user)
        before = self._ranked(store, query, user_id=user)
        for _ in range(3):
            self.add(
                store, *(["cabin cabin budget"] * 30), *(["unrelated words at length"] * 30), user_id=self.new_id()
            )
        expect.equal(self._ranked(store, query, user_id=user), before, "texts and scores after others added memories")

    @needs("scoped_ranking")
    def test_what_a_filter_leaves_out_changes_no_score(self, store: Any) -> None:
        """Order and scores of a filtered search are those of a store that holds only what matches.

        If this fails, check that statistics are taken after the filter, not before.
        """
        alone, mixed, query = self.new_id(), self.new_id(), "a cabin, the budget and old typewriters"
        when = {"timestamp": 1_700_000_000} if "timestamp" in self.claims else {}
        self.add(store, *TOPICS, user_id=alone, metadata={"kept": True}, **when)
        self.add(store, *TOPICS, user_id=mixed, metadata={"kept": True}, **when)
        self.add(store, *(["cabin cabin budget"] * 20), user_id=mixed, metadata={"kept": False}, **when)
        expected, got = (
            self._ranked(
                store,
                query,
                filters={
                    "operator": "AND",
                    "conditions": [
                        {"field": "user_id", "operator": "==", "value": user},
                        {"field": "kept", "operator": "==", "value": True},
                    ],
                },
            )
            for user in (alone, mixed)
        )
        expect.equal(got, expected, "texts and scores of a filtered search")

    @needs("scoped_ranking")
    def test_deleted_memories_leave_no_trace_in_scores(self, store: Any) -> None:
        """After memories are deleted, order and scores are what they were before these were added.

        If this fails, check that an index forgets the statistics of what is deleted.
        """
        user, query = self.new_id(), "a cabin, the budget and old typewriters"
        self.add(store, *TOPICS, user_id=user)
        before = self._ranked(store, query, user_id=user)
        for memory_id in self.add(store, *(["cabin cabin budget"] * 10), user_id=user):
            store.delete_memory(memory_id)
        self.settle()
        expect.equal(self._ranked(store, query, user_id=user), before, "texts and scores after adding and deleting")

    def _ranked(self, store: Any, query: str, **where: Any) -> list[tuple[str | None, Any]]:
        found = self.search(store, query=query, top_k=50, include_memory_metadata=True, **where)
        ranked = [(message.text, message.meta["memory_metadata"]["score"]) for message in found]
        if "client_ids" in self.claims:
            return ranked
        # Memories that score the same come in the order of the store's own ids, which says nothing.
        ties = (sorted(tie, key=str) for _, tie in groupby(ranked, key=itemgetter(1)))
        return [one for tie in ties for one in tie]
