"""The story that `memstore demo` tells, a chapter for each process."""

from __future__ import annotations

import json
import os
import textwrap
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from haystack.dataclasses import ChatMessage

from memstore import MemoryStore
from memstore.demo.json_file import JSONFileMemoryStore
from memstore.filters import field

_WIDTH = 76
"""Characters of a memory that are shown; with date and score they fill a terminal."""


def remember(path: str) -> None:
    """First process: store six sessions, then end."""
    conversation = _conversation()
    _say(f"Process {os.getpid()} stores what Maya and Tom, who share an assistant, said over seven months.")
    with JSONFileMemoryStore(path) as store:
        for session in conversation["sessions"]:
            added = store.add_memories(
                messages=[_message(conversation, speaker, text) for speaker, text in session["turns"]],
                infer=False,
                user_id=session["user"],
                run_id=session["id"],
                metadata={"topic": session["topic"]},
                timestamp=datetime.fromisoformat(session["time"]),
            )
            print(f"  {session['time'][:10]}  {session['user']:4}  {session['topic']:6}  {len(added)} memories")
    _say("The process ends. Nothing of it is left but the file.")


def recall(path: str) -> None:
    """Second process: ask, narrow by a filter, show that users are apart, and delete one of them."""
    _say(f"Process {os.getpid()} opens the file and asks.")
    with JSONFileMemoryStore(path) as store:
        for user, question in _conversation()["questions"]:
            _ask(store, user, question, user_id=user)

        _say("A filter on metadata and time narrows what is searched:")
        spring = (field("user_id") == "maya") & (field("meta.topic") == "travel") & (field("created_at") < "2026-04-01")
        print(f"  {spring}")
        _ask(store, "maya", "What about Lisbon?", user_id="maya")
        _ask(store, "maya", "What about Lisbon?", filters=spring)

        _say("Tom's secret is not Maya's to find; her agent gets a store that sees nothing else than hers:")
        question = "Is there a surprise party for my birthday?"
        hers = store.bound(user_id="maya")
        _ask(store, "tom", question, user_id="tom")
        _ask(hers, "maya", question)
        found = hers.search_memories(query=question, top_k=100)
        leaked = [message for message in found if "surprise" in (message.text or "")]
        print(f"    nothing: of the {len(found)} memories that her agent can reach, {len(leaked)} mention a surprise")

        _say("Maya leaves, and everything of hers is deleted:")
        print(f"  before: {_counts(store)}")
        hers.delete_all_memories()
        kept = "still" if "Alfama" in Path(path).read_text() else "not"
        print(f"  after:  {_counts(store)}; 'Alfama' is {kept} in the file")


def _ask(store: MemoryStore, asker: str, question: str, **where: Any) -> None:
    print(f"\n  {asker} asks: {question}")
    for message in store.search_memories(query=question, top_k=2, include_memory_metadata=True, **where):
        own = message.meta["memory_metadata"]
        if own["score"] > 0:  # the others have no word in common with the question
            said = textwrap.shorten(f"{own['name']}: {message.text}", _WIDTH, placeholder=" ...")
            print(f"    {own['score']:4.2f}  {own['created_at'][:10]}  {said}")


def _counts(store: JSONFileMemoryStore) -> str:
    return ", ".join(f"{user} {store.count_memories(user_id=user)}" for user in ("maya", "tom"))


def _message(conversation: dict[str, Any], speaker: str, text: str) -> ChatMessage:
    if speaker == conversation["assistant"]:
        return ChatMessage.from_assistant(text, name=speaker)
    return ChatMessage.from_user(text, name=speaker)


def _conversation() -> dict[str, Any]:
    conversation: dict[str, Any] = json.loads(files("memstore.demo").joinpath("conversation.json").read_text())
    return conversation


def _say(text: str) -> None:
    print(f"\n{text}")
