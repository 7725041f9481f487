"""Bugs in what a bound store lists, counts, changes, exports and waits for."""

from __future__ import annotations

from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Pager
from contract.sabotage.views import View, Viewed, ViewedQueue, lacking

from memstore import EventNotFoundError, MemoryNotFoundError, ScopeError, operations
from memstore.arguments import given_filters
from memstore.export import from_lines, to_lines
from memstore.filters import TRUE


class Beside(View):
    """Hands filters on with the bound ids beside them, which are ignored there."""

    def beside(self, filters, ids):
        return {**self._scope.ids, **ids, **({"filters": filters} if given_filters(filters) is not None else {})}


@sabotage(
    caught_by="test_bound_listing_stays_inside",
    source="writing a bound view by hand: semantics.md, ids beside filters are ignored",
)
class BoundListingBesideFilters(Viewed):
    """Lists by a filter and the bound ids beside it."""

    class view(Beside):
        def list_memories(self, *, filters=None, limit=100, cursor=None, **ids):
            return self._store.list_memories(limit=limit, cursor=cursor, **self.beside(filters, ids))


@sabotage(
    caught_by="test_bound_listing_refuses_foreign_cursors",
    source="writing a backend: a cursor is a position, and the same for every listing",
)
class CursorsOfAnyScope(Pager):
    """Makes cursors that are tied to no scope."""

    def cursor(self, place, wanted):
        return operations._write_cursor(place, TRUE)

    def read(self, cursor, wanted):
        return operations._read_cursor(cursor, TRUE)


@sabotage(
    caught_by="test_bound_counting_stays_inside",
    source="writing a bound view by hand: the filter goes on as it is, since the ids are beside it",
)
class BoundCountBesideFilters(Viewed):
    """Counts by a filter and the bound ids beside it."""

    class view(Beside):
        def count_memories(self, *, filters=None, **ids):
            return self._store.count_memories(**self.beside(filters, ids))


@sabotage(
    caught_by="test_bound_counting_stays_inside",
    source="Chroma: collection.count() takes no `where`",
)
class BoundCountOfEverybody(Viewed):
    """Counts everybody's memories through a bound store."""

    class view(View):
        def count_memories(self, **arguments):
            return len(self._store._memories)


@sabotage(
    caught_by="test_bound_updates_stay_inside",
    source="writing a bound view by hand: an update takes no user_id, so it is handed on",
)
class BoundUpdatesByIdAlone(Viewed):
    """Updates a memory through a bound store whosever it is."""

    class view(View):
        def update_memory(self, memory_id, **arguments):
            return self._store.update_memory(memory_id, **arguments)


@sabotage(
    caught_by="test_bound_updates_stay_inside",
    source="writing a bound view by hand: the memory is updated, and then looked at",
)
class BoundUpdatesBeforeItLooks(Viewed):
    """Updates a memory, and says then that it is not of the scope."""

    class view(View):
        def update_memory(self, memory_id, **arguments):
            changed = self._store.update_memory(memory_id, **arguments)
            if changed.user_id != self._scope.user_id:
                raise MemoryNotFoundError(memory_id)
            return changed


@sabotage(
    caught_by="test_bound_histories_stay_inside",
    source="writing a bound view by hand: a history takes no user_id, so it is handed on",
)
class BoundHistoriesOfAnybody(Viewed):
    """Tells the history of a memory whosever it is."""

    class view(View):
        def memory_history(self, memory_id):
            return self._store.memory_history(memory_id)


@sabotage(
    caught_by="test_bound_histories_stay_inside",
    source="writing a bound view by hand: a foreign memory is an error of the scope",
    raises=ScopeError,
)
class BoundHistoriesNameTheScope(Viewed):
    """Tells that a memory is of another scope, where its history is asked for."""

    class view(View):
        def memory_history(self, memory_id):
            memory = self._store._memories.get(memory_id)
            if memory is not None and memory.user_id != self._scope.user_id:
                raise ScopeError("the memory is of another scope")
            return super().memory_history(memory_id)


@sabotage(
    caught_by="test_bound_exports_stay_inside",
    source="writing a bound view by hand: an export without ids is one of everything",
)
class BoundExportIsWhole(Viewed):
    """Exports everybody's memories where a bound store is given no id and no filter."""

    class view(Beside):
        def export_memories(self, file, *, filters=None, **ids):
            given = ids or given_filters(filters) is not None
            return self._store.export_memories(file, **(self._target(filters, self._scope) if given else {}))


@sabotage(
    caught_by="test_bound_exports_stay_inside",
    source="writing a bound view by hand: the filter of an export beside the bound ids",
)
class BoundExportBesideFilters(Viewed):
    """Exports by a filter and the bound ids beside it."""

    class view(Beside):
        def export_memories(self, file, *, filters=None, **ids):
            return self._store.export_memories(file, **self.beside(filters, ids))


