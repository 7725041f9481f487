"""Facts that a language model makes of a conversation, by `mem0.Memory.add`: all of them stored, or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final, NoReturn

from memstore import Memory
from memstore.errors import MemoryStoreError
from memstore.json_values import copy_json
from memstore.memory import AddedMemory
from memstore_mem0.oss.checking import Extraction, extracting, scope_key, stand_in
from memstore_mem0.oss.library import Library
from memstore_mem0.oss.payload import point_id

_ROLES: Final = {"user": "user", "assistant": "assistant", "system": "system", "tool": "assistant"}
"""Mem0 leaves out what tools say; to it, it comes from the agent's side."""


def infer(
    library: Library,
    said: Sequence[Memory],
    metadata: Mapping[str, Any],
    thinking: Callable[[], AbstractContextManager[None]],
) -> list[AddedMemory]:
    """Have facts made of what was said, and stored. The model is asked before anything is written.

    Args:
        library: it is this thread's alone, but for while the model thinks.
        said: the conversation, a record for each message.
        metadata: what each fact gets.
        thinking: what the model is asked in.

    Raises:
        MemoryStoreError: the model, the embedder or a database failed, or the model's answer is none.
            Nothing is stored then.
    """
    first = said[0]
    extraction = Extraction(scope_key(first.ids), lambda *fact: _fact(first, metadata, *fact), first, thinking)
    messages = [_message(memory) for memory in said]
    with extracting(extraction):
        try:
            library.memory.add(
                messages, metadata={"created_at": first.created_at.isoformat()}, infer=True, **_entities(first)
            )
            extraction.check()
        except Exception as error:  # noqa: BLE001  # raised below
            _undo(library, extraction.added)
            _fail(extraction.failures[0] if extraction.failures else error)
    return [{"memory_id": fact.id, "memory": fact.text} for fact in extraction.added]


def _entities(said: Memory) -> dict[str, str]:
    """The ids as `Memory.add` takes them. It wants one of three; the true ones are written to the rows."""
    ids = {name: stand_in(value) for name, value in said.ids.items() if name != "app_id"}
    return ids or {"run_id": stand_in(f"app_id={said.app_id}")}


def _fact(said: Memory, metadata: Mapping[str, Any], row_id: str, text: str, speaker: str | None) -> Memory:
    role = speaker if speaker in _ROLES else "user"
    return replace(said, id=row_id, text=text, role=role, name=None, meta=copy_json(dict(metadata)))


def _message(memory: Memory) -> dict[str, str]:
    message = {"role": _ROLES[memory.role], "content": memory.text}
    return message if memory.name is None else {**message, "name": memory.name}


def _undo(library: Library, added: Sequence[Memory]) -> None:
    if added:
        row_ids = [point_id(fact.id) for fact in added]
        library.rows.delete(row_ids)
        library.eraser.forget_history(added)
        library.eraser.unlink(row_ids)


def _fail(cause: Exception) -> NoReturn:
    """Tell in our own words what went wrong, or of what kind it was: its own words may quote memories."""
    if isinstance(cause, MemoryStoreError):
        raise cause from None
    raise MemoryStoreError(f"facts could not be inferred, and nothing was added: {type(cause).__name__}") from cause
