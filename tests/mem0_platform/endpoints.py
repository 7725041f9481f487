"""What each path of the public description does."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, timedelta
from typing import Any

from mem0_platform.description import request_errors
from mem0_platform.dialect import Filter, RefusedFilterError, compile_filter, same
from mem0_platform.extraction import ENTITIES, Fact
from mem0_platform.moments import midnight, read_moment
from mem0_platform.records import Memory
from mem0_platform.requests import RefusedError, Request, Response
from mem0_platform.similarity import similarity
from mem0_platform.state import State, has_ids

ADD, LIST, SEARCH, ONE = "/v3/memories/add/", "/v3/memories/", "/v3/memories/search/", "/v1/memories/{memory_id}/"
MAX_PAGE_SIZE = 200


def ping(state: State, request: Request) -> Response:
    """The key is good; both clients ask this when they are made."""
    return Response(
        200, {"status": "ok", "org_id": "org-1", "project_id": "proj-1", "user_email": "someone@example.com"}
    )


def add(state: State, request: Request) -> Response:
    """Store messages word for word, or queue the extraction of facts."""
    body = _checked_body(request, ADD)
    ids = {name: body[name] for name in ENTITIES if body.get(name) is not None}
    if not ids or not all(ids.values()):
        raise RefusedError(400, f"at least one of {', '.join(ENTITIES)} is required, and none may be blank")
    if not body["messages"]:
        raise RefusedError(400, "messages must not be empty")
    if body.get("infer", True):
        event = state.queue("ADD", body, lambda: state.infer(body))
        return Response(200, {"event_id": event.id, "status": event.status})
    facts = [Fact(message["content"], message["role"]) for message in body["messages"]]
    event = state.run_at_once("ADD", body, lambda: [state.add(fact, ids, body) for fact in facts])
    answer = {"message": "Memories stored.", "status": event.status, "event_id": event.id, "results": event.results}
    return Response(200, answer)


def search(state: State, request: Request) -> Response:
    """The best matches by similarity."""
    body = _checked_body(request, SEARCH)
    query = body["query"].strip()
    if not query:
        raise RefusedError(400, "query must not be blank")
    filters = _filters(state, body)
    if "keywords" in filters.keys:
        raise RefusedError(500, "Internal server error")
    wanted = body.get("metadata") or {}
    found = [
        (similarity(query, memory.text), memory)
        for memory in state.listed()
        if filters.matches(memory)
        and _shown(state, memory, body)
        and all(name in (memory.metadata or {}) and same(memory.metadata[name], wanted[name]) for name in wanted)
    ]
    ranked = sorted((pair for pair in found if pair[0] >= body.get("threshold", 0.1)), key=lambda pair: -pair[0])
    best = ranked[: body.get("top_k", 10)]
    return Response(200, {"results": [memory.as_found(score, body.get("fields")) for score, memory in best]})


def list_all(state: State, request: Request) -> Response:
    """One page of the memories that match, newest first."""
    body = _checked_body(request, LIST)
    page, size = (_page_number(request, body, name, default) for name, default in (("page", 1), ("page_size", 100)))
    if size > MAX_PAGE_SIZE:
        raise RefusedError(400, f"page_size must be at most {MAX_PAGE_SIZE}")
    filters = _filters(state, body)
    start, end = (read_moment(body.get(name)) for name in ("start_date", "end_date"))
    matching = [
        memory
        for memory in state.listed()
        if filters.matches(memory)
        and _shown(state, memory, body)
        and (start is None or memory.created_at >= start)
        and (end is None or memory.created_at < midnight(end.date()) + timedelta(days=1))
        and body.get("keywords", "").casefold() in memory.text.casefold()
    ]
    first = (page - 1) * size
    if first >= len(matching) and page > 1:
        raise RefusedError(404, "Invalid page.", key="detail")

    def link(number: int) -> str:
        return f"{request.origin}{LIST}?page={number}&page_size={size}"

    return Response(
        200,
        {
            "count": len(matching),
            "next": link(page + 1) if first + size < len(matching) else None,
            "previous": link(page - 1) if page > 1 else None,
            "results": [memory.as_listed(body.get("fields")) for memory in matching[first : first + size]],
        },
    )


def get_one(state: State, request: Request, memory_id: str) -> Response:
    """One memory by its id."""
    return Response(200, memory_of(state, memory_id).as_listed())


def update(state: State, request: Request, memory_id: str) -> Response:
    """Change a memory's text, metadata or expiration date."""
    memory = memory_of(state, memory_id)
    changes = _checked_body(request, ONE)
    if not changes.keys() & {"text", "metadata", "expiration_date", "timestamp"}:
        raise RefusedError(400, "nothing to update")
    if memory.immutable:
        raise RefusedError(400, "this memory is immutable")
    state.update(memory, changes)
    return Response(200, memory.as_listed())


