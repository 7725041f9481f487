"""Bugs in what an update changes."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Embedded, Updater

from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_an_update_changes_the_text",
    source="writing a vector backend: upsert under the id of a new point",
)
class UpdateAddsAnother(Updater):
    """Stores the changed memory under a new id, and leaves the old one."""

    def written(self, new, old):
        self._insert([replace(new, id=str(uuid.uuid4()))])
        return True


@sabotage(
    caught_by="test_an_update_changes_the_text",
    source="mem0ai/mem0#7271: what is PENDING is shown as saved",
)
class UpdatePending(Updater):
    """Returns the changed memory, and has yet to write it."""

    def written(self, new, old):
        return True


@sabotage(
    caught_by="test_a_new_text_keeps_the_metadata",
    source="mem0ai/mem0#5160: an update drops the metadata",
)
class MetadataDroppedByText(Updater):
    """Writes the metadata that was given with a new text, which may be none."""

    def changed(self, old, text, metadata):
        new = super().changed(old, text, metadata)
        return new if text is None else replace(new, meta=metadata or {})


@sabotage(
    caught_by="test_a_patch_keeps_the_text",
    source="writing a SQL backend: SET text = ?, metadata = ?, whichever was given",
)
class TextDroppedByPatch(Updater):
    """Writes the text that was given with metadata, which may be none."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), text=text or "")


@sabotage(
    caught_by="test_a_patch_keeps_the_text",
    source="writing an HTTP backend: the whole record is sent again, and the server strips texts",
)
class TextCleanedByPatch(Updater):
    """Writes the old text with every run of blanks as one."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), text=" ".join((text or old.text).split()))


@sabotage(
    caught_by="test_a_patch_changes_the_keys_given",
    source="langgraph: put() of a key that exists replaces its value",
)
class PatchReplacesEverything(Updater):
    """Writes the patch in the place of the metadata."""

    def merged(self, meta, patch):
        return {key: value for key, value in patch.items() if value is not None} if patch else meta


@sabotage(
    caught_by="test_a_patch_changes_the_keys_given",
    source="PostgreSQL: jsonb_strip_nulls(meta || patch)",
)
class StoredNullsStripped(Updater):
    """Removes every key that is null, and not those alone that a patch gives as null."""

    def merged(self, meta, patch):
        return {key: value for key, value in {**meta, **patch}.items() if value is not None}


@sabotage(
    caught_by="test_a_patch_removes_keys_given_as_none",
    source="PostgreSQL: meta || patch",
)
class NullsOfPatchesStored(Updater):
    """Stores a null for a key that is to be removed."""

    def merged(self, meta, patch):
        return {**meta, **patch}


@sabotage(
    caught_by="test_a_patch_removes_keys_given_as_none",
    source="Python: `del meta[key]`",
    raises=KeyError,
)
class RemovesOnlyWhatIsThere(Updater):
    """Raises when a key that is to be removed is not there."""

    def merged(self, meta, patch):
        for key in [key for key, value in patch.items() if value is None]:
            del meta[key]
        return super().merged(meta, patch)


@sabotage(
    caught_by="test_a_patch_replaces_whole_values",
    source="SQLite: json_patch() goes as deep as the objects do",
)
class MergedByTheEngine(Updater):
    """Merges objects within objects, and removes what is null in them."""

    def merged(self, meta, patch):
        with closing(sqlite3.connect(":memory:")) as connection:
            merged = connection.execute("SELECT json_patch(?, ?)", (json.dumps(meta), json.dumps(patch))).fetchone()
        return json.loads(merged[0])


@sabotage(
    caught_by="test_a_patch_replaces_whole_values",
    source="OmegaConf, mergedeep and others can add lists to lists",
)
class ListsJoined(Updater):
    """Appends a list that is given to the list that was there."""

    def merged(self, meta, patch):
        lists = {key for key, value in patch.items() if isinstance(value, list) and isinstance(meta.get(key), list)}
        return super().merged(meta, {key: meta[key] + patch[key] if key in lists else patch[key] for key in patch})


@sabotage(
    caught_by="test_text_and_metadata_change_together",
    source="Python: `elif metadata is not None`",
)
class EitherTextOrMetadata(Updater):
    """Looks at metadata only where no text is given."""

    def changed(self, old, text, metadata):
        return super().changed(old, text, metadata if text is None else None)


@sabotage(
    caught_by="test_text_and_metadata_change_together",
    source="SQL: a trigger AFTER UPDATE OF text, and another one OF metadata",
)
class EachChangeCounts(Updater):
    """Counts a version for the text and another for the metadata."""

    def changed(self, old, text, metadata):
        new = super().changed(old, text, metadata)
        return replace(new, version=old.version + (text is not None) + (metadata is not None))


@sabotage(
    caught_by="test_an_update_keeps_the_own_fields",
    source="writing a backend: an update goes through ChatMessage.from_user(text)",
)
class SpeakerDropped(Updater):
    """Writes a message anew, with no name."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), role="user", name=None)


@sabotage(
    caught_by="test_an_update_keeps_the_own_fields",
    source="writing a vector backend: upsert, with the payload that an insert has",
)
class CreatedByUpdates(Updater):
    """Sets `created_at` on every write."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), created_at=self._clock())


@sabotage(
    caught_by="test_an_update_keeps_the_own_fields",
    source="mem0.md: Mem0 OSS has no app_id",
)
class AppDropped(Updater):
    """Writes user, run and agent again, and no app."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), app_id=None)


