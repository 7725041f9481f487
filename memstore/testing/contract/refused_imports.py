"""Imports that are refused, with the line named and nothing quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from memstore.errors import InvalidMemoryError, ScopeError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs

_HEADER: Final = {"format": "memstore", "version": 1}
_LATE: Final = "2024-05-01T25:00:00Z"
_REFUSED: Final = (InvalidMemoryError, ScopeError)


class RefusedImports(Harness):
    """`import_memories` of what is no export, or holds what is no memory."""

    @needs("export")
    def test_an_import_refuses_an_unknown_header(self, store: Any) -> None:
        """A file without the header, or with that of another format or version, is an `InvalidMemoryError`.

        If this fails, check the first line before anything is added; a later version may mean something else by it.
        """
        user = self.new_id()
        record = self._good_record(user)
        for what, header in (
            ("no line at all", None),
            ("no header", record),
            ("another format", {**_HEADER, "format": "mem0"}),
            ("a version to come", {**_HEADER, "version": 2}),
            ("no version", {"format": "memstore"}),
            ("an empty line first", ""),
            ("a list first", [1]),
        ):
            lines = [] if header is None else [_line(header), _line(record)]
            with expect.raises(InvalidMemoryError, f"importing {what}"):
                store.import_memories(lines)
            self.settle()
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused imports")

    @needs("export")
    def test_an_import_refuses_malformed_lines(self, store: Any) -> None:
        """A line that is no JSON object is an `InvalidMemoryError` that names the line.

        If this fails, check that lines are numbered from 1, the header's, and that parse errors are wrapped.
        """
        record = _line(self._good_record(self.new_id()))
        for line in (
            "{",
            record[: len(record) // 2] + "\n",
            "[]\n",
            "null\n",
            '"text"\n',
            f"{record.strip()}, {record}",
        ):
            with expect.raises(InvalidMemoryError, f"importing the line {expect.shown(line)}", _names_line(3)):
                store.import_memories([_line(_HEADER), _line(self._good_record(self.new_id())), line])

    @needs("export")
    def test_an_import_refuses_records_that_lack_a_field(self, store: Any) -> None:
        """A record without an id, a text, a time or any scope is an `InvalidMemoryError` that names the line.

        If this fails, check that nothing is made up for what is missing.
        """
        user = self.new_id()
        for name in ("id", "text", "created_at", "updated_at", "user_id"):
            record = self._good_record(user)
            del record[name]
            self._refuses_record(store, record, f"importing a record without {name}")
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused imports")

    @needs("export")
    def test_an_import_refuses_what_an_add_refuses(self, store: Any) -> None:
        """Ids, texts, times, versions and metadata that no memory has are refused, and the line is named.

        If this fails, check that an import looks at its records as an add and an update look at their arguments.
        """
        user = self.new_id()
        for name, values in (
            ("id", ("", " a", "a\0", 7, None)),
            ("text", ("", " \n", "a\0b", "a\ud800b", 7, None)),
            ("user_id", ("", " ", "*", 7)),
            ("created_at", ("yesterday", 7, _LATE, None)),
            ("updated_at", ("yesterday", _LATE, None)),
            ("version", (0, -1, "1", True, 1.5)),
            ("role", ("queen", 7)),
            ("meta", (7, [1], {"a": 2**64}, {"a": float("nan")}, {"a": "\0"})),
        ):
            for value in values:
                self._refuses_record(
                    store, {**self._good_record(user), name: value}, f"importing a record with {name}={value!r}"
                )
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused imports")

    @needs("export")
    def test_an_import_refuses_reserved_metadata(self, store: Any) -> None:
        """Metadata named like an id, or like what results add, is refused, and the line is named.

        If this fails, check the reserved keys: a file must not say by metadata whose a memory is.
        """
        user, other = self.new_id(), self.new_id()
        for key in ("user_id", "run_id", "agent_id", "app_id", "memory_metadata", "mem0_memory_metadata"):
            record = {**self._good_record(user), "meta": {key: other}}
            self._refuses_record(store, record, f"importing a record with metadata {key!r}")
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused imports")

    @needs("export")
    def test_a_refused_import_quotes_nothing(self, store: Any) -> None:
        """What is raised for a line shows nothing of its text and metadata, and neither do its causes.

        If this fails, check messages of parsers, and chain no exception that holds the line.
        """
        secret, user = self.new_id("secret"), self.new_id()
        record = self._good_record(user)
        for what, line in (
            ("no JSON", f'{{"text": "{secret}", '),
            ("JSON of another kind", f'["{secret}"]'),
            ("an unknown field", _line({**record, secret: 1})),
            ("a text that no store keeps", _line({**record, "text": f"{secret}\0"})),
            ("a time that is none", _line({**record, "created_at": secret})),
            ("a role that is none", _line({**record, "role": secret})),
            ("metadata that is none", _line({**record, "meta": {"note": [secret, 2**64]}})),
        ):
            try:
                store.import_memories([_line(_HEADER), line])
            except _REFUSED as error:
                said = " ".join(_chain(error))
                expect.true(secret not in said, f"importing {what}: the error quotes the line: {said[:200]}")
            else:
                raise AssertionError(f"importing {what}: expected an InvalidMemoryError, but it was accepted")

    def _good_record(self, user: str) -> dict[str, Any]:
        """A record that is as it should be."""
        moment = "2024-05-01T12:00:00Z"
        memory_id = self.new_id("memory")
        return {"id": memory_id, "text": "note", "user_id": user, "created_at": moment, "updated_at": moment}

    def _refuses_record(self, store: Any, record: dict[str, Any], what: str) -> None:
        """Fail unless a file with this record, on its second line, is refused."""
        with expect.raises(_REFUSED, what, _names_line(2)):
            store.import_memories([_line(_HEADER), _line(record)])
        self.settle()


def _line(content: Any) -> str:
    return f"{json.dumps(content)}\n"


def _names_line(number: int) -> Callable[[Any], bool]:
    """Whether an error's message says which line it is about."""
    return lambda error: re.search(rf"\bline {number}\b", str(error)) is not None


def _chain(error: BaseException | None) -> list[str]:
    """What a traceback of this error would say."""
    said: list[str] = []
    while error is not None:
        said.append(f"{error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return said
