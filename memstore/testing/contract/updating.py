"""Updating: what is given changes, for every read, and all the rest stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from haystack.dataclasses import ChatMessage

from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import equals, only, present, records, updated

_CHANGING: Final = frozenset({"text", "meta", "version", "updated_at"})
_META: Final = {"kept": [1, 1.0, {"a": True}], "changed": "old", "null": None}


class Updating(Harness):
    """`update_memory` changes one memory."""

    @needs("update")
    def test_an_update_changes_the_text(self, store: Any) -> None:
        """A memory that was given a new text has it in every search, in the place of the old one.

        If this fails, check that the record is replaced, and that no second one is added.
        """
        user = self.new_id()
        updated(self, store, self.add_one(store, "old", user_id=user), text="new\n ü")
        expect.equal(self.texts(store, user_id=user), ["new\n ü"], "texts found")
        expect.equal(self.texts(store, user_id=user, query="new or old"), ["new\n ü"], "texts found by a query")

    @needs("update")
    def test_a_new_text_keeps_the_metadata(self, store: Any) -> None:
        """A memory that was given a new text keeps its metadata.

        If this fails, check that the record is read before it is written, and that metadata=None is no change.
        """
        user = self.new_id()
        updated(self, store, self.add_one(store, "old", user_id=user, metadata=_META), text="new")
        expect.equal(only(self, store, user)["meta"], _META, "metadata after a new text")

    @needs("update")
    def test_a_patch_keeps_the_text(self, store: Any) -> None:
        """A memory that was given metadata keeps its text.

        If this fails, check that text=None is no change.
        """
        user = self.new_id()
        updated(self, store, self.add_one(store, " the\ttext\n", user_id=user), metadata={"a": 1})
        expect.equal(only(self, store, user)["text"], " the\ttext\n", "text after a patch of metadata")

    @needs("update")
    def test_a_patch_changes_the_keys_given(self, store: Any) -> None:
        """Metadata given to an update sets these keys; the others stay, a stored null too.

        If this fails, check that a patch is merged into what is stored, key by key.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user, metadata=_META)
        updated(self, store, memory_id, metadata={"changed": 2, "added": [None]})
        expect.equal(
            only(self, store, user)["meta"], {**_META, "changed": 2, "added": [None]}, "metadata after a patch"
        )

    @needs("update")
    def test_a_patch_removes_keys_given_as_none(self, store: Any) -> None:
        """A key given as None is removed; one that is not there is no error.

        If this fails, check that None is not stored as null, as RFC 7396 has it.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user, metadata={"a": 1, "b": None, "c": 3})
        updated(self, store, memory_id, metadata={"a": None, "b": None, "unknown": None})
        expect.equal(only(self, store, user)["meta"], {"c": 3}, "metadata after keys were removed")

    @needs("update")
    def test_a_patch_replaces_whole_values(self, store: Any) -> None:
        """An object or list given in a patch takes the place of the old one whole; null in it is a value.

        If this fails, check for a merge that goes deeper than the top level.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user, metadata={"a": {"b": 1}, "list": [1, 2, 3]})
        patch = {"a": {"c": 2, "d": None}, "list": [None]}
        updated(self, store, memory_id, metadata=patch)
        expect.equal(only(self, store, user)["meta"], patch, "metadata after a patch of nested values")

    @needs("update")
    def test_text_and_metadata_change_together(self, store: Any) -> None:
        """An update with text and metadata changes both, as one version.

        If this fails, check that both are written by one statement.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user, metadata={"a": 1})
        updated(self, store, memory_id, text="new", metadata={"b": 2})
        found = only(self, store, user)
        expected = ("new", {"a": 1, "b": 2}, 2)
        expect.equal((found["text"], found["meta"], found["version"]), expected, "text, metadata and version")

    @needs("update")
    def test_an_update_keeps_the_own_fields(self, store: Any) -> None:
        """An update leaves a memory's id, role, name, the ids it belongs to and `created_at` as they were.

        If this fails, check which columns the statement writes.
        """
        scope = {name: self.new_id(name) for name in ("user_id", "run_id", "agent_id", "app_id")}
        said = ChatMessage.from_user("old", name="maya")
        memory_id = next(iter(self.add_messages(store, [said], **scope)), "")
        before = only(self, store, scope["user_id"])
        self.elapse(0.05)
        updated(self, store, memory_id, text="new", metadata={"a": 1})
        after = only(self, store, scope["user_id"])
        for name in before.keys() - _CHANGING:
            expect.equal(after[name], before[name], f"{name} after an update")

    @needs("update", "expiration")
    def test_an_update_keeps_the_expiry(self, store: Any) -> None:
        """A memory expires when it was to expire, updated or not.

        If this fails, check that `expires_at` is carried over as it is, and not counted from the update on.
        """
        user = self.new_id()
        moment = present(self, store) + timedelta(days=2)
        memory_id = self.add_one(store, "old", user_id=user, expires_at=moment)
        before = only(self, store, user)["expires_at"]
        self.elapse(0.05)
        updated(self, store, memory_id, text="new")
        expect.true(before is not None, "expires_at of a memory that was added with one is null")
        expect.equal(only(self, store, user)["expires_at"], before, "expires_at after an update")

    @needs("update")
    def test_an_update_keeps_the_place_in_the_order(self, store: Any) -> None:
        """An updated memory stays where it was among the others.

        If this fails, check that listing order is by `created_at`, and for a row that is deleted and inserted again.
        """
        user = self.new_id()
        ids = []
        for text in ("one", "two", "three"):
            ids.append(self.add_one(store, text, user_id=user))
            self.elapse(0.02)
        before = self.found_ids(store, user_id=user)
        updated(self, store, ids[1], text="changed")
        updated(self, store, ids[0], metadata={"a": 1})
        expect.equal(self.found_ids(store, user_id=user), before, "ids found, in order, after updates")

    @needs("update")
    def test_an_update_returns_the_memory_as_it_is_then(self, store: Any) -> None:
        """`update_memory` returns a `Memory` with what a search then finds, field by field.

        If this fails, check that the returned record is the one that was written.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user, metadata=_META)
        for arguments in ({"text": "new"}, {"metadata": {"changed": None}}):
            returned = updated(self, store, memory_id, **arguments).to_dict()
            found = only(self, store, user)
            for name, value in returned.items():
                expect.equal(value, found[name], f"{name} that update_memory returned, compared with what is found")

    @needs("update")
    def test_a_new_text_is_found_by_its_words(self, store: Any) -> None:
        """A query finds an updated memory by its new text.

        If this fails, check that the index, or the embedding, is made anew when a text changes.
        """
        user = self.new_id()
        self.add(store, "Tom plays the violin", "The train to Ghent leaves at noon", user_id=user)
        memory_id = self.add_one(store, "My cat sleeps all day", user_id=user)
        updated(self, store, memory_id, text="The violin concert begins tonight")
        found = self.found_ids(store, user_id=user, query="When does the violin concert begin?", top_k=1)
        expect.equal(found, [memory_id], "id found first by the words of the new text")

    @needs("update")
    def test_an_old_text_is_not_found_any_more(self, store: Any) -> None:
        """A query for the words of a text that was replaced finds another memory first that still has some of them.

        If this fails, check that the old entry is taken out of the index.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "The violin concert begins tonight", user_id=user)
        other = self.add_one(store, "Tom plays the violin", user_id=user)
        updated(self, store, memory_id, text="Apples grow in gardens")
        found = self.found_ids(store, user_id=user, query="violin concert tonight", top_k=1)
        expect.equal(found, [other], "id found first by the words of the old text")

    @needs("update")
    def test_filters_see_the_update(self, store: Any) -> None:
        """Filters match an updated memory by its new text and metadata, and by the old ones no more.

        If this fails, check for columns or an index of metadata beside the record.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "old", user_id=user, metadata={"a": "old", "gone": 1})
        self.texts(store, filters=equals(user_id=user, a="old"), query="old")
        updated(self, store, memory_id, text="new", metadata={"a": "new", "gone": None})
        for conditions, expected in (
            ({"a": "new"}, ["new"]),
            ({"a": "old"}, []),
            ({"gone": 1}, []),
            ({"gone": None}, ["new"]),
            ({"text": "new"}, ["new"]),
            ({"text": "old"}, []),
        ):
            found = self.texts(store, filters=equals(user_id=user, **conditions))
            expect.equal(found, expected, f"texts found where {conditions}")
            ranked = self.texts(store, filters=equals(user_id=user, **conditions), query="new")
            expect.equal(ranked, expected, f"texts found by a query where {conditions}")

    @needs("update")
    def test_an_update_touches_no_other_memory(self, store: Any) -> None:
        """Updating one memory changes nothing of any other, of the same user or another, with the same text or not.

        If this fails, check that the statement is limited to one id.
        """
        user, other = self.new_id(), self.new_id()
        memory_id, *_ = self.add(store, "same", "same", "different", user_id=user, metadata={"a": 1})
        self.add(store, "same", user_id=other, metadata={"a": 1})
        before = {record["id"]: record for owner in (user, other) for record in records(self, store, user_id=owner)}
        updated(self, store, memory_id, text="new", metadata={"a": 2})
        after = {record["id"]: record for owner in (user, other) for record in records(self, store, user_id=owner)}
        expect.same(after, before, "ids found after an update, compared with those before")
        for other_id in before.keys() - {memory_id}:
            expect.equal(after[other_id], before[other_id], "another memory after the update")

    @needs("update")
    def test_an_update_keeps_copies(self, store: Any) -> None:
        """Changing what was given to an update, or what it returned, changes nothing in the store.

        If this fails, check that metadata is copied on the way in and on the way out.
        """
        user = self.new_id()
        memory_id = self.add_one(store, "note", user_id=user, metadata={"old": [1]})
        patch = {"new": {"a": [1]}}
        returned = updated(self, store, memory_id, metadata=patch)
        patch["new"]["a"].append(2)
        returned.meta.get("old", []).append(3)
        returned.meta.get("new", {})["b"] = 3
        expect.equal(only(self, store, user)["meta"], {"old": [1], "new": {"a": [1]}}, "metadata found")
