"""Adding: what is stored, what comes back of it, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from haystack.dataclasses import ChatMessage, ToolCall

from memstore.errors import InvalidMemoryError, MemoryConflictError, MemoryStoreError
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.plan import needs

TEXTS: Final = (
    "plain",
    " blanks around ",
    "two\nlines\r\nand a\ttab",
    "Zoë, 日本語, العربية, 👩‍👩‍👧, u\u0308",
    'it\'s "quoted" \\ %s %d {braces} $1 :name ?',
    "'; DROP TABLE memories; --",
    "\x01\x1f\x7f\u200b\ufeff\u2028",
    "<b>&amp;</b>",
    "null",
    "long " * 20_000,
)
"""Texts that stores have been seen to change; the last has 100 kB."""

REFUSED_TEXTS: Final = ("a\0b", "a\ud800b", "\udfff")
"""What JSON, SQL and UTF-8 cannot all keep: U+0000 and lone surrogates."""


class Adding(Harness):
    """Messages become memories."""

    def test_returns_an_entry_for_each_memory(self, store: Any) -> None:
        """Adding returns `{"memory_id", "memory"}` for each memory stored, in the order of the messages.

        If this fails, check that ids are returned by the call itself and zipped to the right texts.
        """
        texts = [f"memory number {number}" for number in range(20)]
        messages, user = [ChatMessage.from_user(text) for text in texts], self.new_id()
        added = store.add_memories(messages=messages, infer=False, user_id=user)
        self.settle()
        expect.true(isinstance(added, list), f"add_memories returned a {type(added).__name__}, not a list")
        expect.equal([entry.get("memory") for entry in added], texts, "texts of the entries")
        ids = [entry.get("memory_id") for entry in added]
        expect.true(all(isinstance(memory_id, str) and memory_id for memory_id in ids), f"memory_id: {ids[:3]}")
        expect.equal(len(set(ids)), len(ids), "different ids")
        found = self.search(store, user_id=user, include_memory_metadata=True)
        kept = {m.meta.get("memory_metadata", {}).get("memory_id"): m.text for m in found}
        expect.equal(kept, dict(zip(ids, texts, strict=True)), "texts found, by id, compared with the entries")

    def test_tells_of_what_is_inferred(self, store: Any) -> None:
        """Adding with `infer=True` tells of every memory it makes: an entry each, or one pending `event_id`.

        A store that needs a model for it and was given none may refuse, with a `MemoryStoreError`, and keep nothing.
        If this fails, check the answer of a pending add: an empty list says that nothing was worth remembering.
        """
        user = self.new_id()
        try:
            added = store.add_memories(messages=[ChatMessage.from_user("I am allergic to walnuts")], user_id=user)
        except MemoryStoreError:
            expect.equal(self.texts(store, user_id=user), [], "memories of an add that was refused")
            return
        expect.true(isinstance(added, list), f"add_memories returned a {type(added).__name__}, not a list")
        self.settle()
        made, pending = len(self.texts(store, user_id=user)), [entry for entry in added if entry.get("event_id")]
        if not pending:
            expect.equal(len(added), made, "entries that adding returned, compared with the memories that it made")

    def test_ids_are_unique_and_stable(self, store: Any) -> None:
        """A memory has one id: the one that adding returned, in every later result, and no other memory has it.

        If this fails, check that ids are stored, not made anew when a memory is read.
        """
        user, other = self.new_id(), self.new_id()
        ids = [*self.add(store, "one", "two", user_id=user), *self.add(store, "three", user_id=user)]
        foreign = self.add(store, "one", "two", user_id=other)
        expect.equal(len(ids), 3, "entries for three messages")
        expect.same(self.found_ids(store, user_id=user), ids, "ids found, compared with those that adding returned")
        expect.same(self.found_ids(store, user_id=user), ids, "ids found a second time")
        expect.same(self.found_ids(store, user_id=user, query="one two three"), ids, "ids found by a query")
        expect.true(not set(ids) & set(foreign), "two memories have the same id")

    def test_every_message_is_kept(self, store: Any) -> None:
        """Messages of every role are kept word for word with their role and name, and nothing is merged.

        If this fails, check for roles that the engine drops (system), and for deduplication by text.
        """
        user = self.new_id()
        messages = [
            ChatMessage.from_system("You are kind."),
            ChatMessage.from_user("I like tea.", name="maya"),
            ChatMessage.from_assistant("Noted: tea."),
            ChatMessage.from_user("I like tea."),
        ]
        self.add_messages(store, messages, user_id=user)
        messages.append(ChatMessage.from_user("I like tea."))
        self.add_messages(store, messages[-1:], user_id=user)
        found = self.search(store, user_id=user, include_memory_metadata=True)
        expect.same([message.text for message in found], [message.text for message in messages], "texts found")
        kept = [(m.text, own.get("role"), own.get("name")) for m in found if (own := m.meta.get("memory_metadata", {}))]
        expect.same(kept, [(m.text, m.role.value, m.name) for m in messages], "text, role and name of what was found")

    def test_every_text_part_is_kept(self, store: Any) -> None:
        """A message of several text parts is kept as one memory, a line each; a tool call beside a text takes nothing.

        If this fails, check for `message.text`, which is the first part only, and for messages sorted by their kind.
        """
        user, call = self.new_id(), ToolCall(tool_name="weather", arguments={"city": "Kyoto"})
        messages = [
            ChatMessage.from_user(content_parts=["I like tea.", "I dislike rain."]),
            ChatMessage.from_assistant("Let me look.", tool_calls=[call]),
        ]
        self.add_messages(store, messages, user_id=user)
        expected = ["I like tea.\nI dislike rain.", "Let me look."]
        expect.same(self.texts(store, user_id=user), expected, "texts found")

    def test_texts_come_back_unchanged(self, store: Any) -> None:
        """A text comes back letter by letter: any script, quotes, control characters, newlines, 100 kB.

        If this fails, check encodings, column sizes, trimming, and parameters pasted into statements.
        """
        user = self.new_id()
        self.add(store, *TEXTS, user_id=user)
        expect.same(self.texts(store, user_id=user), TEXTS, "texts found")

    def test_refuses_characters_that_no_store_keeps(self, store: Any) -> None:
        """A text with U+0000 or a lone surrogate is an `InvalidMemoryError`, and nothing is stored.

        If this fails, check texts before they reach the engine, which would cut or garble them.
        """
        user = self.new_id()
        for text in REFUSED_TEXTS:
            with expect.raises(InvalidMemoryError, f"adding {text!r}"):
                self.add(store, "before", text, user_id=user)
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")

    def test_skips_messages_without_text(self, store: Any) -> None:
        """Messages without text are skipped, and the entries are those of the others.

        If this fails, check messages that hold only tool calls, and empty texts.
        """
        user = self.new_id()
        call = ChatMessage.from_assistant(tool_calls=[ToolCall(tool_name="weather", arguments={})])
        messages = [call, ChatMessage.from_user("kept"), ChatMessage.from_user(""), ChatMessage.from_user(" \n")]
        expect.equal(len(self.add_messages(store, messages, user_id=user)), 1, "entries for one message with text")
        expect.equal(self.add_messages(store, [call], user_id=user), [], "entries for no message with text")
        expect.equal(self.texts(store, user_id=user), ["kept"], "texts found")

    def test_adds_nothing_for_no_messages(self, store: Any) -> None:
        """An empty list of messages adds nothing and returns an empty list.

        If this fails, check that an empty batch does not reach the engine.
        """
        user = self.new_id()
        expect.equal(store.add_memories(messages=[], infer=False, user_id=user), [], "result of adding no messages")
        expect.equal(self.texts(store, user_id=user), [], "texts found")

    def test_adds_all_or_nothing(self, store: Any) -> None:
        """When one message of a batch cannot be stored, none is.

        If this fails, check that a batch is validated before its first record is written, in one transaction.
        """
        user = self.new_id()
        self.add(store, "old", user_id=user)
        refused = [
            ChatMessage.from_user("two\0"),
            ChatMessage.from_user("two", meta={"user_id": "mallory"}),
            ChatMessage.from_user("two", meta={"a": float("nan")}),
        ]
        for message in refused:
            if message.meta and "message_metadata" not in self.claims:  # it may be ignored
                continue
            with expect.raises(ValueError, "a batch whose second message cannot be stored"):
                self.add_messages(store, [ChatMessage.from_user("one"), message], user_id=user)
        expect.equal(self.texts(store, user_id=user), ["old"], "texts found after refused batches")

    def test_keeps_the_order_of_adding(self, store: Any) -> None:
        """Without a query memories come in the order of adding; within a batch too, unless ids are the store's own.

        If this fails, check that listing is ordered by (created_at, id) and that ids rise within a batch.
        """
        user = self.new_id()
        texts = [f"turn {number}" for number in range(12)]
        batches = (texts[:5], texts[5:6], texts[6:])
        for batch in batches:
            self.add(store, *batch, user_id=user)
            self.later()
        self.in_order(self.texts(store, user_id=user), *batches, what="texts found without a query")

    @needs("timestamp")
    def test_a_timestamp_becomes_created_at(self, store: Any) -> None:
        """`timestamp`, an aware or naive (UTC) datetime or Unix seconds, is when a memory was created.

        If this fails, check time zones, the range of the engine's type, and that the engine's own clock does not win.
        """
        user, noon = self.new_id(), datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
        given = (
            noon,
            noon.replace(tzinfo=None) + timedelta(days=1),
            (noon + timedelta(days=2)).astimezone(timezone(timedelta(hours=-7))),
            (noon + timedelta(days=3)).timestamp(),
        )
        for number, timestamp in reversed(list(enumerate(given))):
            self.add(store, f"day {number}", user_id=user, timestamp=timestamp)
        expect.equal(self.texts(store, user_id=user), ["day 0", "day 1", "day 2", "day 3"], "texts found, oldest first")
        found = [own["created_at"] for own in self.own_fields(store, user_id=user)]
        expect.equal(found, [f"2024-05-0{day}T12:00:00.250000Z" for day in (1, 2, 3, 4)], "created_at of the memories")
        some = {"operator": "AND", "conditions": [
            {"field": "user_id", "operator": "==", "value": user},
            {"field": "created_at", "operator": ">", "value": "2024-05-02T13:00:00Z"},
        ]}  # fmt: skip
        expect.equal(self.texts(store, filters=some), ["day 2", "day 3"], "texts found by a filter on created_at")
        far = self.new_id()
        for year in (2100, 1900):
            self.add(store, f"in {year}", user_id=far, timestamp=datetime(year, 1, 1, tzinfo=UTC))
        found = [own["created_at"] for own in self.own_fields(store, user_id=far)]
        expect.equal(found, ["1900-01-01T00:00:00Z", "2100-01-01T00:00:00Z"], "created_at long ago and far ahead")

    @needs("timestamp")
    def test_refuses_impossible_timestamps(self, store: Any) -> None:
        """A timestamp that is no moment is an `InvalidMemoryError`, and nothing is stored.

        If this fails, check NaN, years beyond 9999, strings and booleans.
        """
        user = self.new_id()
        for timestamp in (float("nan"), float("inf"), 1e18, "2024-05-01", True):
            with expect.raises(InvalidMemoryError, f"timestamp={timestamp!r}"):
                self.add(store, "when?", user_id=user, timestamp=timestamp)
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")

    @needs("client_ids")
    def test_ids_make_adding_idempotent(self, store: Any) -> None:
        """Adding again with the same ids, scope and content stores nothing and returns the same entries.

        If this fails, check that an existing id is compared, not inserted a second time and not refused.
        """
        user, ids = self.new_id(), [self.new_id("memory") for _ in range(3)]
        arguments: dict[str, Any] = {"user_id": user, "ids": ids, "metadata": {"a": [1, {"b": None}]}}
        first = self.add(store, "one", "two", "three", **arguments)
        expect.equal(first, ids, "ids of the entries")
        expect.equal(self.add(store, "one", "two", "three", **arguments), ids, "ids of the entries, the second time")
        expect.same(self.texts(store, user_id=user), ["one", "two", "three"], "texts found")
        more = [*ids[:1], self.new_id("memory")]
        arguments["ids"] = more
        expect.equal(self.add(store, "one", "four", **arguments), more, "ids of a batch that is stored in part")
        expect.same(self.texts(store, user_id=user), ["one", "two", "three", "four"], "texts found")
        skipped, kept = self.new_id("memory"), self.new_id("memory")
        call = ChatMessage.from_assistant(tool_calls=[ToolCall(tool_name="weather", arguments={})])
        added = self.add_messages(store, [call, ChatMessage.from_user("five")], user_id=user, ids=[skipped, kept])
        expect.equal(added, [kept], "ids of a batch whose first message has no text")

    @needs("client_ids")
    def test_an_id_that_is_taken_is_a_conflict(self, store: Any) -> None:
        """An id that exists with another text, role, name, metadata or scope is a `MemoryConflictError`.

        If this fails, check for upserts: they overwrite another memory, even another user's.
        """
        user, taken, free = self.new_id(), self.new_id("memory"), self.new_id("memory")
        self.add(store, "mine", user_id=user, ids=[taken], metadata={"a": 1})
        for what, text, scope in (
            ("another text", "changed", {"user_id": user, "metadata": {"a": 1}}),
            ("other metadata", "mine", {"user_id": user, "metadata": {"a": True}}),
            ("another user", "mine", {"user_id": self.new_id(), "metadata": {"a": 1}}),
            ("one id more", "mine", {"user_id": user, "run_id": self.new_id(), "metadata": {"a": 1}}),
        ):
            with expect.raises(MemoryConflictError, f"an id that is taken, with {what}"):
                self.add(store, "new", text, ids=[free, taken], **scope)
        for what, message in (
            ("another role", ChatMessage.from_assistant("mine")),
            ("another name", ChatMessage.from_user("mine", name="maya")),
        ):
            with expect.raises(MemoryConflictError, f"an id that is taken, with {what}"):
                self.add_messages(store, [message], user_id=user, ids=[taken], metadata={"a": 1})
        found = self.search(store, user_id=user)
        expect.equal([(message.text, message.meta) for message in found], [("mine", {"a": 1})], "memories found")

    @needs("client_ids")
    def test_refuses_impossible_ids_of_memories(self, store: Any) -> None:
        """`ids` are as many as messages, different, non-empty strings, and go with `infer=False` only.

        If this fails, check `ids` before anything is stored.
        """
        user, good = self.new_id(), self.new_id("memory")
        for ids in ([], [good], [good, good], [good, ""], [good, " a"], [good, "a\0"], [good, 7], "ab"):
            with expect.raises(ValueError, f"ids={ids!r}"):
                self.add(store, "one", "two", user_id=user, ids=ids)
        with expect.raises(ValueError, "ids with infer=True"):
            store.add_memories(messages=[ChatMessage.from_user("one")], user_id=user, ids=[good])
        expect.equal(self.texts(store, user_id=user), [], "texts found after refused adds")
