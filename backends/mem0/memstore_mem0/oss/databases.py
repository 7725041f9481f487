"""The SQLite databases of a `mem0.Memory`: fast while it writes, and empty of what was deleted.

With a write-ahead log, SQLite waits for the disk once for a row and need not for many. What is deleted
stays in the log, and in the file behind it, until the log is emptied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from haystack import logging

logger = logging.getLogger(__name__)

_PATIENCE: Final = 250
"""Milliseconds to wait, twice, until nobody reads: who reads for longer is not waited for."""


class Databases:
    """The history of one `mem0.Memory`, and what an embedded Qdrant has. Not safe between threads."""

    def __init__(self, memory: Any) -> None:
        """Nothing is written yet."""
        self._memory = memory
        self._left_full: set[sqlite3.Connection] = set()

    @contextmanager
    def writing(self, rows: int, *, erasing: bool = False) -> Iterator[None]:
        """Let many rows be written at the price of one.

        Embedded Qdrant commits, and waits for the disk several times, for every row. With a write-ahead
        log a crash would lose the latest rows, but never harm others. At the end of the block everything
        is on the disk and, where something is to be erased, the log is empty. A log that somebody else
        reads, where stores share a history, cannot be emptied: a warning tells so, and it is tried again
        after the next write and when the store is closed. It is empty at the latest when nobody has the
        history open any more.
        """
        logged = [database for database in self._all() if _mode(database, "WAL") == "wal"]
        for database in logged:
            database.execute("PRAGMA secure_delete = ON")
            database.execute(f"PRAGMA synchronous = {'FULL' if rows == 1 else 'NORMAL'}")
        try:
            yield
        finally:
            every = erasing or rows > 1
            self._empty(logged if every else self._left_full.intersection(logged), erasing=erasing)

    def leave_as_found(self) -> None:
        """Give the files back in the mode that Mem0 and Qdrant make them in.

        A history that another store has open too stays as it is; the last one to close it gives it back.
        """
        self._empty(self._left_full.copy(), erasing=False)
        for database in self._all():
            database.execute("PRAGMA busy_timeout = 0")
            try:
                _mode(database, "DELETE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise

    def _empty(self, databases: Iterable[sqlite3.Connection], *, erasing: bool) -> None:
        for database in databases:
            if _emptied(database):
                self._left_full.discard(database)
                continue
            if erasing and database not in self._left_full:  # once is enough
                logger.warning(
                    "what was deleted is found no more, but somebody else is reading Mem0's database, so its texts "
                    "are still in that file; they go with the next write, or when everybody has closed it"
                )
            self._left_full.add(database)

    def _all(self) -> list[sqlite3.Connection]:
        return [self._memory.db.connection, *embedded_databases(self._memory.vector_store)]


def embedded_databases(vector_store: Any) -> Iterable[sqlite3.Connection]:
    """The SQLite databases of an embedded Qdrant; none of any other vector store.

    Qdrant's client has no public way to them, so each step is looked for; where a version has them
    elsewhere, `tests/backends/mem0_oss/test_erasing.py` says so.
    """
    local = getattr(getattr(vector_store, "client", None), "_client", None)
    collections = getattr(local, "collections", None)
    for collection in collections.values() if isinstance(collections, dict) else ():
        connection = getattr(getattr(collection, "storage", None), "storage", None)
        if isinstance(connection, sqlite3.Connection):
            yield connection


def _emptied(database: sqlite3.Connection) -> bool:
    """Whether everything could be moved out of the log."""
    (patience,) = database.execute("PRAGMA busy_timeout").fetchone()
    database.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    try:
        busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        database.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy


def _mode(database: sqlite3.Connection, mode: str) -> str:
    (actual,) = database.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    return str(actual)
