"""Bugs in what is there after a store was closed, or killed, and opened again."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from contract.references import DurableReference
from contract.sabotage.registry import sabotage as register
from contract.sabotage.views import Queueing
from contract.sqlite_store import SQLiteReference

from memstore import Memory, MemoryConflictError
from memstore.filters import TRUE
from memstore.ranking import rank

sabotage = partial(register, reference=DurableReference)


class Recalling(SQLiteReference):
    """Keeps in its process what `stored` leaves out of a memory."""

    def __init__(self, path: str, clock: Any = None) -> None:
        super().__init__(path, clock)
        self.recalled: dict[str, Memory] = {}

    def stored(self, memory: Memory) -> Memory:
        return memory

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        self.recalled |= {memory.id: memory for memory in memories}
        super()._insert([self.stored(memory) for memory in memories])
        return memories

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        self.recalled[memory.id] = memory
        return super()._replace(memory, expected_version)

    def _select(self, filter: Any, after: Any, limit: int) -> list[Memory]:
        return [self.recalled.get(memory.id, memory) for memory in super()._select(filter, after, limit)]


class Buffering(SQLiteReference):
    """Writes what is added when `enough` has come, and at the end, and knows it until then."""

    def __init__(self, path: str, clock: Any = None) -> None:
        super().__init__(path, clock)
        self.buffer: list[Memory] = []

    def enough(self) -> bool:
        return bool(self.buffer)

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        self.buffer += memories
        if self.enough():
            self.flush()
        return memories

    def flush(self) -> None:
        super()._insert(self.buffer)
        self.buffer = []

    def _select(self, filter: Any, after: Any, limit: int) -> list[Memory]:
        new = [memory for memory in self.buffer if after is None or memory.position > after]
        return sorted([*super()._select(filter, after, limit), *new], key=lambda memory: memory.position)[:limit]

    def _close(self) -> None:
        if self.buffer:
            self.flush()


@sabotage(
    caught_by="test_texts_survive_reopening",
    source="writing a backend on files: no flush() in close()",
)
class LastWritesUnflushed(Buffering):
    """Writes ten memories at a time, and forgets the last ones when it is closed."""

    def enough(self):
        return len(self.buffer) >= 10

    def _close(self):
        pass


@sabotage(
    caught_by="test_texts_survive_reopening",
    source="writing a SQL backend: the default path in from_dict",
)
class OpensAnotherFile(SQLiteReference):
    """Opens another file when its configuration is loaded."""

    @classmethod
    def from_dict(cls, data):
        return cls(data["init_parameters"]["path"] + ".new")


@sabotage(
    caught_by="test_texts_survive_reopening",
    source="SQLite: isolation_level='', and nobody calls commit()",
)
class NeverCommits(Buffering):
    """Adds to a transaction that closing rolls back."""

    def enough(self):
        return False

    def _close(self):
        self.buffer = []


@sabotage(
    caught_by="test_texts_survive_reopening",
    source="writing a vector backend: metadata in a docstore of the process, FAISS in a file",
)
class MetadataInTheProcess(Recalling):
    """Writes texts down, and keeps metadata in its process."""

    def stored(self, memory):
        return replace(memory, meta={})


@sabotage(
    caught_by="test_ids_and_times_survive_reopening",
    source="writing a SQL backend: a column that INSERT forgets, and a cache that hides it",
)
class NamesInTheProcess(Recalling):
    """Keeps speakers' names in its process."""

    def stored(self, memory):
        return replace(memory, name=None)


@sabotage(
    caught_by="test_ids_and_times_survive_reopening",
    source="MySQL: DATETIME, of whole seconds",
)
class TimesAreCut(Recalling):
    """Writes down the seconds of a time without their fractions."""

    def stored(self, memory):
        return replace(memory, updated_at=memory.updated_at.replace(microsecond=0))


@sabotage(
    caught_by="test_queries_work_after_reopening",
    source="writing a vector backend: the index is filled on adding, and never loaded",
)
class IndexInTheProcess(SQLiteReference):
    """Ranks what was added since it was opened."""

    def _insert(self, memories):
        self.__dict__.setdefault("index", []).extend(memories)
        return super()._insert(memories)

    def _rank(self, query, filter, limit):
        index = self.__dict__.get("index", [])
        return rank(query, index, len(index) + 1), True


@sabotage(
    caught_by="test_deletions_survive_reopening",
    source="FAISS: a list of removed rows, which is kept beside the index and not saved",
)
class DeletionsInTheProcess(SQLiteReference):
    """Remembers in its process what was deleted."""

    def _delete(self, ids):
        known = {memory.id for memory in self._select(TRUE, None, 10_000)}
        self.__dict__.setdefault("gone", set()).update(ids)
        return [memory_id for memory_id in ids if memory_id in known]

    def _select(self, filter, after, limit):
        gone = self.__dict__.get("gone", ())
        return [memory for memory in super()._select(filter, after, 10_000) if memory.id not in gone][:limit]


@sabotage(
    caught_by="test_deletions_survive_reopening",
    source="writing a backend: scopes to delete at night, in a set",
)
class DeletedScopesInTheProcess(SQLiteReference):
    """Remembers in its process which scopes were deleted, and hides what they have."""

    def delete_all_memories(self, **ids):
        doomed = {message.meta["memory_metadata"]["memory_id"] for message in self._found(ids)}
        self.__dict__.setdefault("hidden", set()).update(doomed)

    def _found(self, ids):
        return self.search_memories(include_memory_metadata=True, **ids)

    def _select(self, filter, after, limit):
        hidden = self.__dict__.get("hidden", ())
        return [memory for memory in super()._select(filter, after, 10_000) if memory.id not in hidden][:limit]


