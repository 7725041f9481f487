"""One operation, two methods: the same generator driven by a thread and by an event loop.

An operation yields the primitives it needs, as names and arguments, and receives what each returned
or raised. So the logic of a store is written once, and a native async store never holds a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Primitive(NamedTuple):
    """A call of a primitive: ``insert`` stands for `BaseMemoryStore._insert`, and so on."""

    name: str
    arguments: tuple[Any, ...]


class Aside(NamedTuple):
    """Work on what is the caller's, such as a file. It may block, so an event loop leaves it to a thread."""

    work: Callable[[], Any]


Operation: TypeAlias = Generator[Primitive | Aside, Any, T]


class Driver(Protocol):
    """What runs operations."""

    def _check_usable(self) -> None:
        """Raise if nothing can be run any more; asked before arguments are looked at."""

    def _drives_async(self) -> bool:
        """Whether its primitives can be awaited; if not, a thread runs the other method.

        Raises:
            UnsupportedError: no method can be awaited.
        """

    def _run(self, name: str, operation: Operation[T]) -> T: ...

    async def _run_async(self, name: str, operation: Operation[T]) -> T: ...


D = TypeVar("D", bound=Driver)


def sync_method(describe: Callable[Concatenate[D, P], Operation[T]]) -> Callable[Concatenate[D, P], T]:
    """The method that runs the operation which `describe` returns."""

    @wraps(describe)
    def method(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._check_usable()
        return self._run(describe.__name__, describe(self, *args, **kwargs))

    _annotate(method, describe)
    return method


def async_twin(method: Callable[Concatenate[D, P], T]) -> Callable[Concatenate[D, P], Coroutine[Any, Any, T]]:
    """The awaitable twin of what `sync_method` made.

    Without awaitable primitives a thread runs the method itself, as a subclass may have overridden it.
    """
    describe: Callable[Concatenate[D, P], Operation[T]] = method.__wrapped__  # type: ignore[attr-defined]  # by wraps
    sync_name, name = describe.__name__, f"{describe.__name__}_async"

    @wraps(describe)
    async def twin(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._check_usable()
        if not self._drives_async():
            call: Callable[P, T] = getattr(self, sync_name)
            return await asyncio.to_thread(call, *args, **kwargs)
        return await self._run_async(name, describe(self, *args, **kwargs))

    _annotate(twin, describe)
    twin.__name__, twin.__doc__ = name, f"See `{sync_name}`."
    twin.__qualname__ = f"{describe.__qualname__}_async"
    return twin


def _annotate(made: Callable[..., Any], describe: Callable[..., Any]) -> None:
    """Tell introspection what comes out: of ``Operation[list[str]]`` that is ``list[str]``."""
    result = describe.__annotations__["return"].removeprefix("Operation[").removesuffix("]")
    made.__annotations__ = {**describe.__annotations__, "return": result}
    made.__signature__ = signature(describe).replace(return_annotation=result)  # type: ignore[attr-defined]  # as inspect reads


def drive(operation: Operation[T], call: Callable[[Primitive], Any]) -> T:
    """Run an operation with primitives that return."""
    try:
        step = next(operation)
        while True:
            try:
                result = step.work() if isinstance(step, Aside) else call(step)
            except Exception as error:  # noqa: BLE001  # it goes into the operation, which lets it out again
                step = operation.throw(error)
            else:
                step = operation.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def drive_async(operation: Operation[T], call: Callable[[Primitive], Awaitable[Any]]) -> T:
    """Run an operation with primitives that are awaited."""
    try:
        step = next(operation)
        while True:
            try:
                result = await (asyncio.to_thread(step.work) if isinstance(step, Aside) else call(step))
            except Exception as error:  # noqa: BLE001  # it goes into the operation, which lets it out again
                step = operation.throw(error)
            else:
                step = operation.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
