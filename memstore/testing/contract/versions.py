"""Versions: every update counts one, and none is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any, Final

from memstore.errors import MemoryConflictError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs, sync_only
from memstore.testing.contract.reading import only, updated

_WRITERS: Final = 8
_ROUNDS: Final = 3


class Versions(Harness):
    """`version`, `updated_at` and `expected_version`."""

    @needs("update")
    def test_every_update_counts(self, store: Any) -> None:
        """A memory is added at version 1, and each update makes it one more, of the text or of metadata.

        If this fails, check that the version is stored with the record.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        expect.equal(only(self, store, user)["version"], 1, "version of a new memory")
        for version, arguments in (
            (2, {"text": "text 2"}),
            (3, {"metadata": {"a": 1}}),
            (4, {"metadata": {"a": None}}),
        ):
            updated(self, store, memory_id, **arguments)
            expect.equal(only(self, store, user)["version"], version, f"version after {version - 1} updates")

    @needs("update")
    def test_an_update_says_when_it_was(self, store: Any) -> None:
        """`updated_at` is the time of the last update.

        If this fails, check that it is set on every update, by the store's clock.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        before = _moment(only(self, store, user)["updated_at"])
        for arguments in ({"text": "text 2"}, {"metadata": {"a": 1}}):
            self.elapse(0.05)
            updated(self, store, memory_id, **arguments)
            after = _moment(only(self, store, user)["updated_at"])
            expect.true(after > before, f"updated_at was {before}, and {after} after an update that came later")
            before = after

    @needs("update")
    def test_an_update_of_the_expected_version_is_made(self, store: Any) -> None:
        """With the memory's present version as `expected_version`, an update is made.

        If this fails, check that versions are compared as numbers, and against the present one.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        for version in (1, 2, 3):
            updated(self, store, memory_id, text=f"text {version + 1}", expected_version=version)
        expect.equal(self.texts(store, user_id=user), ["text 4"], "texts found after three updates")

    @needs("update")
    def test_an_update_of_another_version_is_a_conflict(self, store: Any) -> None:
        """With any other `expected_version`, an update is a `MemoryConflictError` and changes nothing.

        If this fails, check that the version is part of the statement that writes, and that a miss is told apart.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        updated(self, store, memory_id, text="text 2")
        before = only(self, store, user)
        for what, version in (("an old", 1), ("a coming", 3)):
            with expect.raises(MemoryConflictError, f"update_memory with {what} version as expected_version"):
                store.update_memory(memory_id, text="lost", metadata={"a": 1}, expected_version=version)
            self.settle()
            expect.equal(only(self, store, user), before, f"the memory after an update that expected {what} version")

    @needs("update")
    def test_refuses_impossible_versions(self, store: Any) -> None:
        """An `expected_version` that is no positive integer is a `ValueError` or `TypeError`.

        If this fails, check 0, which may be taken for "any version", and booleans.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 1", user_id=user)
        for version in (0, -1, True, "1", 1.5):
            with expect.raises((ValueError, TypeError), f"update_memory with expected_version={version!r}"):
                store.update_memory(memory_id, text="text 2", expected_version=version)

    @needs("update")
    @sync_only
    def test_of_updates_of_one_version_one_is_made(self, store: Any) -> None:
        """Of several threads that update one version at once, one does, and the others get a `MemoryConflictError`.

        If this fails, check that comparing the version and writing are one step: a lock, or WHERE version = ?.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "text 0", user_id=user)
        for version in range(1, _ROUNDS + 1):

            def change(number: int, version: int = version) -> str | None:
                text = f"round {version}, writer {number}"
                try:
                    store.update_memory(memory_id, text=text, expected_version=version)
                except MemoryConflictError:
                    return None
                return text

            made = [text for text in _at_once(change) if text is not None]
            self.settle()
            expect.equal(len(made), 1, f"updates made by {_WRITERS} threads that all expected version {version}")
            expect.equal(self.texts(store, user_id=user), made, "text found, compared with the update that was made")

    @needs("update")
    @sync_only
    def test_updates_at_once_are_all_kept(self, store: Any) -> None:
        """When several threads patch one memory at once, without an `expected_version`, no patch is lost.

        If this fails, check that a patch is applied to the record that it replaces, and tried again when that changed.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user)

        def patch(number: int) -> None:
            for step in range(_ROUNDS):
                store.update_memory(memory_id, metadata={f"key {number}-{step}": number})

        _at_once(patch)
        self.settle()
        found = only(self, store, user)
        keys = [f"key {number}-{step}" for number in range(_WRITERS) for step in range(_ROUNDS)]
        expect.same(found["meta"], keys, "keys of the metadata, one set by each update")
        expect.equal(found["version"], 1 + len(keys), f"version after {len(keys)} updates")


def _moment(text: Any) -> datetime:
    expect.true(isinstance(text, str), f"updated_at is a {type(text).__name__}, not an ISO 8601 string")
    return datetime.fromisoformat(text)


def _at_once(work: Callable[[int], Any]) -> list[Any]:
    """What each thread's work returned; all begin together."""
    barrier = Barrier(_WRITERS)

    def begin(number: int) -> Any:
        barrier.wait(timeout=60)
        return work(number)

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(begin, range(_WRITERS)))
