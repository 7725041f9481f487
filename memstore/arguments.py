"""What callers hand to a store, checked and turned into what stores work with."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import InvalidMemoryError, MemoryConflictError, ScopeError
from memstore.filters import Filter, parse
from memstore.ids import new_ids
from memstore.json_values import check_text, checked_copy, copy_json
from memstore.memory import RESERVED_METADATA_KEYS, Memory, Scope, check_memory_id, new_memory, utc
from memstore.store import Filters

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Addition:
    """The arguments of `MemoryStore.add_memories` besides `infer` and `async_mode`."""

    messages: Sequence[ChatMessage]
    scope: Scope
    metadata: Mapping[str, Any] | None = None
    timestamp: datetime | float | None = None
    ids: Sequence[str] | None = None
    expires_at: datetime | float | None = None

    def to_memories(self, now: datetime) -> list[Memory]:
        """A record for each message that has text, in order; `now` is when they are written.

        Raises:
            ScopeError: no id, or reserved metadata keys.
            InvalidMemoryError: a text, time, id or metadata value that no store can keep.
            TypeError: `messages` is no sequence of chat messages.
        """
        if not self.scope:
            raise ScopeError("adding needs at least one of user_id, run_id, agent_id and app_id")
        spoken = list(_spoken(self.messages))
        created_at = now if self.timestamp is None else _moment(self.timestamp, "timestamp")
        expires_at = None if self.expires_at is None else _moment(self.expires_at, "expires_at")
        batch = self.checked_batch()
        ids = new_ids(len(spoken)) if self.ids is None else self._client_ids([index for index, _, _ in spoken])
        scope = self.scope.values
        return [
            new_memory(
                memory_id,
                text,
                message.role.value,
                _name(message, index),
                scope,
                self._meta(batch, message, index),
                created_at,
                now,
                expires_at,
            )
            for memory_id, (index, message, text) in zip(ids, spoken, strict=True)
        ]

    def checked_batch(self) -> dict[str, Any]:
        """A copy of the batch's metadata."""
        return {} if self.metadata is None else checked_metadata(self.metadata, "metadata")

    def _meta(self, batch: dict[str, Any], message: ChatMessage, index: int) -> dict[str, Any]:
        """The batch's metadata, and the message's own, which wins a clash."""
        if not message.meta:
            return copy_json(batch) if batch else {}
        own = checked_metadata(message.meta, f"messages[{index}].meta")
        return copy_json(batch) | own if batch else own

    def _client_ids(self, stored: list[int]) -> list[str]:
        if isinstance(self.ids, str) or not isinstance(self.ids, Sequence) or len(self.ids) != len(self.messages):
            raise InvalidMemoryError("ids: a list with one id for each message belongs here")
        ids = [check_memory_id(memory_id, f"ids[{index}]") for index, memory_id in enumerate(self.ids)]
        if len(set(ids)) < len(ids):
            raise InvalidMemoryError("ids: an id stands there twice")
        return [ids[index] for index in stored]


@dataclass(frozen=True, slots=True)
class Patch:
    """What `update_memory` changes of a memory.

    Raises:
        ValueError: nothing is given, or a version below 1.
        TypeError: a version that is no integer.
        ScopeError: reserved metadata keys.
        InvalidMemoryError: a text or metadata value that no store can keep.
    """

    text: str | None
    metadata: Mapping[str, Any] | None
    expected_version: int | None

    def __post_init__(self) -> None:
        if self.text is None and self.metadata is None:
            raise ValueError("update_memory changes a text, metadata or both; neither was given")
        if self.text is not None:
            check_memory_text(self.text, "text")
        if self.metadata is not None:
            object.__setattr__(self, "metadata", checked_metadata(self.metadata, "metadata"))
        if self.expected_version is not None:
            checked_count(self.expected_version, "expected_version")

    def applied(self, memory: Memory, now: datetime) -> Memory:
        """The memory after the change, which shares nothing with the one before.

        Raises:
            MemoryConflictError: it is at another version than expected.
            InvalidMemoryError: old and new metadata together are more than a store can keep.
        """
        if self.expected_version not in (None, memory.version):
            raise MemoryConflictError(
                memory.id,
                f"the memory {memory.id!r} is at version {memory.version}, not {self.expected_version}; "
                "nothing was changed",
            )
        patch = self.metadata or {}
        # A null removes its key, as in https://www.rfc-editor.org/rfc/rfc7396; one that was added as null stays.
        meta = {key: value for key, value in {**memory.meta, **patch}.items() if value is not None or key not in patch}
        return replace(
            memory,
            text=memory.text if self.text is None else self.text,
            meta=checked_copy(meta, "metadata"),
            updated_at=now,
            version=memory.version + 1,
        )


def target(filters: Filters | None, scope: Scope) -> Filter:
    """Which memories a call is about: the filter's when there is one, else those of the scope.

    Raises:
        ScopeError: neither is given.
        FilterError: the filter is malformed.
    """
    if (given := given_filters(filters)) is not None:
        return parse(given)
    if not scope:
        raise ScopeError("give filters, or at least one of user_id, run_id, agent_id and app_id")
    return scope.filter


def given_filters(filters: Filters | None) -> Filters | None:
    """The filters if there are any: an empty dictionary is none."""
    return None if isinstance(filters, Mapping) and not filters else filters


