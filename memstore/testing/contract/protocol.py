"""The protocol itself: methods, keywords, claims, configuration, secrets, and the end of a store's life."""

from __future__ import annotations

import inspect
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from haystack import Pipeline
from haystack.dataclasses import ChatMessage
from haystack.tracing.tracer import enable_tracing, tracer

from memstore.errors import StoreClosedError
from memstore.filters import FilterError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.holder import StoreHolder
from memstore.testing.contract.plan import needs, sync_only
from memstore.testing.contract.spying import Spy

_IDS: Final = ("user_id", "run_id", "agent_id", "app_id")
_KEYWORDS: Final = {
    "add_memories": ("messages", "infer", "async_mode", "metadata", *_IDS),
    "search_memories": ("query", "filters", "top_k", "include_memory_metadata", *_IDS),
    "search_memories_as_single_message": ("query", "filters", "top_k", *_IDS),
    "delete_all_memories": _IDS,
}
_SECRET_WORDS: Final = frozenset(
    {"apikey", "token", "secret", "password", "passwd", "pwd", "credential", "credentials"}
)
_NO_SECRETS: Final = frozenset({"file", "path", "dir", "url", "name", "field", "limit"})
_SHORTEST_SECRET: Final = 8


class Protocol(Harness):
    """Everything about a store but its memories."""

    @sync_only
    def test_has_the_required_methods(self, store: Any) -> None:
        """A store has the methods of the protocol, which take their arguments by keyword only.

        If this fails, check the signatures against `memstore.MemoryStore`.
        """
        missing = [name for name in (*_KEYWORDS, "delete_memory", "to_dict", "from_dict") if not hasattr(store, name)]
        expect.true(not missing, f"methods that are missing: {', '.join(missing)}")
        problems = [
            problem for name, keywords in _KEYWORDS.items() for problem in _signature_problems(store, name, keywords)
        ]
        expect.true(not problems, "; ".join(problems))

    @sync_only
    def test_claims_are_the_stores_own_capabilities(self, store: Any) -> None:
        """What is claimed for a store is what the store itself says.

        If this fails, check `capabilities` on the store's instance, and `claims` of the contract class.
        """
        own = getattr(store, "capabilities", None)
        if own is None:  # a store that follows the bare protocol cannot say: the class speaks for it
            return
        expect.same(own, self.claims, "capabilities of the store, compared with the claims")

    @sync_only
    def test_configuration_survives_json(self, store: Any) -> None:
        """`to_dict` is plain JSON, and `from_dict` makes a store of the same configuration of it.

        If this fails, check that every constructor parameter is in `to_dict`, and that secrets are Haystack
        `Secret`s, which are written as the names of environment variables.
        """
        data = store.to_dict()
        text = json.dumps(data)
        expect.true(isinstance(data.get("type"), str), "to_dict: 'type' is the full name of the class")
        again = type(store).from_dict(json.loads(text))
        try:
            expect.true(type(again) is type(store), f"from_dict returned a {type(again).__name__}")
            expect.equal(again.to_dict(), json.loads(text), "to_dict of what from_dict made")
        finally:
            getattr(again, "close", bool)()

    @sync_only
    def test_configuration_has_every_parameter(self, store: Any) -> None:
        """What a store was made with and keeps as plain data is in `to_dict`, unless it is the default.

        If this fails, check `to_dict` for constructor parameters that were added later.
        """
        written = store.to_dict().get("init_parameters", {})
        forgotten = []
        for name, parameter in inspect.signature(type(store).__init__).parameters.items():
            value = getattr(store, name, getattr(store, f"_{name}", None))
            plain = isinstance(value, str | int | float | bool | list | dict)
            if plain and value != parameter.default and name not in written:
                forgotten.append(name)
        expect.equal(forgotten, [], "constructor parameters that are not in to_dict")

    @sync_only
    def test_configuration_survives_a_pipeline(self, store: Any) -> None:
        """A store inside a Haystack component comes back from a pipeline's YAML.

        If this fails, check that `type` in `to_dict` is the class's importable name.
        """
        pipeline = Pipeline()
        pipeline.add_component("holder", StoreHolder(store))
        package = type(store).__module__.partition(".")[0]
        again = Pipeline.loads(pipeline.dumps(), allowed_modules=["memstore", package])
        loaded = again.get_component("holder").store  # type: ignore[attr-defined]  # it is the holder
        try:
            expect.equal(loaded.to_dict(), store.to_dict(), "to_dict of the store in the loaded pipeline")
        finally:
            getattr(loaded, "close", bool)()

    @sync_only
    def test_no_secret_shows(self, store: Any) -> None:
        """No key and no password is in `to_dict`, `repr` or `str`.

        If this fails, check that secrets are kept as Haystack `Secret`s and left out of `__repr__`.
        """
        data = store.to_dict()
        plain = sorted(_plain_secrets(data))
        expect.true(not plain, f"to_dict holds what looks like plain secrets: {', '.join(plain)}")
        visible = f"{json.dumps(data)} {store!r} {store}"
        leaked = sum(secret in visible for secret in (*self.secrets(), *_secrets_of_the_environment()))
        expect.equal(leaked, 0, "secrets that show in to_dict, repr or str")

    def test_texts_stay_private(self, store: Any) -> None:
        """Texts, queries, metadata and secrets never appear in logs, traces, errors or `repr`.

        If this fails, check what the store and its client log at debug level, and what wrapped exceptions quote.
        """
        user, sentinel = self.new_id(), self.new_id("sentinel")
        errors: list[str] = []
        with _spied() as spy:
            self.add(store, f"the {sentinel} text", user_id=user, metadata={"note": sentinel})
            self.texts(store, user_id=user, query=sentinel)
            self.texts(store, filters={"field": "note", "operator": "==", "value": sentinel})
            for call in (
                lambda: self.texts(store, filters={"field": "note", "operator": "<", "value": sentinel}),
                lambda: self.add(store, sentinel, user_id=user, metadata={"note": {sentinel, 1}}),
                lambda: self.add(store, f"{sentinel}\0", user_id=user),
                lambda: self.texts(store, user_id=user, query=sentinel, top_k=0),
            ):
                errors.extend(_what_it_says(call))
            seen = [*spy.records, *errors, repr(store)]
        private = (sentinel, *self.secrets())
        for hidden in private:
            for text in seen:
                expect.true(hidden not in text, f"private text shows: {_without(private, text)[:200]}")

    @needs("lifecycle")
    @sync_only
    def test_closing_twice_is_harmless(self, store: Any) -> None:
        """`warm_up` and `close` may be called again.

        If this fails, check that `close` remembers that it has released everything.
        """
        store.warm_up()
        store.warm_up()
        store.close()
        store.close()

    @needs("lifecycle")
    def test_a_closed_store_says_so(self, store: Any) -> None:
        """After `close` every call raises `StoreClosedError`, and none returns an empty result.

        If this fails, check that each method looks whether the store is closed before anything else.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "remember me", user_id=user)
        store.close()
        message = [ChatMessage.from_user("too late")]
        for name, arguments in (
            ("add_memories", {"messages": message, "infer": False, "user_id": user}),
            ("search_memories", {"user_id": user}),
            ("search_memories_as_single_message", {"user_id": user}),
            ("delete_memory", {"memory_id": memory_id}),
            ("delete_all_memories", {"user_id": user}),
        ):
            with expect.raises(StoreClosedError, f"{name} of a closed store"):
                getattr(store, name)(**arguments)

    @needs("lifecycle")
    @sync_only
    def test_a_context_closes_the_store(self, store: Any) -> None:
        """Leaving a `with` block closes the store, also when the block raises.

        If this fails, check `__enter__` and `__exit__`: exceptions must pass through.
        """
        with expect.raises(ZeroDivisionError, "an exception inside of a with block"), store as entered:
            expect.true(entered is store, "__enter__ returns the store")
            raise ZeroDivisionError
        with expect.raises(StoreClosedError, "a search after the with block"):
            store.search_memories(user_id=self.new_id())


def _signature_problems(store: Any, name: str, keywords: tuple[str, ...]) -> Iterator[str]:
    parameters = inspect.signature(getattr(store, name)).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    missing = [keyword for keyword in keywords if keyword not in parameters and not takes_any]
    if missing:
        yield f"{name} does not take {', '.join(missing)}"
    positional = [
        keyword
        for keyword in keywords
        if keyword in parameters and parameters[keyword].kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    if positional:
        yield f"{name} takes {', '.join(positional)} without a keyword"


def _without(private: tuple[str, ...], text: str) -> str:
    for hidden in private:
        text = text.replace(hidden, "<PRIVATE>")
    return text


def _plain_secrets(data: Any, name: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _plain_secrets(value, str(key))
    elif isinstance(data, list):
        for value in data:
            yield from _plain_secrets(value, name)
    elif isinstance(data, str) and data and _is_secret(name):
        yield name


def _is_secret(name: str) -> bool:
    """Whether a name is that of a secret itself: ``api_key`` and ``password``, not ``tokenizer`` or ``token_file``."""
    words = name.lower().split("_")
    return not _NO_SECRETS.intersection(words) and (words[-1] in _SECRET_WORDS or name.lower().endswith("api_key"))


def _secrets_of_the_environment() -> list[str]:
    return [value for name, value in os.environ.items() if len(value) >= _SHORTEST_SECRET and _is_secret(name)]


def _what_it_says(call: Any) -> Iterator[str]:
    """The text of what a call raises, and of its causes that a traceback would show."""
    try:
        call()
    except (FilterError, ValueError, TypeError, RuntimeError) as raised:
        error: BaseException | None = raised
        while error is not None:
            yield f"{error} {error!r}"
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@contextmanager
def _spied() -> Iterator[Spy]:
    """Everything that is logged or traced, down to debug level."""
    spy, root = Spy(), logging.getLogger()
    level, before = root.level, tracer.actual_tracer
    root.addHandler(spy)
    root.setLevel(logging.DEBUG)
    enable_tracing(spy.tracer)
    try:
        yield spy
    finally:
        enable_tracing(before)
        root.setLevel(level)
        root.removeHandler(spy)
