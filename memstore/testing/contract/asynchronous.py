"""Asynchronous calls: awaitable twins that run side by side, `async_mode`, and waiting."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryStoreError, MemoryTimeoutError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs, sync_only

REQUIRED: Final = (
    "add_memories",
    "search_memories",
    "search_memories_as_single_message",
    "delete_all_memories",
    "delete_memory",
)
OPTIONAL: Final = {
    "list": ("list_memories",),
    "count": ("count_memories",),
    "wait": ("wait",),
    "update": ("update_memory",),
    "history": ("memory_history",),
    "expiration": ("purge_expired_memories",),
    "export": ("export_memories", "import_memories"),
    "lifecycle": ("close",),
}
PATIENCE: Final = 60.0
"""Seconds after which something hangs."""


class Asynchronous(Harness):
    """An event loop is a good place to use a store from."""

    @needs("async")
    @sync_only
    def test_every_method_has_an_async_twin(self, store: Any) -> None:
        """Every method that the store offers has a coroutine function beside it, with the same keywords.

        If this fails, check names (`_async` behind) and signatures against `memstore.AsyncMemoryStore`.
        """
        names = [*REQUIRED, *(name for claim, some in OPTIONAL.items() if claim in self.claims for name in some)]
        problems = []
        for name in names:
            twin = getattr(store, f"{name}_async", None)
            if not inspect.iscoroutinefunction(twin):
                problems.append(f"{name}_async is {'missing' if twin is None else 'no coroutine function'}")
            elif list(inspect.signature(twin).parameters) != list(inspect.signature(getattr(store, name)).parameters):
                problems.append(f"{name}_async takes other arguments than {name}")
        expect.true(not problems, "; ".join(problems))

    @needs("async")
    @sync_only
    def test_gathered_adds_are_all_kept(self, store: Any) -> None:
        """50 memories that are added side by side on one event loop are all there, exactly once.

        If this fails, check what is shared between calls that wait: connections, buffers, transactions.
        """
        user, texts = self.new_id(), [f"note {number}" for number in range(50)]

        async def add_all() -> list[Any]:
            return list(await asyncio.gather(*(_add(store, text, user_id=user) for text in texts)))

        added = asyncio.run(add_all())
        self.settle()
        expect.equal([entry["memory"] for [entry] in added], texts, "texts of the entries, in the order of the calls")
        expect.same(self.texts(store, user_id=user), texts, "texts found after adding side by side")

    @needs("async")
    @sync_only
    def test_gathered_searches_see_whole_memories(self, store: Any) -> None:
        """Searches beside adds on one event loop find each memory once, its text with its own metadata.

        If this fails, check for text, metadata and index that are written in steps a search can come between.
        """
        user = self.new_id()

        async def add(number: int) -> list[ChatMessage]:
            await _add(store, f"note {number}", user_id=user, metadata={"n": number})
            return list(await store.search_memories_async(user_id=user, query="note" if number % 2 else None, top_k=50))

        async def both() -> list[list[ChatMessage]]:
            return await asyncio.gather(*map(add, range(25)))

        found = asyncio.run(both())
        wrong = [m for messages in found for m in messages if m.text != f"note {m.meta.get('n')}"]
        expect.true(not wrong, f"searches found text and metadata that do not belong together: {wrong[:1]}")
        twice = [Counter(message.text for message in messages).most_common(1) for messages in found if messages]
        expect.true(all(most[0][1] == 1 for most in twice), "a search found a memory twice")

    @needs("async")
    @sync_only
    def test_a_cancelled_search_does_no_harm(self, store: Any) -> None:
        """After searches were cancelled the store still adds, finds and deletes.

        If this fails, check that a cancelled call gives back its connection, its lock and its cursor.
        """
        user = self.new_id()
        self.add(store, *[f"note {number}" for number in range(50)], user_id=user)

        async def cancel() -> None:
            for turns in range(10):
                search = asyncio.ensure_future(store.search_memories_async(user_id=user, query="note"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                search.cancel()
                with suppress(asyncio.CancelledError):
                    await search
            await asyncio.wait_for(_add(store, "after", user_id=user), PATIENCE)
            found = await asyncio.wait_for(store.search_memories_async(user_id=user, query="after", top_k=1), PATIENCE)
            if "read_after_write" in self.claims:
                expect.equal([message.text for message in found], ["after"], "texts found after cancelled searches")
            await asyncio.wait_for(store.delete_all_memories_async(user_id=user), PATIENCE)

        asyncio.run(cancel())
        self.settle()
        expect.equal(self.texts(store, user_id=user), [], "texts found after deleting all")

    @needs("async")
    @sync_only
    def test_async_failures_are_raised_when_awaited(self, store: Any) -> None:
        """What a call refuses is raised by its async twin when it is awaited, as the same kind of error.

        If this fails, check that the twin checks what the other method checks.
        """

        async def ask(name: str, *args: Any, **kwargs: Any) -> None:
            await getattr(store, f"{name}_async")(*args, **kwargs)

        for name, args, kwargs in (
            ("search_memories", (), {}),
            ("search_memories", (), {"user_id": "x", "top_k": 0}),
            ("delete_memory", (self.new_id("memory"),), {}),
        ):
            expected = _raised(lambda name=name, a=args, k=kwargs: getattr(store, name)(*a, **k))  # type: ignore[misc]  # mypy infers no lambda with defaults
            got = _raised(lambda name=name, a=args, k=kwargs: asyncio.run(ask(name, *a, **k)))  # type: ignore[misc]  # mypy infers no lambda with defaults
            expect.equal(got, expected, f"what {name}_async raises, compared with {name}")

    # async_mode and waiting.

    def test_async_mode_tells_what_is_pending(self, store: Any) -> None:
        """`async_mode=True` returns either the entries, or one entry with an `event_id` and None for the rest.

        If this fails, check that nothing pending is shown as saved, and that one call makes one event.
        """
        messages = [ChatMessage.from_user("one"), ChatMessage.from_user("two")]
        added = store.add_memories(messages=messages, infer=False, user_id=self.new_id(), async_mode=True)
        expect.true(isinstance(added, list), f"add_memories returned a {type(added).__name__}, not a list")
        if any(entry.get("event_id") for entry in added):
            [event, *more] = added
            expect.true(not more, f"{len(added)} entries where an add is pending, not one")
            told = {key: event.get(key, "missing") for key in ("memory_id", "memory")}
            expect.equal(told, {"memory_id": None, "memory": None}, "the pending entry")
            expect.true(isinstance(event["event_id"], str), "event_id is a string")
        else:
            expect.equal([entry.get("memory") for entry in added], ["one", "two"], "texts of the entries")
            expect.true(all(entry.get("memory_id") for entry in added), "an entry that is done has a memory_id")

    @needs("wait")
    def test_waiting_brings_what_was_added(self, store: Any) -> None:
        """`wait` returns the entries of what was added with `async_mode=True`, which can be found then.

        If this fails, check that `wait` returns only when searches see the memories, not when they are queued.
        """
        user, messages = self.new_id(), [ChatMessage.from_user("one"), ChatMessage.from_user("two")]
        added = store.add_memories(messages=messages, infer=False, user_id=user, async_mode=True)
        events = [entry["event_id"] for entry in added if entry.get("event_id")]
        done = [*(entry for entry in added if entry.get("memory_id")), *store.wait(events, timeout=PATIENCE)]
        expect.equal([entry["memory"] for entry in done], ["one", "two"], "texts of the entries after waiting")
        found = self.search(store, user_id=user, include_memory_metadata=True)
        ids = [message.meta["memory_metadata"]["memory_id"] for message in found]
        expect.same(ids, [entry["memory_id"] for entry in done], "ids found after waiting")

    @needs("wait")
    def test_waiting_may_time_out(self, store: Any) -> None:
        """`wait` with no time left returns what is done, or raises `MemoryTimeoutError`; waiting again is safe.

        If this fails, check that the add goes on when a wait for it gives up.
        """
        messages = [ChatMessage.from_user("one")]
        added = store.add_memories(messages=messages, infer=False, user_id=self.new_id(), async_mode=True)
        events = [entry["event_id"] for entry in added if entry.get("event_id")]
        try:
            waited = store.wait(events, timeout=0)
        except MemoryTimeoutError:
            waited = store.wait(events, timeout=PATIENCE)
        expect.equal([entry["memory"] for entry in waited], ["one"] * len(events), "texts of what was waited for")

    @needs("wait")
    def test_waiting_for_nothing_returns_at_once(self, store: Any) -> None:
        """`wait([])` returns an empty list, also while something is pending.

        If this fails, check that no events do not mean all of them.
        """
        messages = [ChatMessage.from_user("pending")]
        store.add_memories(messages=messages, infer=False, user_id=self.new_id(), async_mode=True)
        expect.equal(store.wait([]), [], "result of waiting for no events")
        expect.equal(store.wait([], timeout=0), [], "result of waiting for no events, with no time left")

    @needs("wait")
    def test_waiting_for_an_unknown_event_says_so(self, store: Any) -> None:
        """`wait` for an event that there is not is a `MemoryStoreError`, soon.

        If this fails, check that an unknown event is not taken for a pending one, or a finished one.
        """
        with expect.raises(MemoryStoreError, "waiting for an unknown event", lambda e: not isinstance(e, TimeoutError)):
            store.wait([self.new_id("event")], timeout=PATIENCE)

    @needs("wait")
    def test_waiting_refuses_malformed_events(self, store: Any) -> None:
        """Event ids that are no list of strings are a `TypeError` or `ValueError`.

        If this fails, check for a string taken for a list of letters.
        """
        for malformed in ("event", None, 5):
            with expect.raises((TypeError, ValueError), f"waiting for {malformed!r}"):
                store.wait(malformed, timeout=PATIENCE)

    @needs("read_after_write")
    @sync_only
    def test_what_was_added_is_found_at_once(self, store: Any) -> None:
        """When a call with `async_mode=False` returns, both a listing and a query find the memory.

        If this fails, check for indexes that are refreshed in the background.
        """
        user = self.new_id()
        for number in range(5):
            text = f"walnut {number}"
            store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, user_id=user, async_mode=False)
            expect.equal(len(self.texts(store, user_id=user)), number + 1, "memories found right after adding")
            ranked = self.texts(store, user_id=user, query="walnut", top_k=50)
            expect.equal(len(ranked), number + 1, "memories found by a query right after adding")


async def _add(store: Any, text: str, **arguments: Any) -> list[Any]:
    added: list[Any] = await store.add_memories_async(messages=[ChatMessage.from_user(text)], infer=False, **arguments)
    return added


def _raised(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001  # its kind is compared
        return type(error).__name__
    return "nothing"
