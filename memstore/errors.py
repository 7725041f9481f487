"""Everything memstore raises on purpose."""

from __future__ import annotations

from haystack import errors as haystack_errors


class MemoryStoreError(RuntimeError):
    """A store could not do what was asked; the backend's own exception is the cause."""


class UnsupportedError(MemoryStoreError, NotImplementedError):
    """The store does not offer the capability that the call needs."""

    def __init__(self, capability: str, store: str) -> None:
        super().__init__(f"{store} does not offer {capability!r}; see its capabilities")
        self.capability = capability
        self.store = store

    def __reduce__(self) -> tuple[type[UnsupportedError], tuple[str, str]]:
        return UnsupportedError, (self.capability, self.store)


class MemoryNotFoundError(MemoryStoreError, LookupError):
    """No memory with this id can be seen from here."""

    def __init__(self, memory_id: str) -> None:
        super().__init__(f"no memory with id {memory_id!r}")
        self.memory_id = memory_id

    def __reduce__(self) -> tuple[type[MemoryNotFoundError], tuple[str]]:
        return MemoryNotFoundError, (self.memory_id,)


class EventNotFoundError(MemoryStoreError, LookupError):
    """No pending add with this event id can be seen from here."""

    def __init__(self) -> None:
        super().__init__("no pending add has this event id")

    def __reduce__(self) -> tuple[type[EventNotFoundError], tuple[()]]:
        return EventNotFoundError, ()


class MemoryConflictError(MemoryStoreError):
    """The memory with this id is not the one, or not at the version, that the call expects."""

    def __init__(self, memory_id: str, reason: str | None = None) -> None:
        """Without a reason: an add found the id taken."""
        super().__init__(reason or f"the id {memory_id!r} is taken by another memory; nothing was added")
        self.memory_id = memory_id

    def __reduce__(self) -> tuple[type[MemoryConflictError], tuple[str, str]]:
        return MemoryConflictError, (self.memory_id, str(self))


class MemoryTimeoutError(MemoryStoreError, TimeoutError):
    """What was waited for did not happen in the time given."""


class StoreClosedError(MemoryStoreError):
    """The store was closed before this call."""

    def __init__(self, store: str) -> None:
        super().__init__(f"{store} is closed; open it again to use it")
        self.store = store

    def __reduce__(self) -> tuple[type[StoreClosedError], tuple[str]]:
        return StoreClosedError, (self.store,)


class ScopeError(ValueError):
    """The ids of a call name no scope, a wrong one, or one that is not the caller's."""


class InvalidMemoryError(ValueError):
    """A text, a metadata value, a time or an id cannot be stored; the message names the place."""


class FilterError(haystack_errors.FilterError, ValueError):
    """A filter is malformed; `place` says where, as in ``conditions[2].value``.

    The message never shows values, because a filter may hold a memory's text.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place or 'filter'}: {reason}")
        self.reason = reason
        self.place = place

    def within(self, place: str) -> FilterError:
        """The same error, seen from the node that holds this one at `place`."""
        return FilterError(self.reason, f"{place}.{self.place}" if self.place else place)

    def __reduce__(self) -> tuple[type[FilterError], tuple[str, str]]:
        return FilterError, (self.reason, self.place)


class RegistryError(ValueError):
    """A store URL, a backend's name or a serialised store cannot be resolved."""


class MissingDependencyError(ImportError):
    """A backend is known but something it needs is not installed; the message is the pip command."""
