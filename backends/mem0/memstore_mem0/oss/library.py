"""Building a `mem0.Memory` from a configuration, with what is missing filled in for one machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from memstore.errors import MemoryStoreError, MissingDependencyError
from memstore_mem0.loading import load_mem0
from memstore_mem0.oss.checking import WatchedEmbedder, WatchedHistory, WatchedModel, WatchedVectorStore
from memstore_mem0.oss.databases import Databases
from memstore_mem0.oss.embedder import DIMENSIONS, OfflineEmbedder
from memstore_mem0.oss.erasing import Eraser
from memstore_mem0.oss.folder_lock import FolderLock, check_writable, folder_in_use, make_folder
from memstore_mem0.oss.forking import leak, unwatch_forks, watch_forks
from memstore_mem0.oss.rows import Rows
from memstore_mem0.oss.support import Engine, engine_of

_PLACEHOLDER: Final[Mapping[str, Any]] = {"provider": "lmstudio", "config": {}}
"""For parts that are replaced at once: a client of a server on this machine, which it calls when it is used."""
_FOLDERED: Final = frozenset({"qdrant", "chroma", "faiss"})
_KEYS: Final = {
    "anthropic": "ANTHROPIC_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "gemini": "GOOGLE_API_KEY",
    "groq": "GROQ_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openai_structured": "OPENAI_API_KEY",
    "together": "TOGETHER_API_KEY",
    "xai": "XAI_API_KEY",
}
"""Where providers look for a key that a configuration does not give."""
_QDRANT_IN_USE: Final = "already accessed by another instance"
_CLIENTS: Final = ("client", "connection_pool")
"""Where a vector store has what it holds open, and a configuration what the user has opened."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Library:
    """A `mem0.Memory` whose parts are watched, and what works on it.

    Attributes:
        memory: the library's own object.
        engine: what is known of its vector store.
        rows: its memories.
        eraser: deletes their traces.
        databases: its SQLite files.
        handed: the names of clients in the vector store that are the user's.
        lock: of the folder of an embedded vector store.
    """

    memory: Any
    engine: Engine
    rows: Rows
    eraser: Eraser
    databases: Databases
    handed: frozenset[str]
    lock: FolderLock | None

    @property
    def vector_store(self) -> WatchedVectorStore:
        """The watched vector store."""
        store: WatchedVectorStore = self.memory.vector_store
        return store

    def writing(self, rows: int, *, erasing: bool = False) -> AbstractContextManager[None]:
        """A block that writes so many rows; see `Databases.writing`."""
        return self.databases.writing(rows, erasing=erasing)

    def close(self) -> None:
        """Close files and connections, and give the folder back. What the user has opened stays open."""
        unwatch_forks(self)
        with ExitStack() as last_first:  # whatever fails, the rest is released
            if self.lock is not None:
                last_first.callback(self.lock.release)
            last_first.callback(self.memory.close)
            last_first.callback(_close_engine, self.vector_store.part, self.handed)
            last_first.callback(_let_go, self.memory._entity_store, self.handed)
            last_first.callback(self.databases.leave_as_found)

    def abandon(self) -> None:
        """Leave everything to the parent, in a forked child."""
        leak(self)
        if self.lock is not None:
            self.lock.abandon()
            local = getattr(getattr(self.vector_store.part, "client", None), "_client", None)
            if (file := getattr(local, "_flock_file", None)) is not None:  # embedded Qdrant's own lock
                file.close()


def open_library(config: Mapping[str, Any], folder: Path) -> Library:
    """Load mem0ai and open its files.

    Args:
        config: mem0ai's own configuration, secrets resolved; what it lacks works on this machine alone.
        folder: where files go that the configuration names no place for.

    Raises:
        MemoryStoreError: the configuration is wrong, or somebody else has the folder.
        MissingDependencyError: a package is not installed; the message is the pip command.
    """
    load_mem0()
    _check_sections(config)
    provider, settings = _section(config, "vector_store", "qdrant")
    engine = engine_of(provider)
    embedder, dimensions = _embedder(config)
    settings = _completed(provider, settings, engine, folder, dimensions)
    _check_dimensions(embedder, settings.get("embedding_model_dims"))
    handed = frozenset(name for name in _CLIENTS if settings.get(name) is not None)
    lock = None
    with ExitStack() as opened:  # closed again if anything fails
        if engine.embedded(settings) and settings.get("path"):
            lock = FolderLock(Path(settings["path"]))
            lock.acquire()
            opened.callback(lock.release)
            check_writable(path for path in Path(settings["path"]).rglob("*") if path.is_file())
        try:
            memory = _memory(config, {"provider": provider, "config": settings}, folder, handed, opened)
        except RuntimeError as error:
            if _QDRANT_IN_USE in str(error):
                raise folder_in_use(settings["path"]) from None
            raise
        library = _watched(memory, embedder, engine, handed, lock)
        opened.pop_all()
    watch_forks(library)
    return library


