"""Bugs in which updates are refused, and in what a version says."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from contract.references import DurableReference
from contract.sabotage.engines import Keeping
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Updater
from contract.sqlite_store import SQLiteReference

from memstore import Memory, MemoryConflictError, MemoryNotFoundError
from memstore.arguments import checked_metadata
from memstore.memory import RESERVED_METADATA_KEYS, SCOPE_FIELDS
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_an_update_of_an_unknown_memory_is_refused",
    source="Qdrant: upsert() is the one way to write a point",
)
class UpdateUpserts(Updater):
    """Adds a memory that is not there, and updates that."""

    def found(self, memory_id):
        try:
            return super().found(memory_id)
        except MemoryNotFoundError:
            now = self._clock()
            return self._insert([Memory(memory_id, "", created_at=now, updated_at=now)])[0]


@sabotage(
    caught_by="test_an_update_of_an_unknown_memory_is_refused",
    source="SQL: an UPDATE of no row is no error",
)
class UpdatesNoRow(Updater):
    """Returns as if it had updated a memory that is not there."""

    def update_memory(self, memory_id, **arguments):
        try:
            return super().update_memory(memory_id, **arguments)
        except MemoryNotFoundError:
            return None


@sabotage(
    caught_by="test_an_update_of_an_unknown_memory_is_refused",
    source="writing a SQL backend: deleted_at, and an UPDATE that does not look at it",
)
class UpdateBringsBack(Updater):
    """Updates a memory that was deleted, and it is there again."""

    def _delete(self, ids):
        self.trash = {memory_id: self._memories[memory_id] for memory_id in ids if memory_id in self._memories}
        return super()._delete(ids)

    def found(self, memory_id):
        if memory_id in self.__dict__.get("trash", {}):
            self._insert([self.trash.pop(memory_id)])
        return super().found(memory_id)


@sabotage(
    caught_by="test_an_update_of_nothing_is_refused",
    source="writing an HTTP backend: PATCH with an empty object is 200",
)
class NothingIsAnUpdate(Updater):
    """Makes a version of an update that changes nothing."""

    def checked(self, text, metadata):
        return super().checked(text, {} if metadata is None else metadata)


@sabotage(
    caught_by="test_an_update_refuses_impossible_texts",
    source="Python: `if text:`",
)
class EmptyIsNotGiven(Updater):
    """Takes an empty text for none."""

    def checked(self, text, metadata):
        return super().checked(text or None, metadata)


@sabotage(
    caught_by="test_an_update_refuses_impossible_texts",
    source="writing a backend: add_memories skips blank messages, so it seems that no text is blank",
)
class TextsOfUpdatesUnchecked(Updater):
    """Writes any text that an update is given."""

    def checked(self, text, metadata):
        return text, super().checked("any", metadata)[1]


@sabotage(
    caught_by="test_an_update_refuses_impossible_metadata",
    source="Python: json.dumps() writes NaN, and makes strings of keys that are numbers",
)
class MetadataAsPythonHasIt(Updater):
    """Writes whatever `json.dumps` does."""

    def checked(self, text, metadata):
        return text, json.loads(json.dumps(metadata))


@sabotage(
    caught_by="test_an_update_cannot_move_a_memory",
    source="mem0ai/mem0#6277: metadata moves a memory to another tenant",
)
class MetadataMovesIt(Updater):
    """Takes ids in the metadata of an update for those of the memory."""

    def checked(self, text, metadata):
        return text, metadata

    def changed(self, old, text, metadata):
        new = super().changed(old, text, metadata)
        ids = {name: new.meta.pop(name) for name in SCOPE_FIELDS if name in new.meta}
        return replace(new, **ids)


@sabotage(
    caught_by="test_an_update_cannot_move_a_memory",
    source="mem0.md: metadata keys named like the ids are dropped",
)
class IdsInPatchesDropped(Updater):
    """Drops the ids from the metadata of an update without a word."""

    def checked(self, text, metadata):
        return super().checked(text, {k: v for k, v in metadata.items() if k not in RESERVED_METADATA_KEYS})


@sabotage(
    caught_by="test_an_update_cannot_move_a_memory",
    source="writing a backend: reserved keys are looked for among those that are set",
)
class IdsCanBeRemoved(Updater):
    """Accepts an id's name where the patch removes the key."""

    def checked(self, text, metadata):
        super().checked(text, {key: value for key, value in metadata.items() if value is not None})
        return text, metadata


@sabotage(
    caught_by="test_a_refused_update_changes_nothing",
    source="writing an HTTP backend: PUT /text, then PATCH /metadata",
)
class TextWrittenFirst(InMemoryMemoryStore):
    """Writes the text before it looks at the metadata."""

    def update_memory(self, memory_id, *, text=None, metadata=None, expected_version=None):
        if text is not None and metadata is not None:
            super().update_memory(memory_id, text=text, expected_version=expected_version)
            return super().update_memory(memory_id, metadata=metadata)
        return super().update_memory(memory_id, text=text, metadata=metadata, expected_version=expected_version)


@sabotage(
    caught_by="test_a_refused_update_changes_nothing",
    source="Python: meta.update(patch), where meta is what is stored",
)
class MergedInPlace(Updater):
    """Merges a patch into the stored metadata, and looks at the result."""

    def checked(self, text, metadata):
        return text, metadata

    def changed(self, old, text, metadata):
        old.meta.update(metadata or {})
        super().checked(text, checked_metadata(old.meta, "metadata"))
        return super().changed(old, text, metadata)


