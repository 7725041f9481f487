"""Bugs in deleting one memory."""

from __future__ import annotations

import uuid
from typing import Any

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Pager, Updater

from memstore import InvalidMemoryError, MemoryConflictError, MemoryNotFoundError, MemoryStoreError
from memstore.filters import Comparison, matches
from memstore.ranking import rank
from memstore_in_memory import InMemoryMemoryStore


class Remembering(Engine):
    """Has a second place for all that it was ever given, and takes out of it what is `left_out`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.ever: dict[str, Any] = {}

    def left_out(self, memory_id: str) -> None:
        self.ever.pop(memory_id, None)

    def _insert(self, memories: Any) -> Any:
        self.ever |= {memory.id: memory for memory in memories}
        return super()._insert(memories)

    def _delete(self, ids: Any) -> Any:
        for memory_id in ids:
            self.left_out(memory_id)
        return super()._delete(ids)


@sabotage(
    caught_by="test_a_deleted_memory_is_not_found",
    source="writing a vector backend: the row of an id, counted from another end",
)
class DeletesTheNext(InMemoryMemoryStore):
    """Deletes the memory that stands behind the one meant."""

    def delete_memory(self, memory_id):
        known = list(self._memories)
        behind = known.index(memory_id) + 1 if memory_id in self._memories else len(known)
        super().delete_memory(known[behind] if behind < len(known) else memory_id)


@sabotage(
    caught_by="test_a_deleted_memory_is_not_found",
    source="writing a SQL backend: deleted_at, and a lookup by the primary key that does not look at it",
)
class DeletedButFoundById(Remembering):
    """Finds a deleted memory by its id."""

    def left_out(self, memory_id):
        pass

    def _select(self, filter, after, limit):
        by_id = "id" in {part.field.path[0] for part in getattr(filter, "children", ()) if isinstance(part, Comparison)}
        return self._among(self.ever, filter) if by_id else super()._select(filter, after, limit)

    def _among(self, known, filter):
        return [memory for memory in known.values() if matches(filter, memory)]


@sabotage(
    caught_by="test_a_deleted_memory_is_not_found",
    source="writing a backend: functools.cache on what goes into every prompt",
)
class SingleMessageCached(InMemoryMemoryStore):
    """Keeps the single message of a user until something is added."""

    def _insert(self, memories):
        self.cached = {}
        return super()._insert(memories)

    def search_memories_as_single_message(self, *, user_id=None, **arguments):
        if user_id not in self.cached:
            self.cached[user_id] = super().search_memories_as_single_message(user_id=user_id, **arguments)
        return self.cached[user_id]


@sabotage(
    caught_by="test_a_deleted_memory_is_not_ranked",
    source="mem0ai/mem0#3695: a deleted memory is still searchable",
)
class DeletedButRanked(Remembering):
    """Leaves a deleted memory in the index that ranks."""

    def left_out(self, memory_id):
        pass

    def _rank(self, query, filter, limit):
        return rank(query, [memory for memory in self.ever.values() if self.holds(filter, memory)], limit), True


@sabotage(
    caught_by="test_a_deleted_memory_is_not_ranked",
    source="writing a backend: an LRU cache of queries, emptied by what is added",
)
class QueriesCached(InMemoryMemoryStore):
    """Keeps what a query has found until something is added."""

    def _insert(self, memories):
        self.cached = {}
        return super()._insert(memories)

    def _rank(self, query, filter, limit):
        if (query, filter, limit) not in self.cached:
            self.cached[query, filter, limit] = super()._rank(query, filter, limit)
        return self.cached[query, filter, limit]


@sabotage(
    caught_by="test_a_deleted_memory_is_not_listed",
    source="writing a SQL backend: deleted_at, and one of the queries that does not look at it",
)
class DeletedButListed(Pager):
    """Lists deleted memories too."""

    def _delete(self, ids):
        self.__dict__.setdefault("trash", []).extend(self._memories[i] for i in ids if i in self._memories)
        return super()._delete(ids)

    def known(self, wanted):
        trash = [memory for memory in self.__dict__.get("trash", ()) if matches(wanted, memory)]
        return sorted([*super().known(wanted), *trash], key=lambda memory: memory.position)


@sabotage(
    caught_by="test_a_deleted_memory_is_not_listed",
    source="writing an HTTP backend: a cache of answers to GET",
)
class ListingsCached(Pager):
    """Keeps a listing until something is added."""

    def _insert(self, memories):
        self.cached = {}
        return super()._insert(memories)

    def known(self, wanted):
        if wanted not in self.cached:
            self.cached[wanted] = super().known(wanted)
        return self.cached[wanted]


@sabotage(
    caught_by="test_a_deleted_memory_is_not_counted",
    source="Redis: INCR on adding, and DECR on deleting all only",
)
class DeletedButCounted(Remembering):
    """Counts a memory that was deleted by its id."""

    def left_out(self, memory_id):
        pass

    def count_memories(self, **arguments):
        gone = [memory for memory in self.ever.values() if memory.user_id == arguments.get("user_id")]
        return max(super().count_memories(**arguments), len(gone))


@sabotage(
    caught_by="test_a_deleted_memory_has_no_history",
    source="mem0ai/mem0#6525: history keeps the text",
)
class HistoryOutlivesTheMemory(Remembering):
    """Tells the history of a deleted memory."""

    def left_out(self, memory_id):
        pass

    def _history(self, memory_id):
        return super()._history(memory_id) or [self.ever[memory_id]] if memory_id in self.ever else []


@sabotage(
    caught_by="test_a_deleted_memory_is_not_updated",
    source="Qdrant: upsert(), after the point was read from a cache",
)
class UpdatesFromACache(Updater):
    """Finds a memory to update among those it has seen, and writes it whether it is there or not."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.seen = {}

    def _insert(self, memories):
        self.seen |= {memory.id: memory for memory in memories}
        return super()._insert(memories)

    def found(self, memory_id):
        return self.seen.get(memory_id) or super().found(memory_id)

    def written(self, new, old):
        return super().written(new, old) or bool(self._insert([new]))


