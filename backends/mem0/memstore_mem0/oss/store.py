"""The self-hosted Mem0 library as a memory store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import SplitResult, unquote

from haystack.core.serialization import default_from_dict, default_to_dict

from memstore import BASE_CAPABILITIES, AddedMemory, BaseMemoryStore, Memory, Position, Scope
from memstore.errors import MemoryStoreError, RegistryError, StoreClosedError
from memstore.filters import Filter
from memstore.primitives import Ranked
from memstore_mem0.oss.background import BackgroundAdds
from memstore_mem0.oss.inferring import infer
from memstore_mem0.oss.library import Library, configured_engine, has_client, is_embedded, open_library
from memstore_mem0.oss.payload import point_id
from memstore_mem0.oss.ranking import rank
from memstore_mem0.oss.settings import copied, from_json, resolved, to_json
from memstore_mem0.quiet import quiet

_DEFAULT_FOLDER: Final = "~/.memstore/mem0"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""An id that no memory has."""


class Mem0OSSMemoryStore(BaseMemoryStore):
    """Memories in the self-hosted Mem0 library. URL: ``mem0+oss:///path``.

    Without a configuration everything stays on this machine: embedded Qdrant and Mem0's history in one
    folder, and an embedder that needs no network. Any configuration of mem0ai works; ``infer=True``
    needs one with an ``llm``. One store at a time may have an embedded vector store's folder; threads
    share one store. Conversations are inferred one after the other; while the model thinks, other
    threads read and write.
    """

    capabilities = BASE_CAPABILITIES - {"scoped_ranking"} | {"durable", "erasure", "update"}
    page_size = 1_000_000_000  # Mem0 lists all or nothing, and in no order
    _library: Library | None = None
    _released = False

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        path: str | PathLike[str] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Nothing is loaded or opened before the first use, or `warm_up`.

        Args:
            config: mem0ai's own configuration, as `mem0.Memory.from_config` takes it; keys and
                passwords as Haystack's `Secret`. What it does not name works on this machine alone. A client
                of yours in it stays open when the store is closed.
            path: the folder for all files that `config` names no place for; ``~/.memstore/mem0``
                unless given. A relative one is of the folder that is the current one now.
            clock: what time it is, in UTC; the system's clock unless given.

        Raises:
            TypeError: `config` is no mapping.
            ValueError: `path` is empty.
            MemoryStoreError: a section of `config` has not the form that mem0ai gives it.
        """
        super().__init__(clock=clock)
        if config is not None and not isinstance(config, Mapping):
            raise TypeError(f"config: a dictionary as mem0.Memory.from_config takes it, not {type(config).__name__}")
        self._config = copied(config or {})
        self._path = None if path is None else fspath(path)
        if self._path == "":
            raise ValueError(f"path: a folder, or None for {_DEFAULT_FOLDER}, and no empty string")
        self._folder = Path(self._path or _DEFAULT_FOLDER).expanduser().absolute()
        self._inferring = threading.RLock()  # one conversation at a time; taken before the other
        self._lock = threading.RLock()  # mem0ai loses writes where threads share it
        self._background = BackgroundAdds(type(self).__name__)
        engine = configured_engine(self._config)
        self.filter_support = engine.filters
        if not (engine.erases and is_embedded(self._config)):
            self.capabilities -= {"erasure"}
        if has_client(self._config):
            self.capabilities -= {"durable"}  # it may keep everything in memory
        if not engine.reads_its_writes:
            self.capabilities -= {"read_after_write"}

    # Configuration.

    def to_dict(self) -> dict[str, Any]:
        """Serialise the configuration.

        Raises:
            ValueError: the configuration holds a key or password that is no `Secret` from the environment.
        """
        return default_to_dict(self, config=to_json(self._config) if self._config else None, path=self._path)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """A store configured as `to_dict` wrote it."""
        parameters = dict(data.get("init_parameters") or {})
        if parameters.get("config"):
            parameters["config"] = from_json(parameters["config"])
        return default_from_dict(cls, {**data, "init_parameters": parameters})

    @classmethod
    def from_url(cls, url: SplitResult) -> Self:
        """A store from ``mem0+oss:///path/to/folder``, or ``mem0+oss://`` for the default folder.

        Raises:
            RegistryError: the URL has a host or options.
        """
        if url.netloc or url.query or url.fragment:
            raise RegistryError(
                f"{cls.__name__} takes a folder and no options: write '{url.scheme}:///path/to/folder', with three "
                "slashes; a configuration is given in code"
            )
        return cls(path=unquote(url.path) or None)

    # Records.

    def _insert(self, memories: list[Memory]) -> list[Memory]:
        with self._opened() as library:
            vectors = self._embedded(library, [memory.text for memory in memories])
            with library.writing(len(memories)):
                library.rows.insert(memories, vectors)
                try:
                    library.memory.db.batch_add_history([_history(memory) for memory in memories])
                except BaseException:
                    library.rows.delete(point_id(memory.id) for memory in memories)
                    raise
        return memories

    def _select(self, filter: Filter, after: Position | None, limit: int) -> list[Memory]:
        with self._opened() as library:
            found = library.rows.matching(filter)
        placed: list[Memory] = [memory for memory in found if after is None or memory.position > after]
        return sorted(placed, key=lambda memory: memory.position)[:limit]

    def _delete(self, ids: list[str]) -> list[str]:
        with self._opened() as library:
            gone = library.rows.by_id(dict.fromkeys(ids))
            memories, row_ids = list(gone.values()), [point_id(memory_id) for memory_id in gone]
            if gone:
                with library.writing(len(gone), erasing=True):
                    # Texts first: were it interrupted, the memories would still be there to be deleted again.
                    library.eraser.forget_texts(memories)
                    library.eraser.unlink(row_ids)
                    library.rows.delete(row_ids)
                    library.eraser.note_deletion(memories)
        return list(gone)

    def _delete_all(self, scope: Scope) -> None:
        """What was said stands in Mem0's history, also where no fact was made of it."""
        with self._opened() as library, library.writing(1, erasing=True):
            library.eraser.forget_conversations(scope.ids)

    def _replace(self, memory: Memory, expected_version: int) -> bool:
        with self._opened() as library:
            old = library.rows.by_id([memory.id]).get(memory.id)
            if old is None or old.version != expected_version:
                return False
            before, vector = self._embedded(library, [old.text, memory.text])
            with library.writing(1):
                library.rows.replace(memory, vector)
                try:
                    if memory.text != old.text:
                        library.eraser.unlink([point_id(memory.id)])
                    library.memory.db.batch_add_history([_history(memory, old)])
                except BaseException:
                    library.rows.replace(old, before)
                    raise
        return True

    def _rank(self, query: str, filter: Filter, limit: int) -> Ranked:
        with self._opened() as library:
            return rank(library, query, filter, limit)

    # Facts.

    def _infer(self, said: list[Memory], metadata: dict[str, Any], background: bool) -> list[AddedMemory]:
        if "llm" not in self._config:
            raise MemoryStoreError(
                "infer=True needs a language model: Mem0OSSMemoryStore(config={'llm': {'provider': ..., 'config': "
                "{...}}}), as mem0ai takes it. With infer=False messages are kept word for word; nothing was added"
            )
        work = partial(self._inferred, said, metadata)
        if not background:
            return work()
        return [{"event_id": self._background.start(work), "memory_id": None, "memory": None}]

    def _inferred(self, said: list[Memory], metadata: dict[str, Any]) -> list[AddedMemory]:
        with self._inferring, self._opened() as library, library.writing(len(said), erasing=True):
            return infer(library, said, metadata, self._unlocked)

    def _wait(self, event_ids: list[str], timeout: float | None) -> list[AddedMemory]:
        return self._background.wait(event_ids, timeout)

    # Lifecycle.

    def _warm_up(self) -> None:
        with self._opened() as library:
            try:
                library.memory.embedding_model.embed("memory", "search")
                library.rows.by_id([_NOBODY])  # some engines connect no sooner
            except (MemoryStoreError, ImportError):
                raise
            except Exception as error:
                raise MemoryStoreError(
                    f"{type(self).__name__}: the embedder or the vector store does not work: {type(error).__name__}"
                ) from error

    def _close(self) -> None:
        self._background.close()
        with self._inferring, self._lock, quiet():
            library, self._library, self._released = self._library, None, True
            if library is not None:
                library.close()

    @contextmanager
    def _opened(self) -> Iterator[Library]:
        """The library, for this thread alone, and silent."""
        with self._lock:
            if self._released:  # while this thread waited for its turn
                raise StoreClosedError(type(self).__name__)
            if self._library is None:
                with quiet():
                    self._library = open_library(resolved(self._config), self._folder)
            with quiet():  # again: opening it has brought loggers that were not there before
                yield self._library

    @contextmanager
    def _unlocked(self) -> Iterator[None]:
        """The library for others, in the midst of `_opened`."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    @staticmethod
    def _embedded(library: Library, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = library.memory.embedding_model.embed_batch(texts, "add")
        return vectors


def _history(memory: Memory, old: Memory | None = None) -> dict[str, Any]:
    """What Mem0's history says of a memory that was added, or changed."""
    return {
        "memory_id": point_id(memory.id),
        "old_memory": None if old is None else old.text,
        "new_memory": memory.text,
        "event": "ADD" if old is None else "UPDATE",
        "created_at": memory.created_at.isoformat(),
        "updated_at": memory.updated_at.isoformat(),
        "is_deleted": 0,
        "actor_id": memory.name,
        "role": memory.role,
    }
