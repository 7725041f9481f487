"""Ids of a scope: what is refused as one, by every method that takes them, and that none may be missing."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import ScopeError
from memstore.filters import field, serialize
from memstore.testing.contract import expect
from memstore.testing.contract.harness import IDS, Harness
from memstore.testing.contract.plan import exclusive, needs

IMPOSSIBLE: Final = (
    "",
    " ",
    "\t\n",
    " a",
    "a ",
    "a\n",
    "*",
    "a\0",
    "a\ud800",
    5,
    1.5,
    True,
    b"a",
    ["a"],
    uuid.UUID(int=7),
)
"""What is no id."""


class Ids(Harness):
    """Calls without an id, or with an impossible one, are refused before anything happens."""

    def test_adding_needs_an_id(self, store: Any) -> None:
        """Adding without any id is a `ScopeError`.

        If this fails, check that at least one id is asked for; such a memory would be everybody's or nobody's.
        """
        text = self.new_id("text")
        with expect.raises(ScopeError, "adding without an id"):
            self.add(store, text)
        anyones = serialize(field("text") == text)
        expect.equal(self.texts(store, filters=anyones), [], "texts found after the refused add")

    def test_searching_needs_an_id_or_a_filter(self, store: Any) -> None:
        """A search with neither ids nor filters is a `ScopeError`; `filters={}` is no filter.

        If this fails, check that it is refused before the engine, which would return everybody's memories.
        """
        self.add(store, "mine", user_id=self.new_id())
        calls: tuple[dict[str, Any], ...] = ({}, {"filters": None}, {"filters": {}}, {"query": "mine"})
        for arguments in (*calls, {"query": "mine", "filters": {}}):
            for name in ("search_memories", "search_memories_as_single_message"):
                with expect.raises(ScopeError, f"{name} with {arguments or 'nothing'}"):
                    getattr(store, name)(**arguments)

    @exclusive  # a store that fails would empty a shared target
    def test_deleting_all_needs_an_id(self, store: Any) -> None:
        """`delete_all_memories` without any id is a `ScopeError` and deletes nothing.

        If this fails, check that it is refused before the engine, which would delete everybody's memories.
        """
        user = self.new_id()
        self.add(store, "mine", user_id=user)
        for arguments in ({}, dict.fromkeys(IDS)):
            with expect.raises(ScopeError, f"delete_all_memories with {arguments or 'nothing'}"):
                store.delete_all_memories(**arguments)
        self.settle()
        expect.equal(self.texts(store, user_id=user), ["mine"], "texts found after refused deletions")

    def test_adding_refuses_impossible_ids(self, store: Any) -> None:
        """Adding with an id that is empty, surrounded by blanks, "*" or no string is a `ScopeError`.

        If this fails, check every id that is not None, also beside a good one: an empty id must not be dropped.
        """
        good = self.new_id()
        messages = [ChatMessage.from_user("whose?")]
        self._refuses(lambda **ids: store.add_memories(messages=messages, infer=False, **ids), "adding", good)
        self.settle()
        for name in IDS:
            expect.equal(self.texts(store, **{name: good}), [], "texts found after refused adds")

    def test_searching_refuses_impossible_ids(self, store: Any) -> None:
        """A search with an id that is empty, surrounded by blanks, "*" or no string is a `ScopeError`.

        If this fails, check every id that is not None, also beside a good one: an empty id must not be dropped.
        """
        self._refuses(store.search_memories, "searching", self.new_id())
        self._refuses(store.search_memories_as_single_message, "searching for a single message", self.new_id())

    @exclusive  # a store that fails would empty a shared target
    def test_deleting_all_refuses_impossible_ids(self, store: Any) -> None:
        """`delete_all_memories` with an empty or blank id, "*" or no string is a `ScopeError` and deletes nothing.

        If this fails, check every id that is not None, also beside a good one: an empty id must not be dropped.
        """
        good = self.new_id()
        for name in IDS:
            self.add(store, name, **{name: good})
        self._refuses(store.delete_all_memories, "deleting all", good)
        self.settle()
        for name in IDS:
            expect.equal(self.texts(store, **{name: good}), [name], "texts found after refused deletions")

    def test_impossible_app_ids_are_refused(self, store: Any) -> None:
        """An `app_id` that is empty, surrounded by blanks, "*" or no string is a `ScopeError`, as other ids are.

        If this fails, check that `app_id` is looked at wherever the other ids are.
        """
        good, messages = self.new_id(), [ChatMessage.from_user("whose?")]
        self._refuses(
            lambda **ids: store.add_memories(messages=messages, infer=False, **ids), "adding", good, ["app_id"]
        )
        self._refuses(store.search_memories, "searching", good, ["app_id"])

    def test_an_empty_id_never_drops_the_scope(self, store: Any) -> None:
        """An empty or blank id beside a good one is never left out: nobody else's memory is found or deleted by it.

        If this fails, check for `if user_id:`, where `if user_id is not None:` is meant.
        """
        others = {name: self.new_id(name) for name in IDS}
        self.add(store, "another's", **others)
        wrong = []
        for name, (good, value) in product(IDS, others.items()):
            for blank in ("", " ") if name != good else ():
                ids, what = {name: blank, good: value}, f"{name}={blank!r} beside a good {good}"
                with suppress(Exception):  # that it is refused, and how, is for other tests
                    found = [*self.texts(store, **ids), *self.texts(store, query="another's", **ids)]
                    wrong += [f"a search with {what} found another's memory"] if found else []
                with suppress(Exception):
                    message = store.search_memories_as_single_message(**ids)
                    shows = "another's" in (message.text or "")
                    wrong += [f"a single message with {what} has another's memory"] if shows else []
                with suppress(Exception):
                    store.delete_all_memories(**ids)
                self.settle()
                if not self.texts(store, **others):
                    wrong.append(f"delete_all_memories with {what} deleted another's memory")
                    self.add(store, "another's", **others)
        expect.true(not wrong, f"{len(wrong)} wrong: {'; '.join(wrong[:4])}")

    @needs("list")
    def test_listing_refuses_impossible_ids(self, store: Any) -> None:
        """`list_memories` without an id, or with an impossible one, is a `ScopeError`.

        If this fails, check ids in `list_memories` as a search does.
        """
        with expect.raises(ScopeError, "listing without an id or a filter"):
            store.list_memories()
        self._refuses(store.list_memories, "listing", self.new_id())

    @needs("count")
    def test_counting_refuses_impossible_ids(self, store: Any) -> None:
        """`count_memories` without an id, or with an impossible one, is a `ScopeError`.

        If this fails, check ids in `count_memories` as a search does.
        """
        with expect.raises(ScopeError, "counting without an id or a filter"):
            store.count_memories()
        self._refuses(store.count_memories, "counting", self.new_id())

    @needs("export")
    def test_exporting_refuses_impossible_ids(self, store: Any) -> None:
        """`export_memories` with an impossible id is a `ScopeError`.

        If this fails, check ids in `export_memories` as a search does.
        """
        self._refuses(lambda **ids: store.export_memories(io.StringIO(), **ids), "exporting", self.new_id())

    @needs("expiration")
    def test_purging_refuses_impossible_ids(self, store: Any) -> None:
        """`purge_expired_memories` with an impossible id is a `ScopeError`.

        If this fails, check ids in `purge_expired_memories` as a search does.
        """
        self._refuses(store.purge_expired_memories, "purging", self.new_id())

    def _refuses(self, call: Callable[..., Any], what: str, good: str, names: Sequence[str] = IDS) -> None:
        """Every impossible id under every name is refused, alone and beside a good one."""
        for name in names:
            other = IDS[1] if name == IDS[0] else IDS[0]
            for value in IMPOSSIBLE:
                for ids in ({name: value}, {name: value, other: good}):
                    with expect.raises(ScopeError, f"{what} with {ids!r}"):
                        call(**ids)