@sabotage(
    caught_by="test_updates_survive_reopening",
    source="SQLAlchemy: an attribute is set, and the session is not committed",
)
class UpdatesInTheProcess(Recalling):
    """Keeps in its process what an update changed."""

    def _replace(self, memory, expected_version):
        known = {other.id: other for other in self._select(TRUE, None, 10_000)}
        if memory.id not in known or known[memory.id].version != expected_version:
            return False
        self.recalled[memory.id] = memory
        return True


@sabotage(
    caught_by="test_updates_survive_reopening",
    source="writing a SQL backend: UPDATE memories SET record = ..., with the version in the old record",
)
class VersionsInTheProcess(Recalling):
    """Writes an update down without its version and its time."""

    def _replace(self, memory, expected_version):
        done = super()._replace(memory, expected_version)
        with self._transaction() as connection:
            connection.execute(
                "UPDATE memories SET record = json_set(record, '$.version', 1, '$.updated_at', "
                "json_extract(record, '$.created_at')) WHERE id = ?",
                (memory.id,),
            )
        return done


@sabotage(
    caught_by="test_histories_survive_reopening",
    source="writing a SQL backend: earlier states in a list beside the connection",
)
class HistoriesInTheProcess(SQLiteReference):
    """Keeps the earlier states of memories in its process."""

    def _replace(self, memory, expected_version):
        before = super()._history(memory.id)
        done = super()._replace(memory, expected_version)
        if done:
            self.__dict__.setdefault("states", {}).setdefault(memory.id, []).extend(before[-1:])
            with self._transaction() as connection:
                connection.execute("DELETE FROM earlier WHERE id = ?", (memory.id,))
        return done

    def _history(self, memory_id):
        present = super()._history(memory_id)
        return [*self.__dict__.get("states", {}).get(memory_id, ()), *present] if present else []


@sabotage(
    caught_by="test_expirations_survive_reopening",
    source="writing a backend: a timer for what expires, and not a column",
)
class ExpirationsInTheProcess(Recalling):
    """Keeps in its process when memories expire."""

    def stored(self, memory):
        return replace(memory, expires_at=None)


@sabotage(
    caught_by="test_a_reopened_store_takes_more",
    source="writing a vector backend: ids are counted from 0 when it is opened",
    raises=MemoryConflictError,
)
class CountsIdsAnew(SQLiteReference):
    """Counts its ids from the beginning when it is opened."""

    def _insert(self, memories):
        first = self.__dict__.get("count", 0)
        self.count = first + len(memories)
        return super()._insert([replace(memory, id=f"{first + i:09}") for i, memory in enumerate(memories)])


@sabotage(
    caught_by="test_a_reopened_store_takes_more",
    source="writing a backend: time.monotonic(), which begins with the process",
)
class TimesBeginAnew(SQLiteReference):
    """Tells the time by a clock that begins when it is opened."""

    def __init__(self, path, clock=None):
        start = time.monotonic() - (0 if Path(path).exists() else 3600)  # the first process has run for an hour
        super().__init__(path, clock)
        self._clock = lambda: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=time.monotonic() - start)


@sabotage(
    caught_by="test_reopening_twice_changes_nothing",
    source="writing a backend on a log: what was replayed is logged again",
)
class ReplaysTwice(SQLiteReference):
    """Adds again what it finds, when its configuration is loaded."""

    @classmethod
    def from_dict(cls, data):
        store = super().from_dict(data)
        found = store._select(TRUE, None, 10_000)
        store._insert([replace(memory, id=f"{memory.id}-again") for memory in found])
        return store


@sabotage(
    caught_by="test_reopening_twice_changes_nothing",
    source="writing a backend on a log: the log is read, and emptied, before it is written elsewhere",
)
class EmptiedWhenOpened(Recalling):
    """Moves all memories into its process when its configuration is loaded."""

    @classmethod
    def from_dict(cls, data):
        store = super().from_dict(data)
        store.loaded = store._select(TRUE, None, 10_000)
        store._delete([memory.id for memory in store.loaded])
        return store

    def _select(self, filter, after, limit):
        loaded = [m for m in self.__dict__.get("loaded", ()) if after is None or m.position > after]
        return [*loaded, *super()._select(filter, after, limit)][:limit]


class QueueOnDisk(Queueing, SQLiteReference):
    """The durable store, where adding may be pending."""


@sabotage(
    caught_by="test_closing_keeps_what_is_pending",
    source="Python: a thread that is a daemon ends with the process, whatever is in its queue",
)
class QueueDroppedAtTheEnd(QueueOnDisk):
    """Forgets what is pending when it is closed."""

    def close(self):
        self.queue.clear()
        super().close()


@sabotage(
    caught_by="test_a_killed_process_loses_nothing",
    source="writing a backend on a file: it is written in close(), or atexit",
)
class WritesWhenClosed(Buffering):
    """Writes memories down when it is closed."""

    def enough(self):
        return False


@sabotage(
    caught_by="test_a_killed_process_loses_nothing",
    source="Elasticsearch: index.translog.durability = async",
)
class WritesByFours(Buffering):
    """Writes memories down when there are four."""

    def enough(self):
        return len(self.buffer) >= 4
