"""Running operations on a store's primitives: traced, logged, and with errors that callers can read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from logging import DEBUG, getLogger
from typing import Any, Final, TypeVar

from haystack import logging
from haystack.tracing.tracer import Span, tracer

from memstore.errors import MemoryStoreError, MissingDependencyError, StoreClosedError, UnsupportedError
from memstore.memory import Memory
from memstore.twins import Operation, Primitive, drive, drive_async

logger = logging.getLogger(__name__)
_levels: Final = getLogger(__name__)  # the same; the type of Haystack's does not tell its level

T = TypeVar("T")


class OperationRunner:
    """What drives the operations of a `BaseMemoryStore`: the primitives are methods of the same object."""

    capabilities: frozenset[str]
    _closed = False
    _process = 0  # until the constructor has run

    def _run(self, name: str, operation: Operation[T]) -> T:
        with self._traced(name) as span:
            try:
                result = drive(operation, self._call)
            except Exception as error:  # noqa: BLE001  # raised below
                failure = self._failed(name, span, error)
            else:
                return self._done(name, span, result)
        raise failure

    async def _run_async(self, name: str, operation: Operation[T]) -> T:
        with self._traced(name) as span:
            try:
                result = await drive_async(operation, self._call_async)
            except Exception as error:  # noqa: BLE001  # raised below
                failure = self._failed(name, span, error)
            else:
                return self._done(name, span, result)
        raise failure

    def _drives_async(self) -> bool:
        self._require("async")
        return "native_async" in self.capabilities

    def _call(self, primitive: Primitive) -> Any:
        self._check_usable()  # closed in the middle, a listing must not end as if it were complete
        method = f"_{primitive.name}"
        try:
            result = getattr(self, method)(*primitive.arguments)
        except (MemoryStoreError, MissingDependencyError):
            raise
        except Exception as error:
            raise self._failure(primitive.name, error) from error
        return self._checked(method, primitive, result)

    async def _call_async(self, primitive: Primitive) -> Any:
        self._check_usable()
        method = f"_{primitive.name}_async"
        try:
            result = await getattr(self, method)(*primitive.arguments)
        except (MemoryStoreError, MissingDependencyError):
            raise
        except Exception as error:
            raise self._failure(primitive.name, error) from error
        return self._checked(method, primitive, result)

    def _checked(self, method: str, primitive: Primitive, result: Any) -> Any:
        """What a primitive returned, if it is what it must be; else a mistake shows far from where it was made."""
        is_kept, promise = _PROMISES[primitive.name]
        if not is_kept(result, primitive):
            raise MemoryStoreError(f"{type(self).__name__}.{method} must return {promise}")
        return result

    def _failure(self, primitive: str, error: Exception) -> MemoryStoreError:
        # The cause may quote texts or secrets, so only its type is repeated.
        task = _TASKS.get(primitive, f"{primitive} memories")
        return MemoryStoreError(f"{type(self).__name__} could not {task}: {type(error).__name__}")

    def _traced(self, name: str) -> AbstractContextManager[Span]:
        tags = {"memstore.store": type(self).__name__, "memstore.operation": name}
        return tracer.trace(f"memstore.{name}", tags=tags)

    def _done(self, name: str, span: Span, result: T) -> T:
        """Trace and log how many memories an operation was about. Never their texts, nor queries or ids."""
        results = len(result) if isinstance(result, list) else None
        if results is not None:
            span.set_tag("memstore.results", results)
        if _levels.isEnabledFor(DEBUG):  # a call to log takes longer than to ask
            logger.debug(
                "{store}.{operation} done, results: {results}",
                store=type(self).__name__,
                operation=name,
                results=results,
            )
        return result

    def _failed(self, name: str, span: Span, error: Exception) -> Exception:
        """Trace and log what kind of error it was. It is raised outside of the span: tracers write down causes."""
        span.set_tag("memstore.error", type(error).__name__)
        logger.debug(
            "{store}.{operation} failed: {error}",
            store=type(self).__name__,
            operation=name,
            error=type(error).__name__,
        )
        return error

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreClosedError(type(self).__name__)
        if os.getpid() != self._process:
            self._check_started()
            raise MemoryStoreError(
                f"this {type(self).__name__} was opened before the process forked; open one in the child"
            )

    def _check_started(self) -> None:
        if not self._process:
            raise MemoryStoreError(f"{type(self).__name__}.__init__ must call super().__init__()")

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities:
            raise UnsupportedError(capability, type(self).__name__)


def _are_memories(result: Any, primitive: Primitive) -> bool:
    if not isinstance(result, list) or len(result) != len(primitive.arguments[0]):
        return False
    return all(isinstance(memory, Memory) for memory in result)


def _is_list(result: Any, primitive: Primitive) -> bool:
    return isinstance(result, list)


def _are_ids(result: Any, primitive: Primitive) -> bool:
    return isinstance(result, list) or (isinstance(result, Collection) and not isinstance(result, str))


def _is_list_or_none(result: Any, primitive: Primitive) -> bool:
    return result is None or isinstance(result, list)


def _is_none(result: Any, primitive: Primitive) -> bool:
    return result is None


def _is_bool(result: Any, primitive: Primitive) -> bool:
    return isinstance(result, bool)


def _are_hits(result: Any, primitive: Primitive) -> bool:
    if result is None:
        return True
    try:
        hits, _ = result
        return all(math.isfinite(score) for _, score in hits)
    except (TypeError, ValueError):
        return False


_TASKS: Final = {
    "delete_all": "delete memories",
    "history": "tell the history of memories",
    "wait": "wait for memories",
}
"""What a primitive was to do, where its name does not say so."""

_PROMISES: Final[dict[str, tuple[Callable[[Any, Primitive], bool], str]]] = {
    "insert": (_are_memories, "a list of the memories as stored, one for each that was given"),
    "select": (_is_list, "a list of memories"),
    "infer": (_is_list_or_none, "the entries of what was inferred, or None"),
    "wait": (_is_list, "the entries of what was added"),
    "delete_all": (_is_none, "nothing"),
    "delete": (_are_ids, "the ids of the memories that were there"),
    "rank": (_are_hits, "hits with finite scores, and whether there are no more"),
    "replace": (_is_bool, "whether it replaced a memory"),
    "history": (_is_list, "a list of memories"),
}