def is_embedded(config: Mapping[str, Any]) -> bool:
    """Whether the vector store that a configuration names keeps its files in a folder, for one process."""
    provider, settings = _section(config, "vector_store", "qdrant")
    return engine_of(provider).embedded(settings)


def has_client(config: Mapping[str, Any]) -> bool:
    """Whether a configuration has a client of the user's for the vector store, whose files nobody knows."""
    return _section(config, "vector_store", "qdrant")[1].get("client") is not None


def configured_engine(config: Mapping[str, Any]) -> Engine:
    """What is known of the vector store that a configuration names."""
    return engine_of(_section(config, "vector_store", "qdrant")[0])


def _watched(memory: Any, embedder: Any, engine: Engine, handed: frozenset[str], lock: FolderLock | None) -> Library:
    import_module("mem0.utils.spacy_models")  # else it would come, with its logger, in the middle of a call
    lemmatize = import_module("mem0.utils.lemmatization").lemmatize_for_bm25
    main = import_module("mem0.memory.main")
    entities = main._entity_collection_name(memory.config.vector_store.provider, memory.collection_name)
    memory.embedding_model = WatchedEmbedder(embedder, partial(_dimensions, engine, memory.vector_store))
    memory.llm = WatchedModel(memory.llm)
    memory.db = WatchedHistory(memory.db)
    memory.vector_store = WatchedVectorStore(memory.vector_store)
    memory.vector_store.rows = rows = Rows(memory.vector_store, engine, lemmatize)
    return Library(memory, engine, rows, Eraser(memory, engine, entities), Databases(memory), handed, lock)


def _dimensions(engine: Engine, vector_store: Any) -> int | None:
    """What is stored has vectors of so many numbers; None where that cannot be told."""
    with suppress(Exception):  # a server that does not tell, for whatever reason, is only not checked
        return engine.dimensions(vector_store)
    return None


def _memory(
    config: Mapping[str, Any], vector_store: dict[str, Any], folder: Path, handed: frozenset[str], opened: ExitStack
) -> Any:
    """A `mem0.Memory` with a stand-in for the embedder, and for the language model where none is configured."""
    make_folder(folder)
    sections = {
        "history_db_path": str(folder / "history.db"),
        "llm": dict(_PLACEHOLDER),
        **config,
        "embedder": dict(_PLACEHOLDER),
        "vector_store": vector_store,
    }
    if isinstance(history := sections["history_db_path"], str | os.PathLike):
        history = Path(history).expanduser()  # SQLite takes a tilde for a name
        make_folder(history.parent)
        check_writable([history])
        sections["history_db_path"] = str(history)
    base = import_module("mem0.configs.base")
    try:
        parsed = base.MemoryConfig(**sections)
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    except ImportError as error:
        raise MissingDependencyError(f"config['vector_store'] needs a package: {error}") from error
    except ValueError as error:
        raise MemoryStoreError(f"config is not what mem0ai takes: {_reasons(error)}") from None
    main = import_module("mem0.memory.main")
    memory = main.Memory.__new__(main.Memory)  # in two steps: one that fails midway has opened files
    opened.callback(_discard, memory, handed)
    try:
        memory.__init__(parsed)
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    except ImportError as error:
        raise MissingDependencyError(f"mem0ai's provider needs a package: {error}") from error
    except RuntimeError as error:
        if _QDRANT_IN_USE in str(error):
            raise
        raise _not_set_up(config, vector_store, error) from error
    except Exception as error:
        raise _not_set_up(config, vector_store, error) from error
    return memory


def _embedder(config: Mapping[str, Any]) -> tuple[Any, int | None]:
    """The configured embedder, or the offline one, and how many dimensions its vectors have."""
    if "embedder" not in config:
        return OfflineEmbedder(), DIMENSIONS
    provider, settings = _section(config, "embedder", "openai")
    factory = import_module("mem0.utils.factory").EmbedderFactory
    try:
        embedder = factory.create(provider, settings, None)
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    except ImportError as error:
        raise MissingDependencyError(f"config['embedder'] needs a package: {error}") from error
    except Exception as error:
        raise MemoryStoreError(
            f"config['embedder'] (provider {provider!r}) could not be set up: {_reason(config, ['embedder'], error)}"
        ) from error
    return embedder, settings.get("embedding_dims") or getattr(embedder.config, "embedding_dims", None)