@sabotage(
    caught_by="test_an_update_keeps_the_expiry",
    source="Redis: SET without KEEPTTL takes the time to live away",
)
class ExpiryDropped(Updater):
    """Writes a memory that never expires."""

    def changed(self, old, text, metadata):
        return replace(super().changed(old, text, metadata), expires_at=None)


@sabotage(
    caught_by="test_an_update_keeps_the_expiry",
    source="langgraph: a put begins the time to live again",
)
class LivesAnew(Updater):
    """Counts the time that a memory has to live from its last update."""

    def changed(self, old, text, metadata):
        new = super().changed(old, text, metadata)
        return (
            new
            if old.expires_at is None
            else replace(new, expires_at=old.expires_at + (new.updated_at - old.updated_at))
        )


@sabotage(
    caught_by="test_an_update_keeps_the_place_in_the_order",
    source="SQL: REPLACE INTO deletes the row, and inserts another at the end",
)
class ReplacedRowsComeLast(Engine):
    """Finds memories in the order of their rows, of which an update makes new ones."""

    def _replace(self, memory, expected_version):
        done = super()._replace(memory, expected_version)
        if done:
            self._memories[memory.id] = self._memories.pop(memory.id)
        return done

    def _matching(self, filter):
        return [memory for memory in self._memories.values() if self.holds(filter, memory)]


@sabotage(
    caught_by="test_an_update_returns_the_memory_as_it_is_then",
    source="pymongo: find_one_and_update() returns the document as it was, unless told ReturnDocument.AFTER",
)
class ReturnsWhatWas(Updater):
    """Returns the memory as it was before."""

    def told(self, new):
        return self._earlier[new.id][-1].copy()


@sabotage(
    caught_by="test_an_update_returns_the_memory_as_it_is_then",
    source="writing an HTTP backend: the result made of the request, since the server answers with a message only",
)
class ReturnsTheRequest(Updater):
    """Returns a memory with the metadata of the patch, and no other."""

    def changed(self, old, text, metadata):
        self.request = metadata or {}
        return super().changed(old, text, metadata)

    def told(self, new):
        return replace(new, meta=dict(self.request))


@sabotage(
    caught_by="test_a_new_text_is_found_by_its_words",
    source="writing a vector backend: set_payload(), where the vector should change too",
)
class VectorStays(Embedded):
    """Ranks an updated memory by the text that it was added with."""

    def embed_again(self, memory):
        pass


@sabotage(
    caught_by="test_an_old_text_is_not_found_any_more",
    source="SQLite FTS5: external content, and a trigger that inserts the new text but does not 'delete' the old one",
)
class OldWordsStay(Embedded):
    """Ranks an updated memory by its new words and by its old ones."""

    def embed_again(self, memory):
        self.embedded[memory.id] += f"\n{memory.text}"


@sabotage(
    caught_by="test_filters_see_the_update",
    source="writing a SQL backend: columns for the keys that filters ask for, filled by INSERT",
)
class ColumnsStay(Engine):
    """Evaluates filters on columns that are filled when a memory is added."""

    def _insert(self, memories):
        self.__dict__.setdefault("columns", {}).update({memory.id: memory for memory in memories})
        return super()._insert(memories)

    def holds(self, filter, memory):
        return super().holds(filter, self.columns[memory.id])


@sabotage(
    caught_by="test_filters_see_the_update",
    source="writing an HTTP backend: a cache that adding and deleting empty",
)
class MatchesRemembered(Engine):
    """Remembers what matches a filter until a memory is added or deleted."""

    def _insert(self, memories):
        self.remembered = {}
        return super()._insert(memories)

    def _delete(self, ids):
        self.remembered = {}
        return super()._delete(ids)

    def _matching(self, filter):
        ids = self.remembered.setdefault(filter, [memory.id for memory in super()._matching(filter)])
        return [self._memories[memory_id] for memory_id in ids]


@sabotage(
    caught_by="test_an_update_touches_no_other_memory",
    source="SQL: UPDATE memories SET text = ? WHERE text = ?",
)
class UpdatesEveryCopy(Updater):
    """Updates every memory with the same text."""

    def written(self, new, old):
        copies = [memory for memory in self._memories.values() if memory.text == old.text and memory.id != old.id]
        for copy in copies:
            self._replace(replace(copy, text=new.text, meta=new.meta, version=copy.version + 1), copy.version)
        return super().written(new, old)


@sabotage(
    caught_by="test_an_update_touches_no_other_memory",
    source="OpenSearch: update_by_query with the user's id, as the scope asks for it",
)
class UpdatesTheWholeUser(Updater):
    """Patches every memory of the memory's user."""

    def written(self, new, old):
        others = [m for m in self._memories.values() if m.user_id == old.user_id and m.id != old.id]
        for other in others:
            self._replace(replace(other, meta={**other.meta, **new.meta}), other.version)
        return super().written(new, old)


@sabotage(
    caught_by="test_an_update_keeps_copies",
    source="writing an in-memory backend: what is stored is returned",
)
class ReturnsItsOwnRecord(Updater):
    """Returns the very record that it keeps."""

    def told(self, new):
        return new


@sabotage(
    caught_by="test_an_update_keeps_copies",
    source="Python: dict.update() copies no values",
)
class KeepsThePatch(InMemoryMemoryStore):
    """Keeps the objects of a patch as the caller has them."""

    def update_memory(self, memory_id, *, metadata=None, **arguments):
        changed = super().update_memory(memory_id, metadata=metadata, **arguments)
        self._memories[memory_id].meta.update({k: v for k, v in (metadata or {}).items() if v is not None})
        return changed
