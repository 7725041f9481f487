"""The record of a memory, the scope it belongs to, and their way to and from chat messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NotRequired, TypeAlias, TypedDict

from haystack.dataclasses import ChatMessage
from haystack.dataclasses.chat_message import ChatRole, TextContent

from memstore.errors import InvalidMemoryError, ScopeError
from memstore.filters import TRUE, And, Comparison, Field, Filter, Operator
from memstore.filters.instants import format_instant
from memstore.json_values import check_text, copy_json

SCOPE_FIELDS: Final = ("user_id", "run_id", "agent_id", "app_id")
"""The ids that a memory can belong to; together they are its scope."""
_ID_FIELDS: Final = {name: Field((name,)) for name in SCOPE_FIELDS}
_NO_IDS: Final = (None, None, None, None)

RESERVED_METADATA_KEYS: Final = frozenset({*SCOPE_FIELDS, "memory_metadata", "mem0_memory_metadata"})
"""Keys that user metadata cannot have: the ids, and where search results put a memory's own fields."""

Position: TypeAlias = tuple[datetime, str]
"""A memory's place in listing order: when it was said, then its id."""


class AddedMemory(TypedDict):
    """One entry of what `add_memories` returns.

    A stored memory has its id and text. What is still pending is a single entry with an
    ``event_id`` for `wait`, and None for both.
    """

    memory_id: str | None
    memory: str | None
    event_id: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which user, run, agent and app memories belong to; None where it doesn't matter.

    Raises:
        ScopeError: an id is not a string, empty, has surrounding blanks, or is ``"*"``, which
            some engines read as "any".
    """

    user_id: str | None = None
    run_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None

    def __post_init__(self) -> None:
        for name, value in zip(SCOPE_FIELDS, self.values, strict=True):
            if value is not None:
                plain = _checked_id(name, value)
                if plain is not value:
                    object.__setattr__(self, name, plain)

    def __bool__(self) -> bool:
        """Whether any id is given."""
        return self.values != _NO_IDS

    @property
    def values(self) -> tuple[str | None, str | None, str | None, str | None]:
        """The four ids in the order of `SCOPE_FIELDS`."""
        return (self.user_id, self.run_id, self.agent_id, self.app_id)

    @property
    def ids(self) -> dict[str, str]:
        """The ids that are given, by name."""
        return {name: value for name, value in zip(SCOPE_FIELDS, self.values, strict=True) if value is not None}

    @property
    def filter(self) -> Filter:
        """What the memories of this scope match: every id given equals their own."""
        return _scope_filter(self)

    def narrowed(self, other: Scope) -> Scope:
        """Both scopes at once.

        Raises:
            ScopeError: an id is given twice, with two values.
        """
        for name, value in other.ids.items():
            if self.ids.get(name, value) != value:
                raise ScopeError(f"{name} is bound to another value here; leave it out")
        return replace(self, **other.ids)


@lru_cache(maxsize=1024)  # agents ask for the same scopes again and again
def _scope_filter(scope: Scope) -> Filter:
    return And(tuple(Comparison(_ID_FIELDS[name], Operator.EQ, value) for name, value in scope.ids.items()))


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory as a store keeps it. Its ids never change; text and metadata stay out of its repr.

    Attributes:
        id: unique within the store.
        text: what was said, or the fact that was made of it.
        role: of the message it came from: ``user``, ``assistant``, ``system`` or ``tool``.
        name: of the message's speaker, where it had one.
        meta: the user's metadata, plain JSON.
        created_at: when it was said, in UTC.
        updated_at: when it was last written, in UTC.
        expires_at: from when on it is no longer found, in UTC; None for never.
        version: 1 when added, one more with every update.
    """

    id: str
    text: str = field(repr=False)
    role: str = "user"
    name: str | None = None
    user_id: str | None = None
    run_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    meta: dict[str, Any] = field(default_factory=dict, repr=False)
    created_at: datetime = field(kw_only=True)
    updated_at: datetime = field(kw_only=True)
    expires_at: datetime | None = None
    version: int = 1

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def position(self) -> Position:
        """Where it stands in listing order."""
        return (self.created_at, self.id)

    @property
    def ids(self) -> dict[str, str]:
        """The ids it belongs to, by name. What another program stored may have some that a `Scope` refuses."""
        return {name: value for name in SCOPE_FIELDS if (value := getattr(self, name)) is not None}

    @property
    def scope(self) -> Scope:
        """The ids it belongs to, as callers give them."""
        return Scope(self.user_id, self.run_id, self.agent_id, self.app_id)

    def copy(self) -> Memory:
        """The same memory, with metadata of its own to change."""
        return replace(self, meta=copy_json(self.meta))

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain JSON, times as ISO 8601 strings in UTC."""
        data = {name: getattr(self, name) for name in Memory.__slots__}
        for name in ("created_at", "updated_at", "expires_at"):
            if data[name] is not None:
                data[name] = format_instant(data[name])
        data["meta"] = copy_json(self.meta)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Memory:
        """Read what `to_dict` wrote."""
        fields = dict(data)
        for name in ("created_at", "updated_at", "expires_at"):
            if fields.get(name) is not None:
                fields[name] = utc(datetime.fromisoformat(fields[name]))
        return cls(**fields)

    def to_chat_message(self, *, score: float | None = None, include_memory_metadata: bool = False) -> ChatMessage:
        """A system message with the user's metadata, and the memory's own fields where asked for.

        The own fields stand under ``meta["memory_metadata"]``: ``memory_id``, ``score`` (None when
        the result is unranked), and all but text and metadata; times are ISO 8601 strings in UTC.
        """
        meta = copy_json(self.meta)
        if include_memory_metadata:
            own = self.to_dict()
            del own["text"], own["meta"]
            meta["memory_metadata"] = {"memory_id": own.pop("id"), "score": score, **own}
        return _system_message(self.text, meta)


class _Draft:
    """A memory while it is written: the same slots, not frozen yet."""

    __slots__ = Memory.__slots__


def new_memory(  # noqa: PLR0917  # as they stand in the record
    memory_id: str,
    text: str,
    role: str,
    name: str | None,
    ids: tuple[str | None, str | None, str | None, str | None],
    meta: dict[str, Any],
    created_at: datetime,
    updated_at: datetime,
    expires_at: datetime | None = None,
) -> Memory:
    """What ``Memory(...)`` makes, in a third of the time; `ids` in the order of `SCOPE_FIELDS`.

    A frozen dataclass writes each of its fields through a call, which is a good part of the cost of
    adding many. A test holds this equal to the constructor.
    """
    memory: Any = object.__new__(_Draft)
    memory.id = memory_id
    memory.text = text
    memory.role = role
    memory.name = name
    memory.user_id, memory.run_id, memory.agent_id, memory.app_id = ids
    memory.meta = meta
    memory.created_at = created_at
    memory.updated_at = updated_at
    memory.expires_at = expires_at
    memory.version = 1
    memory.__class__ = Memory
    made: Memory = memory
    return made


@dataclass(frozen=True, slots=True)
class MemoryPage:
    """A page of a listing.

    Attributes:
        memories: in listing order.
        cursor: asks for the page after this one; None after the last.
    """

    memories: list[Memory]
    cursor: str | None = None


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, as a plain datetime; a naive one is read as UTC.

    Raises:
        ValueError: in UTC it lies outside the years 1 to 9999, or it is no real time (pandas' NaT).
    """
    if type(moment) is datetime and moment.tzinfo is UTC:
        return moment
    return datetime.fromisoformat(format_instant(moment))


