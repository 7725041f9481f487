"""Bugs in deleting all memories of a scope."""

from __future__ import annotations

from typing import Any

from contract.sabotage.engines import Engine
from contract.sabotage.in_deleting import Remembering
from contract.sabotage.registry import sabotage

from memstore import MemoryNotFoundError
from memstore.memory import SCOPE_FIELDS, Scope
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Clearing(InMemoryMemoryStore):
    """Deletes all that is `meant`, as far as it is `read`."""

    def meant(self, memory: Any, scope: Scope) -> bool:
        return all(getattr(memory, name) == value for name, value in scope.ids.items())

    def read(self, scope: Scope) -> list[str]:
        return [memory.id for memory in list(self._memories.values()) if self.meant(memory, scope)]

    def delete_all_memories(self, **ids: Any) -> None:
        if scope := Scope(**ids):
            self.cleared(self.read(scope), scope)
        else:
            super().delete_all_memories()

    def cleared(self, ids: list[str], scope: Scope) -> None:
        self._delete(ids)


@sabotage(
    caught_by="test_delete_all_deletes_exactly_the_scope",
    source="mem0ai/mem0#5224: of several ids one is taken",
)
class DeletesByTheFirstId(Clearing):
    """Deletes all that has the first of the ids given."""

    def meant(self, memory, scope):
        name, value = next(iter(scope.ids.items()))
        return getattr(memory, name) == value


@sabotage(
    caught_by="test_delete_all_deletes_exactly_the_scope",
    source="writing a SQL backend: ' OR '.join, in the deletion only",
)
class DeletesByAnyId(Clearing):
    """Deletes all that has one of the ids given."""

    def meant(self, memory, scope):
        return any(getattr(memory, name) == value for name, value in scope.ids.items())


@sabotage(
    caught_by="test_delete_all_deletes_exactly_the_scope",
    source="writing a backend: the scope is the key of a dictionary",
)
class DeletesTheScopeAlone(Clearing):
    """Deletes only what has the ids given and no others."""

    def meant(self, memory, scope):
        return memory.scope == scope


@sabotage(
    caught_by="test_delete_all_honours_app_ids",
    source="mem0.md: Mem0 OSS has no app_id, and its delete_all takes the others",
)
class DeletionSwallowsAppIds(InMemoryMemoryStore):
    """Leaves `app_id` out of a deletion where there are other ids."""

    def delete_all_memories(self, *, app_id=None, **ids):
        super().delete_all_memories(app_id=None if any(ids.values()) else app_id, **ids)


@sabotage(
    caught_by="test_delete_all_goes_past_every_page",
    source="mem0ai/mem0#6627: delete_all deletes only 100",
)
class DeletesAHundred(Clearing):
    """Deletes the first hundred memories of a scope."""

    def read(self, scope):
        return super().read(scope)[:100]


@sabotage(
    caught_by="test_delete_all_goes_past_every_page",
    source="writing an HTTP backend: the next page is asked for by its number, when the first one is gone",
)
class SkipsEverySecondPage(Clearing):
    """Deletes page by page, and leaves out what moves up meanwhile."""

    def read(self, scope):
        ids = super().read(scope)
        return [memory_id for place, memory_id in enumerate(ids) if place // 200 % 2 == 0]


@sabotage(
    caught_by="test_delete_all_leaves_nothing_to_rank",
    source="mem0ai/mem0#3695: deleted, and still searchable",
)
class IndexOutlivesTheScope(Remembering):
    """Leaves memories in the index that ranks when more than one is deleted at a time."""

    def _delete(self, ids):
        return super()._delete(ids) if len(ids) == 1 else Engine._delete(self, ids)

    def _rank(self, query, filter, limit):
        return rank(query, [memory for memory in self.ever.values() if self.holds(filter, memory)], limit), True


@sabotage(
    caught_by="test_delete_all_leaves_nothing_to_count",
    source="Redis: DECR on deleting one, and not on deleting all",
)
class CounterOutlivesTheScope(Remembering):
    """Counts by a counter that only deleting a single memory counts down."""

    def _delete(self, ids):
        return super()._delete(ids) if len(ids) == 1 else Engine._delete(self, ids)

    def count_memories(self, **arguments):
        ids = {name: arguments[name] for name in SCOPE_FIELDS if arguments.get(name)}
        counted = [memory for memory in self.ever.values() if all(getattr(memory, n) == v for n, v in ids.items())]
        return len(counted) if ids else super().count_memories(**arguments)


@sabotage(
    caught_by="test_delete_all_of_nothing_deletes_nothing",
    source="Chroma: collection.delete(ids=[]) deleted everything",
)
class NoIdsAreAll(Clearing):
    """Deletes everything where there is nothing to delete."""

    def cleared(self, ids, scope):
        self._delete(ids or list(self._memories))


@sabotage(
    caught_by="test_delete_all_of_nothing_deletes_nothing",
    source="mem0.md: 404 when it is not there",
    raises=MemoryNotFoundError,
)
class NothingToDeleteIsAnError(Clearing):
    """Raises where there is nothing to delete."""

    def cleared(self, ids, scope):
        if not ids:
            raise MemoryNotFoundError(next(iter(scope.ids.values())))
        self._delete(ids)


@sabotage(
    caught_by="test_a_scope_can_be_used_after_delete_all",
    source="writing a backend on an event log: a tombstone for the scope, which holds for what comes later too",
)
class ScopesStayDeleted(Engine):
    """Hides a scope that was once deleted, with what is added to it later."""

    def delete_all_memories(self, **ids):
        super().delete_all_memories(**ids)
        self.__dict__.setdefault("tombstones", []).append(Scope(**ids))

    def _matching(self, filter):
        hidden = self.__dict__.get("tombstones", ())
        found = super()._matching(filter)
        return [m for m in found if not any(set(s.ids.items()) <= set(m.scope.ids.items()) for s in hidden)]


@sabotage(
    caught_by="test_a_scope_can_be_used_after_delete_all",
    source="writing a backend: a set of jobs by scope, so that none runs twice",
)
class DeletesAScopeOnce(Clearing):
    """Deletes a scope the first time only."""

    def cleared(self, ids, scope):
        jobs = self.__dict__.setdefault("jobs", set())
        if scope not in jobs:
            self._delete(ids)
        jobs.add(scope)
