"""Bugs in how metadata is kept."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime

from contract.sabotage.engines import Engine, Keeping
from contract.sabotage.registry import sabotage

from memstore import Memory, MemoryStoreError
from memstore.memory import RESERVED_METADATA_KEYS, SCOPE_FIELDS
from memstore_in_memory import InMemoryMemoryStore


class Converting(InMemoryMemoryStore):
    """Converts the values at the top of metadata by `converted` before they are checked."""

    def converted(self, value):
        return value

    def add_memories(self, *, metadata=None, **arguments):
        if isinstance(metadata, dict):
            metadata = {key: self.converted(value) for key, value in metadata.items()}
        return super().add_memories(metadata=metadata, **arguments)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="JavaScript: JSON.stringify(1.0) is 1",
)
class WholeFloatsBecomeIntegers(Keeping):
    """Stores 1.0 as 1."""

    def kept(self, memory):
        whole = {key: int(v) for key, v in memory.meta.items() if isinstance(v, float) and v.is_integer() and v < 1e15}
        return replace(memory, meta=memory.meta | whole)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="JavaScript servers: beyond 2^53 integers are rounded",
)
class IntegersRounded(Keeping):
    """Stores integers by way of floats."""

    def kept(self, memory):
        large = {key: int(float(v)) for key, v in memory.meta.items() if type(v) is int and abs(v) > 2**53}
        return replace(memory, meta=memory.meta | large)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="Pydantic: model_dump(exclude_none=True), as clients of HTTP services have it",
)
class NullsDropped(Keeping):
    """Drops keys whose value is null."""

    def kept(self, memory):
        return replace(memory, meta={key: value for key, value in memory.meta.items() if value is not None})


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="Firebase's Realtime Database keeps no empty list and no empty object",
)
class EmptyContainersDropped(Keeping):
    """Drops keys whose value is an empty list or object."""

    def kept(self, memory):
        return replace(memory, meta={key: value for key, value in memory.meta.items() if value not in ([], {})})


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="Chroma: metadata values are scalars, so lists and objects are written as text",
)
class ContainersBecomeText(Keeping):
    """Stores lists and objects as their JSON, and does not read it again."""

    def kept(self, memory):
        text = {key: json.dumps(value) for key, value in memory.meta.items() if isinstance(value, list | dict)}
        return replace(memory, meta=memory.meta | text)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="writing a SQL backend: json.loads of every value, because lists were dumped",
)
class TextReadAsJSON(Keeping):
    """Reads the text "1" as the number that it looks like."""

    def kept(self, memory):
        numbers = {key: int(v) for key, v in memory.meta.items() if isinstance(v, str) and v.isdecimal()}
        return replace(memory, meta=memory.meta | numbers)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="OpenSearch: a dot in a field's name makes an object",
)
class DottedKeysExpanded(Keeping):
    """Makes an object of a key with a dot in it."""

    def kept(self, memory):
        meta = {}
        for key, value in memory.meta.items():
            head, dot, rest = key.partition(".")
            meta[head] = {rest: value} if dot else value
        return replace(memory, meta=meta)


@sabotage(
    caught_by="test_every_json_kind_comes_back",
    source="Elasticsearch: index.mapping.depth.limit is 20",
    raises=MemoryStoreError,
)
class DeepMetadataRefused(Keeping):
    """Refuses metadata that nests more than 20 deep."""

    def kept(self, memory):
        if "[" * 20 in json.dumps(memory.meta):
            raise OverflowError("Limit of mapping depth has been exceeded")
        return memory


@sabotage(
    caught_by="test_random_metadata_comes_back",
    source="writing a SQL backend: a column `meta` beside the keys of metadata; Haystack's Document.from_dict",
)
class KeyNamedMetaLost(Keeping):
    """Takes a key `meta` of the user's for its own, and loses it."""

    def kept(self, memory):
        return replace(memory, meta={key: value for key, value in memory.meta.items() if key != "meta"})


@sabotage(
    caught_by="test_what_is_given_is_copied",
    source="LangGraph's InMemoryStore keeps the value that it was given",
)
class CallersDictionaryKept(InMemoryMemoryStore):
    """Keeps the dictionary of the caller."""

    def add_memories(self, *, metadata=None, **arguments):
        added = super().add_memories(metadata=metadata, **arguments)
        for entry in added:
            object.__setattr__(self._memories[entry["memory_id"]], "meta", metadata)
        return added


