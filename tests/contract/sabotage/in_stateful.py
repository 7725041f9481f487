"""Bugs that only a sequence of calls brings out."""

from __future__ import annotations

from dataclasses import replace

from contract.references import DurableReference, InMemoryReference
from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from contract.sqlite_store import SQLiteReference, _row
from hypothesis import Phase, settings

from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore

SEQUENCES = "test_any_sequence_of_calls_agrees_with_a_model"


class SameSequences(InMemoryReference):
    """Goes through the same sequences each time, and looks for no shorter one."""

    def examples(self, share=1.0):
        return _the_same(super().examples(share))


class SameSequencesOnDisk(DurableReference):
    """Goes through the same sequences each time, reopening among them, and looks for no shorter one."""

    def examples(self, share=1.0):
        return _the_same(super().examples(share))


def _the_same(profile):
    twice = 2 * profile.max_examples
    return settings(profile, max_examples=twice, derandomize=True, database=None, phases=[Phase.generate])


@sabotage(
    caught_by=SEQUENCES,
    source="writing a vector backend: the list of free slots, to which an upsert adds the old one before it keeps it",
    reference=SameSequences,
)
class UpdateFreesItsSlot(Engine):
    """Gives the slot of an updated memory's vector, which is in use, to the next memory that is added."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.slots, self.free = {}, {}

    def _insert(self, memories):
        for memory in super()._insert(memories):
            slot = self.free.popitem()[0] if self.free else len(self.slots)
            self.slots[slot] = memory.id
        return memories

    def _replace(self, memory, expected_version):
        self.free.update({slot: True for slot, known in self.slots.items() if known == memory.id})
        return super()._replace(memory, expected_version)

    def _delete(self, ids):
        self.free.update({slot: True for slot, known in self.slots.items() if known in ids})
        return super()._delete(ids)

    def _rank(self, query, filter, limit):
        vectors = set(self.slots.values())
        return rank(query, [memory for memory in self._matching(filter) if memory.id in vectors], limit), True


@sabotage(
    caught_by=SEQUENCES,
    source="NumPy: numpy.delete() moves up the rows behind, and whoever noted their numbers does not know",
    reference=SameSequences,
)
class RowNumbersGrowStale(Engine):
    """Writes an updated memory's vector into the row that it had before others were deleted."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.rows, self.number = {}, {}

    def _insert(self, memories):
        for memory in super()._insert(memories):
            self.number[memory.id] = len(self.rows)
            self.rows[len(self.rows)] = memory.id
        return memories

    def _replace(self, memory, expected_version):
        if self.number[memory.id] in self.rows:  # what is behind the last row is room to grow
            self.rows[self.number[memory.id]] = memory.id
        return super()._replace(memory, expected_version)

    def _delete(self, ids):
        self.rows = dict(enumerate(known for known in self.rows.values() if known not in ids))
        return super()._delete(ids)

    def _rank(self, query, filter, limit):
        known = {memory.id: memory for memory in self._matching(filter)}
        return rank(query, [known[row] for row in self.rows.values() if row in known], limit), True


@sabotage(
    caught_by=SEQUENCES,
    source="writing a backend that keeps each text once, by its hash, and counts no references",
    reference=SameSequences,
)
class SharedTextsGoWithTheFirst(Engine):
    """Keeps a text once, and deletes it with the first memory that has it."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.texts = set()

    def _insert(self, memories):
        self.texts.update(memory.text for memory in memories)
        return super()._insert(memories)

    def _replace(self, memory, expected_version):
        self.texts.add(memory.text)
        return super()._replace(memory, expected_version)

    def _delete(self, ids):
        self.texts -= {self._memories[memory_id].text for memory_id in ids if memory_id in self._memories}
        return super()._delete(ids)

    def _matching(self, filter):
        found = super()._matching(filter)
        return [memory if memory.text in self.texts else replace(memory, text="") for memory in found]


@sabotage(
    caught_by=SEQUENCES,
    source="Redis: sets of ids by user and run; an update writes the record, and SADDs to the user's only",
    reference=SameSequences,
)
class UpdateLeavesTheRun(InMemoryMemoryStore):
    """Deletes of a run what its index has, which an update takes its memory out of."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.index = {}

    def _insert(self, memories):
        self.index.update({memory.id: memory.scope.ids for memory in memories})
        return super()._insert(memories)

    def _replace(self, memory, expected_version):
        self.index[memory.id] = {"user_id": memory.user_id}
        return super()._replace(memory, expected_version)

    def delete_all_memories(self, **ids):
        self._delete([memory_id for memory_id, known in self.index.items() if ids.items() <= known.items()])


@sabotage(
    caught_by=SEQUENCES,
    source="Cassandra: a tombstone that is dropped too early brings its row back",
    reference=SameSequences,
)
class TombstonesRunOut(Engine):
    """Keeps one tombstone a user, so that the next deletion brings back what the last one deleted."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.tombstones = {}

    def delete_memory(self, memory_id):
        memory = self._memories.get(memory_id)
        super().delete_memory(memory_id)
        back = self.tombstones.pop(memory.user_id, None)
        self.tombstones[memory.user_id] = memory
        if back is not None:
            self._insert([back])


@sabotage(
    caught_by=SEQUENCES,
    source="writing a SQL backend: a cache that writes back what has changed when the store is closed",
    reference=SameSequencesOnDisk,
)
class WritesBackWhatWasDeleted(SQLiteReference):
    """Writes what was updated once more when it is closed, though it was deleted since."""

    def __init__(self, path, clock=None):
        super().__init__(path, clock)
        self.changed = {}

    def _replace(self, memory, expected_version):
        done = super()._replace(memory, expected_version)
        if done:
            self.changed[memory.id] = memory
        return done

    def _close(self):
        with self._transaction() as connection:
            rows = [_row(memory) for memory in self.changed.values()]
            connection.executemany("INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?)", rows)
