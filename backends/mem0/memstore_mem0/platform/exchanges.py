"""What the platform is asked for each primitive of `Mem0MemoryStore`."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from memstore import AddedMemory, Memory
from memstore.errors import EventNotFoundError, MemoryStoreError, MemoryTimeoutError
from memstore.filters import Filter, compile_filter
from memstore.memory import Position, Scope
from memstore.primitives import Ranked
from memstore.twins import Operation
from memstore_mem0.memories import Mem0Memory
from memstore_mem0.platform.asking import Patience, RequestError, ask, pause
from memstore_mem0.platform.filters import pushed_filters
from memstore_mem0.platform.options import Options
from memstore_mem0.platform.records import (
    from_record,
    in_requests,
    stored_as,
    to_inference,
    to_message,
    to_request,
)

MAX_TOP_K: Final = 1000
"""The most results that a search returns (POST /v3/memories/search/)."""

_PAGE_SIZE: Final = 200
_DELETED_AT_ONCE: Final = 1000
_LISTING_ATTEMPTS: Final = 10
_LONGEST_POLL: Final = 8.0


def insert(patience: Patience, memories: Sequence[Memory], options: Options) -> Operation[list[Memory]]:
    """Add messages word for word, in one request for all that have the same metadata."""
    stored: list[Memory] = []
    try:
        for batch in in_requests(memories):
            messages = [to_message(memory) for memory in batch]
            answer = yield from ask(patience, "add", messages, repeatable=False, **{**options, **to_request(batch)})
            results = _in_order(batch, _results(answer))
            stored += [stored_as(memory, result["id"]) for memory, result in zip(batch, results, strict=False)]
            if len(results) != len(batch):
                raise MemoryStoreError(f"Mem0 stored {len(results)} of {len(batch)} messages")
    except MemoryStoreError as error:
        if stored:  # all or nothing
            yield from _take_back(patience, [memory.id for memory in stored], error)
        raise
    return stored


def infer(
    patience: Patience, said: Sequence[Memory], metadata: Mapping[str, Any], background: bool, options: Options
) -> Operation[list[AddedMemory]]:
    """Let Mem0 extract facts; unless it may go on in the background, wait for them."""
    messages = [to_message(memory) for memory in said]
    arguments = {**options, **to_inference(said[0], metadata)}
    answer = _object((yield from ask(patience, "add", messages, repeatable=False, **arguments)))
    if "results" in answer:
        return _added(_results(answer))
    event_id = answer.get("event_id")
    if not isinstance(event_id, str):
        raise MemoryStoreError("Mem0 answered with neither results nor an event")
    if background:
        return [{"memory_id": None, "memory": None, "event_id": event_id}]
    return (yield from _finished(patience, event_id, time.monotonic() + patience.timeout))


def wait(patience: Patience, event_ids: Sequence[str], timeout: float | None) -> Operation[list[AddedMemory]]:
    """What came of events, in their order, once all are done."""
    deadline = None if timeout is None else time.monotonic() + timeout
    added: list[AddedMemory] = []
    for event_id in event_ids:
        added += yield from _finished(patience, event_id, deadline)
    return added


def select(
    patience: Patience, filter: Filter, after: Position | None, limit: int, options: Options
) -> Operation[list[Memory]]:
    """Every page, sorted here: the platform promises no order."""
    filters, keep = pushed_filters(filter), compile_filter(filter)
    for attempt in range(_LISTING_ATTEMPTS):
        if attempt:
            yield pause(min(attempt * patience.poll_interval, _LONGEST_POLL))
        found = yield from _every_page(patience, filters, options)
        if found is not None:
            rest = (memory for memory in found.values() if keep(memory) and (after is None or memory.position > after))
            return list(sorted(rest, key=lambda memory: memory.position)[:limit])
    raise MemoryStoreError("Mem0's listing was changed by others while it was read, each time that it was tried")


def rank(patience: Patience, query: str, filter: Filter, limit: int, options: Options) -> Operation[Ranked]:
    """The platform's own ranking of what matches.

    Without a threshold of the caller's there is none, as results are promised whenever there are
    enough. What a caller's own options leave out is left out.
    """
    top_k = min(limit, MAX_TOP_K)
    arguments = {"threshold": 0.0, **options, "top_k": top_k, "filters": pushed_filters(filter)}
    answer = yield from ask(patience, "search", query, **arguments)
    results, keep = _results(answer), compile_filter(filter)
    scored = ((from_record(result), float(result.get("score") or 0.0)) for result in results)
    hits: list[tuple[Memory, float]] = [(memory, score) for memory, score in scored if keep(memory)]
    hits.sort(key=lambda hit: -hit[1])
    # Past the ceiling only the platform could say what a caller's own options leave out.
    return hits, len(results) < top_k or (bool(options) and top_k == MAX_TOP_K)


def delete(patience: Patience, ids: Sequence[str], options: Options) -> Operation[list[str]]:
    """Delete memories; the ids of those that were there."""
    known = [memory_id for memory_id in ids if _is_uuid(memory_id)]
    if len(known) > 1 and not options:
        try:
            for start in range(0, len(known), _DELETED_AT_ONCE):
                batch = [{"memory_id": memory_id} for memory_id in known[start : start + _DELETED_AT_ONCE]]
                yield from ask(patience, "batch_delete", batch)
        except RequestError as error:
            if error.status not in (400, 404):  # one of them is not there: which, tells each alone
                raise
        else:
            return known
    deleted = []
    for memory_id in known:
        try:
            yield from ask(patience, "delete", memory_id, **options)
        except RequestError as error:
            if error.status not in (400, 404):
                raise
            if not error.may_have_worked:
                continue
        deleted.append(memory_id)
    return deleted


def delete_all(patience: Patience, scope: Scope, options: Options) -> Operation[None]:
    """Delete what has these ids by the platform's own account, and wait until it is gone."""
    wanted: dict[str, Any] = {
        name: json.dumps(value) if isinstance(value, Mapping) else value for name, value in options.items()
    }
    answer = _object((yield from ask(patience, "delete_all", **{**wanted, **scope.ids})))
    event_id = answer.get("event_id")
    if isinstance(event_id, str):
        yield from _event(patience, event_id, time.monotonic() + patience.timeout)


