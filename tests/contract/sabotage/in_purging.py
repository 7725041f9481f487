"""Bugs in deleting what has expired."""

from __future__ import annotations

from contract.sabotage.registry import sabotage

from memstore import MemoryConflictError, ScopeError
from memstore.filters import TRUE
from memstore.memory import Scope
from memstore_in_memory import InMemoryMemoryStore


class Purging(InMemoryMemoryStore):
    """Purges by itself: what is `over` of what is `among` a scope is `removed`."""

    def among(self, ids):
        return self._select(Scope(**ids).filter if ids else TRUE, None, 100_000)

    def over(self, memory):
        return memory.expires_at is not None and memory.expires_at <= self._clock()

    def removed(self, memories):
        return len(self._delete([memory.id for memory in memories]))

    def purge_expired_memories(self, **ids):
        return self.removed([memory for memory in self.among(ids) if self.over(memory)])


@sabotage(
    caught_by="test_purging_counts_what_it_deletes",
    source="DynamoDB: what has expired is marked at once, and deleted within two days",
)
class PurgedLater(Purging):
    """Counts what has expired, and leaves deleting it to a job."""

    def removed(self, memories):
        return len(memories)


@sabotage(
    caught_by="test_purging_counts_what_it_deletes",
    source="DB-API: rowcount is -1 where the driver does not know",
)
class RowCountUnknown(Purging):
    """Returns -1 for how many it deleted."""

    def removed(self, memories):
        super().removed(memories)
        return -1


@sabotage(
    caught_by="test_purging_keeps_what_has_not_expired",
    source="SQL: DELETE ... WHERE expires_at IS NOT NULL",
)
class PurgesWhatEverExpires(Purging):
    """Deletes what expires, whenever that is."""

    def over(self, memory):
        return memory.expires_at is not None


@sabotage(
    caught_by="test_purging_keeps_what_has_not_expired",
    source="SQL: DELETE ... WHERE coalesce(expires_at, 0) <= now",
)
class NullIsLongAgo(Purging):
    """Deletes what never expires too."""

    def over(self, memory):
        return memory.expires_at is None or super().over(memory)


@sabotage(
    caught_by="test_purging_keeps_to_its_scope",
    source="mem0ai/mem0#3773: what several ids mean",
)
class PurgesByAnyId(Purging):
    """Purges what has any of the ids given."""

    def among(self, ids):
        return [m for m in super().among({}) if any(getattr(m, name) == value for name, value in ids.items())]


@sabotage(
    caught_by="test_purging_keeps_to_its_scope",
    source="Redis, MongoDB, DynamoDB: expiry is the business of the whole table",
)
class PurgesEverybody(Purging):
    """Purges everybody's memories, whatever ids are given."""

    def among(self, ids):
        return super().among({})


@sabotage(
    caught_by="test_purging_without_ids_is_everywhere",
    source="writing a backend: purging takes its ids as deleting does",
    raises=ScopeError,
)
class PurgingNeedsAnId(Purging):
    """Refuses to purge everywhere."""

    def among(self, ids):
        if not ids:
            raise ScopeError("purging needs an id")
        return super().among(ids)


@sabotage(
    caught_by="test_purging_without_ids_is_everywhere",
    source="writing a SQL backend: purging goes from user to user",
)
class PurgesUsersOnly(Purging):
    """Purges, where no id is given, the memories that have a user."""

    def among(self, ids):
        return [memory for memory in super().among(ids) if ids or memory.user_id]


@sabotage(
    caught_by="test_purging_goes_past_every_page_size",
    source="mem0ai/mem0#6627: only 100 are deleted; here it is a page of 1,000",
)
class PurgesOnePage(Purging):
    """Purges the first page of what has expired."""

    def removed(self, memories):
        return super().removed(memories[:1000])


@sabotage(
    caught_by="test_deleting_all_deletes_what_has_expired",
    source="writing an HTTP backend: delete_all lists, as anybody would, and deletes what is listed",
)
class DeletesWhatIsListed(InMemoryMemoryStore):
    """Deletes of a scope what a listing has."""

    def delete_all_memories(self, **ids):
        self._delete([memory.id for memory in self.list_memories(**ids, limit=100_000).memories])


@sabotage(
    caught_by="test_an_expired_memory_holds_its_id",
    source="Redis: a key that has expired is not there, so SET NX succeeds",
)
class ExpiredIdsAreFree(Purging):
    """Takes an id whose memory has expired for a free one."""

    def add_memories(self, *, ids=None, **arguments):
        known = [self._memories[memory_id] for memory_id in ids or () if memory_id in self._memories]
        self.removed([memory for memory in known if self.over(memory)])
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_purging_frees_the_id",
    source="writing a vector backend: purging deletes the points, and their records stay",
    raises=MemoryConflictError,
)
class PurgesTheIndexOnly(Purging):
    """Takes what it purges out of every index, and keeps the records."""

    def removed(self, memories):
        self._scopes.remove(memories)
        return len(memories)
