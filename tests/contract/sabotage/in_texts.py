"""Bugs in which messages are stored, and in what is kept of them."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

from contract.sabotage.engines import Keeping
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatMessage, TextContent

from memstore import MemoryStoreError
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_every_message_is_kept",
    source="mem0.md: Mem0 OSS drops system messages without a word when infer=False",
)
class SystemMessagesDropped(InMemoryMemoryStore):
    """Drops system messages."""

    def add_memories(self, *, messages, **arguments):
        kept = [message for message in messages if message.role.value != "system"]
        return super().add_memories(messages=kept, **arguments)


@sabotage(
    caught_by="test_every_message_is_kept",
    source="mem0ai/mem0#6515 sees duplicates, and this is the wrong cure",
)
class SameTextOnce(InMemoryMemoryStore):
    """Stores a text that stands in a batch twice once."""

    def add_memories(self, *, messages, **arguments):
        return super().add_memories(messages=list({m.text: m for m in messages}.values()), **arguments)


@sabotage(
    caught_by="test_every_message_is_kept",
    source="Mem0, LangMem: what is known already is not added again",
)
class SameTextOnceEver(InMemoryMemoryStore):
    """Skips a text that the store has from an earlier call."""

    def add_memories(self, *, messages, **arguments):
        known = {memory.text for memory in self._memories.values()}
        return super().add_memories(messages=[m for m in messages if m.text not in known], **arguments)


@sabotage(
    caught_by="test_every_text_part_is_kept",
    source="Haystack: message.text is the first text part",
)
class FirstPartOnly(InMemoryMemoryStore):
    """Keeps the first text part of a message."""

    def add_memories(self, *, messages, **arguments):
        return super().add_memories(messages=[_reworded(m, lambda text: text) for m in messages], **arguments)


@sabotage(
    caught_by="test_every_text_part_is_kept",
    source="writing a backend: a memory for each text part",
)
class MemoryForEachPart(InMemoryMemoryStore):
    """Makes a memory of each text part of a message."""

    def add_memories(self, *, messages, **arguments):
        parts = [replace(m, _content=[TextContent(text)]) for m in messages if m.texts for text in m.texts]
        return super().add_memories(messages=parts, **arguments)


@sabotage(
    caught_by="test_every_text_part_is_kept",
    source="writing a backend: `if message.tool_calls: continue`, for messages without text",
)
class ToolCallersDropped(InMemoryMemoryStore):
    """Skips a message that calls a tool, whatever it says beside."""

    def add_memories(self, *, messages, **arguments):
        return super().add_memories(messages=[m for m in messages if not m.tool_calls], **arguments)


@sabotage(
    caught_by="test_every_message_is_kept",
    source="writing an HTTP backend: a message is sent as its role and content",
)
class NamesLost(Keeping):
    """Drops the name of who said it."""

    def kept(self, memory):
        return replace(memory, name=None)


@sabotage(
    caught_by="test_every_message_is_kept",
    source="writing a vector backend: a memory is what the user said",
)
class EverybodyIsUser(Keeping):
    """Stores every message as the user's."""

    def kept(self, memory):
        return replace(memory, role="user")


@sabotage(
    caught_by="test_texts_come_back_unchanged",
    source="writing a backend: text.strip(), out of habit",
)
class TextsStripped(Keeping):
    """Takes the blanks off both ends of a text."""

    def kept(self, memory):
        return replace(memory, text=memory.text.strip())


@sabotage(
    caught_by="test_texts_come_back_unchanged",
    source="Python: open() without newline='' reads every line end as \\n",
)
class LineEndsUnified(Keeping):
    """Makes every line end a newline."""

    def kept(self, memory):
        return replace(memory, text=memory.text.replace("\r\n", "\n"))


@sabotage(
    caught_by="test_texts_come_back_unchanged",
    source="MySQL: TEXT holds 65,535 bytes, and cuts without strict mode",
)
class TextsCut(Keeping):
    """Cuts a text after 64 kB."""

    def kept(self, memory):
        return replace(memory, text=memory.text.encode()[:65_535].decode(errors="ignore"))


@sabotage(
    caught_by="test_texts_come_back_unchanged",
    source="MySQL: utf8 is utf8mb3, which has no letter of four bytes",
)
class ThreeBytesALetter(Keeping):
    """Stores a question mark for each emoji."""

    def kept(self, memory):
        return replace(memory, text="".join(letter if letter <= "\uffff" else "?" for letter in memory.text))


@sabotage(
    caught_by="test_texts_come_back_unchanged",
    source="writing a vector backend: texts normalised for the tokeniser, and stored so",
)
class TextsNormalised(Keeping):
    """Puts letters and their accents together."""

    def kept(self, memory):
        return replace(memory, text=unicodedata.normalize("NFC", memory.text))


@sabotage(
    caught_by="test_refuses_characters_that_no_store_keeps",
    source="SQLite's C interface ends a text at U+0000",
)
class TextsEndAtNull(InMemoryMemoryStore):
    """Keeps of a text what stands before U+0000."""

    def add_memories(self, *, messages, **arguments):
        cut = [_reworded(message, lambda text: text.partition("\0")[0]) for message in messages]
        return super().add_memories(messages=cut, **arguments)


@sabotage(
    caught_by="test_refuses_characters_that_no_store_keeps",
    source="Python: text.encode(errors='replace')",
)
class SurrogatesReplaced(InMemoryMemoryStore):
    """Stores a question mark for a lone surrogate."""

    def add_memories(self, *, messages, **arguments):
        cleaned = [_reworded(message, lambda text: text.encode(errors="replace").decode()) for message in messages]
        return super().add_memories(messages=cleaned, **arguments)


@sabotage(
    caught_by="test_skips_messages_without_text",
    source="writing a backend: json.dumps(message.to_dict()) for what has no text",
)
class ToolCallsAsText(InMemoryMemoryStore):
    """Stores a message that is a tool call as its JSON."""

    def add_memories(self, *, messages, **arguments):
        said = [m if m.text is not None else ChatMessage.from_assistant(json.dumps(m.to_dict())) for m in messages]
        return super().add_memories(messages=said, **arguments)


@sabotage(
    caught_by="test_skips_messages_without_text",
    source="writing a vector backend: the embedder gets None",
    raises=AttributeError,
)
class ToolCallsRaise(InMemoryMemoryStore):
    """Takes it for granted that every message has a text."""

    def add_memories(self, *, messages, **arguments):
        said = [message for message in messages if message.text.strip()]
        return super().add_memories(messages=said, **arguments)


@sabotage(
    caught_by="test_adds_nothing_for_no_messages",
    source="Qdrant refuses an upsert of no points; SQL has no INSERT of no rows",
    raises=MemoryStoreError,
)
class EmptyBatchRaises(InMemoryMemoryStore):
    """Sends an empty batch to an engine that takes none."""

    def add_memories(self, *, messages, **arguments):
        if not messages:
            raise MemoryStoreError("Bad Request: empty update request")
        return super().add_memories(messages=messages, **arguments)


@sabotage(
    caught_by="test_adds_all_or_nothing",
    source="writing an HTTP backend: a request for each message",
)
class OneByOne(InMemoryMemoryStore):
    """Stores message after message, until one cannot be stored."""

    def add_memories(self, *, messages, ids=None, **arguments):
        added = []
        for place, message in enumerate(messages):
            own = ids and ids[place : place + 1]
            added += super().add_memories(messages=[message], ids=own, **arguments)
        return added


def _reworded(message, change):
    return message if message.text is None else replace(message, _content=[TextContent(change(message.text))])
