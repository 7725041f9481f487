"""Bugs in what a filter means."""

from __future__ import annotations

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage

from memstore.filters import Comparison, In, Operator


@sabotage(
    caught_by="test_not_in_is_the_negation_of_in",
    source="mem0-haystack 1.0.0",
)
class NotInAsNotEqual(Engine):
    """Sends `not in` as `!=` with the first value of the list."""

    def negated(self, child, memory):
        if isinstance(child, In) and child.values:
            child = Comparison(child.field, Operator.EQ, child.values[0])
        return super().negated(child, memory)


@sabotage(
    caught_by="test_in_nothing_finds_nothing",
    source="needs.md: `in []` matching everything, and a delete by it erasing everything",
)
class EmptyListDropped(Engine):
    """Drops a condition whose list is empty."""

    def leaf(self, leaf, memory):
        return (isinstance(leaf, In) and not leaf.values) or super().leaf(leaf, memory)
