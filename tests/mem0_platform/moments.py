"""Times as the platform reads and writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime


def read_moment(value: object) -> datetime | None:
    """An ISO 8601 date or time, or Unix seconds; without a zone it is UTC. None when it is neither."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def write_moment(moment: datetime) -> str:
    """A time as answers have it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def midnight(day: date) -> datetime:
    """The instant at which a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
