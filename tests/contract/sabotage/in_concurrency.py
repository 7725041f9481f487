"""Bugs that show when several callers use a store at a time.

Where two steps should be one, a short sleep stands between them, as long as a request takes.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace

from contract.references import DurableReference
from contract.sabotage.engines import Engine
from contract.sabotage.in_deleting_all import Clearing
from contract.sabotage.registry import sabotage
from contract.sqlite_store import SQLiteReference, _row

from memstore import MemoryNotFoundError, MemoryStoreError
from memstore.filters import TRUE
from memstore_in_memory import InMemoryMemoryStore

A_REQUEST = 0.001


@sabotage(
    caught_by="test_concurrent_adds_are_all_kept",
    source="modelcontextprotocol/servers#4797: the file is read, changed and written anew",
)
class WritesTheWholeFile(Engine):
    """Reads all memories, adds one, and writes all of them."""

    def _insert(self, memories):
        known = dict(self._memories)
        time.sleep(A_REQUEST)
        self._memories = known | {memory.id: memory for memory in memories}
        return memories


@sabotage(
    caught_by="test_concurrent_adds_are_all_kept",
    source="mem0.md: 200 adds from 16 threads on the embedded Qdrant and SQLite history raised",
)
class GivesUpWhenBusy(InMemoryMemoryStore):
    """Raises when somebody else is adding."""

    def _insert(self, memories):
        if self.__dict__.get("busy"):
            raise sqlite3.OperationalError("database is locked")
        self.busy = True
        time.sleep(A_REQUEST)
        self.busy = False
        return super()._insert(memories)


@sabotage(
    caught_by="test_concurrent_adds_have_different_ids",
    source="writing a backend: a counter that is read, and written one higher then",
)
class IdsCountedUp(InMemoryMemoryStore):
    """Makes ids of a counter that two threads may read at a time."""

    def _insert(self, memories):
        number = self.__dict__.get("number", 0)
        time.sleep(A_REQUEST)
        self.number = number + len(memories)
        return super()._insert([replace(memory, id=f"{number + i:09}") for i, memory in enumerate(memories)])


@sabotage(
    caught_by="test_concurrent_adds_have_different_ids",
    source="writing an HTTP backend: one client, whose last answer is kept in it",
)
class AnswersOfOthers(InMemoryMemoryStore):
    """Returns the last answer that came, whoever asked."""

    def add_memories(self, **arguments):
        self.answer = super().add_memories(**arguments)
        time.sleep(A_REQUEST)
        return self.answer


@sabotage(
    caught_by="test_readers_see_whole_memories",
    source="writing a vector backend: the vector with its text first, then the payload",
)
class MetadataComesLater(Engine):
    """Writes a memory's text first, and its metadata then."""

    def _insert(self, memories):
        super()._insert([replace(memory, meta={}) for memory in memories])
        time.sleep(A_REQUEST)
        self._memories |= {memory.id: memory for memory in memories}
        return memories


