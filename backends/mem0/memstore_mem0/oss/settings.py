"""Mem0's configuration as a store is given it: secrets kept apart, and written out without them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from haystack.utils import Secret

from memstore.errors import MemoryStoreError

_SECRET_WORDS: Final = (
    *("api_key", "apikey", "access_key", "account_key", "private_key", "shared_key", "master_key", "admin_key"),
    *("subscription_key", "function_key", "encryption_key", "signing_key"),
    *("password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "signature", "cookie"),
)
"""What stands in the name of a secret."""
_SECRET_NAMES: Final = frozenset({"key", "keys", "auth", "http_auth", "basic_auth", "pwd", "pass", "sig", "sas"})
_NO_SECRETS: Final = frozenset({"max_tokens", "max_completion_tokens", "tokenizer", "num_tokens"})
_SECRET_INSIDE: Final = re.compile(
    r"://[^@\s]*:[^@\s]+@"  # a password in a URL
    r"|\bhttps?://[^/@\s]+@"  # a token in the place of a name
    r"|^\s*(?:bearer|basic|apikey|token)\s+\S{8,}\s*$",  # a header
    re.IGNORECASE,
)
_ASSIGNED: Final = re.compile(r"([\w.-]+)\s*=\s*[^\s&;]")
"""In a connection string, or the query of a URL."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Place = tuple[str | int, ...]


def copied(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that shares no dictionary and no list; a `Secret`, or a client, is the same object."""
    copy: dict[str, Any] = _copied(config, (), lambda value, place: value)
    return copy


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every `Secret` resolved.

    Raises:
        MemoryStoreError: an environment variable that a secret names is not set.
    """
    copy: dict[str, Any] = _copied(config, (), _resolve)
    return copy


def to_json(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that can be written down: JSON, with secrets named and not told.

    Raises:
        ValueError: a secret stands there as it is, or a value is not JSON; the message names the place.
    """
    copy: dict[str, Any] = _copied(config, (), _written)
    return copy


def from_json(config: Mapping[str, Any]) -> dict[str, Any]:
    """What `to_json` wrote."""
    return {name: _read(value) for name, value in config.items()}


def _copied(value: Any, place: Place, leaf: Callable[[Any, Place], Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item, (*place, key), leaf) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item, (*place, index), leaf) for index, item in enumerate(value)]
    return leaf(value, place)


def _resolve(value: Any, place: Place) -> Any:
    if not isinstance(value, Secret):
        return value
    try:
        return value.resolve_value()
    except ValueError as error:  # it names the variables
        raise MemoryStoreError(f"{_path(place)}: {error}") from None


def _written(value: Any, place: Place) -> Any:
    if isinstance(value, Secret):
        try:
            return value.to_dict()
        except ValueError:  # one that is no name of a variable
            raise _plain(place) from None
    if isinstance(value, str) and (_names_secret(_name(place)) or _holds_secret(value)):
        raise _plain(place)
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise ValueError(f"{_path(place)} is of type {type(value).__name__}, which cannot be written down") from None
    return value


def _plain(place: Place) -> ValueError:
    return ValueError(
        f"{_path(place)} holds a secret, which is not written down: give Secret.from_env_var('...') in its place"
    )


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("type") == "env_var" and "env_vars" in value:
            return Secret.from_dict(dict(value))
        return {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _names_secret(key: str) -> bool:
    name = _HUMP.sub("_", key).lower().replace("-", "_")
    return name in _SECRET_NAMES or (name not in _NO_SECRETS and any(word in name for word in _SECRET_WORDS))


def _holds_secret(value: str) -> bool:
    return bool(_SECRET_INSIDE.search(value)) or any(map(_names_secret, _ASSIGNED.findall(value)))


def _name(place: Place) -> str:
    """The key of a value or, in a list, of that list."""
    return next((key for key in reversed(place) if isinstance(key, str)), "")


def _path(place: Place) -> str:
    return "config" + "".join(f"[{key!r}]" for key in place)
