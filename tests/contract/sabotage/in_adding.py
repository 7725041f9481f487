"""Bugs in what adding returns, and in ids and times."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from contract.sabotage.engines import Engine, Keeping
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatRole

from memstore import InvalidMemoryError, MemoryConflictError
from memstore.memory import SCOPE_FIELDS
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_tells_of_what_is_inferred",
    source="mem0-haystack 1.0.0 returns [] for every inferred add, since the answer is PENDING and has no results",
)
class PendingReadAsNothing(InMemoryMemoryStore):
    """Returns nothing for messages of which a model makes memories."""

    def add_memories(self, *, infer=True, **arguments):
        added = super().add_memories(infer=infer, **arguments)
        return [] if infer else added


@sabotage(
    caught_by="test_returns_an_entry_for_each_memory",
    source="writing a SQL backend: RETURNING promises no order",
)
class EntriesInAnotherOrder(Keeping):
    """Returns the entries in the order of the engine."""

    def _insert(self, memories):
        return super()._insert(memories)[::-1]


@sabotage(
    caught_by="test_returns_an_entry_for_each_memory",
    source="writing an HTTP backend: zip(messages, ids) where the server answers in an order of its own",
)
class IdsOfOtherTexts(InMemoryMemoryStore):
    """Returns the texts in the messages' order, and the ids in another."""

    def add_memories(self, **arguments):
        added = super().add_memories(**arguments)
        ids = [entry["memory_id"] for entry in reversed(added)]
        return [{**entry, "memory_id": memory_id} for entry, memory_id in zip(added, ids, strict=True)]


@sabotage(
    caught_by="test_ids_are_unique_and_stable",
    source="writing a vector backend: uuid4() where a record is made of a row",
)
class IdsMadeOnReading(Engine):
    """Makes an id whenever it reads a memory."""

    def _select(self, filter, after, limit):
        return [replace(memory, id=str(uuid.uuid4())) for memory in super()._select(filter, after, limit)]


@sabotage(
    caught_by="test_ids_are_unique_and_stable",
    source="writing a vector backend: the hash of a text as its id",
    raises=MemoryConflictError,
)
class IdsOfTexts(Keeping):
    """Makes a memory's id of its text, whoever said it."""

    def kept(self, memory):
        return replace(memory, id=str(uuid.uuid5(uuid.NAMESPACE_OID, memory.text)))


@sabotage(
    caught_by="test_keeps_the_order_of_adding",
    source="writing a SQL backend: ORDER BY created_at DESC, as a feed has it",
)
class NewestFirst(InMemoryMemoryStore):
    """Returns the newest first where there is no query."""

    def search_memories(self, *, query=None, **arguments):
        found = super().search_memories(query=query, **arguments)
        return found if query else found[::-1]


@sabotage(
    caught_by="test_keeps_the_order_of_adding",
    source="writing a SQL backend: ORDER BY created_at, then a uuid4",
)
class RandomIds(Keeping):
    """Gives memories of one moment ids in no order."""

    def kept(self, memory):
        return replace(memory, id=str(uuid.uuid4()))


@sabotage(
    caught_by="test_a_timestamp_becomes_created_at",
    source="mem0.md: add of Mem0 OSS has no timestamp",
)
class TimestampIgnored(InMemoryMemoryStore):
    """Writes down when a memory was added, not when it was said."""

    def add_memories(self, *, timestamp=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_a_timestamp_becomes_created_at",
    source="Python: datetime.timestamp() of a naive datetime takes the machine's zone",
)
class NaiveTimestampIsLocal(InMemoryMemoryStore):
    """Reads a timestamp without a zone as one of Brussels."""

    def add_memories(self, *, timestamp=None, **arguments):
        if isinstance(timestamp, datetime) and timestamp.tzinfo is None:
            timestamp = timestamp.replace(tzinfo=timezone(timedelta(hours=2)))
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_timestamps",
    source="writing a backend: pandas.to_datetime, or another parser of everything",
)
class TimestampsParsed(InMemoryMemoryStore):
    """Takes a string for a timestamp."""

    def add_memories(self, *, timestamp=None, **arguments):
        timestamp = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_timestamps",
    source="writing a SQL backend: except OverflowError, so that no import fails",
)
class ImpossibleTimestampIsNow(InMemoryMemoryStore):
    """Takes the present for a timestamp that is out of range."""

    def add_memories(self, *, timestamp=None, **arguments):
        beyond = isinstance(timestamp, float) and not abs(timestamp) < 1e12
        return super().add_memories(timestamp=None if beyond else timestamp, **arguments)


