"""The platform's public OpenAPI description, as checks of requests and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, FormatChecker, ValidationError

from mem0_platform.moments import read_moment

DESCRIPTION = json.loads(Path(__file__).with_name("mem0-openapi.json").read_text())

_FORMATS = FormatChecker(["date", "uuid"])
_FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or read_moment(value) is not None)


def request_errors(path: str, method: str, body: Any) -> Iterator[ValidationError]:
    """What is wrong with a request's body; `path` is as the description writes it."""
    content = DESCRIPTION["paths"][path][method.lower()]["requestBody"]["content"]
    return _validator(json.dumps(content["application/json"]["schema"])).iter_errors(body)


def answer_errors(path: str, method: str, status: int, body: Any) -> Iterator[ValidationError]:
    """What is wrong with an answer.

    Raises:
        KeyError: the description knows no such path, method or status.
    """
    response = DESCRIPTION["paths"][path][method.lower()]["responses"][str(status)]
    if "content" not in response:
        return iter(())
    return _validator(json.dumps(response["content"]["application/json"]["schema"])).iter_errors(body)


@cache
def _validator(schema: str) -> Draft7Validator:
    return Draft7Validator(_as_json_schema(json.loads(schema)), format_checker=_FORMATS)


def _as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has the type "null"; what is used here is alike otherwise."""
    if isinstance(schema, list):
        return [_as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        raise NotImplementedError("no path that is played here refers to a shared schema")
    plain = {key: _as_json_schema(value) for key, value in schema.items() if key not in ("nullable", "example")}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
