"""The description as checks: what `nullable` and the formats mean."""

import pytest
from mem0_platform.description import answer_errors, request_errors
from mem0_platform.routes import DESCRIBED

ONE = "/v1/memories/{memory_id}/"
GOOD = {"id": "ab3b0d23-462b-4055-8601-5e9274920f9a", "user_id": None, "created_at": "2026-01-15T10:30:00Z"}


def errors(**changes):
    return [error.message for error in answer_errors(ONE, "GET", 200, {**GOOD, **changes})]


def test_null_is_for_what_is_nullable():
    assert errors() == []
    assert errors(user_id="maya") == []
    assert errors(id=None)


def test_formats_are_checked():
    assert errors(id="17")
    assert errors(created_at="yesterday")
    assert errors(expiration_date="2026-13-01")


def test_types_are_checked():
    assert errors(memory=7)
    assert errors(categories="travel")
    assert errors(metadata=[])


def test_requests_are_checked():
    assert list(request_errors("/v3/memories/search/", "POST", {"query": "x", "filters": {}})) == []
    assert list(request_errors("/v3/memories/search/", "POST", {"query": "", "filters": {}}))
    assert list(request_errors("/v3/memories/search/", "POST", {"query": "x"}))


def test_an_answer_that_is_not_described_is_no_answer():
    with pytest.raises(KeyError):
        answer_errors("/v1/ping/", "GET", 418, {})


@pytest.mark.parametrize(("method", "path"), DESCRIBED)
def test_every_endpoint_is_described(method, path):
    answer_errors(path, method, 200, {})
