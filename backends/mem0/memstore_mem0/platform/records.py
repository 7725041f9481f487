"""Memories as the platform keeps them, and back.

The platform keeps texts, ids, metadata and two times. What else a memory has stands in metadata that
is reserved, and hidden from what comes back: its role, its speaker's name, fractions of seconds, and
the ids that it was added with where the platform attributes facts to one speaker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from memstore import Memory
from memstore.filters.instants import format_instant
from memstore.memory import SCOPE_FIELDS, new_memory
from memstore_mem0.memories import EPOCH, Mem0Memory, end_of_day, moment_of
from memstore_mem0.platform.reserved import MIRRORED, OWN_NAMES, RESERVED, given_name, stored_name

_USER: Final = ("user", None)
"""The role and name of who says most."""

_LARGEST_CONVERSATION: Final = 64
"""How many messages of several speakers go into one request, since each keeps the digests of all."""

_ROLES: Final = {"user": "user", "assistant": "assistant", "system": "system", "tool": "assistant"}
"""The platform knows no tools; to it, what one says comes from the agent's side."""


def in_requests(memories: Iterable[Memory]) -> Iterator[list[Memory]]:
    """Memories in their order, split into what one request can store: its metadata belongs to all of them."""
    for _, alike in groupby(memories, key=_shared):
        batch = list(alike)
        if len({_speaker(memory) for memory in batch}) == 1:
            yield batch
            continue
        for start in range(0, len(batch), _LARGEST_CONVERSATION):
            some = batch[start : start + _LARGEST_CONVERSATION]
            if len({_digest(memory.text) for memory in some}) == len({(_digest(m.text), _speaker(m)) for m in some}):
                yield some
            else:  # the same was said by two
                yield from (list(turn) for _, turn in groupby(some, key=_speaker))


def to_request(batch: Sequence[Memory]) -> dict[str, Any]:
    """The arguments of ``client.add`` for memories that are kept word for word, less their messages."""
    first = batch[0]
    return {**_ids(first), "infer": False, **_said(first, first.meta, _speakers(batch))}


def to_inference(said: Memory, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``client.add`` for facts of a conversation, less its messages."""
    # Of user and agent, a fact keeps natively only its speaker's, whatever was passed.
    ids = _ids(said)
    mirrored = {MIRRORED[name]: value for name, value in ids.items() if name in MIRRORED}
    return {**ids, "infer": True, **_said(said, metadata, {}, mirrored)}


def to_message(memory: Memory) -> dict[str, str]:
    """A message as the platform takes it."""
    return {"role": _ROLES[memory.role], "content": memory.text}


def from_record(record: Mapping[str, Any]) -> Mem0Memory:
    """A memory of an answer. Where memstore did not write it, it has what the platform keeps."""
    metadata = record.get("metadata")
    stored = metadata if isinstance(metadata, dict) else {}
    reserved = stored.get(RESERVED)
    own = reserved if isinstance(reserved, dict) else {}
    text = str(record.get("memory") or "")
    role, name = _speaker_of(text, own) if own else _USER
    created_at = (own and moment_of(own.get("created_at"))) or moment_of(record.get("created_at")) or EPOCH
    return Mem0Memory(
        str(record["id"]),
        text,
        role,
        name,
        stored.get(MIRRORED["user_id"], record.get("user_id")),
        # A listing calls it session_id, a search run_id.
        record.get("run_id") or record.get("session_id"),
        stored.get(MIRRORED["agent_id"], record.get("agent_id")),
        record.get("app_id"),
        {given_name(key): value for key, value in stored.items() if key not in OWN_NAMES} if stored else {},
        created_at=created_at,
        updated_at=moment_of(record.get("updated_at")) or created_at,
        expires_at=None if (day := record.get("expiration_date")) is None else end_of_day(day),
        record=record,
    )


def stored_as(memory: Memory, memory_id: str) -> Memory:
    """The memory with the id that the platform gave it."""
    ids = (memory.user_id, memory.run_id, memory.agent_id, memory.app_id)
    return new_memory(
        memory_id, memory.text, memory.role, memory.name, ids, memory.meta, memory.created_at, memory.updated_at
    )


def _ids(memory: Memory) -> dict[str, str]:
    return {name: value for name in SCOPE_FIELDS if (value := getattr(memory, name)) is not None}


def _speaker(memory: Memory) -> tuple[str, str | None]:
    return memory.role, memory.name


def _shared(memory: Memory) -> tuple[object, ...]:
    """What a request says of all its messages; in JSON, 1, 1.0 and true differ."""
    return memory.created_at, memory.updated_at, json.dumps(memory.meta) if memory.meta else ""


def _speakers(batch: Sequence[Memory]) -> dict[str, Any]:
    """Who said what, for the reserved metadata: a request has one for all its messages.

    A speaker is told by a digest of the text. Most is said by users, so their digests are left out.
    """
    if len(speakers := {_speaker(memory) for memory in batch}) == 1:
        return _only_known(*speakers.pop())
    said: dict[tuple[str, str | None], list[str]] = {}
    for memory in batch:
        said.setdefault(_speaker(memory), []).append(_digest(memory.text))
    said.pop(_USER, None)
    return {"speakers": [{**_only_known(role, name), "texts": texts} for (role, name), texts in said.items()]}


def _speaker_of(text: str, own: Mapping[str, Any]) -> tuple[str, str | None]:
    """Who said a text, by what `_speakers` wrote."""
    speakers = own.get("speakers")
    for speaker in speakers if isinstance(speakers, list) else ():
        if isinstance(speaker, dict) and _digest(text) in (speaker.get("texts") or ()):
            own = speaker
            break
    return own.get("role", "user"), own.get("name")


def _only_known(role: str, name: str | None) -> dict[str, str]:
    return ({"role": role} if role != "user" else {}) | ({"name": name} if name is not None else {})


def _digest(text: str) -> str:
    """A short one: it tells the few texts of one request apart."""
    return hashlib.blake2b(text.strip().encode(), digest_size=6).hexdigest()


def _said(
    memory: Memory, metadata: Mapping[str, Any], own: dict[str, Any], mirrored: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata, and when it was said where the caller told: the platform keeps whole seconds."""
    arguments: dict[str, Any] = {}
    if memory.created_at != memory.updated_at:
        arguments["timestamp"] = (memory.created_at - EPOCH) // timedelta(seconds=1)
        if memory.created_at.microsecond:
            own = {**own, "created_at": format_instant(memory.created_at)}
    kept = {stored_name(key): value for key, value in metadata.items()} | dict(mirrored or {})
    if own:
        kept[RESERVED] = own
    if kept:
        arguments["metadata"] = kept
    return arguments
