"""A client that holds each answer against the public description."""

import re

import httpx
from mem0_platform.description import DESCRIPTION, answer_errors

UNDESCRIBED = {400, 401, 404, 405, 429, 500, 503}
"""Statuses that a path may answer with although its description lists none of them."""


def described_path(path):
    """The path as the description writes it, the one with the fewest parameters first."""
    for template in sorted(DESCRIPTION["paths"], key=lambda template: template.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return template
    return None


def check(response):
    response.read()
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    template = described_path(response.request.url.path)
    operations = DESCRIPTION["paths"].get(template, {})
    operation = operations.get(response.request.method.lower())
    if operation is None:
        return
    if str(response.status_code) not in operation["responses"]:
        assert response.status_code in UNDESCRIBED
        assert isinstance(body, dict)
        return
    assert [e.message for e in answer_errors(template, response.request.method, response.status_code, body)] == []


class Client(httpx.Client):
    """Short forms of the calls that nearly every test makes."""

    def __init__(self, platform, key=None):
        headers = {"Authorization": f"Token {key or platform.api_key}"}
        super().__init__(base_url=platform.url, headers=headers, event_hooks={"response": [check]})

    def add(self, *texts, role="user", infer=False, **rest):
        messages = [{"role": role, "content": text} for text in texts]
        response = self.post("/v3/memories/add/", json={"messages": messages, "infer": infer, **rest})
        assert response.status_code == 200, response.text
        return response.json()

    def texts(self, filters, **rest):
        """The texts listed, oldest first."""
        response = self.post("/v3/memories/", json={"filters": filters, "page_size": 200, **rest})
        assert response.status_code == 200, response.text
        return [memory["memory"] for memory in reversed(response.json()["results"])]

    def search(self, query, filters, **rest):
        return self.post("/v3/memories/search/", json={"query": query, "filters": filters, **rest})

    def event(self, event_id):
        return self.get(f"/v1/event/{event_id}/").json()
