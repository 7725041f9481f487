"""Memories as rows of Mem0's vector stores, and back.

A row has Mem0's own layout, so that Mem0's own tools see it, with the user's scalar metadata beside
it. Vector stores refuse or bend what is not flat, so everything exact stands in one string more, the
mirror. Rows that plain Mem0 wrote have none and are read as they are.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from memstore import Memory
from memstore.memory import RESERVED_METADATA_KEYS, SCOPE_FIELDS
from memstore_mem0.memories import EPOCH, Mem0Memory, end_of_day, moment_of
from memstore_mem0.oss.filters import RESERVED_KEYS

MIRROR: Final = "memstore"
"""The payload key of the mirror."""

_OWN: Final = frozenset(
    {"id", "data", "hash", "created_at", "updated_at", "text_lemmatized", "role", "actor_id"}
    | {"attributed_to", "expiration_date"}
)
_TAKEN: Final = _OWN | RESERVED_KEYS | RESERVED_METADATA_KEYS | {MIRROR}
_RECORD: Final = _OWN - {"id", "data", "text_lemmatized"} | set(SCOPE_FIELDS)
_ROLES: Final = frozenset({"user", "assistant", "system", "tool"})
_NAMESPACE: Final = uuid.UUID("0b7e5f1e-6a9c-5d55-9a3e-2f1d8c0b4a77")
_FIELDS: Final = tuple(field.name for field in fields(Memory))


def point_id(memory_id: str) -> str:
    """The id of a memory's row: its own where that is a UUID, since some vector stores take no others."""
    try:
        if str(uuid.UUID(memory_id)) == memory_id:
            return memory_id
    except ValueError:
        pass
    return str(uuid.uuid5(_NAMESPACE, memory_id))


def is_native(key: str) -> bool:
    """Whether a metadata key also stands in the payload by its own name, where its value is a scalar."""
    return key.isidentifier() and key not in _TAKEN


def to_payload(memory: Memory, lemmatized: str) -> dict[str, Any]:
    """The payload of a memory's row; `lemmatized` is what Mem0 matches keywords with."""
    own = memory.to_dict()
    text = own.pop("text")
    payload = {key: value for key, value in memory.meta.items() if is_native(key) and _is_scalar(value)}
    payload |= memory.ids
    payload |= {
        "data": text,
        "hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),  # as Mem0 does
        "created_at": memory.created_at.isoformat(),
        "updated_at": memory.updated_at.isoformat(),
        "text_lemmatized": lemmatized,
        "role": memory.role,
        MIRROR: json.dumps(own, ensure_ascii=False, separators=(",", ":")),
    }
    if memory.name is not None:
        payload["actor_id"] = memory.name
    if memory.expires_at is not None:
        payload["expiration_date"] = memory.expires_at.date().isoformat()  # Mem0 knows days only
    return payload


def from_payload(row_id: str, payload: Mapping[str, Any]) -> Mem0Memory | None:
    """The memory of a row; None where the row holds no text, and so is none.

    The row's own ids count, never those in the mirror: Mem0 scopes by them.
    """
    text = payload.get("data")
    if not isinstance(text, str) or not text:
        return None
    mirrored = _mirrored(row_id, payload, text)
    memory = _native(row_id, payload, text) if mirrored is None else _caught_up(mirrored, payload)
    ids = {name: _string(payload.get(name)) for name in SCOPE_FIELDS}
    record = {key: payload[key] for key in sorted(_RECORD) if payload.get(key) is not None}
    own = {name: getattr(memory, name) for name in _FIELDS}
    return Mem0Memory(**{**own, **ids}, record=record)


def _mirrored(row_id: str, payload: Mapping[str, Any], text: str) -> Memory | None:
    """What the mirror says; None where there is none, or somebody else's metadata has its name."""
    try:
        memory = Memory.from_dict({**json.loads(payload[MIRROR]), "text": text})
    except (KeyError, TypeError, ValueError):
        return None
    return memory if point_id(str(memory.id)) == row_id else None


def _caught_up(memory: Memory, payload: Mapping[str, Any]) -> Memory:
    """The memory with what Mem0's own `update` has changed of its row since."""
    updated_at = moment_of(payload.get("updated_at"))
    if updated_at is None or updated_at == memory.updated_at:
        return memory
    expires_at = memory.expires_at
    if payload.get("expiration_date") != (expires_at and expires_at.date().isoformat()):
        expires_at = end_of_day(payload.get("expiration_date"))
    meta = {**memory.meta, **{key: value for key, value in payload.items() if is_native(key)}}
    return replace(memory, meta=meta, updated_at=updated_at, expires_at=expires_at, version=memory.version + 1)


def _native(row_id: str, payload: Mapping[str, Any], text: str) -> Memory:
    rest = {key: value for key, value in payload.items() if key not in _OWN and key not in RESERVED_METADATA_KEYS}
    role = payload.get("role", payload.get("attributed_to"))
    created_at = moment_of(payload.get("created_at")) or EPOCH
    return Memory(
        row_id,
        text,
        role if role in _ROLES else "user",
        _string(payload.get("actor_id")),
        meta=json.loads(json.dumps(rest, default=str)),  # whatever an engine holds, a memory's is JSON
        created_at=created_at,
        updated_at=moment_of(payload.get("updated_at")) or created_at,
        expires_at=end_of_day(payload.get("expiration_date")),
    )


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _string(value: Any) -> str | None:
    return None if value is None or isinstance(value, list | dict) else str(value)
