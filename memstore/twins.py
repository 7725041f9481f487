"""One operation, two methods: the same generator driven by a thread and by an event loop.

An operation yields the primitives it needs, as names and arguments, and receives what each returned
or raised. So the logic of a store is written once, and a native async store never holds a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Primitive(NamedTuple):
    """A call of a primitive: ``insert`` stands for `BaseMemoryStore._insert`, and so on."""

    name: str
    arguments: tuple[Any, ...]


Operation: TypeAlias = Generator[Primitive, Any, T]


class Driver(Protocol):
    """What runs operations."""

    def _run(self, name: str, operation: Operation[T]) -> T: ...

    async def _run_async(self, name: str, operation: Operation[T]) -> T: ...


D = TypeVar("D", bound=Driver)


def sync_method(describe: Callable[Concatenate[D, P], Operation[T]]) -> Callable[Concatenate[D, P], T]:
    """The method that runs the operation which `describe` returns."""

    @wraps(describe)
    def method(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(describe.__name__, describe(self, *args, **kwargs))

    return method


def async_twin(method: Callable[Concatenate[D, P], T]) -> Callable[Concatenate[D, P], Coroutine[Any, Any, T]]:
    """The awaitable twin of what `sync_method` made."""
    describe: Callable[Concatenate[D, P], Operation[T]] = method.__wrapped__  # type: ignore[attr-defined]  # by wraps
    name = f"{describe.__name__}_async"

    @wraps(describe)
    async def twin(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run_async(name, describe(self, *args, **kwargs))

    twin.__name__, twin.__doc__ = name, f"See `{describe.__name__}`."
    twin.__qualname__ = f"{describe.__qualname__}_async"
    return twin


def drive(operation: Operation[T], call: Callable[[Primitive], Any]) -> T:
    """Run an operation with primitives that return."""
    try:
        primitive = next(operation)
        while True:
            try:
                result = call(primitive)
            except Exception as error:  # noqa: BLE001  # it goes into the operation, which lets it out again
                primitive = operation.throw(error)
            else:
                primitive = operation.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def drive_async(operation: Operation[T], call: Callable[[Primitive], Awaitable[Any]]) -> T:
    """Run an operation with primitives that are awaited."""
    try:
        primitive = next(operation)
        while True:
            try:
                result = await call(primitive)
            except Exception as error:  # noqa: BLE001  # it goes into the operation, which lets it out again
                primitive = operation.throw(error)
            else:
                primitive = operation.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
