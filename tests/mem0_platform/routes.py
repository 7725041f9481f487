"""Which endpoint answers a method and a path."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

from mem0_platform import endpoints, undescribed
from mem0_platform.requests import RefusedError, Request, Response
from mem0_platform.state import State

_PROJECT = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/"

DESCRIBED: dict[tuple[str, str], Callable[..., Response]] = {
    ("GET", "/v1/ping/"): endpoints.ping,
    ("POST", "/v3/memories/add/"): endpoints.add,
    ("POST", "/v3/memories/search/"): endpoints.search,
    ("POST", "/v3/memories/"): endpoints.list_all,
    ("DELETE", "/v1/memories/"): endpoints.delete_all,
    ("GET", "/v1/memories/{memory_id}/"): endpoints.get_one,
    ("PUT", "/v1/memories/{memory_id}/"): endpoints.update,
    ("DELETE", "/v1/memories/{memory_id}/"): endpoints.delete_one,
    ("GET", "/v1/memories/{memory_id}/history/"): endpoints.history,
    ("GET", "/v1/event/{event_id}/"): endpoints.get_event,
    ("GET", "/v1/events/"): endpoints.list_events,
}
"""By method and path, as the public description writes them."""

UNDESCRIBED: dict[tuple[str, str], Callable[..., Response]] = {
    ("GET", _PROJECT): undescribed.get_project,
    ("PATCH", _PROJECT): undescribed.update_project,
    ("GET", "/v1/entities/"): undescribed.entities,
    ("DELETE", "/v2/entities/{kind}/{name}/"): undescribed.delete_entity,
    ("PUT", "/v1/batch/"): undescribed.batch_update,
    ("DELETE", "/v1/batch/"): undescribed.batch_delete,
}

_PATTERNS = [
    (method, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), endpoint)
    for (method, path), endpoint in {**DESCRIBED, **UNDESCRIBED}.items()
]


def answer(state: State, request: Request) -> Response:
    """Answer a request of somebody with a good key."""
    try:
        return _endpoint(request)(state, request)
    except RefusedError as refused:
        return refused.response


def _endpoint(request: Request) -> Callable[[State, Request], Response]:
    known = False
    for method, pattern, endpoint in _PATTERNS:
        if found := pattern.fullmatch(request.path):
            known = True
            if method == request.method:
                return partial(endpoint, **{name: unquote(value) for name, value in found.groupdict().items()})
    if known:
        raise RefusedError(405, f'Method "{request.method}" not allowed.', key="detail")
    raise RefusedError(404, "Not found.", key="detail")