@sabotage(
    caught_by="test_a_deleted_memory_is_not_updated",
    source="Elasticsearch: an update by script of a document that is only marked as deleted",
)
class UpdatesAndForgetsInSilence(InMemoryMemoryStore):
    """Returns a memory as updated that it has deleted."""

    def _delete(self, ids):
        self.trash = {memory_id: self._memories.get(memory_id) for memory_id in ids}
        return super()._delete(ids)

    def update_memory(self, memory_id, **arguments):
        trash = self.__dict__.get("trash", {})
        return trash.get(memory_id) or super().update_memory(memory_id, **arguments)


@sabotage(
    caught_by="test_deleting_twice_says_so",
    source="HTTP: DELETE is idempotent, and 204 whether or not there was something",
)
class DeletesAgainInSilence(InMemoryMemoryStore):
    """Returns as if it had deleted what it deleted before."""

    def _delete(self, ids):
        self.__dict__.setdefault("tombstones", set()).update(super()._delete(ids))
        return [memory_id for memory_id in ids if memory_id in self.tombstones]


@sabotage(
    caught_by="test_deleting_an_unknown_memory_says_so",
    source="SQL: a DELETE of no row is no error",
)
class DeletesNoRow(InMemoryMemoryStore):
    """Returns as if it had deleted a memory that never was."""

    def delete_memory(self, memory_id):
        try:
            super().delete_memory(memory_id)
        except MemoryNotFoundError:
            pass


@sabotage(
    caught_by="test_deleting_an_unknown_memory_says_so",
    source="Python: KeyError of del memories[memory_id]",
)
class UnknownIsAKeyError(InMemoryMemoryStore):
    """Raises what its dictionary raises for an unknown id."""

    def delete_memory(self, memory_id):
        if isinstance(memory_id, str) and memory_id.strip() and memory_id not in self._memories:
            raise KeyError(memory_id)
        super().delete_memory(memory_id)


@sabotage(
    caught_by="test_deleting_an_id_of_odd_form_says_so",
    source="mem0.md: 400 when the id is no UUID",
)
class IdsAreUUIDs(InMemoryMemoryStore):
    """Refuses an id that is no UUID, instead of not finding it."""

    def delete_memory(self, memory_id):
        try:
            uuid.UUID(memory_id)
        except ValueError:
            raise InvalidMemoryError("memory_id: no UUID") from None
        except (AttributeError, TypeError):
            pass
        super().delete_memory(memory_id)


