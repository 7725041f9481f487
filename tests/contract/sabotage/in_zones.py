"""Bugs in how times without a zone are read; a machine whose own zone is UTC shows none of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from contract.sabotage.engines import Rewriting
from contract.sabotage.in_expiry import Told
from contract.sabotage.in_metadata import Converting
from contract.sabotage.registry import sabotage

from memstore_in_memory import InMemoryMemoryStore

_NAIVE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+")


@sabotage(
    caught_by="test_naive_times_are_utc_in_every_zone",
    source="Python: datetime.timestamp() of a naive datetime; a machine in UTC does not show it",
)
class NaiveTimestampOfTheMachine(InMemoryMemoryStore):
    """Reads a timestamp without a zone as one of the machine's zone."""

    def add_memories(self, *, timestamp=None, **arguments):
        timestamp = timestamp.timestamp() if isinstance(timestamp, datetime) else timestamp
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_naive_times_are_utc_in_every_zone",
    source="Python: datetime.astimezone() of a naive datetime takes it for local time",
)
class NaiveMetadataOfTheMachine(Converting):
    """Reads a datetime without a zone in metadata as one of the machine's zone."""

    def converted(self, value):
        return value.astimezone(UTC) if isinstance(value, datetime) else value


@sabotage(
    caught_by="test_naive_times_are_utc_in_every_zone",
    source="psycopg: a naive datetime is a timestamp, which the session's zone makes a timestamptz",
)
class NaiveFiltersOfTheMachine(Rewriting):
    """Reads a datetime without a zone in a filter as one of the machine's zone."""

    def comparison(self, condition):
        value = condition["value"]
        return {**condition, "value": value.astimezone(UTC)} if isinstance(value, datetime) else condition


@sabotage(
    caught_by="test_naive_times_are_utc_in_every_zone",
    source="Python: datetime.fromisoformat(text).timestamp()",
)
class NaiveTextsOfTheMachine(Rewriting):
    """Reads a time without a zone that a filter has as text as one of the machine's zone."""

    def comparison(self, condition):
        value = condition["value"]
        if not isinstance(value, str) or not _NAIVE.fullmatch(value):
            return condition
        return {**condition, "value": datetime.fromisoformat(value).astimezone(UTC).isoformat()}


@sabotage(
    caught_by="test_naive_times_are_utc_in_every_zone",
    source="writing a backend: expires_at.timestamp(), for a column of Unix seconds",
)
class NaiveExpiryOfTheMachine(Told):
    """Reads an expiry without a zone as one of the machine's zone."""

    def told(self, expires_at):
        return expires_at.timestamp() if isinstance(expires_at, datetime) else expires_at
