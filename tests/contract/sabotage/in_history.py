"""Bugs in what is told of a memory's past."""

from __future__ import annotations

from dataclasses import replace

from contract.references import DurableReference
from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from contract.sqlite_store import SQLiteReference

from memstore import MemoryNotFoundError
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Journal(InMemoryMemoryStore):
    """Keeps histories in a journal: it will `note` each state that is written, and `forget` those of the deleted."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.journal = []

    def note(self, memory):
        self.journal.append(memory)

    def forget(self, ids):
        self.journal = [state for state in self.journal if state.id not in ids]

    def _insert(self, memories):
        for memory in super()._insert(memories):
            self.note(memory)
        return memories

    def _replace(self, memory, expected_version):
        done = super()._replace(memory, expected_version)
        if done:
            self.note(memory)
        return done

    def _delete(self, ids):
        gone = super()._delete(ids)
        self.forget(gone)
        return gone

    def _history(self, memory_id):
        return [state for state in self.journal if state.id == memory_id]


@sabotage(
    caught_by="test_a_new_memory_has_one_state",
    source="writing a SQL backend: a trigger on INSERT, beside the row that the store writes itself",
)
class AddingNotedTwice(Journal):
    """Keeps the first state of a memory twice."""

    def _insert(self, memories):
        for memory in super()._insert(memories):
            self.note(memory)
        return memories


@sabotage(
    caught_by="test_a_new_memory_has_one_state",
    source="writing a SQL backend: a table of changes, which a new memory has none of",
    raises=MemoryNotFoundError,
)
class NoHistoryWithoutChanges(InMemoryMemoryStore):
    """Knows no history of a memory that was never changed."""

    def _history(self, memory_id):
        return super()._history(memory_id) if memory_id in self._earlier else []


@sabotage(
    caught_by="test_a_history_has_every_state_in_order",
    source="SQL: ORDER BY a version that is TEXT puts 10 before 2",
)
class StatesInTheOrderOfLetters(Journal):
    """Sorts versions as strings."""

    def _history(self, memory_id):
        return sorted(super()._history(memory_id), key=lambda state: str(state.version))


@sabotage(
    caught_by="test_a_history_has_every_state_in_order",
    source="mem0ai: the table of its history has columns for old and new texts, and none for metadata",
)
class MetadataHasNoHistory(Journal):
    """Tells earlier states with the metadata of today."""

    def _history(self, memory_id):
        states = super()._history(memory_id)
        return [replace(state, meta=states[-1].meta) for state in states]


@sabotage(
    caught_by="test_a_history_has_every_state_in_order",
    source="MongoDB: $push with $slice, which bounds the list",
)
class LastTenStates(Journal):
    """Keeps the last ten states of a memory."""

    def _history(self, memory_id):
        return super()._history(memory_id)[-10:]


@sabotage(
    caught_by="test_a_history_has_every_state_in_order",
    source="Git: a log begins with what is newest",
)
class NewestStateFirst(Journal):
    """Tells the newest state first."""

    def _history(self, memory_id):
        return super()._history(memory_id)[::-1]


@sabotage(
    caught_by="test_a_history_ends_with_the_present_state",
    source="SQL Server: the history table of a temporal table holds the old rows only",
)
class OnlyThePast(InMemoryMemoryStore):
    """Leaves the present state out of a history."""

    def _history(self, memory_id):
        return super()._history(memory_id)[:-1]


@sabotage(
    caught_by="test_states_say_when_they_were_written",
    source="SQL: INSERT INTO history SELECT ..., CURRENT_TIMESTAMP",
)
class StampedWhenMoved(InMemoryMemoryStore):
    """Sets `updated_at` of an old state to when a new one took its place."""

    def _replace(self, memory, expected_version):
        done = super()._replace(memory, expected_version)
        if done:
            states = self._earlier[memory.id]
            states[-1] = replace(states[-1], updated_at=self._clock())
        return done


@sabotage(
    caught_by="test_states_say_when_they_were_written",
    source="writing an event log: created_at is a column that every event has, for itself",
)
class EachStateIsCreated(Journal):
    """Tells as `created_at` of a state when that state was written."""

    def _history(self, memory_id):
        return [replace(state, created_at=state.updated_at) for state in super()._history(memory_id)]


@sabotage(
    caught_by="test_earlier_states_are_found_by_no_search",
    source="writing a SQL backend: versions as rows of one table, and a query without `is_latest`",
)
class VersionsAreRows(Engine):
    """Finds earlier states among the memories."""

    def _matching(self, filter):
        earlier = [state for states in self._earlier.values() for state in states]
        return super()._matching(filter) + [state for state in earlier if self.holds(filter, state)]


@sabotage(
    caught_by="test_earlier_states_are_found_by_no_search",
    source="writing a vector backend: the point of an old version stays, so that its history can be shown",
)
class OldPointsAreRanked(Engine):
    """Ranks earlier states beside the memories."""

    def _rank(self, query, filter, limit):
        earlier = [state for states in self._earlier.values() for state in states if self.holds(filter, state)]
        return rank(query, self._matching(filter) + earlier, limit), True


@sabotage(
    caught_by="test_a_history_is_of_one_memory",
    source="writing a SQL backend: the table of states has the user's id, and not the memory's",
)
class HistoryOfTheUser(Journal):
    """Tells the states of all memories of a memory's user."""

    def _history(self, memory_id):
        memory = self._memories.get(memory_id)
        return [state for state in self.journal if memory and state.user_id == memory.user_id]


