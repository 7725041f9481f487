"""Metadata: what a user keeps with a memory comes back as it was given."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from haystack.dataclasses import ChatMessage
from hypothesis import given

from memstore.errors import InvalidMemoryError, ScopeError
from memstore.json_values import MAX_DEPTH
from memstore.memory import RESERVED_METADATA_KEYS
from memstore.testing import strategies
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs
from memstore.testing.contract.reading import equals, in_zone, only


def _nested(levels: int) -> list[Any]:
    """Lists within lists."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


EVERY_KIND: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "one as float": 1.0,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "beyond float": 2**53 + 1,
    "tenth": 0.1,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "empty string": "",
    "string": 'it\'s "quoted" \\ 100% 日本\n',
    "looks like a number": "1",
    "looks like a boolean": "true",
    "looks like null": "null",
    "looks like a time": "2024-05-01T00:00+02:00",
    "list": [1, "a", None, [], [True, {"b": 1.5}]],
    "empty list": [],
    "object": {"b": {"c": [{}]}, "": 1, "dotted.key": 2},
    "empty object": {},
    "deep": _nested(MAX_DEPTH - 1),
    "dotted.key": "a dot in a key",
    "$where": "a key that some engines read",
    "ключ 🗝": "a key of any script",
    "text": "not the memory's own",
    "id": 7,
    "created_at": "not the memory's own",
}
"""A value of every JSON kind, and those that engines mix up."""


