"""Exporting: JSON Lines out, and the same memories in again."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryConflictError
from memstore.testing.contract import expect
from memstore.testing.contract.adding import TEXTS
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import exclusive, needs
from memstore.testing.contract.reading import equals, present, records, updated

HEADER: Final = {"format": "memstore", "version": 1}
"""The first line of an export."""

_META: Final = {"a": [1, 1.0, True, None, {"b": "ü"}], "zero": 0.0, "large": 2**63 - 1, "nothing": None}
_BEYOND_A_PAGE: Final = 1200


class Exporting(Harness):
    """`export_memories` and `import_memories`."""

    @needs("export")
    def test_an_export_begins_with_a_header(self, store: Any) -> None:
        """The first line of an export is `{"format": "memstore", "version": 1}`, also of nothing.

        If this fails, check that the header is written before the first memory is looked for.
        """
        user = self.new_id()
        expect.equal(self._export(store, user_id=user), [HEADER], "lines of an export of nothing")
        self.add(store, "note", user_id=user)
        expect.equal(self._export(store, user_id=user)[0], HEADER, "first line of an export")

    @needs("export")
    def test_an_export_has_a_line_for_each_memory(self, store: Any) -> None:
        """After its header, an export has every memory's fields, a line each, in the order of a listing.

        If this fails, check that lines are `Memory.to_dict`: metadata under "meta", times in UTC.
        """
        user = self.new_id()
        self.add(store, *(f"note {number}" for number in range(10)), user_id=user, metadata=_META)
        found = records(self, store, user_id=user)
        lines = self._export(store, user_id=user)[1:]
        expect.equal([line.get("id") for line in lines], [record["id"] for record in found], "ids, line by line")
        for line, record in zip(lines, found, strict=True):
            for name, value in record.items():
                expect.equal(line.get(name, "missing"), value, f"{name} in an export, compared with what is found")

    @needs("export")
    def test_an_export_says_how_many_it_wrote(self, store: Any) -> None:
        """`export_memories` returns the number of memories written, without the header.

        If this fails, check what is counted.
        """
        user = self.new_id()
        expect.equal(store.export_memories(io.StringIO(), user_id=user), 0, "number of memories exported of nobody")
        self.add(store, "one", "two", "three", user_id=user)
        expect.equal(store.export_memories(io.StringIO(), user_id=user), 3, "number of memories exported")

    @needs("export")
    def test_an_export_keeps_to_its_scope(self, store: Any) -> None:
        """An export has the memories that have every id given, and no others.

        If this fails, check that an export reads as a search does.
        """
        user, other, run = self.new_id(), self.new_id(), self.new_id("run")
        self.add(store, "mine", user_id=user)
        self.add(store, "mine in the run", user_id=user, run_id=run)
        self.add(store, "foreign", user_id=other, run_id=run)
        for scope, expected in (
            ({"user_id": user}, ["mine", "mine in the run"]),
            ({"user_id": user, "run_id": run}, ["mine in the run"]),
        ):
            texts = [line["text"] for line in self._export(store, **scope)[1:]]
            expect.same(texts, expected, f"texts exported by {' and '.join(scope)}")

    @needs("export")
    def test_an_export_keeps_to_its_filter(self, store: Any) -> None:
        """An export with a filter has the memories that match it, and no others.

        If this fails, check that the filter is not dropped, which would export everybody.
        """
        user = self.new_id()
        texts = self.add_records(store, [{"even": number % 2 == 0} for number in range(6)], user_id=user)
        self.add_records(store, [{"even": True}], user_id=self.new_id())
        lines = self._export(store, filters=equals(user_id=user, even=True))[1:]
        expect.same([line["text"] for line in lines], texts[::2], "texts exported by a filter")

    @needs("export")
    @exclusive
    def test_an_export_without_ids_is_of_everything(self, store: Any) -> None:
        """Without any id and without a filter, an export has every memory of the store.

        If this fails, check that a backup of everybody is one call.
        """
        for scope in ({"user_id": self.new_id()}, {"run_id": self.new_id("run")}, {"app_id": self.new_id("app")}):
            self.add(store, f"of {next(iter(scope))}", **scope)
        texts = [line["text"] for line in self._export(store)[1:]]
        expect.same(texts, ["of user_id", "of run_id", "of app_id"], "texts exported")

    @needs("export", "expiration")
    def test_an_expired_memory_is_not_exported(self, store: Any) -> None:
        """An export leaves out what has expired.

        If this fails, check that an export reads as a search does.
        """
        user = self.new_id()
        self.add(store, "expired", user_id=user, expires_at=0)
        self.add(store, "lasting", user_id=user)
        texts = [line["text"] for line in self._export(store, user_id=user)[1:]]
        expect.equal(texts, ["lasting"], "texts exported")

    @needs("export")
    def test_an_import_brings_memories_back(self, store: Any) -> None:
        """Exported, deleted and imported, memories are what they were: id, role, name, ids, metadata, times, order.

        If this fails, check that an import writes the records it reads, and does not add anew.
        """
        scope = {name: self.new_id(name) for name in ("user_id", "run_id", "agent_id", "app_id")}
        messages = [ChatMessage.from_user("one", name="maya"), ChatMessage.from_assistant("two")]
        self.add_messages(store, messages, metadata=_META, **scope)
        self.add(store, "three", user_id=scope["user_id"])
        self._round_trip(store, scope["user_id"], 3)

    @needs("export", "update")
    def test_an_import_brings_versions_back(self, store: Any) -> None:
        """An updated memory that was exported, deleted and imported has its version and `updated_at`.

        If this fails, check that an import does not begin at version 1.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        for number in (2, 3):
            self.elapse(0.02)
            updated(self, store, memory_id, text=f"text {number}")
        self._round_trip(store, user, 1)

    @needs("export", "expiration")
    def test_an_import_brings_expiries_back(self, store: Any) -> None:
        """A memory that expires later, exported, deleted and imported, still does; one that has expired is not found.

        If this fails, check that `expires_at` is exported, read again, and written where reads look for it.
        """
        user = self.new_id()
        self.add(store, "lasting", user_id=user, expires_at=present(self, store) + timedelta(days=2))
        self._round_trip(store, user, 1)
        lasting = self._export(store, user_id=user)[1]
        expired = {"id": self.new_id("memory"), "text": "expired", "expires_at": lasting["created_at"]}
        self._import(store, [HEADER, {**lasting, **expired}])
        expect.equal(self.texts(store, user_id=user), ["lasting"], "texts found after importing one that has expired")

    @needs("export")
    def test_texts_survive_export_and_import(self, store: Any) -> None:
        """Texts come back letter by letter: newlines, every script, U+2028, 100 kB; each on one line between.

        So they do from a file in which another program wrote U+2028 as it is, as JSON allows.

        If this fails, check that only a newline ends a line, and that JSON escapes what is in a text.
        """
        user = self.new_id()
        self.add(store, *TEXTS, user_id=user, metadata={"note": "\u2028\n\x85"})
        lines = self._export(store, user_id=user)
        self._round_trip(store, user, len(TEXTS))
        expect.same(self.texts(store, user_id=user), TEXTS, "texts found after the import")
        store.delete_all_memories(user_id=user)
        self._import(store, lines)
        expect.same(self.texts(store, user_id=user), TEXTS, "texts found after importing what escapes no letter")

    @needs("export")
    def test_export_and_import_go_past_every_page_size(self, store: Any) -> None:
        """1,200 memories are exported, and imported again.

        If this fails, check that both go on after their first page.
        """
        user = self.new_id()
        self.add(store, *(f"note {number}" for number in range(_BEYOND_A_PAGE)), user_id=user)
        self._round_trip(store, user, _BEYOND_A_PAGE)

    @needs("export")
    def test_imported_memories_are_found(self, store: Any) -> None:
        """Imported memories are found by queries and by filters.

        If this fails, check that an import writes the indexes that an add writes.
        """
        user = self.new_id()
        self.add(store, "The train leaves at noon", user_id=user, metadata={"a": 1})
        violin = self.add_one(store, "The violin concert begins tonight", user_id=user, metadata={"a": {"b": 2}})
        lines = self._export(store, user_id=user)
        store.delete_all_memories(user_id=user)
        self._import(store, lines)
        found = self.found_ids(store, user_id=user, query="violin concert tonight", top_k=1)
        expect.equal(found, [violin], "id found first by a query after the import")
        found = self.found_ids(store, filters=equals(**{"user_id": user, "a.b": 2}))
        expect.equal(found, [violin], "ids found by a filter after the import")

    @needs("export")
    def test_an_import_can_be_repeated(self, store: Any) -> None:
        """Importing what is there already adds nothing, changes nothing and counts nothing; the rest is added.

        If this fails, check that an id that exists is compared, not inserted a second time and not refused.
        """
        user = self.new_id()
        ids = self.add(store, "one", "two", "three", user_id=user, metadata=_META)
        before, lines = records(self, store, user_id=user), self._export(store, user_id=user)
        self.elapse(0.02)
        expect.equal(self._import(store, lines), 0, "number of memories that an import added which were all there")
        expect.equal(records(self, store, user_id=user), before, "memories found after the import")
        store.delete_memory(ids[1])
        self.settle()
        expect.equal(self._import(store, lines), 1, "number of memories that an import added, of which one was missing")
        expect.equal(records(self, store, user_id=user), before, "memories found after the second import")

    @needs("export")
    def test_an_import_overwrites_nothing(self, store: Any) -> None:
        """An imported memory that is there in another state, or is another's, is a `MemoryConflictError`.

        If this fails, check for upserts, and that every field is compared.
        """
        user = self.new_id()
        self.add(store, "mine", user_id=user, metadata={"a": 1})
        before, lines = records(self, store, user_id=user), self._export(store, user_id=user)
        expect.equal(len(lines), 2, "number of lines of an export of one memory")
        for change in (
            {"text": "changed"},
            {"meta": {"a": True}},
            {"version": 7},
            {"updated_at": "2020-01-01T00:00:00Z"},
            {"user_id": self.new_id()},
        ):
            with expect.raises(MemoryConflictError, f"importing a memory with another {next(iter(change))}"):
                self._import(store, [HEADER, {**lines[1], **change}])
        expect.equal(records(self, store, user_id=user), before, "memories found after refused imports")

    def _export(self, store: Any, **arguments: Any) -> list[dict[str, Any]]:
        """What the lines of an export hold, each of which must be a JSON object."""
        file = io.StringIO()
        store.export_memories(file, **arguments)
        *lines, rest = file.getvalue().split("\n")
        expect.equal(rest, "", "what an export has after its last newline")
        contents = [json.loads(line) for line in lines]
        strange = [type(content).__name__ for content in contents if not isinstance(content, dict)]
        expect.true(not strange, f"lines of an export hold {strange[:1]}, not objects")
        return contents

    def _import(self, store: Any, lines: Sequence[dict[str, Any]]) -> int:
        """How many memories an import of these lines says that it added."""
        file = io.StringIO("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
        added: int = store.import_memories(file)
        self.settle()
        return added

    def _round_trip(self, store: Any, user: str, count: int) -> None:
        """Export, delete and import a user's memories, which must be the same then."""
        before = records(self, store, user_id=user)
        file = io.StringIO()
        expect.equal(store.export_memories(file, user_id=user), count, "number of memories exported")
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(self.texts(store, user_id=user), [], "texts found after everything was deleted")
        file.seek(0)
        self.elapse(0.02)
        expect.equal(store.import_memories(file), count, "number of memories imported")
        self.settle()
        after = records(self, store, user_id=user)
        expect.equal([record["id"] for record in after], [record["id"] for record in before], "ids found, in order")
        for old, new in zip(before, after, strict=True):
            for name, value in old.items():
                expect.equal(new.get(name, "missing"), value, f"{name} after an import")
