"""Bugs in what becomes of messages."""

from __future__ import annotations

import json
import unicodedata
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from contract.sabotage.engines import Engine, Keeping
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatMessage

from memstore import MemoryConflictError, MemoryStoreError
from memstore.memory import SCOPE_FIELDS
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_returns_an_entry_for_each_memory",
    source="mem0-haystack 1.0.0 returns [] for every inferred add, since the answer is PENDING and has no results",
)
class PendingReadAsNothing(InMemoryMemoryStore):
    """Returns nothing for what it has stored."""

    def add_memories(self, **arguments):
        super().add_memories(**arguments)
        return []


@sabotage(
    caught_by="test_returns_an_entry_for_each_memory",
    source="writing a SQL backend: RETURNING promises no order",
)
class EntriesInAnotherOrder(Keeping):
    """Returns the entries in the order of the engine."""

    def _insert(self, memories):
        return super()._insert(memories)[::-1]


@sabotage(
    caught_by="test_returns_an_entry_for_each_memory",
    source="writing an HTTP backend: zip(messages, ids) where the server answers in an order of its own",
)
class IdsOfOtherTexts(InMemoryMemoryStore):
    """Returns the texts in the messages' order, and the ids in another."""

    def add_memories(self, **arguments):
        added = super().add_memories(**arguments)
        ids = [entry["memory_id"] for entry in reversed(added)]
        return [{**entry, "memory_id": memory_id} for entry, memory_id in zip(added, ids, strict=True)]


@sabotage(
    caught_by="test_ids_are_unique_and_stable",
    source="writing a vector backend: uuid4() where a record is made of a row",
)
class IdsMadeOnReading(Engine):
    """Makes an id whenever it reads a memory."""

    def _select(self, filter, after, limit):
        return [replace(memory, id=str(uuid.uuid4())) for memory in super()._select(filter, after, limit)]


@sabotage(
    caught_by="test_ids_are_unique_and_stable",
    source="writing a vector backend: the hash of a text as its id",
    raises=MemoryConflictError,
)
class IdsOfTexts(Keeping):
    """Makes a memory's id of its text, whoever said it."""

    def kept(self, memory):
        return replace(memory, id=str(uuid.uuid5(uuid.NAMESPACE_OID, memory.text)))


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
        cut = [ChatMessage.from_user(message.text.partition("\0")[0]) for message in messages]
        return super().add_memories(messages=cut, **arguments)


@sabotage(
    caught_by="test_refuses_characters_that_no_store_keeps",
    source="Python: text.encode(errors='replace')",
)
class SurrogatesReplaced(InMemoryMemoryStore):
    """Stores a question mark for a lone surrogate."""

    def add_memories(self, *, messages, **arguments):
        cleaned = [ChatMessage.from_user(message.text.encode(errors="replace").decode()) for message in messages]
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

    def add_memories(self, *, messages, **arguments):
        return [entry for m in messages for entry in super(OneByOne, self).add_memories(messages=[m], **arguments)]


@sabotage(
    caught_by="test_keeps_the_order_of_adding",
    source="writing a SQL backend: ORDER BY created_at DESC, as a feed has it",
)
class NewestFirst(InMemoryMemoryStore):
    """Returns the newest first where there is no query."""

    def search_memories(self, *, query=None, **arguments):
        found = super().search_memories(query=query, **arguments)
        return found if query else found[::-1]


@sabotage(
    caught_by="test_keeps_the_order_of_adding",
    source="writing a SQL backend: ORDER BY created_at, then a uuid4",
)
class RandomIds(Keeping):
    """Gives memories of one moment ids in no order."""

    def kept(self, memory):
        return replace(memory, id=str(uuid.uuid4()))


