"""Updating, listing, exporting and importing taken apart, so that a sabotage overrides the step that it gets wrong.

Each of these is a right store, which passes the tests that its sabotages fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from contract.sabotage.engines import Engine

from memstore import Memory, MemoryConflictError, MemoryNotFoundError, MemoryPage, Position, operations
from memstore.arguments import Patch, checked_count, given_filters, target
from memstore.export import HEADER, from_lines, to_line
from memstore.filters import TRUE, Comparison, Field, Filter, Operator
from memstore.json_values import copy_json
from memstore.memory import Scope, check_memory_id
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Updater(InMemoryMemoryStore):
    """Updates by itself: what was `checked` changes what is `found`, where it is as `expected`, and is `written`."""

    def checked(self, text: Any, metadata: Any) -> tuple[Any, Any]:
        patch = Patch(text, metadata, None)
        return patch.text, patch.metadata

    def found(self, memory_id: str) -> Memory:
        wanted = Comparison(Field(("id",)), Operator.EQ, check_memory_id(memory_id))
        known = self._select(self._reading(wanted).split().native, None, 1)
        if not known:
            raise MemoryNotFoundError(memory_id)
        return known[0]

    def expected(self, old: Memory, version: int | None) -> None:
        if version not in (None, old.version):
            raise MemoryConflictError(old.id)

    def merged(self, meta: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {**meta, **patch}.items() if value is not None or key not in patch}

    def changed(self, old: Memory, text: Any, metadata: Any) -> Memory:
        return replace(
            old,
            text=old.text if text is None else text,
            meta=self.merged(copy_json(old.meta), metadata or {}),
            updated_at=self._clock(),
            version=old.version + 1,
        )

    def written(self, new: Memory, old: Memory) -> bool:
        return self._replace(new, old.version)

    def told(self, new: Memory) -> Memory:
        return new.copy()

    def update_memory(
        self, memory_id: str, *, text: Any = None, metadata: Any = None, expected_version: Any = None
    ) -> Memory:
        if expected_version is not None:
            checked_count(expected_version, "expected_version")
        text, metadata = self.checked(text, metadata)
        while True:
            old = self.found(memory_id)
            self.expected(old, expected_version)
            new = self.changed(old, text, metadata)
            if self.written(new, old):
                return self.told(new)


class Embedded(Engine):
    """Ranks memories by what was `embedded` of them, kept apart from the records."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.embedded: dict[str, str] = {}

    def embed(self, memory: Memory) -> None:
        self.embedded[memory.id] = memory.text

    def embed_again(self, memory: Memory) -> None:
        self.embed(memory)

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        for memory in super()._insert(memories):
            self.embed(memory)
        return memories

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        done = super()._replace(memory, expected_version)
        if done:
            self.embed_again(memory)
        return done

    def _delete(self, ids: list[str]) -> list[str]:
        gone = super()._delete(ids)
        for memory_id in gone:
            self.embedded.pop(memory_id, None)
        return gone

    def _rank(self, query: str, filter: Filter, limit: int) -> Any:
        points = [m for m in self._matching(filter) if m.id in self.embedded]
        hits = rank(query, [replace(m, text=self.embedded[m.id]) for m in points], limit)
        return [(self._memories[hit.id], score) for hit, score in hits], True


class LookingAway(InMemoryMemoryStore):
    """Can be told to look away from what has expired."""

    looks = True

    @contextmanager
    def looking_away(self) -> Any:
        self.looks = False
        try:
            yield
        finally:
            self.looks = True

    def _may_hold_expiring(self) -> bool:
        return self.looks and super()._may_hold_expiring()


class Pager(InMemoryMemoryStore):
    """Lists by itself: so many `rows` of what is `wanted`, as the caller is `told` them, behind the place `read`."""

    def wanted(self, filters: Any, ids: dict[str, Any]) -> Filter:
        return target(filters, Scope(**ids))

    def rows(self, wanted: Filter, after: Position | None, count: int) -> list[Memory]:
        return [memory for memory in self.known(wanted) if after is None or self.follows(memory, after)][:count]

    def known(self, wanted: Filter) -> list[Memory]:
        return self._select(self._reading(wanted).split().native, None, 100_000)

    def follows(self, memory: Memory, after: Position) -> bool:
        return memory.position > after

    def place(self, page: list[Memory], behind: list[Memory]) -> Position:
        return page[-1].position

    def cursor(self, place: Position, wanted: Filter) -> str:
        return operations._write_cursor(place, wanted)

    def read(self, cursor: str, wanted: Filter) -> Position | None:
        return operations._read_cursor(cursor, wanted)

    def told(self, memory: Memory) -> Memory:
        return memory.copy()

    def list_memories(self, *, filters: Any = None, limit: Any = 100, cursor: Any = None, **ids: Any) -> MemoryPage:
        count, wanted = checked_count(limit, "limit"), self.wanted(filters, ids)
        found = self.rows(wanted, None if cursor is None else self.read(cursor, wanted), count + 1)
        page, behind = found[:count], found[count:]
        following = self.cursor(self.place(page, behind), wanted) if behind else None
        return MemoryPage([self.told(memory) for memory in page], following)


class Exporter(InMemoryMemoryStore):
    """Exports the `record` of all that is `chosen`, and imports what was `parsed`, where it is not `there` already."""

    def chosen(self, filters: Any, ids: dict[str, Any]) -> list[Memory]:
        everything = not ids and given_filters(filters) is None
        wanted = TRUE if everything else target(filters, Scope(**ids))
        return self._select(self._reading(wanted).split().native, None, 100_000)

    def record(self, memory: Memory) -> dict[str, Any]:
        return memory.to_dict()

    def export_memories(self, file: Any, *, filters: Any = None, **ids: Any) -> int:
        chosen = self.chosen(filters, ids)
        for content in (HEADER, *map(self.record, chosen)):
            file.write(to_line(content))
        return len(chosen)

    def parsed(self, lines: Iterable[str]) -> list[Memory]:
        return list(from_lines(lines))

    def restored(self, memory: Memory) -> Memory:
        return memory

    def there(self, memory: Memory) -> bool:
        old = self._memories.get(memory.id)
        if old is not None and not self.same(memory, old):
            raise MemoryConflictError(memory.id)
        return old is not None

    def same(self, new: Memory, old: Memory) -> bool:
        return json.dumps(new.to_dict(), sort_keys=True) == json.dumps(old.to_dict(), sort_keys=True)

    def import_memories(self, lines: Iterable[str]) -> int:
        missing = [self.restored(memory) for memory in self.parsed(lines) if not self.there(memory)]
        return len(self._insert(missing))


class Mending(Exporter):
    """Imports the record of each line as it was `mended`."""

    def mended(self, number: int, record: dict[str, Any]) -> dict[str, Any]:
        return record

    def parsed(self, lines: Iterable[str]) -> list[Memory]:
        return super().parsed(line if n == 1 else self._mend(n, line) for n, line in enumerate(lines, start=1))

    def _mend(self, number: int, line: str) -> str:
        try:
            content = json.loads(line)
        except ValueError:
            return line
        return to_line(self.mended(number, content)) if isinstance(content, dict) else line