class Metadata(Harness):
    """Metadata is JSON and stays what it was."""

    def test_every_json_kind_comes_back(self, store: Any) -> None:
        """Metadata of every JSON kind comes back with the same values and types: 1, 1.0 and True stay three.

        If this fails, check how values are encoded: as text, through float, or flattened into columns.
        """
        user = self.new_id()
        self.add(store, "everything", user_id=user, metadata=copy.deepcopy(EVERY_KIND))
        for what, query in (("without a query", None), ("with a query", "everything")):
            found = self.search(store, user_id=user, query=query)
            expect.equal(len(found), 1, f"memories found {what}")
            for key in {*EVERY_KIND, *found[0].meta}:
                expect.equal(found[0].meta.get(key, "absent"), EVERY_KIND.get(key, "absent"), f"{key!r}, found {what}")

    def test_random_metadata_comes_back(self, store: Any) -> None:
        """Whatever JSON object is given as metadata comes back equal.

        If this fails, check nested values, keys with dots or backslashes, and numbers at the edge of their types.
        """

        @self.examples()
        @given(strategies.metadata())
        def check(metadata: dict[str, Any]) -> None:
            user = self.new_id()
            self.add(store, "random", user_id=user, metadata=metadata)
            expect.equal([message.meta for message in self.search(store, user_id=user)], [metadata], "metadata found")

        check()

    def test_what_is_given_is_copied(self, store: Any) -> None:
        """Changing metadata after it was given changes nothing that is stored, nor another memory of the batch.

        If this fails, check for references kept to the caller's dictionaries, and for one dictionary in two memories.
        """
        user, metadata = self.new_id(), {"tags": ["a"], "deep": {"list": [1]}}
        original = copy.deepcopy(metadata)
        self.add(store, "one", "two", user_id=user, metadata=metadata)
        metadata["tags"].append("b")  # type: ignore[attr-defined]  # a list, as written above
        metadata["deep"]["list"].append(2)  # type: ignore[index]  # an object, as written above
        metadata["new"] = True  # type: ignore[assignment]  # metadata has values of all kinds
        expect.equal([message.meta for message in self.search(store, user_id=user)], [original] * 2, "metadata found")

    def test_what_comes_back_is_a_copy(self, store: Any) -> None:
        """Changing the metadata of a result changes nothing that is stored.

        If this fails, check that results get a deep copy, with a query and without.
        """
        user, original = self.new_id(), {"tags": ["a"], "deep": {"list": [1]}}
        self.add(store, "one", "two", user_id=user, metadata=copy.deepcopy(original))
        for query in (None, "one two"):
            for message in self.search(store, user_id=user, query=query):
                message.meta["tags"].append("b")
                message.meta["deep"]["list"].clear()
                message.meta["new"] = True
            again = self.search(store, user_id=user, query=query)
            expect.equal(
                [message.meta for message in again], [original] * 2, "metadata found, results having been changed"
            )

    def test_metadata_belongs_to_every_memory_of_its_batch(self, store: Any) -> None:
        """`metadata` is kept with each memory of its call, and with those of no other call.

        If this fails, check batches whose metadata reaches only the first record, and defaults that are shared.
        """
        user = self.new_id()
        self.add(store, "one", "two", user_id=user, metadata={"batch": 1})
        self.add(store, "three", user_id=user)
        found = {message.text: message.meta for message in self.search(store, user_id=user)}
        expect.equal(found, {"one": {"batch": 1}, "two": {"batch": 1}, "three": {}}, "metadata by text")

    @needs("message_metadata")
    def test_a_messages_own_metadata_wins(self, store: Any) -> None:
        """A message's own `meta` is kept beside the batch's metadata, and wins where both have a key.

        If this fails, check the order in which the two are merged, and that one message's meta stays its own.
        """
        user = self.new_id()
        messages = [ChatMessage.from_user("one", meta={"own": [1], "both": "own"}), ChatMessage.from_user("two")]
        self.add_messages(store, messages, user_id=user, metadata={"both": "batch", "batch": True})
        messages[0].meta["own"].append(2)
        expected = {"one": {"own": [1], "both": "own", "batch": True}, "two": {"both": "batch", "batch": True}}
        expect.equal({m.text: m.meta for m in self.search(store, user_id=user)}, expected, "metadata by text")
        alone, other = ChatMessage.from_user("one", meta={"own": [1]}), self.new_id()
        self.add_messages(store, [alone], user_id=other)
        alone.meta["own"].append(2)
        expect.equal([m.meta for m in self.search(store, user_id=other)], [{"own": [1]}], "metadata without a batch's")

    def test_reserved_keys_are_refused(self, store: Any) -> None:
        """The names of ids, `memory_metadata` and `mem0_memory_metadata` as metadata keys are a `ScopeError`.

        If this fails, check metadata for them before it is stored: it could move a memory to another tenant.
        """
        user = self.new_id()
        for key in sorted(RESERVED_METADATA_KEYS):
            with expect.raises(ScopeError, f"metadata={{{key!r}: ...}}"):
                self.add(store, "moved", user_id=user, metadata={key: "mallory"})
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")

    def test_what_is_no_json_is_refused(self, store: Any) -> None:
        """Metadata that is no JSON, or that engines cannot keep, is an `InvalidMemoryError`, and nothing is stored.

        If this fails, check NaN, integers beyond 64 bits, keys that are no strings, U+0000, lone surrogates, objects.
        """
        user, endless = self.new_id(), []  # type: tuple[str, list[Any]]
        endless.append(endless)
        refused: list[Any] = [
            {"a": value}
            for value in (
                float("nan"),
                float("-inf"),
                2**63,
                -(2**63) - 1,
                b"bytes",
                {1, 2},
                object(),
                {1: "one"},
                {None: 1},
                "a\0b",
                "\ud800",
                {"a\0": 1},
                [[float("nan")]],
                _nested(MAX_DEPTH),
                endless,
            )
        ]
        for metadata in (*refused, ["no", "mapping"], "text", {7: 1}):
            with expect.raises(InvalidMemoryError, f"metadata={expect.shown(metadata)}"):
                self.add(store, "odd", user_id=user, metadata=metadata)
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")

    def test_datetimes_become_strings_in_utc(self, store: Any) -> None:
        """A datetime in metadata comes back as an ISO 8601 string in UTC, and filters find it by its instant.

        If this fails, check naive datetimes (UTC), zones, and microseconds.
        """
        user, east = self.new_id(), timezone(timedelta(hours=2))
        given_times = {
            "aware": datetime(2024, 5, 1, 2, tzinfo=east),
            "naive": datetime(2024, 5, 1),  # noqa: DTZ001  # naive on purpose
            "fine": datetime(2024, 5, 1, 0, 0, 0, 120, tzinfo=UTC),
        }
        self.add(store, "when", user_id=user, metadata=given_times)
        expected = {
            "aware": "2024-05-01T00:00:00Z",
            "naive": "2024-05-01T00:00:00Z",
            "fine": "2024-05-01T00:00:00.000120Z",
        }
        expect.equal([message.meta for message in self.search(store, user_id=user)], [expected], "metadata found")

    def test_naive_times_are_utc_in_every_zone(self, store: Any) -> None:
        """A naive datetime is UTC, in metadata, in filters and wherever a time is given, whatever the machine's zone.

        If this fails, check for `timestamp()` and `astimezone()`, which take a naive datetime for local time.
        """
        user, noon, hour = self.new_id(), datetime(2024, 5, 1, 12), timedelta(hours=1)  # noqa: DTZ001  # naive on purpose
        times, own = {"when": noon}, {}
        if "timestamp" in self.claims:
            times["created_at"] = own["timestamp"] = noon
        if "expiration" in self.claims:
            times["expires_at"] = own["expires_at"] = noon.replace(year=2150)
        with in_zone("America/New_York"):
            self.add(store, "noon", user_id=user, metadata={"when": noon}, **own)
            record = only(self, store, user)
            for name, moment in times.items():
                shown = (record | record["meta"]).get(name)
                expect.equal(shown, f"{moment.isoformat()}Z", f"{name}, given as a naive datetime in New York")
                if name == "expires_at":  # no field of filters
                    continue
                early, late = moment - hour, moment + hour
                for kind, bounds in (("datetimes", (early, late)), ("text", (early.isoformat(), late.isoformat()))):
                    between = {"operator": "AND", "conditions": [
                        {"field": "user_id", "operator": "==", "value": user},
                        {"field": name, "operator": ">", "value": bounds[0]},
                        {"field": name, "operator": "<", "value": bounds[1]},
                    ]}  # fmt: skip
                    found = self.texts(store, filters=between)
                    expect.equal(found, ["noon"], f"texts found by {name} between naive {kind}, in New York")

    def test_large_metadata_comes_back(self, store: Any) -> None:
        """Metadata with a value of 100 kB, or with 1,000 keys, comes back whole.

        If this fails, check the engine's limits, such as 40 kB or 50 keys for a record, beyond which it drops or cuts.
        """
        long, many = {"long": "long " * 20_000}, {f"key_{number}": number for number in range(1_000)}
        for what, meta in (("a value of 100 kB", long), ("1,000 keys", many)):
            user = self.new_id()
            self.add(store, "large", user_id=user, metadata=dict(meta))
            for query in (None, "large"):
                found = [message.meta for message in self.search(store, user_id=user, query=query)]
                expect.equal(found, [meta], f"metadata with {what}, found by query={query!r}")
        expect.equal(self.texts(store, filters=equals(user_id=user, key_999=999)), ["large"], "texts found by one key")