@sabotage(
    caught_by="test_bound_imports_stay_inside",
    source="writing a bound view by hand: an import takes no user_id, so it is handed on",
)
class BoundImportsForAnybody(Viewed):
    """Imports memories through a bound store whosever they are."""

    class view(View):
        def import_memories(self, lines):
            return self._store.import_memories(lines)


@sabotage(
    caught_by="test_bound_imports_stay_inside",
    source="writing a bound view by hand: {**record, **scope}",
)
class BoundImportsMove(Viewed):
    """Imports foreign memories as memories of the scope."""

    class view(View):
        def import_memories(self, lines):
            return self._store.import_memories(to_lines(self.moved(memory) for memory in from_lines(lines)))

        def moved(self, memory):
            return type(memory).from_dict({**memory.to_dict(), **self._scope.ids})


@sabotage(
    caught_by="test_bound_imports_stay_inside",
    source="writing a bound view by hand: foreign lines are skipped, as known ones are",
)
class BoundImportsSkip(Viewed):
    """Leaves out foreign memories of an import, and does not say so."""

    class view(View):
        def import_memories(self, lines):
            own = [memory for memory in from_lines(lines) if memory.user_id == self._scope.user_id]
            return super().import_memories(to_lines(own))


@sabotage(
    caught_by="test_bound_purges_stay_inside",
    source="writing a bound view by hand: purging without an id is everywhere",
)
class BoundPurgesEverywhere(Viewed):
    """Purges everybody's memories through a bound store."""

    class view(View):
        def purge_expired_memories(self, **ids):
            return self._store.purge_expired_memories(**ids)


@sabotage(
    caught_by="test_bound_purges_stay_inside",
    source="writing a bound view by hand: what has expired is no memory of the scope any more",
)
class BoundPurgesNothing(Viewed):
    """Purges through a bound store what it finds, which is nothing that has expired."""

    class view(View):
        def purge_expired_memories(self, **ids):
            found = self.search_memories(include_memory_metadata=True, **ids)
            own = [message.meta["memory_metadata"] for message in found]
            return len([one for one in own if one["expires_at"] and one["expires_at"] < one["updated_at"]])


@sabotage(
    caught_by="test_bound_ids_overwrite_no_foreign_memory",
    source="Qdrant: upsert() replaces a point, whatever its payload says of its user",
)
class BoundAddsOverwrite(Viewed):
    """Takes away the memory whose id is given to a bound store, and adds its own."""

    class view(View):
        def add_memories(self, *, ids=None, **arguments):
            self._store._delete(list(ids or ()))
            return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_bound_ids_overwrite_no_foreign_memory",
    source="needs.md: ids as idempotency keys, with the text alone compared",
)
class ForeignMemoryIsTheSame(Viewed):
    """Returns a foreign memory as added where it has the id and the text."""

    class view(View):
        def add_memories(self, *, messages, ids=None, **arguments):
            there = self._store._memories.get(ids[0]) if ids else None
            if there is not None and there.text == messages[0].text:
                return [{"memory_id": there.id, "memory": there.text}]
            return super().add_memories(messages=messages, ids=ids, **arguments)


@sabotage(
    caught_by="test_bound_waiting_stays_inside",
    source="writing a bound view by hand: wait() takes no user_id, so it is handed on",
)
class BoundWaitsForAnybody(ViewedQueue):
    """Tells through a bound store what became of anybody's event."""

    class view(View):
        def wait(self, event_ids, *, timeout=None):
            return self._store.wait(event_ids, timeout=timeout)


@sabotage(
    caught_by="test_bound_waiting_stays_inside",
    source="writing a queue: an event is taken out of it by whoever asks first",
    raises=EventNotFoundError,
)
class EventsAreToldOnce(ViewedQueue):
    """Forgets an event once it was asked for, also by another scope."""

    def finished(self, event, timeout):
        entries = super().finished(event, timeout)
        self.entries.pop(event)
        return entries


NO_COUNT = lacking("count", base=Viewed)
NO_EXPIRATION = lacking("expiration", base=Viewed)


@sabotage(
    caught_by="test_bound_refuses_what_the_store_does",
    source="writing a bound view by hand: what is missing is made of what is there",
    reference=NO_COUNT,
)
class BoundCountsAllTheSame(NO_COUNT.store_type):
    """Counts through a bound store what it finds, where the store refuses to count."""

    class view(View):
        def count_memories(self, **arguments):
            return len(self.search_memories(**arguments))


@sabotage(
    caught_by="test_bound_refuses_what_the_store_does",
    source="writing a bound view by hand: nothing expires there, so nothing is to purge",
    reference=NO_EXPIRATION,
)
class BoundPurgeIsEmpty(NO_EXPIRATION.store_type):
    """Says through a bound store that it purged nothing, where the store refuses to purge."""

    class view(View):
        def purge_expired_memories(self, **ids):
            return 0