def _every_page(
    patience: Patience, filters: dict[str, Any], options: Options
) -> Operation[dict[str, Mem0Memory] | None]:
    """The records of every page by id; None if some were deleted meanwhile, since then others slip past a page."""
    found: dict[str, Mem0Memory] = {}
    page, count = 1, 0
    while True:
        arguments = {**options, "filters": filters, "page": page, "page_size": _PAGE_SIZE}
        try:
            answer = _object((yield from ask(patience, "get_all", **arguments)))
        except RequestError as error:
            if error.status == 404 and page > 1:  # the page is no more
                return None
            raise
        known = len(found)
        for result in _results(answer):
            memory = from_record(result)
            found[memory.id] = memory
        count_before, count = count, answer.get("count") or 0
        if count < count_before:
            return None
        if not answer.get("next"):
            return found
        if len(found) == known:
            raise MemoryStoreError("Mem0 returns the same page again")
        page += 1


def _finished(patience: Patience, event_id: str, deadline: float | None) -> Operation[list[AddedMemory]]:
    """What came of an event that Mem0 has accepted; the errors are `_event`'s."""
    event = yield from _event(patience, event_id, deadline)
    with _naming(event_id):
        return _added(_results(event) if event.get("results") is not None else [])


def _event(patience: Patience, event_id: str, deadline: float | None) -> Operation[dict[str, Any]]:
    """An event that succeeded, looked at again and again until then.

    Raises:
        EventNotFoundError: there is none with this id.
        MemoryTimeoutError: the deadline, by the monotonic clock, passed first. It names the event.
        MemoryStoreError: it failed; or it could not be looked at, and the error names it.
    """
    patience, delay = replace(patience, deadline=deadline), patience.poll_interval
    while True:
        with _naming(event_id):
            event = _object((yield from ask(patience, "event", event_id)))
        status = event.get("status")
        if status == "SUCCEEDED":
            return event
        if status == "FAILED":
            raise MemoryStoreError(f"Mem0 could not finish it: {event.get('error') or 'it does not say why'}")
        left = delay if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise _out_of_time(event_id)
        yield pause(min(delay, left))
        delay = min(2 * delay, _LONGEST_POLL)


@contextmanager
def _naming(event_id: str) -> Iterator[None]:
    """With errors that name the event, so that nobody who lost sight of it adds the same again."""
    try:
        yield
    except MemoryTimeoutError as error:
        raise _out_of_time(event_id) from error
    except MemoryStoreError as error:
        status = error.status if isinstance(error, RequestError) else None
        if status in (400, 404):
            raise EventNotFoundError from error
        reason = f"{error}; Mem0 goes on with what it has accepted, and wait(['{event_id}']) waits on"
        raise RequestError(reason, status, may_have_worked=True) from error


def _out_of_time(event_id: str) -> MemoryTimeoutError:
    return MemoryTimeoutError(f"Mem0 has not finished in time; wait(['{event_id}']) waits on")


def _take_back(patience: Patience, ids: list[str], error: MemoryStoreError) -> Operation[None]:
    try:
        yield from delete(patience, ids, {})
    except MemoryStoreError:
        raise MemoryStoreError(f"{error}; {len(ids)} messages were stored before, and could not be deleted") from error


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise MemoryStoreError("Mem0 answered with something that is no object")
    return answer


def _results(answer: Any) -> list[dict[str, Any]]:
    """What an answer lists, each with an id."""
    results = _object(answer).get("results")
    if not isinstance(results, list):
        raise MemoryStoreError("Mem0 answered without results")
    if not all(isinstance(result, dict) and isinstance(result.get("id"), str) and result["id"] for result in results):
        raise MemoryStoreError("Mem0 answered with a result that has no id")
    return results


def _in_order(batch: Sequence[Memory], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of messages in the messages' order, told by their texts: nothing promises that they come so."""
    said = [memory.text for memory in batch]
    kept = [_told(result) for result in results]
    if kept == said or Counter(kept) != Counter(said):  # texts that Mem0 has changed tell nothing
        return results
    of_text: dict[str | None, list[dict[str, Any]]] = {}
    for text, result in zip(kept, results, strict=True):
        of_text.setdefault(text, []).append(result)
    return [of_text[text].pop(0) for text in said]


def _added(results: Sequence[Mapping[str, Any]]) -> list[AddedMemory]:
    """The entries of what was stored or changed."""
    kept = [result for result in results if result.get("event", "ADD") in ("ADD", "UPDATE")]
    return [{"memory_id": result["id"], "memory": _text(result)} for result in kept]


def _text(result: Mapping[str, Any]) -> str:
    text = _told(result)
    if text is None:
        raise MemoryStoreError("Mem0 answered with a memory that has no text")
    return text


def _told(result: Mapping[str, Any]) -> str | None:
    """The text of a result, where it tells one."""
    data = result.get("data")
    text = data.get("memory") if isinstance(data, dict) else result.get("memory")
    return text if isinstance(text, str) else None


def _is_uuid(memory_id: str) -> bool:
    try:
        return str(uuid.UUID(memory_id)) == memory_id.lower()
    except ValueError:
        return False
