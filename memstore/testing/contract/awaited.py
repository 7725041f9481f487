"""A store's async methods, called as if they were the others: so every test can be asked of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any


class AwaitedStore:
    """Looks like a store; where there is an async method, that one answers, on one event loop."""

    def __init__(self, store: Any, runner: asyncio.Runner) -> None:
        self._store = store
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        twin = getattr(self._store, f"{name}_async", None)
        if not iscoroutinefunction(twin):
            return getattr(self._store, name)

        @wraps(twin)
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._runner.run(twin(*args, **kwargs))

        return call

    def bound(self, **scope: str) -> AwaitedStore:
        """The bound store, awaited too."""
        return AwaitedStore(self._store.bound(**scope), self._runner)


def awaited(test: Callable[..., None]) -> Callable[..., None]:
    """The test as asked of a store's async methods."""

    @wraps(test)
    def twin(self: Any, store: Any) -> None:
        with asyncio.Runner() as runner:
            test(self, AwaitedStore(store, runner))

    twin.__name__ = f"{test.__name__}_async"
    twin.__qualname__ = f"{test.__qualname__}_async"
    return twin
