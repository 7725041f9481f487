"""What `infer=true` makes of a conversation, and to whom each fact belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

ENTITIES = ("user_id", "agent_id", "app_id", "run_id")


@dataclass(frozen=True)
class Fact:
    """One extracted memory."""

    text: str
    speaker: Literal["user", "assistant", "system"] = "user"
    categories: tuple[str, ...] = ()


Extract = Callable[[list[dict[str, str]]], list[Fact]]
"""A script: the facts of a conversation. What it raises fails the event."""


def one_fact_per_message(messages: list[dict[str, str]]) -> list[Fact]:
    """The default script; the platform has a language model."""
    return [Fact(message["content"], message["role"]) for message in messages if message["content"].strip()]


def owner_of(fact: Fact, ids: Mapping[str, Any]) -> dict[str, str | None]:
    """The ids a fact is stored under: of user and agent only its speaker's, whatever was passed."""
    owner = {name: ids.get(name) for name in ENTITIES}
    if fact.speaker != "user":
        owner["user_id"] = None
    if fact.speaker != "assistant":
        owner["agent_id"] = None
    return owner
