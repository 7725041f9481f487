"""Keyword arguments that a caller hands on to Mem0's client."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from memstore.twins import Operation, Primitive

T = TypeVar("T")

Options: TypeAlias = Mapping[str, Any]
"""Further arguments of a client's method."""

NO_OPTIONS: Final[Options] = MappingProxyType({})

_OURS: Final = frozenset({"fields", "filters", "messages", "options", "page", "page_size", "top_k"})
"""Arguments of the client that the store sets itself."""


def with_options(operation: Operation[T], primitives: Collection[str], options: Options) -> Operation[T]:
    """The same operation, in which these primitives get the options as their last argument.

    Raises:
        TypeError: an option that the store sets itself.
    """
    if taken := sorted(_OURS.intersection(options)):
        raise TypeError(f"{', '.join(taken)}: the store sets this itself when it calls Mem0")
    return _passing(operation, primitives, options) if options else operation


def _passing(operation: Operation[T], primitives: Collection[str], options: Options) -> Operation[T]:
    try:
        step = next(operation)
        while True:
            if isinstance(step, Primitive) and step.name in primitives:
                step = Primitive(step.name, (*step.arguments, options))
            try:
                result = yield step
            except Exception as error:  # noqa: BLE001  # it goes into the operation, which lets it out again
                step = operation.throw(error)
            else:
                step = operation.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