def check_memory_id(memory_id: object, place: str = "memory_id") -> str:
    """A memory's id as callers may give it.

    Raises:
        InvalidMemoryError: no string, empty, surrounded by blanks, or with characters that no store keeps.
    """
    if not isinstance(memory_id, str):
        raise InvalidMemoryError(f"{place}: an id is a string, not of type {type(memory_id).__name__}")
    plain = str.__str__(memory_id)  # a subclass may lie about itself
    if not plain or plain != plain.strip():
        raise InvalidMemoryError(f"{place}: an id is not empty and has no surrounding blanks")
    check_text(plain, place)
    return plain


def _system_message(text: str, meta: dict[str, Any]) -> ChatMessage:
    """What `ChatMessage.from_system` makes, in a fifth of the time.

    Haystack's dataclasses watch every assignment for mutations, also those of their own constructor,
    which is most of the cost of a listing. A test holds this equal to the constructor.
    """
    content = object.__new__(TextContent)
    content.__dict__["text"] = text
    message = object.__new__(ChatMessage)
    message.__dict__.update(_role=ChatRole.SYSTEM, _content=[content], _name=None, _meta=meta)
    return message


def _checked_id(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ScopeError(f"{name} is a string, not of type {type(value).__name__}")
    plain = str.__str__(value)  # a subclass may lie about itself
    if not plain or plain != plain.strip() or plain == "*":
        raise ScopeError(f"{name} must be a non-empty string without surrounding blanks, and not '*'")
    try:
        check_text(plain, name)
    except InvalidMemoryError as error:
        raise ScopeError(str(error)) from None
    return plain


def pinned_ids(filter: Filter) -> tuple[dict[str, str], Filter]:
    """The ids that every match must have, and what else it must meet.

    Reads what stands at the top of a filter or directly under its And, so it never takes a branch
    of an Or for the whole. A store that keeps memories by scope looks only there.
    """
    pinned: dict[str, str] = {}
    rest: list[Filter] = []
    for part in filter.children if isinstance(filter, And) else (filter,):
        match part:
            case Comparison(Field((name,)), Operator.EQ, str(value)) if name in SCOPE_FIELDS and name not in pinned:
                pinned[name] = value
            case _:
                rest.append(part)
    return pinned, rest[0] if len(rest) == 1 else And(tuple(rest)) if rest else TRUE
