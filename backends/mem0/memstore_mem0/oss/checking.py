"""The parts of a `mem0.Memory`, watched: what it swallows while it infers is told here.

mem0ai takes an answer that is no JSON for one that says nothing, skips what cannot be embedded, and
logs rows and histories that could not be written. These stand in its public attributes, do what the
real ones do, and keep what went wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import quote

from memstore import Memory
from memstore.errors import MemoryStoreError
from memstore.filters import matches
from memstore.json_values import check_text
from memstore_mem0.oss.payload import from_payload
from memstore_mem0.oss.rows import Rows


@dataclass
class Extraction:
    """One conversation of which facts are made.

    Attributes:
        scope_key: names the conversation in the history database.
        make: the memory of a fact, from its row's id, its text and whose it is.
        scope: one record of the conversation, for the ids that facts are looked for by.
        thinking: what the model is asked in.
        added: the facts whose rows were written.
        failures: what went wrong, in order.
    """

    scope_key: str
    make: Callable[[str, str, str | None], Memory]
    scope: Memory
    thinking: Callable[[], AbstractContextManager[None]] = nullcontext
    added: list[Memory] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def check(self) -> None:
        """Let nothing happen after a failure.

        Raises:
            Exception: the first failure.
        """
        if self.failures:
            raise self.failures[0]


_current: ContextVar[Extraction | None] = ContextVar("memstore_mem0_extraction", default=None)


@contextmanager
def extracting(extraction: Extraction | None) -> Iterator[None]:
    """Have what this thread does in the block belong to an extraction, or to none. Other threads have their own."""
    token = _current.set(extraction)
    try:
        yield
    finally:
        _current.reset(token)


class Watched:
    """Stands in for a part; what is not watched goes through."""

    def __init__(self, part: Any) -> None:
        """`part` is the real one."""
        self.part = part

    @property
    def extraction(self) -> Extraction | None:
        """The conversation of which this thread makes facts."""
        return _current.get()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)

    def _attempt(self, work: Callable[[], Any]) -> Any:
        """Do it; while facts are extracted, keep what it raises."""
        extraction = self.extraction
        if extraction is None:
            return work()
        extraction.check()
        try:
            return work()
        except Exception as error:
            extraction.failures.append(error)
            raise


class WatchedModel(Watched):
    """A language model whose answer must be what Mem0 asks for."""

    def generate_response(self, *args: Any, **kwargs: Any) -> Any:
        """See mem0's `LLMBase`."""
        return self._attempt(lambda: self._answer(args, kwargs))

    def _answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        extraction = self.extraction
        if extraction is None:
            return self.part.generate_response(*args, **kwargs)
        with extracting(None), extraction.thinking():  # a model may be a program that uses a store itself
            answer = self.part.generate_response(*args, **kwargs)
        if kwargs.get("response_format"):
            check_answer(answer)
        return answer


class WatchedEmbedder(Watched):
    """An embedder that returns a fitting vector for every text. Those of entities may fail: they only sharpen ranks."""

    def __init__(self, part: Any, stored: Callable[[], int | None] = lambda: None) -> None:
        """`stored` tells how many numbers the vectors have that are stored, or are to be; None if nobody knows."""
        super().__init__(part)
        self._stored = stored
        self._length: int | None = None

    def embed(self, text: str, memory_action: str | None = None) -> Any:
        """See mem0's `EmbeddingBase`."""
        return self._embedding(lambda: self._fitting(self.part.embed(text, memory_action)))

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = "add") -> Any:
        """See mem0's `EmbeddingBase`."""
        return self._embedding(lambda: self._counted(texts, memory_action))

    def _counted(self, texts: Sequence[str], memory_action: str | None) -> Any:
        vectors = self.part.embed_batch(list(texts), memory_action)
        if len(vectors) != len(texts):
            raise MemoryStoreError(f"the embedder returned {len(vectors)} vectors for {len(texts)} texts")
        return [self._fitting(vector) for vector in vectors]

    def _fitting(self, vector: Any) -> Any:
        if self._length is None:
            self._length = self._stored()
        if self._length is not None and len(vector) != self._length:
            raise MemoryStoreError(
                f"the embedder makes vectors of {len(vector)} numbers, and the vector store's collection has vectors "
                f"of {self._length}: use the embedder that it was made with, or another path, or another "
                "config['vector_store']['config']['collection_name']"
            )
        return vector

    def _embedding(self, work: Callable[[], Any]) -> Any:
        written = self.extraction is not None and self.extraction.added
        return work() if written else self._attempt(work)


