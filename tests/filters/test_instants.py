"""Times as microseconds: where datetimes would overflow or have no zone."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memstore.filters.instants import format_instant, instant_of, parse_instant


class Nowhere(tzinfo):
    """A zone that knows no offset, which the standard library allows."""

    def utcoffset(self, moment):
        return None


zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=st.none() | zones))
def test_a_datetime_and_its_spelling_are_the_same_instant(moment):
    assert parse_instant(moment.isoformat()) == instant_of(moment)


@given(st.datetimes(timezones=zones), st.datetimes(timezones=zones))
def test_instants_order_as_datetimes_do(one, other):
    assert (instant_of(one) < instant_of(other)) == (one < other)
    assert (instant_of(one) == instant_of(other)) == (one == other)


@given(st.datetimes(timezones=st.just(UTC)))
def test_formatting_keeps_the_instant(moment):
    text = format_instant(moment)
    assert text.endswith("Z")
    assert parse_instant(text) == instant_of(moment)


NEARLY = st.sampled_from(["2024-05-01T09:30:00Z", "2024-05-01 23:59:59-23:59", "2024-05-01T09:30:00.5Z", "2024-05-01"])


@given(NEARLY, st.lists(st.tuples(st.integers(0, 24), st.sampled_from("0123456789-+:TZ. ,W\u0664")), max_size=3))
def test_what_is_nearly_a_time_is_one_by_the_grammar_alone(text, changes):
    letters = list(text)
    for place, letter in changes:
        letters[place % len(letters)] = letter
    text = "".join(letters)
    minutes = r"([01]\d|2[0-3]):[0-5]\d"
    grammar = rf"\d{{4}}-\d\d-\d\d([T ]{minutes}(:[0-5]\d(\.\d{{1,6}})?)?(Z|[+-]{minutes})?)?"
    in_grammar = re.fullmatch(grammar, text, re.ASCII)
    try:
        expected = instant_of(datetime.fromisoformat(text)) if in_grammar else None
    except ValueError:
        expected = None
    assert parse_instant(text) == expected


def test_the_ends_of_time():
    assert parse_instant("0001-01-01T00:00+23:59") < parse_instant("0001-01-01")
    assert parse_instant("9999-12-31T23:59:59.999999-23:59") > parse_instant("9999-12-31T23:59:59.999999")
    with pytest.raises(ValueError, match="outside the years"):
        format_instant(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


def test_a_zone_without_an_offset_is_none():
    assert instant_of(datetime(2026, 5, 1, tzinfo=Nowhere())) == instant_of(datetime(2026, 5, 1))


def test_a_day_is_written_as_a_day():
    assert format_instant(date(2026, 5, 1)) == "2026-05-01"
    assert instant_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