@sabotage(
    caught_by="test_a_timestamp_becomes_created_at",
    source="mem0.md: add of Mem0 OSS has no timestamp",
)
class TimestampIgnored(InMemoryMemoryStore):
    """Writes down when a memory was added, not when it was said."""

    def add_memories(self, *, timestamp=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_a_timestamp_becomes_created_at",
    source="Python: datetime.timestamp() of a naive datetime takes the machine's zone",
)
class NaiveTimestampIsLocal(InMemoryMemoryStore):
    """Reads a timestamp without a zone as one of Brussels."""

    def add_memories(self, *, timestamp=None, **arguments):
        if isinstance(timestamp, datetime) and timestamp.tzinfo is None:
            timestamp = timestamp.replace(tzinfo=timezone(timedelta(hours=2)))
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_timestamps",
    source="writing a backend: pandas.to_datetime, or another parser of everything",
)
class TimestampsParsed(InMemoryMemoryStore):
    """Takes a string for a timestamp."""

    def add_memories(self, *, timestamp=None, **arguments):
        timestamp = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
        return super().add_memories(timestamp=timestamp, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_timestamps",
    source="writing a SQL backend: except OverflowError, so that no import fails",
)
class ImpossibleTimestampIsNow(InMemoryMemoryStore):
    """Takes the present for a timestamp that is out of range."""

    def add_memories(self, *, timestamp=None, **arguments):
        beyond = isinstance(timestamp, float) and not abs(timestamp) < 1e12
        return super().add_memories(timestamp=None if beyond else timestamp, **arguments)


@sabotage(
    caught_by="test_own_times_compare_as_instants",
    source="MySQL: DATETIME without a precision is of whole seconds",
)
class WholeSeconds(Keeping):
    """Keeps times in whole seconds."""

    def kept(self, memory):
        return replace(memory, created_at=memory.created_at.replace(microsecond=0))


@sabotage(
    caught_by="test_ids_make_adding_idempotent",
    source="mem0ai/mem0#6515: a retry duplicates",
)
class IdsIgnored(InMemoryMemoryStore):
    """Gives memories ids of its own, whatever the caller's."""

    def add_memories(self, *, ids=None, **arguments):
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_ids_make_adding_idempotent",
    source="writing a SQL backend: a unique constraint, and no look at what is there",
    raises=MemoryConflictError,
)
class RetriesRefused(InMemoryMemoryStore):
    """Refuses an id that exists, also for the same memory."""

    def add_memories(self, *, ids=None, **arguments):
        if taken := [memory_id for memory_id in ids or () if memory_id in self._memories]:
            raise MemoryConflictError(taken[0])
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="Qdrant, Chroma and Pinecone: upsert is what there is",
)
class Upserts(InMemoryMemoryStore):
    """Overwrites the memory whose id is given, whosever it is."""

    def add_memories(self, *, ids=None, **arguments):
        self._delete(list(ids or ()))
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="Python: {'a': 1} == {'a': True}",
)
class MetadataComparedLoosely(InMemoryMemoryStore):
    """Takes metadata for the same when Python says that it is equal."""

    def add_memories(self, *, ids=None, metadata=None, **arguments):
        there = [self._memories[memory_id].meta for memory_id in ids or () if memory_id in self._memories]
        metadata = next((meta for meta in there if meta == metadata), metadata)
        return super().add_memories(ids=ids, metadata=metadata, **arguments)


@sabotage(
    caught_by="test_an_id_that_is_taken_is_a_conflict",
    source="needs.md: ids as idempotency keys; the scope is forgotten in the comparison",
)
class ScopeNotCompared(InMemoryMemoryStore):
    """Takes a memory for the same when another user adds it under its id."""

    def add_memories(self, *, ids=None, **arguments):
        for memory_id in ids or ():
            if there := self._memories.get(memory_id):
                arguments |= {name: getattr(there, name) for name in SCOPE_FIELDS}
        return super().add_memories(ids=ids, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_ids_of_memories",
    source="writing a backend without a language model: infer is looked at nowhere",
)
class IdsTakenWithInfer(InMemoryMemoryStore):
    """Takes ids for messages of which a model would make any number of memories."""

    def add_memories(self, *, infer=True, **arguments):
        return super().add_memories(infer=False, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_ids_of_memories",
    source="Python: zip stops at the shorter one",
)
class MessagesBeyondIdsDropped(InMemoryMemoryStore):
    """Stores as many messages as there are ids."""

    def add_memories(self, *, messages, ids=None, **arguments):
        messages = messages if ids is None else messages[: len(ids)]
        return super().add_memories(messages=messages, ids=ids, **arguments)
