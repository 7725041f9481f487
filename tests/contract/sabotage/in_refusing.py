"""Bugs in how a store refuses what it does not claim."""

from __future__ import annotations

import asyncio

from contract.sabotage.registry import sabotage
from contract.sabotage.views import View, Viewed, lacking

from memstore import MemoryPage, UnsupportedError
from memstore_in_memory import InMemoryMemoryStore

NO_ASYNC = lacking("async")
NO_ASYNC_VIEW = lacking("async", base=Viewed)
NO_LIST = lacking("list")
NO_COUNT = lacking("count")
NO_CLIENT_IDS = lacking("client_ids")
NO_WAIT = lacking("wait")
NO_UPDATE = lacking("update", "history")
NO_HISTORY = lacking("history")
NO_EXPIRATION = lacking("expiration")
NO_EXPORT = lacking("export")


@sabotage(
    caught_by="test_unclaimed_async_is_refused",
    source="writing a backend: async methods by threads, and no claim, since they were never tried",
    reference=NO_ASYNC,
)
class SearchesAsyncAllTheSame(NO_ASYNC.store_type):
    """Searches by an async method that it does not claim to have."""

    async def search_memories_async(self, **arguments):
        return await asyncio.to_thread(self.search_memories, **arguments)


@sabotage(
    caught_by="test_unclaimed_async_is_refused",
    source="Python: NotImplementedError, as for an abstract method",
    reference=NO_ASYNC,
)
class AsyncIsNotImplemented(NO_ASYNC.store_type):
    """Says of an async method that it is not implemented."""

    async def add_memories_async(self, **arguments):
        raise NotImplementedError


@sabotage(
    caught_by="test_unclaimed_async_is_refused",
    source="writing a backend: the five required methods refuse, and the later ones are forgotten",
    reference=NO_ASYNC,
)
class CountsAsyncAllTheSame(NO_ASYNC.store_type):
    """Counts by an async method that it does not claim to have."""

    async def count_memories_async(self, **arguments):
        return self.count_memories(**arguments)


@sabotage(
    caught_by="test_unclaimed_async_is_refused",
    source="writing a bound view by hand: asyncio.to_thread, whatever the store says",
    reference=NO_ASYNC_VIEW,
)
class BoundAsyncAllTheSame(NO_ASYNC_VIEW.store_type):
    """Deletes through a bound store by an async method that the store refuses."""

    class view(View):
        async def delete_all_memories_async(self, **ids):
            await asyncio.to_thread(self.delete_all_memories, **ids)


@sabotage(
    caught_by="test_unclaimed_list_is_refused",
    source="writing a backend: a method that works, and a claim that was forgotten",
    reference=NO_LIST,
)
class ListsAllTheSame(NO_LIST.store_type):
    """Lists, and does not claim to."""

    def list_memories(self, **arguments):
        return MemoryPage(sorted(self._memories.values(), key=lambda memory: memory.position)[:100])


@sabotage(
    caught_by="test_unclaimed_list_is_refused",
    source="writing a backend: a stub that returns nothing",
    reference=NO_LIST,
)
class ListsNothing(NO_LIST.store_type):
    """Returns an empty page instead of refusing to list."""

    def list_memories(self, **arguments):
        return MemoryPage([])


@sabotage(
    caught_by="test_unclaimed_count_is_refused",
    source="writing a backend: 0 for what cannot be known",
    reference=NO_COUNT,
)
class CountIsZero(NO_COUNT.store_type):
    """Counts nothing instead of refusing to count."""

    def count_memories(self, **arguments):
        return 0


@sabotage(
    caught_by="test_unclaimed_count_is_refused",
    source="Python: the method is taken away, so that it is an AttributeError, or a TypeError as here",
    reference=NO_COUNT,
)
class CountIsNoMethod(NO_COUNT.store_type):
    """Has None where the refusal to count should be."""

    count_memories = None


@sabotage(
    caught_by="test_unclaimed_client_ids_is_refused",
    source="writing a backend: **kwargs swallow ids, and a retry duplicates",
    reference=NO_CLIENT_IDS,
)
class ClientIdsSwallowed(NO_CLIENT_IDS.store_type):
    """Ignores the ids that a caller gives."""

    def add_memories(self, *, ids=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_unclaimed_client_ids_is_refused",
    source="Python: a keyword that is not there is a TypeError",
    reference=NO_CLIENT_IDS,
)
class ClientIdsAreNoKeyword(NO_CLIENT_IDS.store_type):
    """Does not know the keyword for ids."""

    def add_memories(self, *, messages, infer=True, user_id=None, run_id=None, agent_id=None, app_id=None):
        ids = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id, "app_id": app_id}
        return super().add_memories(messages=messages, infer=infer, **ids)


@sabotage(
    caught_by="test_unclaimed_client_ids_is_refused",
    source="writing a backend: the check stands behind the write",
    reference=NO_CLIENT_IDS,
)
class RefusedAndAdded(NO_CLIENT_IDS.store_type):
    """Refuses the ids that a caller gives, and has added the memory by then."""

    def add_memories(self, *, ids=None, **arguments):
        added = super().add_memories(**arguments)
        return added if ids is None else super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_unclaimed_wait_is_refused",
    source="writing a backend: time.sleep(15), as the example of mem0-haystack does",
    reference=NO_WAIT,
)
class WaitsForNothing(NO_WAIT.store_type):
    """Returns from waiting at once, with nothing."""

    def wait(self, event_ids, *, timeout=None):
        return []