@sabotage(
    caught_by="test_what_is_given_is_copied",
    source="Python: dict(metadata) copies one level",
)
class CopiedOneLevelDeep(InMemoryMemoryStore):
    """Copies the dictionary of the caller, and not what is in it."""

    def add_memories(self, *, metadata=None, **arguments):
        added = super().add_memories(metadata=metadata, **arguments)
        for entry in added:
            object.__setattr__(self._memories[entry["memory_id"]], "meta", dict(metadata))
        return added


@sabotage(
    caught_by="test_what_comes_back_is_a_copy",
    source="writing an in-memory backend: hits are built around the record",
)
class RankedSearchReturnsItsOwn(Engine):
    """Returns from a ranked search the metadata that it keeps."""

    def _rank(self, query, filter, limit):
        hits, exhausted = super()._rank(query, filter, limit)
        return [(_Uncopied.of(memory), score) for memory, score in hits], exhausted


@sabotage(
    caught_by="test_what_comes_back_is_a_copy",
    source="Haystack: InMemoryDocumentStore.filter_documents returns the documents that it keeps",
)
class ListingReturnsItsOwn(Engine):
    """Returns from a search without a query the metadata that it keeps."""

    def _select(self, filter, after, limit):
        return [_Uncopied.of(memory) for memory in super()._select(filter, after, limit)]


@sabotage(
    caught_by="test_metadata_belongs_to_every_memory_of_its_batch",
    source="writing a SQL backend: metadata in a row for the call, joined to its first memory",
)
class MetadataOfTheFirst(InMemoryMemoryStore):
    """Keeps the metadata of a batch with its first memory."""

    def add_memories(self, *, messages, metadata=None, **arguments):
        first = next((message for message in messages if message.text), None)
        told = [replace(m, _meta={**(metadata or {}), **m.meta}) if m is first else m for m in messages]
        return super().add_memories(messages=told, **arguments)


@sabotage(
    caught_by="test_metadata_belongs_to_every_memory_of_its_batch",
    source="Python: a default argument is made once",
)
class SharedDefaults(InMemoryMemoryStore):
    """Adds a call's metadata to a dictionary that all calls share."""

    def add_memories(self, *, metadata=None, **arguments):
        shared = self.__dict__.setdefault("shared", {})
        shared.update(metadata or {})
        return super().add_memories(metadata=shared, **arguments)


@sabotage(
    caught_by="test_a_messages_own_metadata_wins",
    source="writing a backend: {**message.meta, **metadata}",
)
class BatchMetadataWins(InMemoryMemoryStore):
    """Lets the metadata of the batch win over a message's own."""

    def add_memories(self, *, messages, metadata=None, **arguments):
        merged = [replace(message, _meta={**message.meta, **(metadata or {})}) for message in messages]
        return super().add_memories(messages=merged, metadata=metadata, **arguments)


@sabotage(
    caught_by="test_a_messages_own_metadata_wins",
    source="writing a backend: metadata.update(message.meta) in a loop",
)
class MetadataRunsOn(InMemoryMemoryStore):
    """Gives each message the metadata of those before it."""

    def add_memories(self, *, messages, metadata=None, **arguments):
        running, merged = {}, []
        for message in messages:
            running = {**running, **message.meta}
            merged.append(replace(message, _meta=running))
        return super().add_memories(messages=merged, metadata=metadata, **arguments)


@sabotage(
    caught_by="test_a_messages_own_metadata_wins",
    source="writing a backend: metadata is copied where it is merged, and only there",
)
class MessagesDictionaryKept(InMemoryMemoryStore):
    """Keeps a message's own dictionary where there is no metadata to merge it with."""

    def add_memories(self, *, messages, metadata=None, **arguments):
        added = super().add_memories(messages=messages, metadata=metadata, **arguments)
        for entry, message in zip(added, messages, strict=False):
            if metadata is None:
                object.__setattr__(self._memories[entry["memory_id"]], "meta", message.meta)
        return added


@sabotage(
    caught_by="test_a_messages_own_metadata_wins",
    source="writing an HTTP backend: a message is sent as its role and content",
)
class MessageMetadataDropped(InMemoryMemoryStore):
    """Drops a message's own metadata."""

    def add_memories(self, *, messages, **arguments):
        return super().add_memories(messages=[replace(message, _meta={}) for message in messages], **arguments)


