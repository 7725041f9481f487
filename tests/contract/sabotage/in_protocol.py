"""Bugs in everything about a store but its memories."""

from __future__ import annotations

import logging
from pathlib import Path

from contract.references import DurableReference, InMemoryReference
from contract.sabotage.registry import sabotage
from contract.sqlite_store import SQLiteReference
from haystack import tracing
from haystack.core.errors import DeserializationError
from haystack.core.serialization import default_to_dict
from haystack.utils import Secret

from memstore import InvalidMemoryError, StoreClosedError
from memstore_in_memory import InMemoryMemoryStore

logger = logging.getLogger(__name__)

KEY = "m0-open-sesame-1234"


class Keyed(InMemoryMemoryStore):
    """The in-memory store with a key, as a hosted one has it."""

    key = Secret.from_token(KEY)


class KeyedReference(InMemoryReference):
    """A store that was given a key."""

    store_type = Keyed

    def secrets(self):
        return (KEY,)


@sabotage(
    caught_by="test_has_the_required_methods",
    source="mem0ai: Memory.add(messages, user_id=...), handed on as it is",
)
class ArgumentsByPosition(InMemoryMemoryStore):
    """Takes messages and a user without keywords."""

    def add_memories(self, messages, user_id=None, **arguments):
        return super().add_memories(messages=messages, user_id=user_id, **arguments)


@sabotage(
    caught_by="test_has_the_required_methods",
    source="mem0.md: Mem0 OSS has no app_id",
)
class NoAppId(InMemoryMemoryStore):
    """Knows no `app_id` in a search."""

    def search_memories(
        self,
        *,
        query=None,
        filters=None,
        top_k=5,
        user_id=None,
        run_id=None,
        agent_id=None,
        include_memory_metadata=False,
    ):
        ids = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id}
        extra = {"top_k": top_k, "include_memory_metadata": include_memory_metadata}
        return super().search_memories(query=query, filters=filters, **ids, **extra)


@sabotage(
    caught_by="test_claims_are_the_stores_own_capabilities",
    source="writing a SQL backend: `durable` copied from the example, on :memory:",
)
class ClaimsMore(InMemoryMemoryStore):
    """Says of itself that it is durable."""

    capabilities = InMemoryMemoryStore.capabilities | {"durable"}