@sabotage(
    caught_by="test_unclaimed_update_is_refused",
    source="writing a backend: an update is a deletion and an add, which loses the id",
    reference=NO_UPDATE,
)
class UpdatesAllTheSame(NO_UPDATE.store_type):
    """Updates by adding a new memory, and does not claim to."""

    def update_memory(self, memory_id, *, text=None, **arguments):
        old = self._memories[memory_id]
        self.delete_memory(memory_id)
        return self._insert([type(old).from_dict({**old.to_dict(), "text": text})])[0]


@sabotage(
    caught_by="test_unclaimed_update_is_refused",
    source="writing a backend: one refusal for everything",
    reference=NO_UPDATE,
)
class RefusesByAnotherName(NO_UPDATE.store_type):
    """Names another capability when it refuses an update."""

    def update_memory(self, memory_id, **arguments):
        raise UnsupportedError("history", type(self).__name__)


@sabotage(
    caught_by="test_unclaimed_history_is_refused",
    source="writing a backend: the present state, for want of others",
    reference=NO_HISTORY,
)
class HistoryOfThePresent(NO_HISTORY.store_type):
    """Tells the present state for the history."""

    def memory_history(self, memory_id):
        return [self._memories[memory_id].copy()]


@sabotage(
    caught_by="test_unclaimed_history_is_refused",
    source="writing a backend: an empty history, which reads as never changed",
    reference=NO_HISTORY,
)
class HistoryIsEmpty(NO_HISTORY.store_type):
    """Tells no states instead of refusing a history."""

    def memory_history(self, memory_id):
        return []


@sabotage(
    caught_by="test_unclaimed_expiration_is_refused",
    source="needs.md: lg#8902, expired rows returned, since the engine knows no time to live",
    reference=NO_EXPIRATION,
)
class ExpirationSwallowed(NO_EXPIRATION.store_type):
    """Keeps for ever what should expire."""

    def add_memories(self, *, expires_at=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_unclaimed_expiration_is_refused",
    source="writing a backend: ValueError for each argument that it cannot do",
    reference=NO_EXPIRATION,
)
class ExpirationIsAValueError(NO_EXPIRATION.store_type):
    """Refuses a time as malformed that it only cannot keep."""

    def add_memories(self, *, expires_at=None, **arguments):
        if expires_at is not None:
            raise ValueError("expires_at: not supported")
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_unclaimed_purging_is_refused",
    source="writing a backend: nothing expires, so nothing is to purge",
    reference=NO_EXPIRATION,
)
class PurgesNothing(NO_EXPIRATION.store_type):
    """Says that it purged nothing instead of refusing to purge."""

    def purge_expired_memories(self, **ids):
        return 0


@sabotage(
    caught_by="test_unclaimed_purging_is_refused",
    source="writing a backend: what has no time to live is older than any",
    reference=NO_EXPIRATION,
)
class PurgesEverything(NO_EXPIRATION.store_type):
    """Refuses to purge, and deletes the scope all the same."""

    def purge_expired_memories(self, **ids):
        self.delete_all_memories(**ids)
        super().purge_expired_memories(**ids)


@sabotage(
    caught_by="test_unclaimed_export_is_refused",
    source="writing a backend: the header is written before anything is asked",
    reference=NO_EXPORT,
)
class ExportsTheHeader(NO_EXPORT.store_type):
    """Writes the first line of an export, and refuses then."""

    def export_memories(self, file, **arguments):
        file.write('{"format": "memstore", "version": 1}\n')
        return super().export_memories(file, **arguments)


@sabotage(
    caught_by="test_unclaimed_export_is_refused",
    source="writing a backend: json.dump of what a search finds, under the name that is there",
    reference=NO_EXPORT,
)
class ExportsAllTheSame(NO_EXPORT.store_type):
    """Exports in a format of its own, and does not claim to."""

    def export_memories(self, file, **arguments):
        return file.write("\n".join(message.text for message in self.search_memories(**arguments)))


@sabotage(
    caught_by="test_unclaimed_import_is_refused",
    source="writing a backend: an import that skips what it does not understand, which is everything",
    reference=NO_EXPORT,
)
class ImportsNothing(NO_EXPORT.store_type):
    """Says that it imported nothing instead of refusing an import."""

    def import_memories(self, lines):
        return 0


@sabotage(
    caught_by="test_unclaimed_import_is_refused",
    source="writing a backend: the capability is named in the export, and forgotten in the import",
    reference=NO_EXPORT,
)
class ImportsAllTheSame(NO_EXPORT.store_type):
    """Imports, and does not claim to."""

    def import_memories(self, lines):
        with InMemoryMemoryStore() as able:
            count = able.import_memories(lines)
            self._insert(list(able._memories.values()))
        return count
