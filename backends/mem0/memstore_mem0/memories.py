"""What both stores read alike of Mem0's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore import Memory
from memstore.json_values import copy_json
from memstore.memory import utc

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a memory was said of which Mem0 does not tell."""


@dataclass(frozen=True, slots=True)
class Mem0Memory(Memory):
    """A memory with Mem0's own record of it."""

    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False, kw_only=True)

    __hash__ = Memory.__hash__

    def to_chat_message(self, *, score: float | None = None, include_memory_metadata: bool = False) -> ChatMessage:
        """See `Memory.to_chat_message`; Mem0's record is added under ``mem0_memory_metadata``."""
        message = Memory.to_chat_message(self, score=score, include_memory_metadata=include_memory_metadata)
        if include_memory_metadata:
            own = {key: copy_json(value) for key, value in self.record.items() if key not in ("memory", "metadata")}
            message.meta["mem0_memory_metadata"] = {"memory_id": self.id, "score": score, **own}
        return message


def moment_of(value: object) -> datetime | None:
    """A time of a record; None where there is none, so that one odd record breaks no listing."""
    try:
        return utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (OverflowError, ValueError):
        return None


def end_of_day(day: object) -> datetime | None:
    """From when on Mem0 hides a memory with this expiration date: the day is its last."""
    try:
        last = date.fromisoformat(day) if isinstance(day, str) else None
        return None if last is None else datetime.combine(last + timedelta(days=1), time(), UTC)
    except (OverflowError, ValueError):
        return None
