"""Bugs in the form in which memories are told."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from contract.sabotage.engines import Keeping, Telling
from contract.sabotage.registry import sabotage
from haystack.dataclasses import ChatMessage

from memstore_in_memory import InMemoryMemoryStore


@sabotage(
    caught_by="test_order_follows_score",
    source="NumPy: the cosine of a vector of zeros is nan",
)
class ScoreIsNoNumber(Telling):
    """Shows NaN for the score of what has nothing in common with the query."""

    def own(self, own):
        return {**own, "score": math.nan if own["score"] == 0 else own["score"]}


@sabotage(
    caught_by="test_order_follows_score",
    source="OpenSearch: match_all scores 1.0",
)
class ScoreWithoutQuery(Telling):
    """Shows a score where there is no query."""

    def own(self, own):
        return {**own, "score": 1.0 if own["score"] is None else own["score"]}


@sabotage(
    caught_by="test_results_are_system_messages",
    source="mem0ai: `score` stands beside what was stored",
)
class ScoresInMeta(InMemoryMemoryStore):
    """Puts the score beside the user's metadata."""

    def search_memories(self, *, include_memory_metadata=False, **arguments):
        found = super().search_memories(include_memory_metadata=True, **arguments)
        for message in found:
            message.meta["score"] = message.meta["memory_metadata"]["score"]
            if not include_memory_metadata:
                del message.meta["memory_metadata"]
        return found


@sabotage(
    caught_by="test_results_are_system_messages",
    source="writing a backend: a memory is the message that the user sent",
)
class ResultsAreUserMessages(Telling):
    """Returns memories as messages of the user."""

    def told(self, message):
        return ChatMessage.from_user(message.text, meta=message.meta)


@sabotage(
    caught_by="test_own_fields_come_on_request",
    source="Pydantic: model_dump(exclude_none=True)",
)
class NullIdsMissing(Telling):
    """Leaves null out of a memory's own fields."""

    def own(self, own):
        return {key: value for key, value in own.items() if value is not None}


@sabotage(
    caught_by="test_own_fields_come_on_request",
    source="mem0ai: a record has `id`, and `memory` for its text",
)
class EnginesOwnNames(Telling):
    """Names a memory's own fields as the engine does."""

    def own(self, own):
        return {**{key: value for key, value in own.items() if key != "memory_id"}, "id": own["memory_id"]}


@sabotage(
    caught_by="test_times_are_told_in_utc",
    source="PostgreSQL: timestamptz comes back in the session's zone",
)
class TimesToldInALocalZone(Telling):
    """Tells times in the zone of Brussels."""

    def own(self, own):
        brussels = timezone(timedelta(hours=2))
        created = datetime.fromisoformat(own["created_at"]).astimezone(brussels).isoformat()
        return {**own, "created_at": created, "updated_at": created}


@sabotage(
    caught_by="test_times_are_told_in_utc",
    source="writing a vector backend: Unix seconds in the payload",
)
class TimesToldInSeconds(Telling):
    """Tells whole seconds of a time whose fractions it keeps."""

    def own(self, own):
        seconds = own["created_at"][:19] + "Z"
        return {**own, "created_at": seconds, "updated_at": seconds}


@sabotage(
    caught_by="test_times_are_told_in_utc",
    source="writing a SQL backend: a trigger sets updated_at, a moment after created_at",
)
class NewMemoriesAreUpdated(Keeping):
    """Stamps a new memory as updated a moment after it was created."""

    def kept(self, memory):
        return replace(memory, updated_at=memory.updated_at + timedelta(milliseconds=1))


class Lines(InMemoryMemoryStore):
    """Makes the single message of `line` for each result."""

    def line(self, number, text):
        return f"- MEMORY #{number}: " + "  ".join(text.splitlines(keepends=True))

    def search_memories_as_single_message(self, **arguments):
        found = self.search_memories(**arguments)
        return ChatMessage.from_system("\n".join(self.line(n, m.text) for n, m in enumerate(found, start=1)))


@sabotage(
    caught_by="test_the_single_message_has_a_line_for_each_memory",
    source="Python: enumerate begins with 0",
)
class LinesFromZero(Lines):
    """Numbers the lines of the single message from 0."""

    def line(self, number, text):
        return super().line(number - 1, text)


@sabotage(
    caught_by="test_the_single_message_has_a_line_for_each_memory",
    source="writing a backend: keywords that are taken and not handed on",
)
class SingleMessageIgnoresTheQuery(Lines):
    """Makes the single message of everything in scope, whatever the query."""

    def search_memories_as_single_message(self, *, query=None, **arguments):
        return super().search_memories_as_single_message(**arguments)


@sabotage(
    caught_by="test_the_single_message_has_a_line_for_each_memory",
    source="writing an agent's tool: a sentence for the model where nothing was found",
)
class SentenceForNothing(Lines):
    """Says in the single message that nothing was found."""

    def search_memories_as_single_message(self, **arguments):
        message = super().search_memories_as_single_message(**arguments)
        return message if message.text else ChatMessage.from_system("No memories found.")


@sabotage(
    caught_by="test_a_text_cannot_pass_for_two_memories",
    source="prompt injection by a stored text: lines are joined as they are",
)
class LinesNotIndented(Lines):
    """Puts a text into the single message as it is."""

    def line(self, number, text):
        return f"- MEMORY #{number}: {text}"


@sabotage(
    caught_by="test_the_single_message_has_a_line_for_each_memory",
    source="writing a backend: keywords that are taken and not handed on",
)
class SingleMessageIgnoresFilters(Lines):
    """Makes the single message of what it finds without the filter."""

    def search_memories_as_single_message(self, *, filters=None, **arguments):
        where = filters and {**filters, "conditions": filters["conditions"][:1]}
        return super().search_memories_as_single_message(filters=where, **arguments)


@sabotage(
    caught_by="test_the_single_message_has_a_line_for_each_memory",
    source="writing an agent's tool: long results cut, to save tokens",
)
class LongTextsCut(Lines):
    """Cuts long texts in the single message."""

    def line(self, number, text):
        return super().line(number, text[:1000])


@sabotage(
    caught_by="test_a_text_cannot_pass_for_two_memories",
    source="Python: splitlines knows ten line ends, and replace one",
)
class OnlyNewlinesIndented(Lines):
    """Indents a line of a text only behind a newline."""

    def line(self, number, text):
        return f"- MEMORY #{number}: " + text.replace("\n", "\n  ")
