"""Bugs in what an import accepts, and in what it says of what it does not."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime

from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Exporter, Mending

from memstore import InvalidMemoryError, Memory
from memstore.export import HEADER, to_line
from memstore.memory import RESERVED_METADATA_KEYS, SCOPE_FIELDS


@sabotage(
    caught_by="test_an_import_refuses_an_unknown_header",
    source="Python: next(lines), to get past the header",
)
class HeaderSkipped(Exporter):
    """Skips the first line without reading it."""

    def parsed(self, lines):
        return super().parsed([to_line(HEADER), *[*lines][1:]])


@sabotage(
    caught_by="test_an_import_refuses_an_unknown_header",
    source="writing a backend: no lines, so nothing to do",
)
class EmptyFileAccepted(Exporter):
    """Takes a file without a line for an export of nothing."""

    def parsed(self, lines):
        return super().parsed([*lines] or [to_line(HEADER)])


@sabotage(
    caught_by="test_an_import_refuses_an_unknown_header",
    source="writing a backend: the format is compared, since there is one version yet",
)
class AnyVersionAccepted(Exporter):
    """Reads an export of a version that is yet to come."""

    def parsed(self, lines):
        header, *rest = [*lines] or [""]
        return super().parsed([re.sub(r'"version": \d+', '"version": 1', header), *rest])


@sabotage(
    caught_by="test_an_import_refuses_malformed_lines",
    source="Python: enumerate() begins at 0",
)
class LinesNumberedFromZero(Exporter):
    """Calls the third line the second."""

    def parsed(self, lines):
        try:
            return super().parsed(lines)
        except InvalidMemoryError as error:
            text = re.sub(r"line (\d+)", lambda found: f"line {int(found[1]) - 1}", str(error))
            raise InvalidMemoryError(text) from None


@sabotage(
    caught_by="test_an_import_refuses_malformed_lines",
    source="jq and log shippers: a line that is no JSON is skipped",
)
class MalformedLinesSkipped(Exporter):
    """Skips a line that is no JSON."""

    def parsed(self, lines):
        return super().parsed(line for line in lines if self._is_json(line))

    def _is_json(self, line):
        try:
            json.loads(line)
        except ValueError:
            return False
        return True


@sabotage(
    caught_by="test_an_import_refuses_malformed_lines",
    source="Python: json.JSONDecodeError is a ValueError, and so is what should be raised",
)
class ParserErrorsEscape(Exporter):
    """Raises what the parser of JSON raises."""

    def parsed(self, lines):
        return super().parsed(to_line(json.loads(line)) for line in lines)


@sabotage(
    caught_by="test_an_import_refuses_records_that_lack_a_field",
    source="Python: record.get('id', uuid4())",
)
class MissingIdsMade(Mending):
    """Makes an id for a record that has none, so that it is another each time."""

    def mended(self, number, record):
        return {"id": str(uuid.uuid4()), **record}


@sabotage(
    caught_by="test_an_import_refuses_records_that_lack_a_field",
    source="SQL: created_at DEFAULT CURRENT_TIMESTAMP",
)
class MissingTimesMade(Mending):
    """Makes the present moment of a time that a record lacks."""

    def mended(self, number, record):
        now = self._clock().isoformat()
        return {"created_at": now, "updated_at": now, **record}


@sabotage(
    caught_by="test_an_import_refuses_records_that_lack_a_field",
    source="mem0ai: many of its examples and servers have a user called default",
)
class NobodysAreTheDefaultUsers(Mending):
    """Gives a record without any id to a default user."""

    def mended(self, number, record):
        return record if record.keys() & set(SCOPE_FIELDS) else {**record, "user_id": "default"}


@sabotage(
    caught_by="test_an_import_refuses_records_that_lack_a_field",
    source="Python: record['text'] is a KeyError, which names no line",
)
class MissingFieldsEscape(Mending):
    """Raises a KeyError for a field that a record lacks."""

    def mended(self, number, record):
        return {**record, **{name: record[name] for name in ("id", "text", "created_at", "updated_at")}}


@sabotage(
    caught_by="test_an_import_refuses_what_an_add_refuses",
    source="writing a backend: what was exported was checked when it was added",
)
class ImportedUnchecked(Exporter):
    """Imports any record that has the right keys."""

    def parsed(self, lines):
        super().parsed([*lines][:1])
        return [Memory.from_dict(json.loads(line)) for line in [*lines][1:]]


@sabotage(
    caught_by="test_an_import_refuses_what_an_add_refuses",
    source="Python: max(1, int(version))",
)
class VersionsMadeToFit(Mending):
    """Makes a version of whatever stands in its place."""

    def mended(self, number, record):
        return {**record, "version": max(1, int(record.get("version", 1)))}


@sabotage(
    caught_by="test_an_import_refuses_what_an_add_refuses",
    source="writing a backend: a role that is not the assistant's is the user's",
)
class UnknownRolesAreUsers(Mending):
    """Imports an unknown role as the user's."""

    def mended(self, number, record):
        known = record.get("role") in {"user", "assistant", "system", "tool"}
        return record if known else {**record, "role": "user"}


@sabotage(
    caught_by="test_an_import_refuses_reserved_metadata",
    source="mem0ai/mem0#6277: metadata moves a memory to another tenant",
)
class MetadataNamesTheOwner(Mending):
    """Takes ids in the metadata of a record for those of the memory."""

    def mended(self, number, record):
        meta = dict(record.get("meta", {}))
        return {**record, "meta": meta, **{name: meta.pop(name) for name in SCOPE_FIELDS if name in meta}}


@sabotage(
    caught_by="test_an_import_refuses_reserved_metadata",
    source="mem0.md: metadata keys named like the ids are dropped",
)
class ReservedKeysDroppedByImports(Mending):
    """Drops reserved keys from the metadata of a record without a word."""

    def mended(self, number, record):
        meta = {key: value for key, value in record.get("meta", {}).items() if key not in RESERVED_METADATA_KEYS}
        return {**record, "meta": meta}


@sabotage(
    caught_by="test_a_refused_import_quotes_nothing",
    source="pydantic: an error says input_value=...",
)
class LineQuoted(Exporter):
    """Quotes the line that it refuses."""

    def parsed(self, lines):
        lines = [*lines]
        try:
            return super().parsed(lines)
        except InvalidMemoryError as error:
            number = int(re.search(r"line (\d+)", str(error))[1])
            raise InvalidMemoryError(f"{error} [input_value={lines[number - 1]!r}]") from None


@sabotage(
    caught_by="test_a_refused_import_quotes_nothing",
    source="Python: datetime.fromisoformat() says: Invalid isoformat string: '...'",
)
class TimeQuotedByTheCause(Mending):
    """Raises from an exception that quotes what should have been a time."""

    def mended(self, number, record):
        try:
            datetime.fromisoformat(record["created_at"])
        except ValueError as error:
            raise InvalidMemoryError(f"line {number}: a time that is none") from error
        return record


@sabotage(
    caught_by="test_a_refused_import_quotes_nothing",
    source="Python: Memory(**record) says: got an unexpected keyword argument '...'",
)
class KeysQuoted(Mending):
    """Says what Python says of a field that no memory has."""

    def mended(self, number, record):
        try:
            Memory.from_dict(record)
        except TypeError as error:
            raise InvalidMemoryError(f"line {number}: no memory: {error}") from None
        return record
