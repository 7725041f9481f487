"""Concurrency: threads and processes that use one store at a time lose nothing and see nothing half-done."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryConflictError, MemoryNotFoundError
from memstore.testing.contract import expect
from memstore.testing.contract.children import Child, children
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs, sync_only

THREADS: Final = 16
ADDS: Final = 200
TURN: Final = 11
"""After how many calls and returns a thread lets others run; odd, so that it is not always at the same place."""
TURNS_END: Final = 1.0
"""Seconds after which it no longer does, for stores that do much in Python."""


class Concurrency(Harness):
    """One store, many callers; their async twins are in `asynchronous`."""

    @sync_only
    def test_concurrent_adds_are_all_kept(self, store: Any) -> None:
        """200 memories that 16 threads add are all there, exactly once.

        If this fails, check for a read, a change and a write that are not one step, and for lost connections.
        """
        user = self.new_id()
        self._add_from_threads(store, user)
        texts = [f"note {number}" for number in range(ADDS)]
        expect.same(self.texts(store, user_id=user), texts, "texts found after concurrent adds")

    @sync_only
    def test_concurrent_adds_have_different_ids(self, store: Any) -> None:
        """Memories that threads add at the same time have different ids, each the one that finds its text.

        If this fails, check how ids are made, and whether one call can get another one's answer.
        """
        user = self.new_id()
        told = [entry for added in self._add_from_threads(store, user) for entry in added]
        found = self.search(store, user_id=user, include_memory_metadata=True)
        expect.equal(
            len({own["memory_id"] for own in self.own_fields(store, user_id=user)}), len(found), "different ids"
        )
        expect.same(
            [(entry["memory_id"], entry["memory"]) for entry in told],
            [(message.meta["memory_metadata"]["memory_id"], message.text) for message in found],
            "ids and texts found, compared with those that adding returned",
        )

    @sync_only
    def test_readers_see_whole_memories(self, store: Any) -> None:
        """While threads add, others read without an error: each memory once, its text with its own metadata.

        If this fails, check for text, metadata and index that are written in steps a reader can come between.
        """
        user, done = self.new_id(), threading.Event()
        problems: list[str] = []

        def write(number: int) -> None:
            for part in range(10):
                name = f"{number}-{part}"
                self.add(store, f"note {name}", user_id=user, metadata={"name": name})

        def read(query: str | None) -> None:
            last = False
            while not last:
                last = done.is_set()
                found = self.search(store, user_id=user, query=query, top_k=100)
                problems.extend(f"{m.text!r} with {m.meta}" for m in found if m.text != f"note {m.meta.get('name')}")
                twice = [text for text, times in Counter(message.text for message in found).items() if times > 1]
                problems.extend(f"{text!r} twice in one result" for text in twice)

        with ThreadPoolExecutor(2) as readers:
            reading = [readers.submit(read, query) for query in (None, "note")]
            try:
                _at_once([partial(write, number) for number in range(4)])
            finally:
                done.set()
            for future in reading:
                future.result()
        expect.true(not problems, f"what readers saw: {', '.join(problems[:3])}")

    @sync_only
    def test_one_of_many_deletes_succeeds(self, store: Any) -> None:
        """Of threads that delete one memory at the same time exactly one succeeds; the others find none.

        If this fails, check for looking first and deleting then: deleting itself must say whether it did.
        """
        user = self.new_id()
        for _ in range(5):
            memory_id = self.add_one(store, "contested", user_id=user)
            results = _outcomes([partial(store.delete_memory, memory_id)] * 8)
            kinds = Counter(type(result).__name__ for result in results if isinstance(result, Exception))
            expect.equal(dict(kinds), {MemoryNotFoundError.__name__: 7}, "errors of eight concurrent deletions")
        self.settle()
        expect.equal(self.texts(store, user_id=user), [], "texts found after the deletions")

    @sync_only
    def test_adding_while_deleting_all_is_safe(self, store: Any) -> None:
        """Adding to a scope while all of it is deleted raises nothing, and touches no other scope.

        If this fails, check for deletions by the page that give up, or raise, when new memories come.
        """
        user, other = self.new_id(), self.new_id()
        self.add(store, "stays", user_id=other)

        def add() -> None:
            for number in range(10):
                self.add(store, f"note {number}", user_id=user)

        def delete_all() -> None:
            for _ in range(5):
                store.delete_all_memories(user_id=user)

        _at_once([*[add] * 4, *[delete_all] * 2])
        store.delete_all_memories(user_id=user)
        self.settle()
        expect.equal(self.texts(store, user_id=user), [], "texts found after a last deletion")
        expect.equal(self.texts(store, user_id=other), ["stays"], "texts of another user")

    @needs("client_ids")
    @sync_only
    def test_concurrent_adds_with_the_same_id_store_one(self, store: Any) -> None:
        """Of threads that add the same memory under the same id all succeed, and one memory is stored.

        If this fails, check that a conflict on inserting is looked at again: it may be the same memory.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        added = _at_once([lambda: self.add(store, "the same", user_id=user, ids=[memory_id])] * 8)
        expect.equal(added, [[memory_id]] * 8, "ids that eight concurrent adds returned")
        expect.equal(self.texts(store, user_id=user), ["the same"], "texts found")

    @needs("client_ids")
    @sync_only
    def test_concurrent_adds_with_a_taken_id_conflict(self, store: Any) -> None:
        """Of threads that add different memories under the same id one succeeds, and the others conflict.

        If this fails, check for upserts, and for looking first and inserting then.
        """
        user, memory_id = self.new_id(), self.new_id("memory")
        calls = [partial(self.add, store, f"text {n}", user_id=user, ids=[memory_id]) for n in range(8)]
        results = _outcomes(calls)
        kinds = Counter(type(result).__name__ for result in results if isinstance(result, Exception))
        expect.equal(dict(kinds), {MemoryConflictError.__name__: 7}, "errors of eight adds with one id")
        winner = [number for number, result in enumerate(results) if not isinstance(result, Exception)]
        expect.equal(self.texts(store, user_id=user), [f"text {winner[0]}"], "texts found, of the add that succeeded")

    @needs("update")
    @sync_only
    def test_concurrent_updates_lose_nothing(self, store: Any) -> None:
        """When threads count by reading, updating with `expected_version` and trying again, no count is lost.

        If this fails, check that the version is compared in the same step that writes.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "counter", user_id=user, metadata={"n": 0})

        def count() -> None:
            for _ in range(10):
                while not self._increment(store, memory_id, user):
                    pass

        _at_once([count] * 8)
        self.settle()
        [message] = self.search(store, user_id=user)
        expect.equal(message.meta, {"n": 80}, "metadata after eight threads counted to ten")

    @needs("multiprocess")
    @sync_only
    def test_processes_share_a_store(self, store: Any) -> None:
        """What two other processes add at the same time is all there, beside what this one adds meanwhile.

        If this fails, check locks between processes, and what a process keeps of the store in its own memory.
        """
        user = self.new_id()
        self.add(store, "early note", user_id=user)
        expect.equal(self.texts(store, user_id=user), ["early note"], "texts found before others add")
        shares = [[f"process {number}, note {part}" for part in range(25)] for number in range(2)]
        started = [Child(store.to_dict(), share, user_id=user) for share in shares]
        own = [f"own note {part}" for part in range(25)]
        with children(*started):
            for text in own:
                self.add(store, text, user_id=user)
            for child in started:
                child.finished()
        self.settle()
        expected = ["early note", *own, *shares[0], *shares[1]]
        expect.same(self.texts(store, user_id=user), expected, "texts found after all processes were done")
        ranked = self.texts(store, user_id=user, query="note", top_k=100)
        expect.same(ranked, expected, "texts found by a query")

    def _add_from_threads(self, store: Any, user: str) -> list[list[dict[str, Any]]]:
        """`ADDS` memories, each in a call of its own, from all threads at once; what the calls returned."""

        def add_share(first: int) -> list[Any]:
            added: list[Any] = []
            for number in range(first, ADDS, THREADS):
                messages = [ChatMessage.from_user(f"note {number}")]
                added.extend(store.add_memories(messages=messages, infer=False, user_id=user) or [])
            return added

        added = _at_once([partial(add_share, first) for first in range(THREADS)])
        self.settle()
        return added

    def _increment(self, store: Any, memory_id: str, user: str) -> bool:
        """Whether one more was counted before anybody else did."""
        [message] = self.search(store, user_id=user, include_memory_metadata=True)
        version = message.meta["memory_metadata"]["version"]
        try:
            store.update_memory(memory_id, metadata={"n": message.meta["n"] + 1}, expected_version=version)
        except MemoryConflictError:
            return False
        return True


def _outcomes(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returns or raises, all of them begun at the same time by threads of their own."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            with _taking_turns():
                return call()
        except Exception as error:  # noqa: BLE001  # the caller looks at it
            return error

    with _swift_turns(), ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begin, calls))


def _at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returns, all of them begun at the same time; the first error is raised."""
    results = _outcomes(calls)
    errors = [result for result in results if isinstance(result, Exception)]
    for error in errors:
        message = f"{len(errors)} of {len(calls)} concurrent callers failed, with {type(error).__name__}: {error}"
        raise AssertionError(message) from error
    return results


@contextmanager
def _taking_turns() -> Iterator[None]:
    """This thread lets others run at many of its calls and returns, so that what is not one step shows."""
    events, end = count(1), time.monotonic() + TURNS_END

    def step_back(*_: object) -> None:
        if next(events) % TURN == 0:
            time.sleep(0)
            if time.monotonic() > end:
                sys.setprofile(before)

    before = sys.getprofile()
    sys.setprofile(step_back)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def _swift_turns() -> Iterator[None]:
    """A thread that let others run gets its own turn soon."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
