"""The reference taken apart, so that a sabotage overrides just the step that it gets wrong.

Each of these is a right store, which passes the tests that its sabotages fail.
"""

from __future__ import annotations

from typing import Any

from haystack.dataclasses import ChatMessage

from memstore import Memory, Position
from memstore.filters import TRUE, And, Comparison, Field, Filter, In, Not, Operator, Or, Split, matches
from memstore.filters.evaluate import lookup
from memstore.operations import Reading
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore

_VALUE = Field(("meta", "value"))


class Engine(InMemoryMemoryStore):
    """Evaluates filters by itself: logic by `holds` and what it calls, metadata by `equal` and `ordered`."""

    def holds(self, filter: Filter, memory: Memory) -> bool:
        match filter:
            case And(children):
                return self.all_of(children, memory)
            case Or(children):
                return self.any_of(children, memory)
            case Not(child):
                return self.negated(child, memory)
            case _:
                return self.leaf(filter, memory)

    def all_of(self, children: tuple[Filter, ...], memory: Memory) -> bool:
        return all(self.holds(child, memory) for child in children)

    def any_of(self, children: tuple[Filter, ...], memory: Memory) -> bool:
        return any(self.holds(child, memory) for child in children)

    def negated(self, child: Filter, memory: Memory) -> bool:
        return not self.holds(child, memory)

    def leaf(self, leaf: Comparison | In, memory: Memory) -> bool:
        if leaf.field.path[0] != "meta":
            return matches(leaf, memory)
        found = self.stored(leaf.field, memory)
        match leaf:
            case In(values=values):
                return any(self.equal(found, value) for value in values)
            case Comparison(operator=Operator.EQ, value=value):
                return self.equal(found, value)
        return self.ordered(found, leaf.operator, leaf.value)

    def stored(self, field: Field, memory: Memory) -> Any:
        return lookup(field, memory)

    def equal(self, found: Any, value: Any) -> bool:
        return matches(Comparison(_VALUE, Operator.EQ, value), {"meta": {"value": found}})

    def ordered(self, found: Any, operator: Operator, value: Any) -> bool:
        return matches(Comparison(_VALUE, operator, value), {"meta": {"value": found}})

    def follows(self, memory: Memory, after: Position) -> bool:
        return memory.position > after

    def _matching(self, filter: Filter) -> list[Memory]:
        with self._lock:
            known = sorted(self._memories.values(), key=lambda memory: memory.position)
        return [memory for memory in known if self.holds(filter, memory)]

    def _select(self, filter: Filter, after: Any, limit: int) -> list[Memory]:
        found = self._matching(filter)
        return [memory for memory in found if after is None or self.follows(memory, after)][:limit]

    def _rank(self, query: str, filter: Filter, limit: int) -> Any:
        return rank(query, self._matching(filter), limit), True


class AsWritten(Engine):
    """Gets filters as they were parsed, and not in canonical form."""

    def _reading(self, wanted: Filter) -> Reading:
        reading = super()._reading(wanted)
        return _Unsplit(reading.support, reading.wanted, reading.expiry)


class _Unsplit(Reading):
    def split(self) -> Split:
        return Split(self.wanted if self.expiry == TRUE else And((self.wanted, self.expiry)), TRUE)


class Rewriting(InMemoryMemoryStore):
    """Goes through the dictionary of a filter by `rewritten`, and `comparison` for its leaves, before it is parsed."""

    def rewritten(self, filters: Any) -> Any:
        if not isinstance(filters, dict):
            return filters
        if isinstance(filters.get("conditions"), list):
            return {**filters, "conditions": [self.rewritten(condition) for condition in filters["conditions"]]}
        return self.comparison(filters)

    def comparison(self, condition: dict[str, Any]) -> Any:
        return condition

    def search_memories(self, *, filters: Any = None, **arguments: Any) -> list[ChatMessage]:
        return super().search_memories(filters=self.rewritten(filters), **arguments)


class Keeping(InMemoryMemoryStore):
    """Keeps of a memory what `kept` makes of it."""

    def kept(self, memory: Memory) -> Memory:
        return memory

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        return super()._insert([self.kept(memory) for memory in memories])


class Telling(InMemoryMemoryStore):
    """Returns what `told` makes of a result, with what `own` makes of its own fields."""

    def told(self, message: ChatMessage) -> ChatMessage:
        if "memory_metadata" in message.meta:
            message.meta["memory_metadata"] = self.own(message.meta["memory_metadata"])
        return message

    def own(self, own: dict[str, Any]) -> dict[str, Any]:
        return own

    def search_memories(self, **arguments: Any) -> list[ChatMessage]:
        return [self.told(message) for message in super().search_memories(**arguments)]