@sabotage(
    caught_by="test_reserved_keys_are_refused",
    source="mem0ai/mem0#6277: metadata moves a memory to another tenant",
)
class MetadataMovesMemories(InMemoryMemoryStore):
    """Takes ids from metadata."""

    def add_memories(self, *, metadata=None, **arguments):
        ids = {key: value for key, value in (metadata or {}).items() if key in SCOPE_FIELDS}
        rest = {key: value for key, value in (metadata or {}).items() if key not in SCOPE_FIELDS}
        return super().add_memories(metadata=rest, **{**arguments, **ids})


@sabotage(
    caught_by="test_reserved_keys_are_refused",
    source="mem0.md: Mem0 OSS drops metadata keys named like the ids",
)
class ReservedKeysDropped(InMemoryMemoryStore):
    """Drops the keys of metadata that it cannot keep."""

    def add_memories(self, *, metadata=None, **arguments):
        rest = {key: value for key, value in (metadata or {}).items() if key not in RESERVED_METADATA_KEYS}
        return super().add_memories(metadata=rest, **arguments)


@sabotage(
    caught_by="test_what_is_no_json_is_refused",
    source="JavaScript: JSON.stringify(NaN) is null",
)
class NaNBecomesNull(Converting):
    """Stores NaN as null."""

    def converted(self, value):
        return None if isinstance(value, float) and math.isnan(value) else value


@sabotage(
    caught_by="test_what_is_no_json_is_refused",
    source="SQLite: an integer beyond 64 bits becomes a REAL",
)
class HugeIntegersBecomeFloats(Converting):
    """Stores an integer beyond 64 bits as a float."""

    def converted(self, value):
        return float(value) if type(value) is int and not -(2**63) <= value < 2**63 else value


@sabotage(
    caught_by="test_what_is_no_json_is_refused",
    source="Python: json.dumps(..., default=str)",
)
class StrangersBecomeText(Converting):
    """Stores what is no JSON as Python shows it."""

    def converted(self, value):
        return str(value) if isinstance(value, bytes | set) or type(value) is object else value


@sabotage(
    caught_by="test_what_is_no_json_is_refused",
    source="Python: json.dumps makes strings of keys",
)
class KeysBecomeStrings(InMemoryMemoryStore):
    """Stores keys that are no strings as strings."""

    def add_memories(self, *, metadata=None, **arguments):
        if isinstance(metadata, dict):
            metadata = {str(key): value for key, value in metadata.items()}
        return super().add_memories(metadata=metadata, **arguments)


@sabotage(
    caught_by="test_datetimes_become_strings_in_utc",
    source="writing a backend: datetime.isoformat()",
)
class DatetimesKeepTheirZone(Converting):
    """Writes a datetime in the zone that it has, and none when it has none."""

    def converted(self, value):
        return value.isoformat() if isinstance(value, datetime) else value


@sabotage(
    caught_by="test_datetimes_become_strings_in_utc",
    source="MongoDB: a date has milliseconds",
)
class DatetimesOfMilliseconds(Converting):
    """Keeps milliseconds of a datetime."""

    def converted(self, value):
        whole = isinstance(value, datetime) and value.replace(microsecond=value.microsecond // 1000 * 1000)
        return whole or value


@sabotage(
    caught_by="test_large_metadata_comes_back",
    source="writing a vector backend: metadata beyond the limit (Pinecone: 40 kB) left out",
)
class LargeMetadataDropped(Keeping):
    """Drops metadata of more than 16 kB."""

    def kept(self, memory):
        return replace(memory, meta={} if len(json.dumps(memory.meta)) > 16_384 else memory.meta)


@sabotage(
    caught_by="test_large_metadata_comes_back",
    source="writing a vector backend: an engine that keeps at most 50 keys of metadata",
)
class KeysBeyondFiftyDropped(Keeping):
    """Keeps the first fifty keys of metadata."""

    def kept(self, memory):
        return replace(memory, meta=dict(list(memory.meta.items())[:50]))


class _Uncopied(Memory):
    """Hands out its metadata."""

    __slots__ = ()

    @classmethod
    def of(cls, memory):
        return cls(**{name: getattr(memory, name) for name in Memory.__slots__})

    def to_chat_message(self, **arguments):
        message = super().to_chat_message(**arguments)
        if "memory_metadata" not in message.meta:
            message.__dict__["_meta"] = self.meta
        return message
