"""Memories as the platform keeps them, and back.

The platform keeps texts, ids, metadata and two times. What else a memory has stands in metadata that
is reserved, and hidden from what comes back: its role, its speaker's name, fractions of seconds, and
the ids that it was added with where the platform attributes facts to one speaker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore import Memory
from memstore.filters.instants import format_instant
from memstore.memory import new_memory
from memstore_mem0.memories import EPOCH, Mem0Memory, end_of_day, moment_of
from memstore_mem0.platform.reserved import MIRRORED, OWN_NAMES, RESERVED, given_name, stored_name

_USER: Final = ("user", None)
"""The role and name of who says most."""

_LARGEST_CONVERSATION: Final = 64
"""How many messages of several speakers go into one request, since each keeps the digests of all."""

_ROLES: Final = {"user": "user", "assistant": "assistant", "system": "system", "tool": "assistant"}
"""The platform knows no tools; to it, what one says comes from the agent's side."""

_PASSED_USER: Final = MIRRORED["user_id"]
_PASSED_AGENT: Final = MIRRORED["agent_id"]

_KNOWN_ROLES: Final = tuple(_ROLES)
"""In which anything can be looked for; what a server returns may have no hash."""


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
    return {**first.ids, "infer": False, **_said(first, first.meta, _speakers(batch))}


def to_inference(said: Memory, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``client.add`` for facts of a conversation, less its messages."""
    # Of user and agent, a fact keeps natively only its speaker's, whatever was passed.
    ids = said.ids
    mirrored = {MIRRORED[name]: value for name, value in ids.items() if name in MIRRORED}
    return {**ids, "infer": True, **_said(said, metadata, {}, mirrored)}


def to_message(memory: Memory) -> dict[str, str]:
    """A message as the platform takes it."""
    return {"role": _ROLES[memory.role], "content": memory.text}


@dataclass(frozen=True, slots=True)
class PlatformMemory(Mem0Memory):
    """A memory of the platform, which calls a run `run_id` in a search and `session_id` in a listing."""

    __hash__ = Memory.__hash__

    def to_chat_message(self, *, score: float | None = None, include_memory_metadata: bool = False) -> ChatMessage:
        """See `Mem0Memory.to_chat_message`; Mem0's record has both names of the run."""
        message = Mem0Memory.to_chat_message(self, score=score, include_memory_metadata=include_memory_metadata)
        if include_memory_metadata:
            message.meta["mem0_memory_metadata"] |= {"run_id": self.run_id, "session_id": self.run_id}
        return message


def from_record(record: Mapping[str, Any]) -> PlatformMemory:
    """A memory of an answer. Where memstore did not write it, it has what the platform keeps.

    Of facts inferred from user and agent, the agent's are known by the platform's own attribution. With
    only one of the two given that tells nothing, and a fact is the user's as everything else is.
    """
    text = str(record.get("memory") or "")
    user_id, agent_id = record.get("user_id"), record.get("agent_id")
    role, name = _USER
    created_at = None
    metadata = record.get("metadata")
    stored = metadata if isinstance(metadata, dict) else {}
    if stored and not OWN_NAMES.isdisjoint(stored):
        own = stored.get(RESERVED)
        if own and isinstance(own, dict):
            role, name = _speaker_of(text, own)
            created_at = moment_of(own.get("created_at"))
        if (passed := stored.get(_PASSED_USER)) and isinstance(passed, str):
            role = "assistant" if agent_id and not user_id else role
            user_id = passed
        if (passed := stored.get(_PASSED_AGENT)) and isinstance(passed, str):
            agent_id = passed
    created_at = created_at or moment_of(record.get("created_at")) or EPOCH
    return PlatformMemory(
        str(record["id"]),
        text,
        role,
        name,
        user_id,
        # A listing calls it session_id, a search run_id.
        record.get("run_id") or record.get("session_id"),
        agent_id,
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
    """Who said a text, by what `_speakers` wrote; anybody may have changed it since."""
    speakers = own.get("speakers")
    for speaker in speakers if isinstance(speakers, list) else ():
        texts = speaker.get("texts") if isinstance(speaker, dict) else None
        if isinstance(texts, list) and _digest(text) in texts:
            own = speaker
            break
    role, name = own.get("role"), own.get("name")
    return role if role in _KNOWN_ROLES else "user", name if isinstance(name, str) else None


def _only_known(role: str, name: str | None) -> dict[str, str]:
    return ({"role": role} if role != "user" else {}) | ({"name": name} if name is not None else {})


def _digest(text: str) -> str:
    """A short one: it tells the few texts of one request apart."""
    return hashlib.blake2b(text.strip().encode(errors="surrogatepass"), digest_size=6).hexdigest()


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
