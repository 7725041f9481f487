"""What the platform keeps: memories, their history, and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from mem0_platform.moments import write_moment

ALWAYS = ("id", "memory", "created_at")
"""What an answer has, whichever `fields` are asked for."""


@dataclass
class Memory:
    """One memory."""

    id: str
    text: str
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    metadata: dict[str, Any] | None
    categories: list[str]
    created_at: datetime
    updated_at: datetime
    expiration_date: date | None = None
    immutable: bool = False
    messages: list[dict[str, str]] = field(default_factory=list)
    """What it was extracted from; the history shows it."""

    def as_found(self, score: float, fields: list[str] | None) -> dict[str, Any]:
        """As search answers, where the run is `run_id`."""
        found = self._common() | {
            "run_id": self.run_id,
            "score": score,
            "score_breakdown": {"semantic": score, "bm25": 0.0, "entity": 0.0},
        }
        return _only(fields, found)

    def as_listed(self, fields: list[str] | None = None) -> dict[str, Any]:
        """As list, get and update answer, where the run is `session_id`."""
        listed = self._common() | {
            "session_id": self.run_id,
            "structured_attributes": {"year": self.created_at.year, "month": self.created_at.month},
            "replaced_by": None,
            "synthesized": False,
            "lifecycle_state": "active",
        }
        return _only(fields, listed)

    def _common(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "memory": self.text,
            "user_id": self.user_id,
            "agent_id": self.agent_id,
            "app_id": self.app_id,
            "metadata": self.metadata,
            "categories": self.categories,
            "created_at": write_moment(self.created_at),
            "updated_at": write_moment(self.updated_at),
            "expiration_date": self.expiration_date.isoformat() if self.expiration_date else None,
        }


def _only(fields: list[str] | None, record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if fields is None or key in fields or key in ALWAYS}


@dataclass
class Event:
    """Work that was queued, and how it went."""

    id: str
    event_type: str
    payload: dict[str, Any]
    work: Callable[[], list[dict[str, Any]]]
    created_at: datetime
    due: float | None
    """When it will have run, by the monotonic clock; None when polls decide."""
    failure: str | None = None
    """Why it will fail, when a test wants it to."""
    polls: int = 0
    status: str = "PENDING"
    results: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    completed_at: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether it has yet to run."""
        return self.status in ("PENDING", "RUNNING")

    def as_answer(self) -> dict[str, Any]:
        """As the events' endpoints answer."""
        done = self.completed_at or self.created_at
        answer = {
            "id": self.id,
            "event_type": self.event_type,
            "status": self.status,
            "payload": self.payload,
            "metadata": None,
            "results": self.results,
            "created_at": write_moment(self.created_at),
            "updated_at": write_moment(done),
            "graph_status": None,
            "error": self.error,
        }
        if self.completed_at:
            answer["completed_at"] = write_moment(self.completed_at)
            answer["latency"] = (done - self.created_at).total_seconds() * 1000
        return answer
