"""Bugs in what an export has, and in what an import makes of it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from itertools import islice

from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Embedded, Exporter

from memstore import InvalidMemoryError, MemoryConflictError, ScopeError
from memstore.export import HEADER, to_line
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_an_export_begins_with_a_header",
    source="writing a backend: the header goes before the first memory, in its loop",
)
class NothingHasNoHeader(Exporter):
    """Writes no header where there is no memory to write."""

    def export_memories(self, file, *, filters=None, **ids):
        return super().export_memories(file, filters=filters, **ids) if self.chosen(filters, ids) else 0


@sabotage(
    caught_by="test_an_export_begins_with_a_header",
    source="writing a backend: metadata of the export itself",
)
class HeaderSaysMore(Exporter):
    """Writes into the header when the export was made."""

    def export_memories(self, file, *, filters=None, **ids):
        chosen = self.chosen(filters, ids)
        for content in ({**HEADER, "exported_at": str(self._clock())}, *map(self.record, chosen)):
            file.write(to_line(content))
        return len(chosen)


@sabotage(
    caught_by="test_an_export_has_a_line_for_each_memory",
    source="Haystack: Document.to_dict() flattens meta unless told",
)
class MetadataFlattened(Exporter):
    """Writes the keys of metadata beside the memory's own fields."""

    def record(self, memory):
        own = super().record(memory)
        return {**own.pop("meta"), **own}


@sabotage(
    caught_by="test_an_export_has_a_line_for_each_memory",
    source="writing a SQL backend: SELECT without ORDER BY",
)
class ExportedInAnyOrder(Exporter):
    """Writes memories in an order of the engine's."""

    def chosen(self, filters, ids):
        return sorted(super().chosen(filters, ids), key=lambda memory: memory.id[::-1])


@sabotage(
    caught_by="test_an_export_has_a_line_for_each_memory",
    source="writing a SQL backend: times as the column has them",
)
class TimesExportedAsSeconds(Exporter):
    """Writes times as Unix seconds."""

    def record(self, memory):
        times = {name: getattr(memory, name).timestamp() for name in ("created_at", "updated_at")}
        return {**super().record(memory), **times}


@sabotage(
    caught_by="test_an_export_says_how_many_it_wrote",
    source="wc -l",
)
class HeaderCounted(Exporter):
    """Counts the header as a memory."""

    def export_memories(self, file, **arguments):
        return 1 + super().export_memories(file, **arguments)


@sabotage(
    caught_by="test_an_export_says_how_many_it_wrote",
    source="Python: what write() returns, added up",
)
class CharactersCounted(InMemoryMemoryStore):
    """Returns how many characters it wrote."""

    def export_memories(self, file, **arguments):
        super().export_memories(file, **arguments)
        return file.tell()


@sabotage(
    caught_by="test_an_export_keeps_to_its_scope",
    source="mem0.md: an export job takes filters by user",
)
class ExportsTheWholeUser(Exporter):
    """Exports all of a user where a run is given as well."""

    def chosen(self, filters, ids):
        return super().chosen(filters, {"user_id": ids["user_id"]} if "user_id" in ids else ids)


@sabotage(
    caught_by="test_an_export_keeps_to_its_filter",
    source="mem0ai/mem0#7214: what is not understood of a filter is dropped",
)
class ExportDropsTheFilter(Exporter):
    """Drops the filter, and exports everybody."""

    def chosen(self, filters, ids):
        return super().chosen(None, ids)


@sabotage(
    caught_by="test_an_export_without_ids_is_of_everything",
    source="writing a backend: an export takes its ids as a search does",
    raises=ScopeError,
)
class ExportNeedsAnId(Exporter):
    """Refuses to export everything."""

    def chosen(self, filters, ids):
        if filters is None and not ids:
            raise ScopeError("exporting needs an id or a filter")
        return super().chosen(filters, ids)


@sabotage(
    caught_by="test_an_export_without_ids_is_of_everything",
    source="writing an HTTP backend: there is a list of users, so an export goes through it",
)
class ExportsUserByUser(Exporter):
    """Exports, where no id is given, the memories of each user, and none without one."""

    def chosen(self, filters, ids):
        return [memory for memory in super().chosen(filters, ids) if ids or filters or memory.user_id]


@sabotage(
    caught_by="test_an_expired_memory_is_not_exported",
    source="sqlite3's .dump, pg_dump: tables, as they are",
)
class ExportsTheExpired(Exporter):
    """Exports what has expired."""

    def _may_hold_expiring(self):
        return False


@sabotage(
    caught_by="test_an_import_brings_memories_back",
    source="mem0ai/mem0#4460: migrating by add(), which makes ids of its own",
)
class ImportMakesIds(Exporter):
    """Makes a new id for each memory that it imports."""

    def restored(self, memory):
        return replace(memory, id=str(uuid.uuid4()))


@sabotage(
    caught_by="test_an_import_brings_memories_back",
    source="mem0ai/mem0#6330: migrating by add(), which takes a text and says that the user said it",
)
class EverythingImportedIsTheUsers(Exporter):
    """Imports every memory as said by the user, who has no name."""

    def restored(self, memory):
        return replace(memory, role="user", name=None)


@sabotage(
    caught_by="test_an_import_brings_memories_back",
    source="writing a backend: numbers that went through a table of floats",
)
class WholeNumbersMadeFloats(Exporter):
    """Makes floats of the integers in metadata."""

    def restored(self, memory):
        return replace(memory, meta={k: float(v) if type(v) is int else v for k, v in memory.meta.items()})


