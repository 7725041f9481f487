"""What every store does alike, as operations over the primitives of `BaseMemoryStore`."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from itertools import islice
from typing import Final

from haystack.dataclasses import ChatMessage

from memstore import ranking
from memstore.arguments import Addition, checked_count, checked_event_ids, checked_query
from memstore.errors import EventNotFoundError, MemoryConflictError, MemoryNotFoundError, MemoryStoreError
from memstore.filters import (
    FALSE,
    TRUE,
    Field,
    Filter,
    FilterSupport,
    In,
    compile_filter,
    normalize,
    serialize,
    split_filter,
)
from memstore.filters.instants import format_instant
from memstore.memory import AddedMemory, Memory, MemoryPage, Position, utc
from memstore.twins import Operation, Primitive

PAGE_SIZE: Final = 1000
"""How many memories are asked of a store at a time."""

_OVERFETCH: Final = 4
_ATTEMPTS: Final = 5
_DELETED_AT_ONCE: Final = 10 * PAGE_SIZE


def add(support: FilterSupport, addition: Addition, now: datetime) -> Operation[list[AddedMemory]]:
    """Store messages; with the caller's ids, only what is not stored yet."""
    memories = addition.to_memories(now)
    if not memories:
        return []
    if addition.ids is None:
        stored = yield Primitive("insert", (memories,))
    else:
        stored = yield from _add_once(support, memories, same_time=addition.timestamp is not None)
    return [{"memory_id": memory.id, "memory": memory.text} for memory in stored]


def search(
    support: FilterSupport, query: object, wanted: Filter, top_k: object, *, include_memory_metadata: bool
) -> Operation[list[ChatMessage]]:
    """Every match in listing order, or for a query the best of them."""
    count, text = checked_count(top_k, "top_k"), checked_query(query)
    if text is None:
        memories = yield from _every(support, wanted)
        return [memory.to_chat_message(include_memory_metadata=include_memory_metadata) for memory in memories]
    found = yield from _best(support, text, wanted, count)
    return [
        memory.to_chat_message(score=score, include_memory_metadata=include_memory_metadata) for memory, score in found
    ]


def search_as_single_message(
    support: FilterSupport, query: object, wanted: Filter, top_k: object
) -> Operation[ChatMessage]:
    """What a search finds, a line for each memory; the seed's own wrapper writes the same lines."""
    found = yield from search(support, query, wanted, top_k, include_memory_metadata=False)
    lines = (f"- MEMORY #{number}: {message.text}" for number, message in enumerate(found, start=1))
    return ChatMessage.from_system("\n".join(lines))


def list_page(support: FilterSupport, wanted: Filter, limit: object, cursor: str | None) -> Operation[MemoryPage]:
    """One page of the matches."""
    count = checked_count(limit, "limit")
    wanted = normalize(wanted)
    after = None if cursor is None else _read_cursor(cursor, wanted)
    memories = yield from _some(support, wanted, after, count + 1)
    page = memories[:count]
    return MemoryPage(
        [memory.copy() for memory in page],
        _write_cursor(page[-1].position, wanted) if len(memories) > count else None,
    )


def count(support: FilterSupport, wanted: Filter) -> Operation[int]:
    """How many match."""
    return len((yield from _every(support, wanted)))


def delete_all(support: FilterSupport, wanted: Filter) -> Operation[None]:
    """Delete page by page until nothing matches any more."""
    previous: list[str] = []
    while True:
        page = yield from _some(support, wanted, None, _DELETED_AT_ONCE)
        ids = [memory.id for memory in page]
        if not ids:
            return
        if ids == previous:
            raise MemoryStoreError("memories are still there after they were deleted")
        yield Primitive("delete", (ids,))
        previous = ids


def delete(memory_id: str) -> Operation[None]:
    """Delete one memory that must exist."""
    deleted = yield Primitive("delete", ([memory_id],))
    if not deleted:
        raise MemoryNotFoundError(memory_id)


def wait(event_ids: object) -> Operation[list[AddedMemory]]:
    """Nothing is ever pending in a store that adds before it returns."""
    if checked_event_ids(event_ids):
        raise EventNotFoundError
    return []
    yield  # a generator like the others, though it needs no primitive


def _add_once(support: FilterSupport, memories: list[Memory], *, same_time: bool) -> Operation[list[Memory]]:
    """Insert what is not there yet. Another writer may come first, so a conflict is looked at again."""
    ids = [memory.id for memory in memories]
    for attempt in range(_ATTEMPTS):
        existing: dict[str, Memory] = {}
        for start in range(0, len(ids), PAGE_SIZE):  # a filter's size is bounded, a batch's is not
            some = In(Field(("id",)), tuple(ids[start : start + PAGE_SIZE]))
            existing |= {memory.id: memory for memory in (yield from _every(support, some))}
        for memory in memories:
            if memory.id in existing and not _same(memory, existing[memory.id], same_time=same_time):
                raise MemoryConflictError(memory.id)
        missing = [memory for memory in memories if memory.id not in existing]
        try:
            stored = (yield Primitive("insert", (missing,))) if missing else []
        except MemoryConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        existing |= {memory.id: memory for memory in stored}
        return [existing[memory_id] for memory_id in ids]
    raise AssertionError("unreachable: the last attempt returns or raises")


def _same(new: Memory, old: Memory, *, same_time: bool) -> bool:
    return (
        (new.scope, new.text, new.role, new.name) == (old.scope, old.text, old.role, old.name)
        and json.dumps(new.meta, sort_keys=True) == json.dumps(old.meta, sort_keys=True)  # 1, 1.0 and True differ
        and (not same_time or new.created_at == old.created_at)
    )


def _some(support: FilterSupport, wanted: Filter, after: Position | None, limit: int | None) -> Operation[list[Memory]]:
    """The first `limit` matches after a position, in listing order; all of them when it is None."""
    split = split_filter(wanted, support)
    if split.residual == FALSE:
        return []
    keep = None if split.residual == TRUE else compile_filter(split.residual)
    found: list[Memory] = []
    while True:
        size = PAGE_SIZE if limit is None or keep is not None else min(limit - len(found), PAGE_SIZE)
        page: list[Memory] = yield Primitive("select", (split.native, after, size))
        found.extend(page if keep is None else filter(keep, page))
        if limit is not None and len(found) >= limit:
            return found[:limit]
        if len(page) < size:
            return found
        if page[-1].position == after:
            raise MemoryStoreError("the store returns the same page again")
        after = page[-1].position


def _every(support: FilterSupport, wanted: Filter) -> Operation[list[Memory]]:
    return (yield from _some(support, wanted, None, None))


def _best(
    support: FilterSupport, query: str, wanted: Filter, limit: int
) -> Operation[list[tuple[Memory, float | None]]]:
    """The best `limit` matches.

    The engine ranks, when the store has one, by the part of the filter that it evaluates; it is
    asked for more until enough survive the rest. Where it stops before (a ceiling), or where there
    is no engine, every match is ranked here: a residual never costs a hit.
    """
    split = split_filter(wanted, support)
    if split.residual == FALSE:
        return []
    keep = compile_filter(split.residual)
    asked = limit
    while True:
        ranked = yield Primitive("rank", (query, split.native, asked))
        if ranked is None:
            break
        hits, exhausted = ranked
        kept = list(islice((hit for hit in hits if keep(hit[0])), limit))
        if len(kept) == limit or exhausted:
            return kept
        if len(hits) < asked:
            break
        asked *= _OVERFETCH
    return list(ranking.rank(query, (yield from _every(support, wanted)), limit))


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
