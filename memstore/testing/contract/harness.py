"""What the author of a store gives, and what the tests of the contract share."""

from __future__ import annotations

import inspect
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Final

import pytest
from haystack.dataclasses import ChatMessage
from hypothesis import HealthCheck, Phase, settings

from memstore.testing.contract import expect
from memstore.testing.contract.plan import ExpectedFailure
from memstore.testing.reachable import reachable_bytes

_MOMENT: Final = 0.05
"""Seconds after which every clock tells another time."""


IDS: Final = ("user_id", "run_id", "agent_id")
"""The ids of the seed API; `app_id` came later and has tests of its own, for the stores that lack it."""


class Harness:
    """The hooks that an author overrides, and helpers that read like what they do.

    Every test opens one store by `new_store` and uses ids that nobody used before, so that shared
    and remote targets can be judged too.
    """

    claims: ClassVar[Collection[str]]
    """The capabilities that the store promises, compared with its own `capabilities`."""

    expected_failures: ClassVar[Mapping[str, ExpectedFailure]] = {}
    """Tests that the store is known to fail, by name."""

    exclusive: ClassVar[bool] = True
    """False for a shared or remote target: tests that need an empty store are left out, and it is said."""

    store: Any
    """The store of the running test, as `new_store` opened it."""

    def new_store(self) -> AbstractContextManager[Any]:
        """Open a store, empty unless the target is shared; close it at the end. The one required hook."""
        raise NotImplementedError(f"{type(self).__name__}.new_store: override it with a context manager of a store")

    @contextmanager
    def reopen(self) -> Iterator[Any]:
        """Open the store again after it was closed; the default loads its configuration."""
        store = type(self.store).from_dict(self.store.to_dict())
        try:
            yield store
        finally:
            getattr(store, "close", bool)()

    def settle(self) -> None:
        """Wait until what was written can be read; for stores that do not promise ``read_after_write``."""

    def elapse(self, seconds: float) -> None:
        """Let time pass; a store with a `ManualClock` advances it instead of waiting."""
        time.sleep(seconds)

    def raw_dump(self) -> bytes:
        """Every byte that the store keeps: of its files, tables, indexes and histories.

        The default takes what can be reached from the store in this process, which is all there is
        of a store that is not durable. A durable one that claims ``erasure`` overrides it.
        """
        if "durable" in self.claims:
            raise AssertionError("erasure of a durable store is proven on its bytes: override raw_dump()")
        return reachable_bytes(self.store)

    def secrets(self) -> Sequence[str]:
        """Keys and passwords that the store was given; they must not show anywhere."""
        return ()

    @pytest.fixture(name="store")
    def _opened_store(self) -> Iterator[Any]:
        with self.new_store() as store:
            self.store = store
            yield store

    # Helpers of the tests.

    def new_id(self, prefix: str = "user") -> str:
        """An id that no memory has."""
        return f"{prefix}-{uuid.uuid4()}"

    def examples(self, share: float = 1.0) -> settings:
        """Hypothesis's settings for one test: the loaded profile, `share` of its examples."""
        return settings(
            max_examples=max(1, int(settings.default.max_examples * share)),  # type: ignore[union-attr]  # a profile is loaded
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[phase for phase in Phase if phase is not Phase.explain],
            print_blob=False,
        )

    def add(self, store: Any, *texts: str, **arguments: Any) -> list[str]:
        """Add user messages word for word; the ids of the memories, where the store tells."""
        return self.add_messages(store, [ChatMessage.from_user(text) for text in texts], **arguments)

    def add_messages(self, store: Any, messages: Sequence[ChatMessage], **arguments: Any) -> list[str]:
        """Add messages word for word; the ids of the memories, where the store tells."""
        added = store.add_memories(messages=messages, infer=False, **arguments)
        self.settle()
        entries = added if isinstance(added, list) else []
        return [entry["memory_id"] for entry in entries if isinstance(entry, dict) and entry.get("memory_id")]

    def add_one(self, store: Any, text: str, **arguments: Any) -> str:
        """Add one message; the id of its memory, which must be told."""
        return self.add_each(store, text, **arguments)[0]

    def add_each(self, store: Any, *texts: str, **arguments: Any) -> list[str]:
        """Add user messages; the ids of their memories, which must be told."""
        return self.all_told(self.add(store, *texts, **arguments), len(texts))

    def all_told(self, ids: list[str], number: int) -> list[str]:
        """The ids that `add_memories` told, of as many memories as were added."""
        expect.true(ids, 'add_memories told no id for what it added: an entry {"memory_id", "memory"} for each memory')
        expect.equal(len(ids), number, "number of ids that add_memories returned")
        return ids

    def ids_of(self, store: Any) -> tuple[str, ...]:
        """Which of `IDS` the store's `add_memories` takes; that it takes all is a test of its own."""
        parameters = inspect.signature(store.add_memories).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        return tuple(name for name in IDS if takes_any or name in parameters)

    def second_id(self, store: Any) -> str:
        """An id that the store takes beside `user_id`: `run_id`, unless it takes only `agent_id`."""
        return "agent_id" if "run_id" not in self.ids_of(store) and "agent_id" in self.ids_of(store) else "run_id"

    def later(self) -> None:
        """Let time pass where `created_at` alone tells which memory came first: a store with ids of its own."""
        if "client_ids" not in self.claims:
            self.elapse(_MOMENT)

    def in_order(self, found: Sequence[str | None], *batches: Sequence[str], what: str) -> None:
        """Fail unless the texts come batch after batch.

        Within a batch they come as they were added where `client_ids` is claimed, since ids made here
        rise; a store that makes ids itself promises no order of memories with one `created_at`.
        """
        rest = list(found)
        if "client_ids" not in self.claims:
            for batch in batches:
                place = {text: number for number, text in enumerate(batch)}
                part = rest[: len(batch)]
                rest = [*rest[len(batch) :], *sorted(part, key=lambda text: place.get(text or "", len(place)))]
        expect.equal(rest, [text for batch in batches for text in batch], what)

    def add_records(self, store: Any, metadata: Sequence[Mapping[str, Any]], **scope: Any) -> list[str]:
        """Add a memory for each metadata, with texts that all have the word "note"; the texts."""
        texts = [f"note {number}" for number in range(len(metadata))]
        for text, meta in zip(texts, metadata, strict=True):
            store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, metadata=dict(meta), **scope)
        self.settle()
        return texts

    def search(self, store: Any, **arguments: Any) -> list[ChatMessage]:
        """What a search returns, which must be a list of chat messages."""
        found = store.search_memories(**arguments)
        expect.true(isinstance(found, list), f"search_memories returned a {type(found).__name__}, not a list")
        strange = [type(message).__name__ for message in found if not isinstance(message, ChatMessage)]
        expect.true(not strange, f"search_memories returned {strange[:1]}, not chat messages")
        return list(found)

    def texts(self, store: Any, **arguments: Any) -> list[str | None]:
        """The texts that a search returns."""
        return [message.text for message in self.search(store, **arguments)]

    def own_fields(self, store: Any, **arguments: Any) -> list[dict[str, Any]]:
        """The ``memory_metadata`` of what a search returns."""
        found = self.search(store, include_memory_metadata=True, **arguments)
        fields = [message.meta.get("memory_metadata") for message in found]
        expect.true(
            all(isinstance(own, dict) for own in fields),
            "include_memory_metadata=True: meta['memory_metadata'] is missing",
        )
        return [own for own in fields if isinstance(own, dict)]

    def found_ids(self, store: Any, **arguments: Any) -> list[str]:
        """The ids of the memories that a search returns."""
        return [own["memory_id"] for own in self.own_fields(store, **arguments)]
