"""What every store does alike, as operations over the primitives of `BaseMemoryStore`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from haystack.dataclasses import ChatMessage

from memstore import ranking
from memstore.arguments import Addition, Patch, checked_count, checked_event_ids, checked_query, checked_timeout
from memstore.errors import MemoryConflictError, MemoryNotFoundError, MemoryStoreError
from memstore.export import FIRST_LINE, HEADER, from_lines, to_line
from memstore.filters import (
    FALSE,
    TRUE,
    Comparison,
    Field,
    Filter,
    FilterSupport,
    In,
    Operator,
    Split,
    compile_filter,
    matches,
    normalize,
    serialize,
    split_filter,
)
from memstore.filters.fields import EXPIRES_AT
from memstore.filters.instants import format_instant
from memstore.memory import AddedMemory, Memory, MemoryPage, Position, Scope, utc
from memstore.supports import TextSink
from memstore.twins import Aside, Operation, Primitive

PAGE_SIZE: Final = 1000
"""How many memories are asked of a store at a time."""

_OVERFETCH: Final = 4
_INSERT_ATTEMPTS: Final = 5
_UPDATE_ATTEMPTS: Final = 100
_DELETED_AT_ONCE: Final = 10 * PAGE_SIZE
_ID: Final = Field(("id",))


class Reading(NamedTuple):
    """What is read of a store: the memories that match a filter and a condition on when they expire.

    The condition holds the present moment, so it is kept out of all that is remembered of filters;
    and it is no part of what a caller asked for, so cursors do not know it.
    """

    support: FilterSupport
    wanted: Filter
    expiry: Filter = TRUE
    page_size: int = PAGE_SIZE

    def split(self) -> Split:
        """What the store evaluates, and what is evaluated here."""
        split = split_filter(self.wanted, self.support)
        return split if self.expiry == TRUE else split.narrowed(self.expiry, self.support)


def expired(now: datetime) -> Filter:
    """What has expired at a moment."""
    return Comparison(EXPIRES_AT, Operator.LE, format_instant(now))


def add(
    support: FilterSupport, addition: Addition, now: datetime, *, infer: bool, background: bool
) -> Operation[list[AddedMemory]]:
    """Store messages or, where the store has a model, the facts in them; with the caller's ids, only what is new."""
    memories = addition.to_memories(now)
    if not memories:
        return []
    if infer:
        inferred = yield Primitive("infer", (memories, addition.checked_batch(), background))
        if inferred is not None:
            return inferred if background else (yield from _finished(inferred))
    if addition.ids is None:
        stored = yield Primitive("insert", (memories,))
    else:
        stored, _ = yield from _insert_missing(support, memories, partial(_says_the_same, addition))
    return [{"memory_id": memory.id, "memory": memory.text} for memory in stored]


def search(
    reading: Reading, query: object, top_k: object, *, include_memory_metadata: bool
) -> Operation[list[ChatMessage]]:
    """Every match in listing order, or for a query the best of them."""
    count, text = checked_count(top_k, "top_k"), checked_query(query)
    if text is None:
        memories = yield from _every(reading)
        return [memory.to_chat_message(include_memory_metadata=include_memory_metadata) for memory in memories]
    found = yield from _best(reading, text, count)
    return [
        memory.to_chat_message(score=score, include_memory_metadata=include_memory_metadata) for memory, score in found
    ]


def search_as_single_message(reading: Reading, query: object, top_k: object) -> Operation[ChatMessage]:
    """What a search finds, a line for each memory; further lines of a text are indented, so that none is another's."""
    found = yield from search(reading, query, top_k, include_memory_metadata=False)
    texts = ("  ".join((message.text or "").splitlines(keepends=True)) for message in found)
    lines = (f"- MEMORY #{number}: {text}" for number, text in enumerate(texts, start=1))
    return ChatMessage.from_system("\n".join(lines))


def list_page(reading: Reading, limit: object, cursor: str | None) -> Operation[MemoryPage]:
    """One page of the matches."""
    count = checked_count(limit, "limit")
    reading = reading._replace(wanted=normalize(reading.wanted))
    after = None if cursor is None else _read_cursor(cursor, reading.wanted)
    memories = yield from _some(reading, after, count + 1)
    page = memories[:count]
    return MemoryPage(
        [memory.copy() for memory in page],
        _write_cursor(page[-1].position, reading.wanted) if len(memories) > count else None,
    )


