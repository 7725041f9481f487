"""Refusing: an operation that a store does not claim raises `UnsupportedError`, and does nothing."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import UnsupportedError
from memstore.testing.contract import expect
from memstore.testing.contract.binding import bound
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import refuses

EXPORTED: Final = {
    "text": "imported",
    "created_at": "2024-05-01T00:00:00Z",
    "updated_at": "2024-05-01T00:00:00Z",
}


class Refusing(Harness):
    """Claimed, or refused by name: there is nothing between."""

    @refuses("async")
    def test_unclaimed_async_is_refused(self, store: Any) -> None:
        """A store that does not claim `async` has no async methods, or they raise `UnsupportedError`, bound or not.

        If this fails, check whether to claim `async`, or to leave the methods out.
        """
        user, file = self.new_id(), io.StringIO()
        memory_id = self._kept(store, user)
        messages = [ChatMessage.from_user("added")]
        calls: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
            ("add_memories", None, {"messages": messages, "infer": False, "user_id": user}),
            ("search_memories", None, {"user_id": user}),
            ("search_memories_as_single_message", None, {"user_id": user}),
            ("delete_memory", None, {"memory_id": memory_id}),
            ("delete_all_memories", None, {"user_id": user}),
            ("list_memories", "list", {"user_id": user}),
            ("count_memories", "count", {"user_id": user}),
            ("wait", "wait", {"event_ids": []}),
            ("update_memory", "update", {"memory_id": memory_id, "text": "changed"}),
            ("memory_history", "history", {"memory_id": memory_id}),
            ("purge_expired_memories", "expiration", {"user_id": user}),
            ("export_memories", "export", {"file": file, "user_id": user}),
            ("import_memories", "export", {"lines": _exported(self.new_id("memory"), user)}),
        )
        for name, capability, arguments in calls:
            twin = getattr(store, f"{name}_async", None)
            if twin is None or (capability is not None and capability not in self.claims):
                continue
            self._is_refused(store, "async", f"{name}_async", _awaiting(twin), arguments)
            bound_twin = getattr(bound(store, user_id=user), f"{name}_async", None)
            if bound_twin is not None:
                self._is_refused(store, "async", f"{name}_async of a bound store", _awaiting(bound_twin), arguments)
        self._nothing_was_done(store, user)
        expect.equal(file.getvalue(), "", "what the refused export wrote")

    @refuses("list")
    def test_unclaimed_list_is_refused(self, store: Any) -> None:
        """A store that does not claim `list` refuses `list_memories`.

        If this fails, check whether to claim `list`, or to raise `UnsupportedError("list", ...)`.
        """
        self._refuses_operation(store, "list", "list_memories", user_id=self.new_id())

    @refuses("count")
    def test_unclaimed_count_is_refused(self, store: Any) -> None:
        """A store that does not claim `count` refuses `count_memories`.

        If this fails, check whether to claim `count`, or to raise `UnsupportedError("count", ...)`.
        """
        self._refuses_operation(store, "count", "count_memories", user_id=self.new_id())

    @refuses("client_ids")
    def test_unclaimed_client_ids_is_refused(self, store: Any) -> None:
        """A store that does not claim `client_ids` refuses `add_memories(ids=...)`, and adds nothing.

        If this fails, check whether to claim `client_ids`, or to raise `UnsupportedError("client_ids", ...)`.
        """
        self._refuses_keyword(store, "client_ids", ids=[self.new_id("memory")])

    @refuses("wait")
    def test_unclaimed_wait_is_refused(self, store: Any) -> None:
        """A store that does not claim `wait` refuses `wait`.

        If this fails, check whether to claim `wait`, or to raise `UnsupportedError("wait", ...)`.
        """
        self._refuses_operation(store, "wait", "wait", event_ids=[])

    @refuses("update")
    def test_unclaimed_update_is_refused(self, store: Any) -> None:
        """A store that does not claim `update` refuses `update_memory`, and the memory stays as it is.

        If this fails, check whether to claim `update`, or to raise `UnsupportedError("update", ...)`.
        """
        user = self.new_id()
        memory_id = self._kept(store, user)
        self._refuses_operation(store, "update", "update_memory", memory_id=memory_id, text="changed")
        self._nothing_was_done(store, user)

    @refuses("history")
    def test_unclaimed_history_is_refused(self, store: Any) -> None:
        """A store that does not claim `history` refuses `memory_history`.

        If this fails, check whether to claim `history`, or to raise `UnsupportedError("history", ...)`.
        """
        memory_id = self._kept(store, self.new_id())
        self._refuses_operation(store, "history", "memory_history", memory_id=memory_id)

    @refuses("expiration")
    def test_unclaimed_expiration_is_refused(self, store: Any) -> None:
        """A store that does not claim `expiration` refuses `add_memories(expires_at=...)`, and adds nothing.

        If this fails, check whether to claim `expiration`, or to raise `UnsupportedError("expiration", ...)`.
        """
        self._refuses_keyword(store, "expiration", expires_at=datetime(9000, 1, 1, tzinfo=UTC))

    @refuses("expiration")
    def test_unclaimed_purging_is_refused(self, store: Any) -> None:
        """A store that does not claim `expiration` refuses `purge_expired_memories`, and deletes nothing.

        If this fails, check whether to claim `expiration`, or to raise `UnsupportedError("expiration", ...)`.
        """
        user = self.new_id()
        self._kept(store, user)
        self._refuses_operation(store, "expiration", "purge_expired_memories", user_id=user)
        self._nothing_was_done(store, user)

    @refuses("export")
    def test_unclaimed_export_is_refused(self, store: Any) -> None:
        """A store that does not claim `export` refuses `export_memories`, and writes nothing.

        If this fails, check whether to claim `export`, or to raise `UnsupportedError("export", ...)`.
        """
        user, file = self.new_id(), io.StringIO()
        self._kept(store, user)
        self._refuses_operation(store, "export", "export_memories", file=file, user_id=user)
        expect.equal(file.getvalue(), "", "what the refused export wrote")

    @refuses("export")
    def test_unclaimed_import_is_refused(self, store: Any) -> None:
        """A store that does not claim `export` refuses `import_memories`, and adds nothing.

        If this fails, check whether to claim `export`, or to raise `UnsupportedError("export", ...)`.
        """
        user = self.new_id()
        self._kept(store, user)
        lines = _exported(self.new_id("memory"), user)
        self._refuses_operation(store, "export", "import_memories", lines=lines)
        self._nothing_was_done(store, user)

    def _refuses_operation(self, store: Any, capability: str, name: str, **arguments: Any) -> None:
        """A method is refused, and so is its async twin where there is one."""
        method, twin = getattr(store, name, None), getattr(store, f"{name}_async", None)
        if method is not None or not _is_bare(store):
            expect.true(method is not None, f"{name} is missing, where {capability!r} is refused by name")
            self._is_refused(store, capability, name, getattr(store, name), arguments)
        if twin is not None:
            self._is_refused(store, capability, f"{name}_async", _awaiting(twin), arguments)

    def _refuses_keyword(self, store: Any, capability: str, **keyword: Any) -> None:
        """A keyword of `add_memories` is refused, also by its async twin, and nothing is added."""
        user = self.new_id()
        self._kept(store, user)
        arguments = {"messages": [ChatMessage.from_user("added")], "infer": False, "user_id": user, **keyword}
        what = f"add_memories({next(iter(keyword))}=...)"
        self._is_refused(store, capability, what, store.add_memories, arguments)
        if "async" in self.claims:
            self._is_refused(store, capability, f"the async {what}", _awaiting(store.add_memories_async), arguments)
        self._nothing_was_done(store, user)

    def _is_refused(
        self, store: Any, capability: str, name: str, call: Callable[..., Any], arguments: dict[str, Any]
    ) -> None:
        refusal = f"UnsupportedError({capability!r}, ...)"
        try:
            call(**arguments)
        except UnsupportedError as error:
            expect.equal(error.capability, capability, f"the capability that the refusal of {name} names")
        except TypeError as error:
            # A store that follows only the bare protocol knows no such keyword, which says as much.
            expect.true(_is_bare(store), f"{name} is refused by a TypeError, not by {refusal}: {error}")
        except Exception as error:
            raise AssertionError(f"{name} is refused by a {type(error).__name__}, not by {refusal}: {error}") from error
        else:
            raise AssertionError(
                f"{name} was accepted, though {capability!r} is not claimed: claim it, or refuse it with {refusal}"
            )

    def _kept(self, store: Any, user: str) -> str:
        """The id of a memory that must stay as it is; made up, where the store tells none."""
        return next(iter(self.add(store, "kept", user_id=user)), self.new_id("memory"))

    def _nothing_was_done(self, store: Any, user: str) -> None:
        self.settle()
        expect.equal(self.texts(store, user_id=user), ["kept"], "texts found after the refused call")


def _exported(memory_id: str, user: str) -> list[str]:
    """The lines of an export with one memory."""
    record = {"id": memory_id, "user_id": user, **EXPORTED}
    return [json.dumps(content) + "\n" for content in ({"format": "memstore", "version": 1}, record)]


def _is_bare(store: Any) -> bool:
    """Whether a store cannot say what it offers: then a method that is absent is refused."""
    return not hasattr(store, "capabilities")


def _awaiting(twin: Callable[..., Any]) -> Callable[..., Any]:
    """An async method as one that returns."""

    async def wait(**arguments: Any) -> Any:
        return await twin(**arguments)

    return lambda **arguments: asyncio.run(wait(**arguments))