class WatchedVectorStore(Watched):
    """A vector store that keeps to the scope of a conversation, and writes facts as memstore writes memories."""

    rows: Rows
    seen: Sequence[Any] = ()
    """What the last search returned."""
    asked = 0
    """How many it was asked for."""

    def search(self, query: str, vectors: Any, top_k: int = 5, filters: dict[str, Any] | None = None) -> Any:
        """See mem0's `VectorStoreBase`."""
        found = self._attempt(lambda: self._within(query, vectors, top_k, filters))
        self.seen, self.asked = found, top_k
        return found

    def insert(self, vectors: Any, payloads: Any = None, ids: Any = None) -> Any:
        """See mem0's `VectorStoreBase`."""
        extraction = self.extraction
        if extraction is None:
            return self.part.insert(vectors=vectors, payloads=payloads, ids=ids)
        return self._attempt(lambda: self._add_facts(extraction, vectors, payloads, ids))

    def _within(self, query: str, vectors: Any, top_k: int, filters: dict[str, Any] | None) -> Any:
        extraction = self.extraction
        if extraction is None:
            return self.part.search(query=query, vectors=vectors, top_k=top_k, filters=filters)
        scope = extraction.scope.scope.filter
        found = self.part.search(query=query, vectors=vectors, top_k=top_k, filters=self.rows.pushed(scope))
        memories = ((row, from_payload(str(row.id), row.payload or {})) for row in found)
        return [row for row, memory in memories if memory is not None and matches(scope, memory)]

    def _add_facts(self, extraction: Extraction, vectors: Any, payloads: Any, ids: Any) -> None:
        facts = []
        for row_id, payload in zip(ids, payloads, strict=True):
            check_text(payload["data"], "fact")
            facts.append(extraction.make(row_id, payload["data"], payload.get("attributed_to")))
        written = [
            self.rows.payload(fact) | {key: payload[key] for key in ("attributed_to",) if key in payload}
            for fact, payload in zip(facts, payloads, strict=True)
        ]
        extraction.added.extend(facts)  # before: what a failing insert leaves behind is deleted by these
        self.part.insert(vectors=vectors, payloads=written, ids=ids)


class WatchedHistory(Watched):
    """A history database that keeps what was said apart by all four ids; Mem0 knows three."""

    def batch_add_history(self, records: list[dict[str, Any]]) -> None:
        """See mem0's `SQLiteManager`."""
        self._attempt(lambda: self.part.batch_add_history(records))

    def add_history(self, *args: Any, **kwargs: Any) -> None:
        """See mem0's `SQLiteManager`."""
        self._attempt(lambda: self.part.add_history(*args, **kwargs))

    def get_last_messages(self, session_scope: str, limit: int = 10) -> Any:
        """See mem0's `SQLiteManager`."""
        return self._attempt(lambda: self.part.get_last_messages(self._key(session_scope), limit))

    def save_messages(self, messages: list[dict[str, Any]], session_scope: str) -> None:
        """See mem0's `SQLiteManager`."""
        self._attempt(lambda: self.part.save_messages(messages, self._key(session_scope)))

    def _key(self, session_scope: str) -> str:
        extraction = self.extraction
        return session_scope if extraction is None else extraction.scope_key


def check_answer(answer: Any) -> None:
    """Refuse what is not ``{"memory": [{"text": ...}, ...]}``, read as Mem0 reads it.

    Raises:
        MemoryStoreError: it is something else; the answer itself is not repeated.
    """
    utils: Any = import_module("mem0.memory.utils")
    text = utils.remove_code_blocks(answer)
    if not text:
        raise MemoryStoreError("the language model gave an empty answer, so nothing was added")
    try:
        said = json.loads(text, strict=False)
    except ValueError:
        try:
            said = json.loads(utils.extract_json(text), strict=False)
        except ValueError:
            raise MemoryStoreError("the language model's answer is not JSON, so nothing was added") from None
    facts = said.get("memory") if isinstance(said, dict) else None
    if not isinstance(facts, list) or not all(isinstance(fact, dict) and _is_text(fact.get("text")) for fact in facts):
        raise MemoryStoreError(
            "the language model's answer is not of the form {'memory': [{'text': ...}]}, so nothing was added"
        )


def scope_key(ids: dict[str, str]) -> str:
    """The name of a conversation in Mem0's history database, which Mem0 gives it too where no app is named."""
    return "&".join(f"{name}={_escaped(ids[name])}" for name in sorted(ids))


def stand_in(value: str) -> str:
    """An id as `mem0.Memory.add` takes it: without blanks inside."""
    return quote(value, safe="") if any(character.isspace() for character in value) else value


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace("&", "%26").replace("=", "%3D")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