@sabotage(
    caught_by="test_own_times_compare_as_instants",
    source="MySQL: DATETIME without a precision is of whole seconds",
)
class WholeSeconds(Keeping):
    """Keeps times in whole seconds."""

    def kept(self, memory):
        return replace(memory, created_at=memory.created_at.replace(microsecond=0))


@sabotage(
    caught_by="test_ids_make_adding_idempotent",
    source="mem0ai/mem0#6515: a retry duplicates",
)
class IdsIgnored(InMemoryMemoryStore):
    """Gives memories ids of its own, whatever the caller's."""

    def add_memories(self, *, ids=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_ids_make_adding_idempotent",
    source="writing a SQL backend: a unique constraint, and no look at what is there",
    raises=MemoryConflictError,
)
class RetriesRefused(InMemoryMemoryStore):
    """Refuses an id that exists, also for the same memory."""

    def add_memories(self, *, ids=None, **arguments):
        if taken := [memory_id for memory_id in ids or () if memory_id in self._memories]:
            raise MemoryConflictError(taken[0])
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="Qdrant, Chroma and Pinecone: upsert is what there is",
)
class Upserts(InMemoryMemoryStore):
    """Overwrites the memory whose id is given, whosever it is."""

    def add_memories(self, *, ids=None, **arguments):
        self._delete(list(ids or ()))
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="Python: {'a': 1} == {'a': True}",
)
class MetadataComparedLoosely(InMemoryMemoryStore):
    """Takes metadata for the same when Python says that it is equal."""

    def add_memories(self, *, ids=None, metadata=None, **arguments):
        there = [self._memories[memory_id].meta for memory_id in ids or () if memory_id in self._memories]
        metadata = next((meta for meta in there if meta == metadata), metadata)
        return super().add_memories(ids=ids, metadata=metadata, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="needs.md: ids as idempotency keys; the scope is forgotten in the comparison",
)
class ScopeNotCompared(InMemoryMemoryStore):
    """Takes a memory for the same when another user adds it under its id."""

    def add_memories(self, *, ids=None, **arguments):
        for memory_id in ids or ():
            if there := self._memories.get(memory_id):
                arguments |= {name: getattr(there, name) for name in SCOPE_FIELDS}
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_ids_of_memories",
    source="writing a backend without a language model: infer is looked at nowhere",
)
class IdsTakenWithInfer(InMemoryMemoryStore):
    """Takes ids for messages of which a model would make any number of memories."""

    def add_memories(self, *, infer=True, **arguments):
        return super().add_memories(infer=False, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_ids_of_memories",
    source="Python: zip stops at the shorter one",
)
class MessagesBeyondIdsDropped(InMemoryMemoryStore):
    """Stores as many messages as there are ids."""

    def add_memories(self, *, messages, ids=None, **arguments):
        messages = messages if ids is None else messages[: len(ids)]
        return super().add_memories(messages=messages, ids=ids, **arguments)


@sabotage(
    caught_by="test_a_timestamp_becomes_created_at",
    source="MySQL: TIMESTAMP holds 1970 to 2038",
    raises=InvalidMemoryError,
)
class TimestampsOfUnix(InMemoryMemoryStore):
    """Refuses a time that does not fit 32 bits of seconds."""

    def add_memories(self, *, timestamp=None, **arguments):
        if isinstance(timestamp, datetime) and not 1970 <= timestamp.year < 2038:
            raise InvalidMemoryError("timestamp: out of range")
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_ids_make_adding_idempotent",
    source="writing a backend: messages without text are dropped first, and ids are zipped to what is left",
)
class IdsShifted(InMemoryMemoryStore):
    """Gives the first id to the first message that has a text."""

    def add_memories(self, *, messages, ids=None, **arguments):
        if ids is not None and not isinstance(ids, str) and len(ids) == len(messages):
            messages = [message for message in messages if message.text]
            ids = ids[: len(messages)]
        return super().add_memories(messages=messages, ids=ids, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="needs.md: ids as idempotency keys; a memory is taken for its text",
)
class RoleNotCompared(InMemoryMemoryStore):
    """Takes a memory for the same when somebody else said it."""

    def add_memories(self, *, messages, ids=None, **arguments):
        roles = [self._memories[memory_id].role for memory_id in ids or () if memory_id in self._memories]
        if "user" in roles:
            messages = [replace(message, _role=ChatRole.USER) for message in messages]
        return super().add_memories(messages=messages, ids=ids, **arguments)
