"""Stores by URL and by serialised type, found among the installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from haystack.core.errors import DeserializationError
from haystack.core.serialization import import_class_by_name

from memstore.errors import MissingDependencyError, RegistryError
from memstore.store import MemoryStore, OpenedMemoryStore

GROUP: Final = "memstore.backends"
"""The entry point group in which backends are registered: scheme = "module:StoreClass"."""

_SECRETS: Final = ("key", "token", "secret", "password", "passwd", "pwd", "auth", "credential")


class StoreFactory(Protocol):
    """What an entry point names: usually a subclass of `BaseMemoryStore`."""

    def from_url(self, url: SplitResult) -> OpenedMemoryStore:
        """A store for a URL of this factory's scheme."""
        ...


def open_store(url: str) -> OpenedMemoryStore:
    """Open the store that a URL names, such as ``memory://``.

    Raises:
        RegistryError: no URL, no backend for its scheme, two backends for it, a broken one, or a
            secret in the URL: URLs end up in logs and histories, so a store reads its secrets from
            the environment.
        MissingDependencyError: the backend is known, but something it needs is not installed.
    """
    if not isinstance(url, str):
        raise RegistryError(f"a store URL is a string such as 'memory://', not of type {type(url).__name__}")
    try:
        parts = urlsplit(url)
    except ValueError:  # it quotes the URL
        raise RegistryError("a store URL has a part that no URL can have") from None
    if not parts.scheme or "://" not in url:
        raise RegistryError("a store URL starts with a scheme of letters, digits, '+', '-' and '.', as in 'memory://'")
    _refuse_secrets(parts)
    point = find_backend(parts.scheme)
    factory = load_backend(point)
    try:
        store: OpenedMemoryStore = factory.from_url(parts)
    except ModuleNotFoundError as error:
        raise _lacking(point, error) from error
    return store


def store_from_dict(data: Mapping[str, Any]) -> MemoryStore:
    """The store that a `to_dict` describes.

    Installed `memstore.backends` plugins are accepted, and what the user allows Haystack to load
    (https://docs.haystack.deepset.ai/docs/serialization). Nothing else is imported.

    Raises:
        RegistryError: not a serialised store, or its class is neither installed nor allowed.
        ScopeError: a bound store without a scope.
        MissingDependencyError: the backend is known, but something it needs is not installed.
    """
    given: object = data  # what was deserialised may be anything
    name = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(name, str) or "." not in name:
        raise RegistryError("a serialised store is a dictionary with its class under 'type'")
    point, kind = _plugin_class(name)
    kind = _own_class(name) or kind or _allowed_class(name)
    if not hasattr(kind, "from_dict"):
        raise RegistryError(f"{name} cannot be loaded: it has no from_dict")
    try:
        store: MemoryStore = kind.from_dict(data)
    except ModuleNotFoundError as error:
        if point is None:
            raise
        raise _lacking(point, error) from error
    return store


def schemes() -> list[str]:
    """The schemes for which a backend is installed. Nothing is loaded."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_backend(scheme: str) -> EntryPoint:
    """The backend of a scheme; it is not loaded.

    Raises:
        RegistryError: none is installed, or two packages register it.
    """
    points = list(entry_points(group=GROUP, name=scheme))
    if not points:
        raise RegistryError(f"no backend for {scheme + '://'!r}; installed are {', '.join(schemes()) or 'none'}")
    if len({point.value for point in points}) > 1:
        owners = " and ".join(_owner(point) for point in points)
        raise RegistryError(f"the scheme {scheme!r} is registered twice, by {owners}; uninstall one of them")
    return points[0]


def load_backend(point: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        MissingDependencyError: something it needs is not installed; the message is the pip command.
        RegistryError: it cannot be imported for another reason.
    """
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise _lacking(point, error) from error
    except Exception as error:
        raise _broken(point, error) from error


def _lacking(point: EntryPoint, error: ModuleNotFoundError) -> MissingDependencyError | RegistryError:
    """What a backend that lacks a module raises: a part of a package that is there cannot be installed."""
    missing = (error.name or "").partition(".")[0]
    if not missing or missing == point.module.partition(".")[0] or _is_there(missing):
        return _broken(point, error)
    return MissingDependencyError(
        f"{point.name}:// needs the module {missing!r}: {_pip_command(point, missing)}", name=missing
    )


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # it is in `sys.modules` as something that cannot be imported
        return False


def _broken(point: EntryPoint, error: Exception) -> RegistryError:
    raised = f"{type(error).__name__}{f' of {error.name}' if isinstance(error, ModuleNotFoundError) else ''}"
    return RegistryError(f"the backend {point.name!r} of {_owner(point)} is broken: {point.value} raised {raised}")


def _pip_command(point: EntryPoint, missing: str) -> str:
    """How to install what a backend lacks: by the extra named like its scheme, where there is one."""
    extra = point.name.partition("+")[0]
    package: Distribution | None = point.dist
    if package is not None and extra in (package.metadata.get_all("Provides-Extra") or ()):
        return f'pip install "{package.name}[{extra}]"'
    return f"pip install {missing}"


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _own_class(name: str) -> Any:
    """The core's one store class: a bound store, whose `store` is resolved in turn."""
    from memstore.binding import BoundMemoryStore  # noqa: PLC0415  # it imports this module

    return BoundMemoryStore if name == f"{BoundMemoryStore.__module__}.{BoundMemoryStore.__name__}" else None


def _plugin_class(name: str) -> tuple[EntryPoint | None, Any]:
    """The class and its plugin, if it is just what one registers; only its own package is imported.

    A backend of that package that cannot be loaded matters only if no other one is the class.
    """
    package, failure = name.partition(".")[0], None
    for point in entry_points(group=GROUP):
        if point.module.partition(".")[0] == package:
            try:
                kind = load_backend(point)
            except (MissingDependencyError, RegistryError) as error:
                failure = error
                continue
            if f"{getattr(kind, '__module__', '')}.{getattr(kind, '__name__', '')}" == name:
                return point, kind
    if failure is not None:
        raise failure
    return None, None


def _allowed_class(name: str) -> Any:
    try:
        return import_class_by_name(name)
    except (DeserializationError, ImportError) as error:
        raise RegistryError(f"cannot load a store of type {name}: {error}") from error


def _refuse_secrets(url: SplitResult) -> None:
    if "@" in url.netloc:
        raise RegistryError("a store URL carries no user or password; the store reads them from the environment")
    for option, _ in parse_qsl(url.query, keep_blank_values=True):
        if any(word in option.lower() for word in _SECRETS):
            raise RegistryError(f"a store URL carries no secrets, and {option!r} looks like one; use the environment")