def count(reading: Reading) -> Operation[int]:
    """How many match."""
    return len((yield from _every(reading)))


def delete_all(reading: Reading, scope: Scope) -> Operation[None]:
    """Delete every memory of a scope: at once what the store can, then what is left."""
    yield Primitive("delete_all", (scope,))
    yield from purge(reading)


def purge(reading: Reading) -> Operation[int]:
    """Delete page by page until nothing matches any more; how many there were."""
    previous: list[str] = []
    deleted = 0
    while True:
        page = yield from _some(reading, None, _DELETED_AT_ONCE)
        ids = [memory.id for memory in page]
        if not ids:
            return deleted
        if ids == previous:
            raise MemoryStoreError("memories are still there after they were deleted")
        deleted += len((yield Primitive("delete", (ids,))))
        previous = ids


def delete(reading: Reading, memory_id: str) -> Operation[None]:
    """Delete one memory that must be found."""
    if reading.expiry != TRUE:
        yield from _one(reading, memory_id)
    deleted = yield Primitive("delete", ([memory_id],))
    if not deleted:
        raise MemoryNotFoundError(memory_id)


def update(
    look: Callable[[], Reading], memory_id: str, patch: Patch, clock: Callable[[], datetime]
) -> Operation[Memory]:
    """Change one memory in one step; where somebody else changed it meanwhile, look again."""
    for _ in range(_UPDATE_ATTEMPTS):
        old = yield from _one(look(), memory_id)
        new = patch.applied(old, clock())
        if (yield Primitive("replace", (new, old.version))):
            return new.copy()
    raise MemoryStoreError(f"the memory {memory_id!r} was changed by others {_UPDATE_ATTEMPTS} times in between")


def history(reading: Reading, memory_id: str) -> Operation[list[Memory]]:
    """The states of one memory that must be found."""
    states = yield Primitive("history", (memory_id,))
    if not states or not matches(reading.expiry, states[-1]):
        raise MemoryNotFoundError(memory_id)
    return [memory.copy() for memory in states]


def export(reading: Reading, file: TextSink) -> Operation[int]:
    """Write the matches page by page."""
    written, after, text = 0, None, to_line(HEADER)
    while True:
        page = yield from _some(reading, after, PAGE_SIZE)
        text += "".join(to_line(memory.to_dict()) for memory in page)
        yield Aside(partial(file.write, text))
        written += len(page)
        if len(page) < PAGE_SIZE:
            return written
        after, text = page[-1].position, ""


def import_lines(support: FilterSupport, lines: Iterable[str], require: Callable[[str], None]) -> Operation[int]:
    """Add what is not there yet, batch by batch."""
    memories = from_lines(lines)
    added, line = 0, FIRST_LINE
    while batch := (yield Aside(lambda: list(islice(memories, PAGE_SIZE)))):
        if any(memory.expires_at is not None for memory in batch):
            require("expiration")
        try:
            _, new = yield from _insert_missing(support, batch, _is_the_same)
        except MemoryConflictError as conflict:
            line += next((place for place, memory in enumerate(batch) if memory.id == conflict.memory_id), 0)
            taken = f"line {line}: the id {conflict.memory_id!r} is taken by another memory; the import ended here"
            raise MemoryConflictError(conflict.memory_id, taken) from None
        added, line = added + new, line + len(batch)
    return added


def wait(event_ids: object, timeout: object) -> Operation[list[AddedMemory]]:
    """What came of pending adds."""
    pending, seconds = checked_event_ids(event_ids), checked_timeout(timeout)
    return (yield Primitive("wait", (pending, seconds))) if pending else []


def _finished(added: list[AddedMemory]) -> Operation[list[AddedMemory]]:
    """What was added, once nothing of it is pending."""
    pending = [entry["event_id"] for entry in added if "event_id" in entry]
    return (yield Primitive("wait", (pending, None))) if pending else added