@sabotage(
    caught_by="test_deleting_an_id_of_odd_form_says_so",
    source="writing an HTTP backend: f'/memories/{memory_id}', not quoted",
)
class IdsAreParsedAsPaths(InMemoryMemoryStore):
    """Reads an id as a path, of which the last part counts."""

    def delete_memory(self, memory_id):
        if isinstance(memory_id, str) and "/" in memory_id:
            raise MemoryStoreError("404 page not found")
        super().delete_memory(memory_id)


@sabotage(
    caught_by="test_deleting_an_id_of_odd_form_says_so",
    source="Elasticsearch: delete_by_query with a query string",
)
class IdsAreReadAsPatterns(InMemoryMemoryStore):
    """Deletes everything for the id `*`."""

    def delete_memory(self, memory_id):
        if memory_id == "*":
            self._delete(list(self._memories))
        else:
            super().delete_memory(memory_id)


@sabotage(
    caught_by="test_refuses_to_delete_impossible_ids",
    source="writing an HTTP backend: DELETE /memories/ without an id is another endpoint",
)
class EmptyIdDeletesAll(InMemoryMemoryStore):
    """Deletes everything for an empty id."""

    def delete_memory(self, memory_id):
        if memory_id == "":
            self._delete(list(self._memories))
        else:
            super().delete_memory(memory_id)


@sabotage(
    caught_by="test_refuses_to_delete_impossible_ids",
    source="pydantic: str_strip_whitespace=True",
)
class DeletesWithoutBlanks(InMemoryMemoryStore):
    """Cuts blanks off the id of what is to be deleted."""

    def delete_memory(self, memory_id):
        super().delete_memory(memory_id.strip() if isinstance(memory_id, str) else memory_id)


@sabotage(
    caught_by="test_refuses_to_delete_impossible_ids",
    source="writing a SQL backend: str(memory_id)",
)
class AnythingIsAnId(InMemoryMemoryStore):
    """Looks for the id that an impossible one looks like."""

    def delete_memory(self, memory_id):
        super().delete_memory(memory_id if isinstance(memory_id, str) else repr(memory_id))


@sabotage(
    caught_by="test_deleting_keeps_a_twin",
    source="mem0: hashlib.md5 of the text, by which duplicates are known",
)
class DeletesByText(InMemoryMemoryStore):
    """Deletes every memory with the text of the one meant."""

    def _delete(self, ids):
        texts = {self._memories[memory_id].text for memory_id in ids if memory_id in self._memories}
        twins = [memory.id for memory in self._memories.values() if memory.text in texts]
        return super()._delete(twins)


@sabotage(
    caught_by="test_a_deleted_text_can_be_added_again",
    source="mem0: NONE for a fact that is known already, also from what was deleted",
)
class DeletedTextsStayKnown(InMemoryMemoryStore):
    """Adds no text again that was deleted."""

    def _delete(self, ids):
        gone = [self._memories[memory_id].text for memory_id in ids if memory_id in self._memories]
        self.__dict__.setdefault("forgotten", set()).update(gone)
        return super()._delete(ids)

    def add_memories(self, *, messages, **arguments):
        known = self.__dict__.get("forgotten", ())
        return super().add_memories(messages=[m for m in messages if m.text not in known], **arguments)


@sabotage(
    caught_by="test_a_deleted_id_can_be_used_again",
    source="Milvus: a primary key that is deleted, and not yet compacted",
    raises=MemoryConflictError,
)
class DeletedIdsStayTaken(InMemoryMemoryStore):
    """Takes the id of a deleted memory for one that is taken."""

    def _delete(self, ids):
        self.__dict__.setdefault("tombstones", set()).update(ids)
        return super()._delete(ids)

    def _insert(self, memories):
        if taken := [memory.id for memory in memories if memory.id in self.__dict__.get("tombstones", ())]:
            raise MemoryConflictError(taken[0])
        return super()._insert(memories)