def _completed(
    provider: str, settings: dict[str, Any], engine: Engine, folder: Path, dimensions: int | None
) -> dict[str, Any]:
    """The vector store's settings with a folder and dimensions, where it takes them and has none."""
    if provider in _FOLDERED and engine.embedded(settings) and "path" not in settings:
        settings["path"] = str(folder / provider)
    if engine.takes_dimensions and dimensions is not None:
        settings.setdefault("embedding_model_dims", dimensions)
    return settings


def _check_dimensions(embedder: Any, configured: Any) -> None:
    """Refuse a number that cannot be right before a collection is made of it. What others make is seen when they do."""
    if isinstance(embedder, OfflineEmbedder) and isinstance(configured, int) and configured != DIMENSIONS:
        raise MemoryStoreError(
            f"config['vector_store']['config']['embedding_model_dims'] is {configured}, and the offline embedder makes "
            f"vectors of {DIMENSIONS} numbers: leave it out, or configure the embedder that it belongs to"
        )


def _check_sections(config: Mapping[str, Any]) -> None:
    known = set(import_module("mem0.configs.base").MemoryConfig.model_fields)
    if unknown := sorted(map(str, set(config) - known)):
        raise MemoryStoreError(f"config has no section {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _section(config: Mapping[str, Any], name: str, default: str) -> tuple[str, dict[str, Any]]:
    section = config.get(name) or {}
    settings = section.get("config") if isinstance(section, Mapping) else None
    if not isinstance(section, Mapping) or not isinstance(settings or {}, Mapping):
        raise MemoryStoreError(f"config[{name!r}] must be {{'provider': '...', 'config': {{...}}}}")
    return str(section.get("provider", default)), dict(settings or {})


def _not_set_up(config: Mapping[str, Any], vector_store: dict[str, Any], error: Exception) -> MemoryStoreError:
    parts = [f"config['vector_store'] (provider {vector_store['provider']!r})"]
    parts += [f"config[{name!r}]" for name in ("llm", "reranker", "history_db_path") if name in config]
    reason = _reason(config, ["llm"] if "llm" in config else [], error)
    return MemoryStoreError(f"mem0ai could not be set up from {', '.join(parts)}: {reason}")


def _reason(config: Mapping[str, Any], names: Sequence[str], error: Exception) -> str:
    """The kind of an error, the setting that nobody takes, and the keys that these sections lack: no values."""
    reason = type(error).__name__
    if isinstance(error, TypeError) and (found := re.search(r"unexpected keyword argument '(\w+)'", str(error))):
        reason += f" (there is no setting {found[1]!r})"
    for name in names:
        provider, settings = _section(config, name, "openai")
        variable = _KEYS.get(provider)
        if variable and not settings.get("api_key") and not os.environ.get(variable):
            reason += (
                f"; {variable} is not set: set it, or give config[{name!r}]['config']['api_key'] as "
                "Secret.from_env_var('...')"
            )
    return reason


def _missing(error: ModuleNotFoundError) -> MissingDependencyError:
    name = (error.name or "").partition(".")[0]
    return MissingDependencyError(f"config of Mem0 needs the module {name!r}: pip install {name}", name=name)


def _reasons(error: ValueError) -> str:
    """What pydantic says, less the values, which may be secrets."""
    details: Any = getattr(error, "errors", None)
    if details is None:
        return type(error).__name__
    reasons = (f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in details(include_input=False))
    return re.sub(r"\s*\[type=[^\n]*|\s*For further information[^\n]*", "", "; ".join(reasons)).replace("\n", " ")


def _discard(memory: Any, handed: frozenset[str]) -> None:
    """Close what a `mem0.Memory` has opened, however far it came."""
    with suppress(Exception):  # why it is given up matters more
        _close_engine(getattr(memory, "vector_store", None), handed)
    with suppress(Exception):
        memory.close()


def _close_engine(vector_store: Any, handed: frozenset[str]) -> None:
    """Close what a vector store has opened, where it can be closed, and let go of what it was handed."""
    _let_go(vector_store, handed)
    for name in _CLIENTS:
        if name in handed:
            continue
        close = getattr(getattr(vector_store, name, None), "close", None)
        if callable(close):
            close()


def _let_go(vector_store: Any, handed: frozenset[str]) -> None:
    """Take from a vector store what is the user's: some close it when they are destroyed."""
    for name in handed if vector_store is not None else ():
        setattr(vector_store, name, None)