@sabotage(
    caught_by="test_every_update_counts",
    source="writing a SQL backend: the trigger that counts is AFTER UPDATE OF text",
)
class PatchesDoNotCount(Updater):
    """Counts a version for a new text only."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), version=old.version + (text is not None))


@sabotage(
    caught_by="test_every_update_counts",
    source="SQL: version INTEGER DEFAULT 0",
)
class VersionsFromZero(Keeping):
    """Counts versions from 0."""

    def kept(self, memory):
        return replace(memory, version=0)


@sabotage(
    caught_by="test_an_update_says_when_it_was",
    source="SQL: updated_at DEFAULT CURRENT_TIMESTAMP, which is for inserts",
)
class UpdatedWhenAdded(Updater):
    """Sets `updated_at` when a memory is added, and then never."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), updated_at=old.updated_at)


@sabotage(
    caught_by="test_an_update_says_when_it_was",
    source="SQLite: CURRENT_TIMESTAMP has whole seconds",
)
class UpdatedInWholeSeconds(Updater):
    """Cuts the time of an update to seconds."""

    def changed(self, old, text, metadata):
        new = super().changed(old, text, metadata)
        return replace(new, updated_at=new.updated_at.replace(microsecond=0))


@sabotage(
    caught_by="test_an_update_of_the_expected_version_is_made",
    source="Elasticsearch: with version_type=external, a version is the one that is written",
    raises=MemoryConflictError,
)
class ExpectsTheNextVersion(Updater):
    """Takes `expected_version` for the version that the update makes."""

    def expected(self, old, version):
        super().expected(old, version and version - 1)


@sabotage(
    caught_by="test_an_update_of_the_expected_version_is_made",
    source="writing an HTTP backend: an ETag is a string",
    raises=MemoryConflictError,
)
class VersionsAreStrings(Updater):
    """Compares a number with a string."""

    def expected(self, old, version):
        if version is not None and version != f"{old.version}":
            raise MemoryConflictError(old.id)


@sabotage(
    caught_by="test_an_update_of_another_version_is_a_conflict",
    source="writing an HTTP backend: a parameter that the server does not know",
)
class ExpectedVersionIgnored(Updater):
    """Updates a memory whatever its version is."""

    def expected(self, old, version):
        pass


@sabotage(
    caught_by="test_an_update_of_another_version_is_a_conflict",
    source="writing a SQL backend: WHERE version <= ?",
)
class ComingVersionsAccepted(Updater):
    """Refuses an expected version only where it is an old one."""

    def expected(self, old, version):
        if version is not None and version < old.version:
            raise MemoryConflictError(old.id)


@sabotage(
    caught_by="test_an_update_of_another_version_is_a_conflict",
    source="SQL: WHERE id = ? AND version = ? found no row, and the reason is not looked for",
)
class OldVersionsAreNotFound(Updater):
    """Says that a memory of another version is not there."""

    def expected(self, old, version):
        if version not in (None, old.version):
            raise MemoryNotFoundError(old.id)


@sabotage(
    caught_by="test_refuses_impossible_versions",
    source="Python: `if expected_version:`",
)
class ZeroIsAnyVersion(Updater):
    """Takes version 0 for no version."""

    def update_memory(self, memory_id, *, expected_version=None, **arguments):
        return super().update_memory(memory_id, expected_version=expected_version or None, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_versions",
    source="Python: True == 1",
)
class TrueIsAVersion(Updater):
    """Takes True for version 1."""

    def update_memory(self, memory_id, *, expected_version=None, **arguments):
        version = 1 if expected_version is True else expected_version
        return super().update_memory(memory_id, expected_version=version, **arguments)


@sabotage(
    caught_by="test_of_updates_of_one_version_one_is_made",
    source="mem0ai/mem0#7046: writes are lost",
)
class ComparesBeforeItWrites(Updater):
    """Compares the version, and then writes whatever it is by then."""

    def written(self, new, old):
        time.sleep(0.02)  # as long as a request takes
        return super().written(new, self.found(old.id))


@sabotage(
    caught_by="test_of_updates_of_one_version_one_is_made",
    source="SQL: UPDATE ... WHERE id = ?, without AND version = ?",
    reference=DurableReference,
)
class VersionNotInTheStatement(SQLiteReference):
    """Leaves the version out of the statement that writes."""

    def _replace(self, memory, expected_version):
        time.sleep(0.2)  # as long as a loaded database takes
        with self._transaction() as connection:
            written = (memory.version, json.dumps(memory.to_dict()), memory.id)
            connection.execute("UPDATE memories SET version = ?, record = ? WHERE id = ?", written)
        return True


@sabotage(
    caught_by="test_updates_at_once_are_all_kept",
    source="writing a backend: the retry begins behind the read",
)
class TriesAgainWithOldRecord(Updater):
    """Writes the record that it has merged already, when somebody else was first."""

    def written(self, new, old):
        time.sleep(0.001)  # as long as a request takes
        return super().written(new, old) or super().written(new, self.found(old.id))


@sabotage(
    caught_by="test_updates_at_once_are_all_kept",
    source="Elasticsearch: retry_on_conflict is 0 unless given",
    raises=MemoryConflictError,
)
class NeverTriesAgain(Updater):
    """Gives up when somebody else was first, though no version was expected."""

    def written(self, new, old):
        time.sleep(0.001)  # as long as a request takes
        if not super().written(new, old):
            raise MemoryConflictError(new.id)
        return True
