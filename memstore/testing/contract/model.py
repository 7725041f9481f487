"""What a store must hold after any sequence of calls: a dictionary that shares nothing with any store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from memstore.filters import Filter, matches
from memstore.testing.contract import expect


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as it must be.

    Attributes:
        id: as the store told it.
        text: what was said.
        role: who said it.
        scope: the ids it belongs to, by name.
        meta: the user's metadata.
        created_at: when it was said; None where the store sets its own time.
        number: how many were added before it; failures name it so.
        version: one more with every update.
    """

    id: str
    text: str
    role: str
    scope: Mapping[str, str]
    meta: Mapping[str, Any]
    created_at: datetime | None
    number: int = field(default=0, kw_only=True)
    version: int = field(default=1, kw_only=True)

    @property
    def record(self) -> dict[str, Any]:
        """Its fields, as filters ask for them."""
        own = {"id": self.id, "text": self.text, "role": self.role, "created_at": self.created_at}
        return {**own, **self.scope, "meta": self.meta}


class Model:
    """Memories by id."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._labels: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, memory_id: str) -> bool:
        return memory_id in self._entries

    def add(self, entry: Entry) -> None:
        """Keep a new memory."""
        number = len(self._labels) + 1
        self._labels[entry.id] = f"memory {number} ({entry.text!r} of {' in '.join(entry.scope.values())})"
        self._entries[entry.id] = replace(entry, number=number)

    def update(self, memory_id: str, text: str | None, patch: Mapping[str, Any] | None) -> None:
        """Change its text, or its metadata key by key: None removes a key."""
        old = self._entries[memory_id]
        removed = [key for key, value in (patch or {}).items() if value is None]
        meta = {key: value for key, value in {**old.meta, **(patch or {})}.items() if key not in removed}
        text = old.text if text is None else text
        self._entries[memory_id] = replace(old, text=text, meta=meta, version=old.version + 1)

    def delete(self, memory_id: str) -> None:
        """Forget a memory."""
        del self._entries[memory_id]

    def matching(self, wanted: Filter) -> list[Entry]:
        """The memories that match, in the order of adding."""
        return [entry for entry in self._entries.values() if matches(wanted, entry.record)]

    def check(self, found: Sequence[Mapping[str, Any]], expected: Iterable[Entry], what: str) -> None:
        """Fail unless these memories were found, each once and as it must be."""
        wanted = {entry.id: entry for entry in expected}
        expect.same(map(self._label, (record["id"] for record in found)), map(self._label, wanted), what)
        for record in found:
            entry = wanted[record["id"]]
            for name, value in {**entry.record, "version": entry.version}.items():
                if name != "created_at":
                    expect.equal(record[name], value, f"{name} of {self._label(entry.id)}")

    def check_order(self, found: Sequence[Mapping[str, Any]], what: str, *, by_id: bool) -> None:
        """Fail unless older memories come first; within a moment by id, where the store promises that."""
        entries = [self._entries[record["id"]] for record in found]
        times = [entry.created_at for entry in entries if entry.created_at is not None]
        positions = list(zip(times, (entry.id if by_id else "" for entry in entries), strict=False))
        expect.true(positions == sorted(positions), f"{what} are not in the order of created_at{', then id' * by_id}")

    def _label(self, memory_id: str) -> str:
        return self._labels.get(memory_id, f"a memory that was never added, {memory_id}")
