"""Times in filters: the one grammar in which a string is a time, as microseconds since 1970 UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

_GRAMMAR: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # subtracted from naive times only
_NO_TIME: Final = "a time is a real one, in whole microseconds"
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str) -> int | None:
    """Microseconds since the epoch when `text` is a time, else None.

    A time is ``YYYY-MM-DD[(T| )hh:mm[:ss[.f{1,6}]][Z|+hh:mm|-hh:mm]]`` and nothing else: the regular
    expression stands in front because `datetime.fromisoformat` also takes ``20240101``. Without a
    zone it is read as UTC. An integer, unlike a datetime, cannot overflow when a zone is subtracted.
    """
    if text[4:5] != "-" or _GRAMMAR.fullmatch(text) is None:
        return None
    try:
        return instant_of(datetime.fromisoformat(text))
    except ValueError:  # the 30th of February
        return None


def instant_of(moment: datetime) -> int:
    """Microseconds since the epoch; a naive datetime is read as UTC."""
    try:
        since = moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)
    except TypeError:  # a zone that knows no offset is none
        since = moment.replace(tzinfo=None) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def format_instant(moment: date) -> str:
    """A datetime as ISO 8601 in UTC (``2024-05-01T09:30:00Z``), a date as ``YYYY-MM-DD``.

    Raises:
        ValueError: in UTC it lies outside the years 1 to 9999, or it is none of the grammar's times, as
            pandas' NaT and its nanoseconds are.
    """
    if not isinstance(moment, datetime):
        return moment.isoformat()
    try:
        if moment.utcoffset() is not None:
            moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC this time lies outside the years 1 to 9999") from None
    except ValueError:  # pandas' NaT
        raise ValueError(_NO_TIME) from None
    text = moment.replace(tzinfo=None).isoformat() + "Z"
    if parse_instant(text) is None:
        raise ValueError(_NO_TIME)
    return text