@sabotage(
    caught_by="test_an_import_brings_versions_back",
    source="SQL: version INTEGER DEFAULT 1, and an INSERT that does not name it",
)
class ImportBeginsAtOne(Exporter):
    """Imports every memory at version 1."""

    def restored(self, memory):
        return replace(memory, version=1)


@sabotage(
    caught_by="test_an_import_brings_versions_back",
    source="writing a SQL backend: updated_at is set by a trigger, in imports too",
)
class ImportIsAnUpdate(Exporter):
    """Says of what it imports that it was updated just now."""

    def restored(self, memory):
        return replace(memory, updated_at=self._clock())


@sabotage(
    caught_by="test_an_import_brings_expiries_back",
    source="writing a backend: an export whose columns are older than expiry",
)
class ExpiryNotExported(Exporter):
    """Exports memories without when they expire."""

    def record(self, memory):
        return {name: value for name, value in super().record(memory).items() if name != "expires_at"}


@sabotage(
    caught_by="test_an_import_brings_expiries_back",
    source="Redis: a time to live is set by EXPIREAT beside the record, and an import only writes the record",
)
class ExpiryIsOnlyShown(Exporter):
    """Imports when a memory expires as something to show, which hides nothing."""

    def import_memories(self, lines):
        before = self._expiring
        added = super().import_memories(lines)
        self._expiring = before
        return added


@sabotage(
    caught_by="test_texts_survive_export_and_import",
    source="Python: str.splitlines() ends a line at U+2028 too",
    raises=InvalidMemoryError,
)
class LinesEndAnywhere(Exporter):
    """Ends a line of an import wherever Unicode does."""

    def parsed(self, lines):
        return super().parsed("".join(lines).splitlines())


@sabotage(
    caught_by="test_texts_survive_export_and_import",
    source="Python: encode('ascii', errors='replace')",
)
class ExportedInASCII(Exporter):
    """Writes a question mark for each letter that is not ASCII."""

    def record(self, memory):
        own = super().record(memory)
        return {**own, "text": own["text"].encode("ascii", errors="replace").decode()}


@sabotage(
    caught_by="test_texts_survive_export_and_import",
    source="Go: bufio.Scanner refuses lines beyond 64 kB, and readline(65536) cuts them",
    raises=InvalidMemoryError,
)
class LongLinesCut(Exporter):
    """Reads 64 kB of a line."""

    def parsed(self, lines):
        return super().parsed(line[: 1 << 16] for line in lines)


@sabotage(
    caught_by="test_export_and_import_go_past_every_page_size",
    source="mem0ai/mem0#6438: page one only",
)
class ExportsOnePage(Exporter):
    """Exports the first page, of a thousand memories."""

    def chosen(self, filters, ids):
        return super().chosen(filters, ids)[:1000]


@sabotage(
    caught_by="test_export_and_import_go_past_every_page_size",
    source="writing a backend: itertools.islice(lines, 1000), in no loop",
)
class ImportsOneBatch(Exporter):
    """Imports the first thousand memories."""

    def parsed(self, lines):
        return super().parsed(islice(lines, 1001))


@sabotage(
    caught_by="test_imported_memories_are_found",
    source="PostgreSQL: COPY into the table, while the application makes the vectors",
)
class ImportedWithoutVectors(Embedded):
    """Imports memories without what a query finds them by."""

    def import_memories(self, lines):
        known = dict(self.embedded)
        added = super().import_memories(lines)
        self.embedded = known
        return added


@sabotage(
    caught_by="test_an_import_can_be_repeated",
    source="SQL: INSERT, which fails where the id is there",
    raises=MemoryConflictError,
)
class ImportsOnce(Exporter):
    """Refuses what is there already."""

    def same(self, new, old):
        return False


@sabotage(
    caught_by="test_an_import_can_be_repeated",
    source="SQLite: INSERT OR IGNORE, and the number of lines for that of rows",
)
class ImportCountsLines(Exporter):
    """Returns how many memories the file has."""

    def import_memories(self, lines):
        lines = list(lines)
        super().import_memories(lines)
        return len(lines) - 1


@sabotage(
    caught_by="test_an_import_can_be_repeated",
    source="SQL: ON CONFLICT DO UPDATE SET updated_at = now(), so that a row is returned",
)
class ImportTouches(Exporter):
    """Sets `updated_at` of what is there already."""

    def there(self, memory):
        there = super().there(memory)
        if there:
            self._memories[memory.id] = replace(memory, updated_at=self._clock())
            self._scopes.remove([memory])
            self._scopes.add([self._memories[memory.id]])
        return there


@sabotage(
    caught_by="test_an_import_overwrites_nothing",
    source="Qdrant: upsert(), and what was there is gone",
)
class ImportUpserts(Exporter):
    """Puts what it imports in the place of what is there."""

    def there(self, memory):
        self._delete([memory.id])
        return False


@sabotage(
    caught_by="test_an_import_overwrites_nothing",
    source="SQL: ON CONFLICT DO NOTHING",
)
class ImportSkipsWhatIsTaken(Exporter):
    """Skips a memory whose id is taken, whatever is there."""

    def same(self, new, old):
        return True


@sabotage(
    caught_by="test_an_import_overwrites_nothing",
    source="Python: True == 1",
)
class ComparedByPython(Exporter):
    """Takes metadata that is true for metadata that is 1."""

    def same(self, new, old):
        return new.to_dict() == old.to_dict()


@sabotage(
    caught_by="test_an_import_overwrites_nothing",
    source="writing a backend: a hash of the text tells whether a memory is there",
)
class ComparedByText(Exporter):
    """Takes a memory of the same id and text for the same."""

    def same(self, new, old):
        return new.text == old.text