@sabotage(
    caught_by="test_the_history_of_an_unknown_memory_is_an_error",
    source="mem0ai: Memory.history() of an unknown id is an empty list",
)
class UnknownHasNoStates(InMemoryMemoryStore):
    """Returns no states of a memory that never was."""

    def memory_history(self, memory_id):
        try:
            return super().memory_history(memory_id)
        except MemoryNotFoundError:
            return []


@sabotage(
    caught_by="test_the_history_of_a_deleted_memory_is_gone",
    source="mem0ai/mem0#6525: the history keeps the text of what was deleted",
)
class HistoryOutlivesItsMemory(Journal):
    """Keeps the states of a deleted memory, and tells them."""

    def forget(self, ids):
        pass


@sabotage(
    caught_by="test_the_history_of_a_deleted_memory_is_gone",
    source="mem0.md: delete_all leaves every text in the history database",
)
class HistoryOutlivesItsScope(Journal):
    """Keeps the states of memories that are deleted with their scope, and tells them."""

    def delete_all_memories(self, **ids):
        kept = self.journal
        super().delete_all_memories(**ids)
        self.journal = kept


@sabotage(
    caught_by="test_a_history_does_not_come_back",
    source="SQLite: ON DELETE CASCADE does nothing without PRAGMA foreign_keys = ON",
    reference=DurableReference,
)
class StatesNotCascaded(SQLiteReference):
    """Leaves the earlier states in their table when their memory is deleted."""

    def _delete(self, ids):
        with self._transaction() as connection:
            return [i for i in ids if connection.execute("DELETE FROM memories WHERE id = ?", (i,)).rowcount]


@sabotage(
    caught_by="test_refused_updates_leave_no_state",
    source="writing a backend: the old state is saved first, to be on the safe side",
)
class SavedBeforeTheUpdate(InMemoryMemoryStore):
    """Saves the old state before it knows whether the update is made."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.saved = []

    def update_memory(self, memory_id, **arguments):
        self.saved.append(self._memories[memory_id])
        return super().update_memory(memory_id, **arguments)

    def _history(self, memory_id):
        return [*self.saved, self._memories[memory_id]]


@sabotage(
    caught_by="test_states_are_copies",
    source="Python: dataclasses.replace() and dict() copy one level",
)
class ShallowStates(InMemoryMemoryStore):
    """Returns states whose nested values are those in the store."""

    def memory_history(self, memory_id):
        return [replace(state, meta=dict(state.meta)) for state in self._history(memory_id)]