def delete_one(state: State, request: Request, memory_id: str) -> Response:
    """Delete a memory at once."""
    state.delete([memory_of(state, memory_id)])
    linked = {"cascade_count": 0} if request.query.get("delete_linked") == "true" else {}
    return Response(200, {"message": "Memory deleted successfully!", **linked})


def delete_all(state: State, request: Request) -> Response:
    """Queue the deletion of every memory with these ids."""
    ids = {name: value for name, value in request.query.items() if name in ENTITIES and value}
    wanted = _json_object(request.query.get("metadata"))
    if not ids and not wanted:
        raise RefusedError(400, "at least one filter is required")

    def work() -> list[dict[str, Any]]:
        return state.delete(
            memory
            for memory in list(state.memories.values())
            if has_ids(memory, ids)
            and all(name in (memory.metadata or {}) and same(memory.metadata[name], wanted[name]) for name in wanted)
        )

    event = state.queue("DELETE_ALL", dict(request.query), work)
    return Response(200, {"message": "Delete in progress. This may take some time.", "event_id": event.id})


def history(state: State, request: Request, memory_id: str) -> Response:
    """What a memory was; the description knows no failure here, so an unknown id has no history."""
    return Response(200, state.history.get(memory_id, []))


def get_event(state: State, request: Request, event_id: str) -> Response:
    """How far queued work is; asking for it is what moves it on, unless seconds do."""
    event = state.events.get(event_id)
    if event is None:
        raise RefusedError(404, "Event not found or you don't have permission to access it.")
    state.poll(event)
    return Response(200, event.as_answer())


def list_events(state: State, request: Request) -> Response:
    """All events, newest first, on one page."""
    events = [event.as_answer() for event in reversed(state.events.values())]
    for event in events:
        # The list has neither of the two.
        del event["graph_status"], event["error"]
    return Response(200, {"count": len(events), "next": None, "previous": None, "results": events})


def _checked_body(request: Request, path: str) -> dict[str, Any]:
    if not isinstance(request.body, dict):
        raise RefusedError(400, "a JSON object is required")
    for error in request_errors(path, request.method, request.body):
        raise RefusedError(400, f"{error.json_path}: {error.message}")
    if path in (LIST, SEARCH) and request.body.keys() & set(ENTITIES):
        raise RefusedError(400, "top-level ids are not supported; pass them inside filters")
    return request.body


def _filters(state: State, body: dict[str, Any]) -> Filter:
    try:
        return compile_filter(body["filters"], state.reading)
    except RefusedFilterError as error:
        raise RefusedError(400, str(error)) from None


def _shown(state: State, memory: Memory, body: dict[str, Any]) -> bool:
    expired = memory.expiration_date is not None and memory.expiration_date < state.now().astimezone(UTC).date()
    categories = body.get("categories")
    return (body.get("show_expired", False) or not expired) and (
        categories is None or not set(categories).isdisjoint(memory.categories)
    )


def _page_number(request: Request, body: dict[str, Any], name: str, default: int) -> int:
    given = request.query.get(name, body.get(name, default))
    try:
        number = int(given)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise RefusedError(400, f"{name} must be a positive integer")
    return number


def memory_of(state: State, memory_id: str) -> Memory:
    """The memory that a path or body names.

    Raises:
        RefusedError: the id is no UUID, or nobody's.
    """
    try:
        memory = state.memories.get(str(uuid.UUID(memory_id)))
    except ValueError:
        raise RefusedError(400, "memory_id should be a valid UUID") from None
    if memory is None:
        raise RefusedError(404, "Memory not found!")
    return memory


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise RefusedError(400, "metadata must be a JSON object")
    return value
