"""The reference with an engine that evaluates filters by itself, for bugs in how engines do that."""

from __future__ import annotations

from typing import Any

from memstore import Memory
from memstore.filters import And, Comparison, Filter, In, Not, Or, matches
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Engine(InMemoryMemoryStore):
    """Evaluates filters by `leaf`, `all_of`, `any_of` and `negated`, each of which a sabotage may get wrong."""

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
        return matches(leaf, memory)

    def _matching(self, filter: Filter) -> list[Memory]:
        with self._lock:
            known = sorted(self._memories.values(), key=lambda memory: memory.position)
        return [memory for memory in known if self.holds(filter, memory)]

    def _select(self, filter: Filter, after: Any, limit: int) -> list[Memory]:
        found = self._matching(filter)
        return [memory for memory in found if after is None or memory.position > after][:limit]

    def _rank(self, query: str, filter: Filter, limit: int) -> Any:
        return rank(query, self._matching(filter), limit), True
