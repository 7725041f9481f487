"""The platform's memories, and what changes them, now or when an event has run."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mem0_platform.extraction import ENTITIES, Extract, Fact, one_fact_per_message, owner_of
from mem0_platform.moments import read_moment, write_moment
from mem0_platform.reading import Reading
from mem0_platform.records import Event, Memory


class State:
    """Everything but HTTP; one request at a time."""

    def __init__(
        self,
        *,
        reading: Reading,
        extract: Extract | None,
        pending_polls: int,
        pending_seconds: float | None,
        clock: Callable[[], datetime] | None,
    ) -> None:
        self.reading = reading
        self.memories: dict[str, Memory] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.events: dict[str, Event] = {}
        self.event_failures: deque[str] = deque()
        self.project: dict[str, Any] = {}
        self._extract = extract or one_fact_per_message
        self._pending_polls = pending_polls
        self._pending_seconds = pending_seconds
        self._clock = clock or (lambda: datetime.now(UTC))
        self._latest = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The time; each call's is later than the one before."""
        self._latest = max(self._clock(), self._latest + timedelta(microseconds=1))
        return self._latest

    def dump(self) -> bytes:
        """Everything it keeps, to look for what should be gone."""
        kept = {
            "memories": [memory.as_listed() for memory in self.memories.values()],
            "history": self.history,
            "events": [event.as_answer() for event in self.events.values()],
        }
        return json.dumps(kept, ensure_ascii=False).encode(errors="surrogatepass")

    # Memories.

    def listed(self) -> list[Memory]:
        """All of them, newest first."""
        newest_last = sorted(enumerate(self.memories.values()), key=lambda pair: (pair[1].created_at, pair[0]))
        return [memory for _, memory in reversed(newest_last)]

    def add(self, fact: Fact, owner: Mapping[str, str | None], request: Mapping[str, Any]) -> dict[str, Any]:
        """Store one memory as a request to add describes it, and answer its entry."""
        now = self.now()
        said = datetime.fromtimestamp(request["timestamp"], UTC) if request.get("timestamp") is not None else now
        expires = request.get("expiration_date")
        metadata = request.get("metadata")
        memory = Memory(
            id=str(uuid.uuid4()),
            text=fact.text,
            user_id=owner.get("user_id"),
            agent_id=owner.get("agent_id"),
            app_id=owner.get("app_id"),
            run_id=owner.get("run_id"),
            metadata=None if metadata is None else dict(metadata),
            categories=list(fact.categories),
            created_at=said,
            updated_at=now,
            expiration_date=datetime.fromisoformat(expires).date() if expires else None,
            immutable=bool(request.get("immutable")),
            messages=[message for message in request["messages"] if message["role"] != "system"],
        )
        self.memories[memory.id] = memory
        self._record(memory, "ADD", None, memory.text)
        return {"id": memory.id, "data": {"memory": memory.text}, "event": "ADD"}

    def infer(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Extract facts and store those that have an owner."""
        owned = [(fact, owner_of(fact, request)) for fact in self._extract(request["messages"])]
        return [self.add(fact, owner, request) for fact, owner in owned if any(owner.values())]

    def update(self, memory: Memory, changes: Mapping[str, Any]) -> None:
        """Change a memory; metadata is replaced as a whole."""
        before = memory.text
        memory.text = changes.get("text", memory.text)
        memory.metadata = changes.get("metadata", memory.metadata)
        if (said := read_moment(changes.get("timestamp"))) is not None:
            memory.created_at = said
        if "expiration_date" in changes:
            day = changes["expiration_date"]
            memory.expiration_date = None if day is None else datetime.fromisoformat(day).date()
        memory.updated_at = self.now()
        self._record(memory, "UPDATE", before, memory.text)

    def delete(self, memories: Iterable[Memory]) -> list[dict[str, Any]]:
        """Delete memories; their history stays."""
        deleted = [memory for memory in memories if self.memories.pop(memory.id, None)]
        for memory in deleted:
            self._record(memory, "DELETE", memory.text, "")
        return [{"id": memory.id, "event": "DELETE"} for memory in deleted]

    def _record(self, memory: Memory, event: str, before: str | None, after: str) -> None:
        self.history.setdefault(memory.id, []).append(
            {
                "id": str(uuid.uuid4()),
                "memory_id": memory.id,
                "input": memory.messages,
                "old_memory": before,
                "new_memory": after,
                "user_id": memory.user_id or "",  # the description wants a string
                "agent_id": memory.agent_id,
                "app_id": memory.app_id,
                "session_id": memory.run_id,
                "categories": memory.categories,
                "event": event,
                "metadata": memory.metadata,
                "created_at": write_moment(memory.created_at),
                "updated_at": write_moment(memory.updated_at),
            }
        )

    # Events.

    def queue(self, event_type: str, payload: dict[str, Any], work: Callable[[], list[dict[str, Any]]]) -> Event:
        """Queue work, to be done after the polls or the seconds that were asked for."""
        due = None if self._pending_seconds is None else time.monotonic() + self._pending_seconds
        failure = self.event_failures.popleft() if self.event_failures else None
        return self._keep(Event(str(uuid.uuid4()), event_type, payload, work, self.now(), due, failure))

    def run_at_once(self, event_type: str, payload: dict[str, Any], work: Callable[[], list[dict[str, Any]]]) -> Event:
        """Do work while the client waits; it has an event all the same."""
        event = self._keep(Event(str(uuid.uuid4()), event_type, payload, work, self.now(), None))
        self._run(event)
        return event

    def _keep(self, event: Event) -> Event:
        self.events[event.id] = event
        return event

    def run_due(self) -> None:
        """Run the events whose time has come."""
        for event in self.events.values():
            if event.pending and event.due is not None and event.due <= time.monotonic():
                self._run(event)

    def run_all(self) -> None:
        """Run whatever is pending."""
        for event in self.events.values():
            if event.pending:
                self._run(event)

    def poll(self, event: Event) -> None:
        """Somebody asks for an event."""
        if not event.pending:
            return
        if event.due is None and event.polls >= self._pending_polls:
            self._run(event)
        else:
            event.status = "RUNNING" if event.polls else "PENDING"
            event.polls += 1

    def _run(self, event: Event) -> None:
        try:
            if event.failure is not None:
                raise RuntimeError(event.failure)
            event.results = event.work()
            event.status = "SUCCEEDED"
        except Exception as error:  # whatever a script raises is an event that failed
            event.status, event.error = "FAILED", str(error) or type(error).__name__
        event.completed_at = self.now()


def has_ids(memory: Memory, ids: Mapping[str, str]) -> bool:
    """Whether a memory has all of these ids; `*` stands for any but null."""
    for name in ENTITIES:
        if name in ids:
            stored = getattr(memory, name)
            if stored is None or ids[name] not in ("*", stored):
                return False
    return True
