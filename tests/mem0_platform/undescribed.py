"""Paths that the Python clients call and the public description leaves out."""

from __future__ import annotations

from typing import Any

from mem0_platform.endpoints import memory_of
from mem0_platform.extraction import ENTITIES
from mem0_platform.requests import RefusedError, Request, Response
from mem0_platform.state import State, has_ids


def get_project(state: State, request: Request, org_id: str, project_id: str) -> Response:
    """`client.project.get`."""
    return Response(200, state.project)


def update_project(state: State, request: Request, org_id: str, project_id: str) -> Response:
    """`client.project.update`; the settings are kept and change nothing here."""
    state.project |= _object(request)
    return Response(200, {"message": "Project updated successfully."})


def entities(state: State, request: Request) -> Response:
    """`client.users`: whoever has memories."""
    owners = {(name, getattr(memory, name)) for memory in state.memories.values() for name in ENTITIES}
    results = [
        {"type": name.removesuffix("_id"), "name": owner, "total_memories": _count(state, {name: owner})}
        for name, owner in sorted(pair for pair in owners if pair[1] is not None)
    ]
    return Response(200, {"count": len(results), "next": None, "previous": None, "results": results})


def delete_entity(state: State, request: Request, kind: str, name: str) -> Response:
    """`client.delete_users`, at once."""
    ids = {f"{kind}_id": name}
    if f"{kind}_id" not in ENTITIES or name == "*" or not _count(state, ids):
        raise RefusedError(404, "Entity not found.")
    state.delete(memory for memory in list(state.memories.values()) if has_ids(memory, ids))
    return Response(200, {"message": "Entity deleted successfully."})


def batch_update(state: State, request: Request) -> Response:
    """`client.batch_update`."""
    changes = _batch(request)
    for change in changes:
        state.update(memory_of(state, str(change.get("memory_id"))), change)
    return Response(200, {"message": f"Successfully updated {len(changes)} memories"})


def batch_delete(state: State, request: Request) -> Response:
    """`client.batch_delete`."""
    deleted = [memory_of(state, str(entry.get("memory_id"))) for entry in _batch(request)]
    state.delete(deleted)
    return Response(200, {"message": f"Successfully deleted {len(deleted)} memories"})


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.body, dict):
        raise RefusedError(400, "a JSON object is required")
    return request.body


def _batch(request: Request) -> list[dict[str, Any]]:
    entries = _object(request).get("memories")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RefusedError(400, "memories must be a list of objects")
    return entries


def _count(state: State, ids: dict[str, str]) -> int:
    return sum(has_ids(memory, ids) for memory in state.memories.values())