def _insert_missing(
    support: FilterSupport, memories: list[Memory], same: Callable[[Memory, Memory], bool]
) -> Operation[tuple[list[Memory], int]]:
    """Insert what is not there yet; what is there then for each, and how many are new.

    Another writer may come first, so a conflict is looked at again.
    """
    ids = [memory.id for memory in memories]
    for attempt in range(_INSERT_ATTEMPTS):
        existing: dict[str, Memory] = {}
        for start in range(0, len(ids), PAGE_SIZE):  # a filter's size is bounded, a batch's is not
            # Also what has expired: until it is purged, it holds its id.
            some = Reading(support, In(_ID, tuple(ids[start : start + PAGE_SIZE])))
            existing |= {memory.id: memory for memory in (yield from _every(some))}
        missing: dict[str, Memory] = {}
        for memory in memories:
            there = existing.get(memory.id) or missing.setdefault(memory.id, memory)
            if there is not memory and not same(memory, there):
                raise MemoryConflictError(memory.id)
        try:
            stored = (yield Primitive("insert", (list(missing.values()),))) if missing else []
        except MemoryConflictError:
            if attempt == _INSERT_ATTEMPTS - 1:
                raise
            continue
        if [memory.id for memory in stored] != list(missing):
            raise MemoryStoreError("the store did not keep the ids that it was given")
        existing |= missing
        return [existing[memory_id] for memory_id in ids], len(stored)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _says_the_same(addition: Addition, new: Memory, old: Memory) -> bool:
    return (
        (new.ids, new.text, new.role, new.name) == (old.ids, old.text, old.role, old.name)
        and json.dumps(new.meta, sort_keys=True) == json.dumps(old.meta, sort_keys=True)  # 1, 1.0 and True differ
        and (addition.timestamp is None or new.created_at == old.created_at)
        and (addition.expires_at is None or new.expires_at == old.expires_at)
    )


def _is_the_same(new: Memory, old: Memory) -> bool:
    return json.dumps(new.to_dict(), sort_keys=True) == json.dumps(old.to_dict(), sort_keys=True)


def _one(reading: Reading, memory_id: str) -> Operation[Memory]:
    """The memory with an id, which must be found."""
    found = yield from _some(reading._replace(wanted=Comparison(_ID, Operator.EQ, memory_id)), None, 1)
    if not found:
        raise MemoryNotFoundError(memory_id)
    return found[0]


def _some(reading: Reading, after: Position | None, limit: int | None) -> Operation[list[Memory]]:
    """The first `limit` matches after a position, in listing order; all of them when it is None."""
    split = reading.split()
    if split.residual == FALSE:
        return []
    keep = None if split.residual == TRUE else compile_filter(split.residual)
    found: list[Memory] = []
    while True:
        size = reading.page_size
        if limit is not None and keep is None:
            size = min(limit - len(found), size)
        page: list[Memory] = yield Primitive("select", (split.native, after, size))
        found.extend(page if keep is None else filter(keep, page))
        if limit is not None and len(found) >= limit:
            return found[:limit]
        if len(page) < size:
            return found
        if page[-1].position == after:
            raise MemoryStoreError("the store returns the same page again")
        after = page[-1].position


def _every(reading: Reading) -> Operation[list[Memory]]:
    return (yield from _some(reading, None, None))


def _best(reading: Reading, query: str, limit: int) -> Operation[list[tuple[Memory, float]]]:
    """The best `limit` matches.

    The engine ranks, when the store has one, by the part of the filter that it evaluates; it is
    asked for more until enough survive the rest. Where it stops before (a ceiling), or where there
    is no engine, every match is ranked here: a residual never costs a hit.
    """
    split = reading.split()
    if split.residual == FALSE:
        return []
    keep = None if split.residual == TRUE else compile_filter(split.residual)
    asked = limit
    while True:
        ranked = yield Primitive("rank", (query, split.native, asked))
        if ranked is None:
            break
        hits, exhausted = ranked
        kept = list(islice((hit for hit in hits if keep is None or keep(hit[0])), limit))
        if len(kept) == limit or exhausted:
            return kept
        if len(hits) < asked:
            break
        asked *= _OVERFETCH
    return list(ranking.rank(query, (yield from _every(reading)), limit))


def _write_cursor(position: Position, wanted: Filter) -> str:
    moment, memory_id = position
    content = [format_instant(moment), memory_id, _fingerprint(wanted)]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _read_cursor(cursor: str, wanted: Filter) -> Position:
    try:
        moment, memory_id, fingerprint = json.loads(base64.urlsafe_b64decode(cursor))
        position = (utc(datetime.fromisoformat(moment)), str(memory_id))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("cursor: not one that list_memories returned") from None
    if fingerprint != _fingerprint(wanted):
        raise ValueError("cursor: it belongs to a listing with other filters or ids")
    return position


def _fingerprint(wanted: Filter) -> str:
    return hashlib.sha256(json.dumps(serialize(wanted), sort_keys=True).encode()).hexdigest()[:16]