def checked_metadata(metadata: object, place: str) -> dict[str, Any]:
    """A copy of user metadata that a store can keep.

    Raises:
        ScopeError: a key is an id's name, or one that results use.
        InvalidMemoryError: it is not JSON; the message names the place.
    """
    if not isinstance(metadata, dict | Mapping):
        raise InvalidMemoryError(f"{place}: metadata is a dictionary, not of type {type(metadata).__name__}")
    copied: dict[str, Any] = checked_copy(metadata, place)
    _refuse_reserved_keys(copied, place)  # of the copy, whose keys are plain strings and stay as they are
    return copied


def check_memory_text(text: object, place: str) -> None:
    """Refuse what is no memory's text.

    Raises:
        InvalidMemoryError: no string, a blank one, or one with characters that no store keeps.
    """
    if not isinstance(text, str):
        raise InvalidMemoryError(f"{place}: a text is a string, not of type {type(text).__name__}")
    if not text or text.isspace():
        raise InvalidMemoryError(f"{place}: a memory's text is not blank")
    check_text(text, place)


def checked_messages(messages: object) -> list[ChatMessage]:
    """Copies of messages whose metadata is checked, for a store that may not check it.

    Raises:
        TypeError: no list of chat messages.
        ScopeError: a key of a message's metadata is an id's name, or one that results use.
        InvalidMemoryError: metadata is not JSON.
    """
    return [
        replace(message, _meta=checked_metadata(message.meta, f"messages[{index}].meta"))
        for index, message in _enumerated(messages)
    ]


def _refuse_reserved_keys(metadata: Mapping[str, Any], place: str) -> None:
    """Keep ids, and what results add, out of user metadata."""
    if not RESERVED_METADATA_KEYS.isdisjoint(metadata):
        reserved = sorted(RESERVED_METADATA_KEYS.intersection(metadata))
        raise ScopeError(f"{place}: {', '.join(reserved)} cannot be metadata; ids are arguments of the call")


def checked_query(query: object) -> str | None:
    """The query, or None when there is nothing in it to look for.

    Raises:
        TypeError: it is neither a string nor None.
        InvalidMemoryError: it has a lone surrogate, which no text has.
    """
    if query is None:
        return None
    if not isinstance(query, str):
        raise TypeError(f"query is a string or None, not of type {type(query).__name__}")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise InvalidMemoryError("query: a lone surrogate cannot be looked for") from None
    return query if query.strip() else None


def checked_count(value: Any, name: str) -> int:
    """A number of results, at most as many as can be counted.

    Raises:
        TypeError: no integer.
        ValueError: below 1.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not of type {type(value).__name__}") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return min(count, sys.maxsize)


def checked_event_ids(event_ids: object) -> list[str]:
    """The ids of events to wait for.

    Raises:
        TypeError: no list of strings.
    """
    if isinstance(event_ids, str) or not isinstance(event_ids, Sequence):
        raise TypeError(f"event_ids is a list of strings, not of type {type(event_ids).__name__}")
    return [str(event_id) for event_id in event_ids]


def checked_timeout(timeout: object) -> float | None:
    """Seconds to wait, or None for as long as it takes.

    Raises:
        TypeError: no number.
        ValueError: below 0, or not finite.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout is a number of seconds or None, not of type {type(timeout).__name__}")
    if not 0 <= timeout < math.inf:
        raise ValueError(f"timeout is a number of seconds from 0 on, not {timeout}")
    return timeout


def _enumerated(messages: object) -> Iterator[tuple[int, ChatMessage]]:
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes):
        raise TypeError(f"messages is a list of ChatMessage, not of type {type(messages).__name__}")
    for index, message in enumerate(messages):
        if not isinstance(message, ChatMessage):
            raise TypeError(f"messages[{index}] is a ChatMessage, not of type {type(message).__name__}")
        yield index, message


def _spoken(messages: object) -> Iterator[tuple[int, ChatMessage, str]]:
    """The messages that say something, with their places and texts."""
    for index, message in _enumerated(messages):
        text = _text(message, index)
        if text is not None:
            if not text.isascii() or "\0" in text:
                check_text(text, f"messages[{index}]")
            yield index, message, text


def _text(message: ChatMessage, index: int) -> str | None:
    """Everything a message says, or None when that is nothing. A message may have several text parts."""
    texts = message.texts
    text = texts[0] if len(texts) == 1 else "\n".join(_plain(part, f"messages[{index}]") for part in texts)
    if type(text) is not str:
        text = _plain(text, f"messages[{index}]")
    return text if text and not text.isspace() else None


def _name(message: ChatMessage, index: int) -> str | None:
    """Its speaker's name."""
    if message.name is None:
        return None
    name = _plain(message.name, f"messages[{index}].name")
    check_text(name, f"messages[{index}].name")
    return name


def _plain(text: object, place: str) -> str:
    """A string, and no subclass that may lie about itself."""
    if not isinstance(text, str):
        raise InvalidMemoryError(f"{place}: a text is a string, not of type {type(text).__name__}")
    return str.__str__(text)


def _moment(given: object, name: str) -> datetime:
    try:
        if isinstance(given, datetime):
            return utc(given)
        if isinstance(given, int | float) and not isinstance(given, bool):
            return _EPOCH + timedelta(seconds=given)
    except (OverflowError, ValueError) as error:
        raise InvalidMemoryError(f"{name}: no moment within the years 1 to 9999 ({type(error).__name__})") from None
    raise InvalidMemoryError(f"{name}: a datetime or Unix seconds belong here, not {type(given).__name__}")
