"""Bugs in what stays of a deleted memory."""

from __future__ import annotations

import json
from typing import Any

from contract.references import DurableReference
from contract.sabotage.registry import sabotage
from contract.sqlite_store import SQLiteReference

from memstore.memory import Scope
from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_a_deleted_text_is_erased",
    source="SQLite: what is deleted stays in its page, unless PRAGMA secure_delete is on",
    reference=DurableReference,
)
class FreedPagesKept(SQLiteReference):
    """Leaves what it deletes in the file, as free space."""

    def _connect(self):
        connection = super()._connect()
        connection.execute("PRAGMA secure_delete = OFF")
        return connection


@sabotage(
    caught_by="test_a_deleted_text_is_erased",
    source="SQLite: PRAGMA journal_mode = PERSIST, for speed",
    reference=DurableReference,
)
class JournalKept(SQLiteReference):
    """Keeps the journal of its last transaction, with the pages as they were before."""

    def _connect(self):
        connection = super()._connect()
        connection.execute("PRAGMA journal_mode = PERSIST")
        return connection


@sabotage(
    caught_by="test_a_deleted_text_is_erased",
    source="writing a SQL backend: deleted_at",
)
class OnlyMarkedAsDeleted(InMemoryMemoryStore):
    """Keeps deleted memories, where nothing finds them."""

    def _delete(self, ids):
        self.__dict__.setdefault("trash", []).extend(self._memories[i] for i in ids if i in self._memories)
        return super()._delete(ids)