@sabotage(
    caught_by="test_claims_are_the_stores_own_capabilities",
    source="writing an HTTP backend: capabilities found out at run time, by a server of an older version",
)
class ClaimsLess(InMemoryMemoryStore):
    """Says of itself, once it is open, that it cannot count."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.capabilities = type(self).capabilities - {"count"}


@sabotage(
    caught_by="test_configuration_survives_json",
    source="writing a SQL backend: a parameter that to_dict does not name",
    reference=DurableReference,
    raises=TypeError,
)
class PathForgotten(SQLiteReference):
    """Leaves its path out of its configuration."""

    def to_dict(self):
        return default_to_dict(self)


@sabotage(
    caught_by="test_configuration_survives_json",
    source="writing a SQL backend: pathlib.Path in to_dict",
    reference=DurableReference,
    raises=TypeError,
)
class PathIsNoJSON(SQLiteReference):
    """Writes its path as an object."""

    def to_dict(self):
        return default_to_dict(self, path=Path(self.path))


@sabotage(
    caught_by="test_configuration_survives_json",
    source="writing an HTTP backend: f'{url}/', in the constructor",
    reference=DurableReference,
)
class AddressGrows(SQLiteReference):
    """Adds a slash to its address whenever it is loaded."""

    def __init__(self, path, clock=None):
        super().__init__(path, clock)
        self.address = f"{path}/"

    def to_dict(self):
        return default_to_dict(self, path=self.address)


@sabotage(
    caught_by="test_configuration_has_every_parameter",
    source="writing an HTTP backend: a timeout that was added to the constructor in a later version",
)
class TimeoutForgotten(InMemoryMemoryStore):
    """Leaves a timeout out of its configuration."""

    def __init__(self, *, timeout=30, **arguments):
        super().__init__(**arguments)
        self.timeout = timeout + 30


@sabotage(
    caught_by="test_configuration_survives_a_pipeline",
    source="writing a backend: __name__ for the full name of the class",
    raises=DeserializationError,
)
class TypeWithoutItsModule(InMemoryMemoryStore):
    """Writes the name of its class without that of the module."""

    def to_dict(self):
        return {"type": "memories.TypeWithoutItsModule", "init_parameters": {}}

    @classmethod
    def from_dict(cls, data):
        return cls(**data["init_parameters"])


@sabotage(
    caught_by="test_no_secret_shows",
    source="writing an HTTP backend: api_key: str, where Haystack has Secret",
)
class KeyInConfiguration(Keyed):
    """Writes its key into its configuration."""

    def to_dict(self):
        return default_to_dict(self, api_key=self.key.resolve_value())


@sabotage(
    caught_by="test_no_secret_shows",
    source="SQLAlchemy: a database URL with its password",
    reference=KeyedReference,
)
class KeyInAddress(Keyed):
    """Writes its key into its configuration as part of an address."""

    def to_dict(self):
        return default_to_dict(self, url=f"https://:{self.key.resolve_value()}@memories.example")


@sabotage(
    caught_by="test_no_secret_shows",
    source="writing a backend: a dataclass, whose repr shows every field",
    reference=KeyedReference,
)
class KeyInRepr(Keyed):
    """Shows its key when it is printed."""

    def __repr__(self):
        return f"KeyInRepr(api_key={self.key.resolve_value()!r})"


@sabotage(
    caught_by="test_texts_stay_private",
    source="httpx logs requests, and clients their headers, at debug level",
    reference=KeyedReference,
)
class KeyInLogs(Keyed):
    """Logs the headers of its requests."""

    def search_memories(self, **arguments):
        logger.debug("POST /search", extra={"headers": {"Authorization": f"Token {self.key.resolve_value()}"}})
        return super().search_memories(**arguments)


@sabotage(
    caught_by="test_texts_stay_private",
    source="writing a backend: logger.debug of a call's arguments",
)
class QueriesInLogs(InMemoryMemoryStore):
    """Logs what is searched for."""

    def search_memories(self, *, query=None, **arguments):
        logger.debug("searching for %s", query)
        return super().search_memories(query=query, **arguments)


@sabotage(
    caught_by="test_texts_stay_private",
    source="SQLAlchemy: errors end in [parameters: ...] unless hide_parameters is set",
)
class TextsInErrors(InMemoryMemoryStore):
    """Quotes the text that it could not store."""

    def add_memories(self, *, messages, **arguments):
        try:
            return super().add_memories(messages=messages, **arguments)
        except InvalidMemoryError as error:
            raise InvalidMemoryError(f"{error} [parameters: {[m.text for m in messages]}]") from None


@sabotage(
    caught_by="test_texts_stay_private",
    source="OpenTelemetry: db.query.text of instrumented engines",
)
class QueriesInTraces(InMemoryMemoryStore):
    """Tags its traces with what is searched for."""

    def search_memories(self, *, query=None, **arguments):
        with tracing.tracer.trace("engine.search", tags={"db.query.text": query}):
            return super().search_memories(query=query, **arguments)


@sabotage(
    caught_by="test_closing_twice_is_harmless",
    source="writing a SQL backend: a connection that is closed cannot be closed",
    raises=StoreClosedError,
)
class ClosesOnce(InMemoryMemoryStore):
    """Raises when it is closed again."""

    def close(self):
        self._check_usable()
        super().close()


@sabotage(
    caught_by="test_a_closed_store_says_so",
    source="mem0ai/mem0#5903: a failure that looks empty",
)
class ClosedIsEmpty(InMemoryMemoryStore):
    """Finds nothing once it is closed."""

    def search_memories(self, **arguments):
        return [] if self._closed else super().search_memories(**arguments)


@sabotage(
    caught_by="test_a_closed_store_says_so",
    source="writing a backend: nothing to do, so nothing is looked at",
)
class DeletingWhenClosedIsDone(InMemoryMemoryStore):
    """Returns from deleting everything of somebody as if it had, once it is closed."""

    def delete_all_memories(self, **arguments):
        if not self._closed:
            super().delete_all_memories(**arguments)


@sabotage(
    caught_by="test_a_context_closes_the_store",
    source="Python: __exit__ returns what close() said, and True swallows",
)
class ExceptionsSwallowed(InMemoryMemoryStore):
    """Swallows what a `with` block raises."""

    def __exit__(self, *exception):
        super().__exit__(*exception)
        return True


@sabotage(
    caught_by="test_a_context_closes_the_store",
    source="sqlite3: the end of a connection's with block commits, and closes nothing",
)
class BlockLeavesItOpen(InMemoryMemoryStore):
    """Stays open behind a `with` block."""

    def __exit__(self, *exception):
        pass


@sabotage(
    caught_by="test_a_context_closes_the_store",
    source="writing a SQL backend: __enter__ hands out the connection",
)
class EntersAnother(InMemoryMemoryStore):
    """Hands another object with the same memories to a `with` block."""

    def __enter__(self):
        handle = object.__new__(type(self))
        handle.__dict__ = self.__dict__
        return handle
