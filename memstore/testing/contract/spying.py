"""Listens to what a store logs and traces."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from haystack.tracing.tracer import Span, Tracer


class Spy(logging.Handler):
    """Keeps everything that is logged and traced, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[str] = []
        self.tracer = _SpyingTracer(self.records)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record with all that it carries."""
        self.records.append(f"{record.getMessage()} {record.args!r} {vars(record)!r}")


class _SpyingSpan(Span):
    def __init__(self, records: list[str]) -> None:
        self._records = records

    def set_tag(self, key: str, value: Any) -> None:
        self._records.append(f"{key}={value!r}")

    def set_content_tag(self, key: str, value: Any) -> None:
        """Haystack's own way to trace contents, which the user turns on; so it may have them."""


class _SpyingTracer(Tracer):
    def __init__(self, records: list[str]) -> None:
        self._records = records

    @contextmanager
    def trace(
        self, operation_name: str, tags: dict[str, Any] | None = None, parent_span: Span | None = None
    ) -> Iterator[Span]:
        self._records.append(f"{operation_name} {tags!r}")
        yield _SpyingSpan(self._records)

    def current_span(self) -> Span | None:
        return _SpyingSpan(self._records)