class Table(InMemoryMemoryStore):
    """Keeps a second `table` of what it is given `rows` of, and deletes from it what it deletes."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.table: dict[str, Any] = {}

    def row(self, memory: Any) -> Any:
        return len(memory.text)

    def _insert(self, memories: Any) -> Any:
        self.table |= {memory.id: self.row(memory) for memory in memories}
        return super()._insert(memories)

    def _delete(self, ids: Any) -> Any:
        self.dropped(ids)
        return super()._delete(ids)

    def dropped(self, ids: Any) -> None:
        for memory_id in ids:
            self.table.pop(memory_id, None)


@sabotage(
    caught_by="test_a_deleted_metadata_value_is_erased",
    source="writing a SQL backend: a table of values to filter by, without ON DELETE CASCADE",
)
class ValuesKept(Table):
    """Keeps the metadata of a deleted memory in the table that filters read."""

    def row(self, memory):
        return json.dumps(memory.meta)

    def dropped(self, ids):
        pass


@sabotage(
    caught_by="test_a_deleted_metadata_key_is_erased",
    source="Elasticsearch: dynamic mapping, which keeps every key for ever",
)
class KeysLearned(InMemoryMemoryStore):
    """Learns the keys of metadata, and forgets none."""

    def _insert(self, memories):
        self.__dict__.setdefault("mapping", set()).update(key for memory in memories for key in memory.meta)
        return super()._insert(memories)


@sabotage(
    caught_by="test_delete_all_erases",
    source="mem0.md: delete_all leaves every text in the history database",
)
class DeletingAllIsLogged(InMemoryMemoryStore):
    """Writes down what it deletes when all of a scope is deleted."""

    def delete_all_memories(self, **ids):
        if Scope(**ids):
            log = self.__dict__.setdefault("log", [])
            log.append([message.text for message in self.search_memories(**ids)])
        super().delete_all_memories(**ids)


@sabotage(
    caught_by="test_delete_all_erases",
    source="writing a SQL backend: one statement for many rows, and the index is rebuilt at night",
)
class IndexOfManyKept(Table):
    """Keeps the words of memories that are deleted together."""

    def row(self, memory):
        return memory.text.split()

    def dropped(self, ids):
        if len(ids) == 1:
            super().dropped(ids)


@sabotage(
    caught_by="test_a_text_that_was_searched_is_erased",
    source="writing a backend: functools.lru_cache on the search",
)
class ResultsCached(InMemoryMemoryStore):
    """Keeps what queries have found."""

    def _rank(self, query, filter, limit):
        ranked = super()._rank(query, filter, limit)
        self.__dict__.setdefault("cache", {})[query, limit] = ranked
        return ranked


@sabotage(
    caught_by="test_a_text_that_was_searched_is_erased",
    source="writing a vector backend: embeddings are kept by text, since they cost money",
)
class EmbeddingsKeptByText(InMemoryMemoryStore):
    """Keeps for each text that a query compared what it is in numbers."""

    def _rank(self, query, filter, limit):
        hits, more = super()._rank(query, filter, limit)
        self.__dict__.setdefault("embedded", {}).update({memory.text: [0.5] for memory, _ in hits})
        return hits, more


@sabotage(
    caught_by="test_a_text_that_was_replaced_is_erased",
    source="mem0ai/mem0#6525: history keeps the text",
    reference=DurableReference,
)
class HistoryTableKept(SQLiteReference):
    """Deletes a memory, and not the rows of its earlier states."""

    def _delete(self, ids):
        with self._transaction() as connection:
            return [i for i in ids if connection.execute("DELETE FROM memories WHERE id = ?", (i,)).rowcount]


@sabotage(
    caught_by="test_a_text_that_was_replaced_is_erased",
    source="getzep/graphiti#1083: an edge that was replaced is invalidated, and stays",
)
class ReplacedStatesKept(InMemoryMemoryStore):
    """Keeps each state that was replaced a second time."""

    def _replace(self, memory, expected_version):
        self.__dict__.setdefault("edges", []).append(self._memories.get(memory.id))
        return super()._replace(memory, expected_version)


@sabotage(
    caught_by="test_delete_all_erases_what_was_replaced",
    source="mem0.md: delete_all leaves every text in the history database",
    reference=DurableReference,
)
class HistoryOutlivesDeletingAll(SQLiteReference):
    """Deletes all memories of a scope by one statement, and not their earlier states."""

    def delete_all_memories(self, **ids):
        conditions = [f"json_extract(record, '$.{name}') = ?" for name in Scope(**ids).ids]
        with self._transaction() as connection:
            connection.execute(f"DELETE FROM memories WHERE {' AND '.join(conditions)}", [*Scope(**ids).ids.values()])


@sabotage(
    caught_by="test_purging_erases",
    source="writing a SQL backend: INSERT INTO archive SELECT ..., before what expired is deleted",
)
class PurgedIsArchived(InMemoryMemoryStore):
    """Keeps what it purges elsewhere."""

    def purge_expired_memories(self, **ids):
        before = dict(self._memories)
        purged = super().purge_expired_memories(**ids)
        self.__dict__.setdefault("archive", []).extend(m for i, m in before.items() if i not in self._memories)
        return purged


@sabotage(
    caught_by="test_purging_erases",
    source="Redis: a key expires, and the index beside it does not",
)
class PurgingLeavesTheIndex(Table):
    """Keeps the words of memories that it purges."""

    def row(self, memory):
        return memory.text.split() if memory.expires_at else None

    def dropped(self, ids):
        pass


@sabotage(
    caught_by="test_erasing_keeps_the_others",
    source="writing a SQL backend: replace(record, text, '') over the whole file, so that nothing is left",
    reference=DurableReference,
)
class ErasesTheWordsEverywhere(SQLiteReference):
    """Erases the text of a deleted memory wherever it stands, also in others."""

    def _delete(self, ids):
        with self._transaction() as connection:
            for memory_id in ids:
                which = "SELECT json_extract(record, '$.text') FROM memories WHERE id = ?"
                for (text,) in connection.execute(which, (memory_id,)).fetchall():
                    connection.execute("UPDATE memories SET record = replace(record, ?, '')", (text,))
        return super()._delete(ids)


@sabotage(
    caught_by="test_erasing_keeps_the_others",
    source="writing a file format: a record is overwritten for its length in letters, not in bytes",
    reference=DurableReference,
)
class ErasesTheNeighbourToo(SQLiteReference):
    """Overwrites the beginning of the record behind the one that it erases."""

    def _delete(self, ids):
        behind = "id = (SELECT min(id) FROM memories WHERE id > ?)"
        with self._transaction() as connection:
            for memory_id in ids:
                connection.execute(
                    f"UPDATE memories SET record = json_set(record, '$.text', ' ' || "
                    f"substr(json_extract(record, '$.text'), 2)) WHERE {behind}",
                    (memory_id,),
                )
        return super()._delete(ids)
