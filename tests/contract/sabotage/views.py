"""Bound stores and pending adds taken apart, so that a sabotage overrides the step that it gets wrong.

Each of these is a right store, which passes the tests that its sabotages fail.
"""

from __future__ import annotations

import uuid
from typing import Any

from contract.references import InMemoryReference

from memstore import BoundMemoryStore, EventNotFoundError
from memstore.arguments import checked_event_ids, given_filters
from memstore.filters import Filter, parse, serialize
from memstore.memory import Scope
from memstore_in_memory import InMemoryMemoryStore


class View(BoundMemoryStore):
    """A bound store of `Viewed`: its scope and its filters are as that one says."""

    def __init__(self, store: Any, **ids: Any) -> None:
        super().__init__(store, **ids)
        self._scope = getattr(self._store, "scope_type", Scope)(*self._scope.values)

    def bound(self, **ids: Any) -> BoundMemoryStore:
        return type(self)(self, **ids)

    def _target(self, filters: Any, scope: Scope) -> dict[str, Any]:
        narrowed = self._scope.narrowed(scope)
        if (given := given_filters(filters)) is None:
            return dict(narrowed.ids)
        return {"filters": serialize(self._store.within(self._scope.filter, parse(given)))}


class Viewed(InMemoryMemoryStore):
    """Binds by its own `view`: to a scope of `scope_type`, with filters that are put `within` it."""

    view: type[BoundMemoryStore] = View
    scope_type = Scope

    def within(self, own: Filter, given: Filter) -> Filter:
        return own & given

    def bound(self, **ids: Any) -> BoundMemoryStore:
        self._check_usable()
        return self.view(self, **ids)


class Queueing:
    """Makes what is added with `async_mode=True` pending, until it is `finished`: when it is waited for."""

    def add_memories(self, *, async_mode: bool = False, **arguments: Any) -> Any:
        if not async_mode:
            return super().add_memories(**arguments)  # type: ignore[misc]  # mixed into a store
        event = str(uuid.uuid4())
        self.queue[event] = arguments
        return self.told(event, arguments)

    @property
    def queue(self) -> dict[str, dict[str, Any]]:
        return self.__dict__.setdefault("_queue", {})

    @property
    def entries(self) -> dict[str, Any]:
        return self.__dict__.setdefault("_entries", {})

    def told(self, event: str, arguments: dict[str, Any]) -> Any:
        return [{"memory_id": None, "memory": None, "event_id": event}]

    def finished(self, event: str, timeout: float | None) -> Any:
        if event in self.queue:
            self.entries[event] = self.add_memories(**self.queue.pop(event))
        if event not in self.entries:
            raise EventNotFoundError
        return self.entries[event]

    def wait(self, event_ids: Any, *, timeout: float | None = None) -> Any:
        return [entry for event in checked_event_ids(event_ids) for entry in self.finished(event, timeout)]

    def close(self) -> None:
        for event in [] if self._closed else list(self.queue):  # type: ignore[attr-defined]  # of the store
            self.finished(event, None)
        super().close()  # type: ignore[misc]  # mixed into a store


class Queued(Queueing, InMemoryMemoryStore):
    """The in-memory store, where adding may be pending."""


class ViewedQueue(Queueing, Viewed):
    """Where adding may be pending, with bound stores of its own."""


def lacking(*names: str, base: type = InMemoryMemoryStore) -> type[InMemoryReference]:
    """The contract of a right store that does not offer these capabilities, and refuses what is asked of them."""
    left = base.capabilities - set(names)  # type: ignore[attr-defined]  # a store
    store = type(f"{base.__name__}Without{''.join(map(str.title, names))}", (base,), {"capabilities": left})
    return type(f"Lacking{''.join(map(str.title, names))}", (InMemoryReference,), {"store_type": store, "claims": left})