@sabotage(
    caught_by="test_readers_see_whole_memories",
    source="writing a backend: a buffer of what is new, which is emptied after it was written",
)
class BufferedAndStored(Engine):
    """Finds a memory twice while it goes from a buffer to the others."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.buffer = {}

    def _insert(self, memories):
        new = {memory.id: memory for memory in memories}
        self.buffer = self.buffer | new
        super()._insert(memories)
        time.sleep(A_REQUEST)
        self.buffer = {memory_id: memory for memory_id, memory in self.buffer.items() if memory_id not in new}
        return memories

    def _matching(self, filter):
        return [*super()._matching(filter), *(memory for memory in self.buffer.values() if self.holds(filter, memory))]


@sabotage(
    caught_by="test_readers_see_whole_memories",
    source="Python: RuntimeError, dictionary changed size during iteration",
    raises=MemoryStoreError,
)
class ReadsWithoutALock(Engine):
    """Goes through its memories while others add some."""

    def _matching(self, filter):
        found = []
        for memory in self._memories.values():
            time.sleep(0)
            if self.holds(filter, memory):
                found.append(memory)
        return sorted(found, key=lambda memory: memory.position)


@sabotage(
    caught_by="test_one_of_many_deletes_succeeds",
    source="SQL: SELECT, and then DELETE, of which the number of rows is not looked at",
)
class LooksThenDeletes(InMemoryMemoryStore):
    """Looks whether a memory is there, and deletes it then, whether it still is or not."""

    def _delete(self, ids):
        there = [memory_id for memory_id in ids if memory_id in self._memories]
        time.sleep(10 * A_REQUEST)
        super()._delete(ids)
        return there


@sabotage(
    caught_by="test_one_of_many_deletes_succeeds",
    source="PostgreSQL: could not serialize access, which nobody tries again",
)
class SecondDeleteFails(InMemoryMemoryStore):
    """Raises where somebody else deletes the same memory at the time."""

    def delete_memory(self, memory_id):
        there = memory_id in self._memories
        time.sleep(10 * A_REQUEST)
        try:
            super().delete_memory(memory_id)
        except MemoryNotFoundError:
            if there:
                raise MemoryStoreError("could not serialize access") from None
            raise


@sabotage(
    caught_by="test_adding_while_deleting_all_is_safe",
    source="writing an HTTP backend: after the last page a look whether all is gone",
)
class DeletionGivesUp(Clearing):
    """Raises when a memory is there after all was deleted, though it is a new one."""

    def _insert(self, memories):
        time.sleep(A_REQUEST)
        return super()._insert(memories)

    def cleared(self, ids, scope):
        super().cleared(ids, scope)
        time.sleep(2 * A_REQUEST)
        if self.read(scope):
            raise MemoryStoreError("memories are still there after they were deleted")


@sabotage(
    caught_by="test_adding_while_deleting_all_is_safe",
    source="writing a vector backend: the collection is made anew, with what others have in it",
)
class MakesTheRestAnew(Engine):
    """Deletes a scope by writing all others anew, of which a second deletion finds none meanwhile."""

    def _delete(self, ids):
        left = {memory_id: memory for memory_id, memory in self._memories.items() if memory_id not in ids}
        self._memories = {}
        time.sleep(10 * A_REQUEST)
        self._memories = left
        return list(ids)

    def delete_all_memories(self, **ids):
        found = super().search_memories(include_memory_metadata=True, **ids)
        self._delete([message.meta["memory_metadata"]["memory_id"] for message in found])


@sabotage(
    caught_by="test_concurrent_adds_with_the_same_id_store_one",
    source="SQLite: an IntegrityError that is not looked at",
    reference=DurableReference,
)
class ConflictIsAFailure(SQLiteReference):
    """Lets out what the database says of an id that is taken."""

    def _insert(self, memories):
        time.sleep(10 * A_REQUEST)
        with self._transaction() as connection:
            connection.executemany("INSERT INTO memories VALUES (?, ?, ?, ?)", map(_row, memories))
        return memories


@sabotage(
    caught_by="test_concurrent_adds_with_the_same_id_store_one",
    source="needs.md: m0#6515, a retry duplicates, where the engine has no unique index",
)
class NoUniqueIndex(Engine):
    """Looks whether an id is taken, and adds a second memory under it then."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.rows = []

    def _insert(self, memories):
        time.sleep(10 * A_REQUEST)
        self.rows += memories
        return memories

    def _matching(self, filter):
        return [memory for memory in self.rows if self.holds(filter, memory)]


@sabotage(
    caught_by="test_concurrent_adds_with_a_taken_id_conflict",
    source="SQL: INSERT OR REPLACE",
    reference=DurableReference,
)
class LastWriterReplaces(SQLiteReference):
    """Replaces a memory that somebody else added under the same id at the time."""

    def _insert(self, memories):
        time.sleep(10 * A_REQUEST)
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?)", map(_row, memories))
        return memories


@sabotage(
    caught_by="test_concurrent_adds_with_a_taken_id_conflict",
    source="SQL: INSERT ... ON CONFLICT DO NOTHING, and the answer is not looked at",
)
class SecondWriterIsIgnored(InMemoryMemoryStore):
    """Returns as if it had added a memory whose id somebody else took at the time."""

    def _insert(self, memories):
        time.sleep(10 * A_REQUEST)
        with self._lock:
            new = [memory for memory in memories if memory.id not in self._memories]
            self._memories.update((memory.id, memory) for memory in new)
            self._scopes.add(new)
        return memories


@sabotage(
    caught_by="test_concurrent_updates_lose_nothing",
    source="mem0ai/mem0#7046: lost writes",
)
class ComparesThenWrites(Engine):
    """Compares the version in one step, and writes in another."""

    def _replace(self, memory, expected_version):
        old = self._memories.get(memory.id)
        time.sleep(A_REQUEST)
        if old is None or old.version != expected_version:
            return False
        self._memories[memory.id] = memory
        return True


@sabotage(
    caught_by="test_processes_share_a_store",
    source="writing a SQL backend: rows are kept in the process once they were read",
    reference=DurableReference,
)
class RowsCached(SQLiteReference):
    """Finds what it read at first, and what it added itself."""

    def _select(self, filter, after, limit):
        if "rows" not in self.__dict__:
            self.rows = super()._select(TRUE, None, 10_000)
        rows = sorted(self.rows, key=lambda memory: memory.position)
        return [memory for memory in rows if after is None or memory.position > after][:limit]

    def _insert(self, memories):
        self._select(TRUE, None, 1)
        self.rows += super()._insert(memories)
        return memories


@sabotage(
    caught_by="test_processes_share_a_store",
    source="writing a backend on a file: threading.Lock, which other processes do not see",
    reference=DurableReference,
)
class LocksItsThreadsOnly(SQLiteReference):
    """Reads all memories, and writes them with one more, one thread of a process at a time."""

    def __init__(self, path, clock=None):
        super().__init__(path, clock)
        self.lock = threading.Lock()

    def _insert(self, memories):
        with self.lock:
            known = self._select(TRUE, None, 10_000)
            time.sleep(5 * A_REQUEST)
            with self._transaction() as connection:
                connection.execute("DELETE FROM memories")
                rows = map(_row, [*known, *memories])
                connection.executemany("INSERT INTO memories VALUES (?, ?, ?, ?)", rows)
        return memories
