"""Bugs in `async_mode` and in waiting."""

from __future__ import annotations

from contract.sabotage.engines import Engine
from contract.sabotage.registry import sabotage
from contract.sabotage.views import Queued

from memstore import EventNotFoundError, MemoryTimeoutError


@sabotage(
    caught_by="test_async_mode_tells_what_is_pending",
    source="haystack-core-integrations#2605 and mem0ai/mem0#7271: PENDING shown as saved",
)
class PendingShownAsSaved(Queued):
    """Returns the text of what is pending as if it were a memory."""

    def told(self, event, arguments):
        return [{"memory_id": event, "memory": arguments["messages"][0].text, "event_id": event}]


@sabotage(
    caught_by="test_async_mode_tells_what_is_pending",
    source="writing a queue: an entry for each message, as the list of entries is said to have",
)
class AnEventForEachMessage(Queued):
    """Returns as many pending entries as there are messages."""

    def told(self, event, arguments):
        return super().told(event, arguments) * len(arguments["messages"])


@sabotage(
    caught_by="test_async_mode_tells_what_is_pending",
    source="mem0-haystack 1.0.0 returns [] for what is PENDING",
)
class PendingIsNothing(Queued):
    """Returns nothing for what is pending."""

    def told(self, event, arguments):
        return []


@sabotage(
    caught_by="test_waiting_brings_what_was_added",
    source="writing a queue: an event is done when it was taken out, not when it was worked on",
)
class DoneBeforeItIsFound(Queued):
    """Says that an add is done, and does it the next time."""

    def finished(self, event, timeout):
        late, self.late = self.__dict__.get("late"), event
        texts = [message.text for message in self.queue.get(event, {}).get("messages", ())]
        return super().finished(late, timeout) if late else [{"memory_id": event, "memory": text} for text in texts]


@sabotage(
    caught_by="test_waiting_brings_what_was_added",
    source="mem0.md: the results of an event are in another answer than its status",
)
class WaitsForTheStatus(Queued):
    """Waits until an add is done, and returns no entries."""

    def finished(self, event, timeout):
        super().finished(event, timeout)
        return []


@sabotage(
    caught_by="test_waiting_may_time_out",
    source="Python: asyncio.wait_for() cancels what it waits for",
    raises=EventNotFoundError,
)
class TimingOutCancels(Queued):
    """Gives an add up with the wait for it."""

    def finished(self, event, timeout):
        if timeout == 0 and self.queue.pop(event, None):
            raise MemoryTimeoutError("not done yet")
        return super().finished(event, timeout)


@sabotage(
    caught_by="test_waiting_may_time_out",
    source="Python: queue.get(timeout=0) and its TimeoutError, or httpx.ReadTimeout",
    raises=TimeoutError,
)
class TimesOutByItsOwnError(Queued):
    """Raises an error of its client when the time is up."""

    def finished(self, event, timeout):
        if timeout == 0:
            raise TimeoutError("timed out")
        return super().finished(event, timeout)


@sabotage(
    caught_by="test_waiting_for_nothing_returns_at_once",
    source="writing an HTTP backend: GET /events?ids=, where no ids mean all",
)
class NoEventsAreAllEvents(Queued):
    """Waits for everything that is pending where it should wait for nothing."""

    def wait(self, event_ids, *, timeout=None):
        return super().wait(list(self.queue) if event_ids == [] else event_ids, timeout=timeout)


@sabotage(
    caught_by="test_waiting_for_nothing_returns_at_once",
    source="Python: asyncio.wait([]) is a ValueError",
    raises=ValueError,
)
class NothingToWaitFor(Queued):
    """Refuses to wait for nothing."""

    def wait(self, event_ids, *, timeout=None):
        if event_ids == []:
            raise ValueError("Set of Tasks/Futures is empty.")
        return super().wait(event_ids, timeout=timeout)


@sabotage(
    caught_by="test_waiting_for_an_unknown_event_says_so",
    source="writing a queue: what is not in it is done",
)
class UnknownIsDone(Queued):
    """Takes an unknown event for one that is done."""

    def finished(self, event, timeout):
        return super().finished(event, timeout) if event in {**self.queue, **self.entries} else []


@sabotage(
    caught_by="test_waiting_for_an_unknown_event_says_so",
    source="writing an HTTP backend: 404 is read as `not yet`",
)
class UnknownIsPending(Queued):
    """Takes an unknown event for one that is pending, until the time is up."""

    def finished(self, event, timeout):
        if event not in {**self.queue, **self.entries}:
            raise MemoryTimeoutError("not done yet")  # in the test's own time, not in a minute
        return super().finished(event, timeout)


@sabotage(
    caught_by="test_waiting_refuses_malformed_events",
    source="Python: a string is a sequence of strings",
)
class WaitsForLetters(Queued):
    """Takes a single event for a list of its letters."""

    def wait(self, event_ids, *, timeout=None):
        return super().wait(list(event_ids) if isinstance(event_ids, str) else event_ids, timeout=timeout)


@sabotage(
    caught_by="test_waiting_refuses_malformed_events",
    source="writing a queue: wait() without ids is for all, as in threading",
)
class NoneIsAllEvents(Queued):
    """Waits for everything where None is given."""

    def wait(self, event_ids, *, timeout=None):
        return super().wait(list(self.queue) if event_ids is None else event_ids, timeout=timeout)


@sabotage(
    caught_by="test_what_was_added_is_found_at_once",
    source="Elasticsearch: a search sees what was there at the last refresh",
)
class FoundAfterARefresh(Engine):
    """Ranks what was there before the last add."""

    def _insert(self, memories):
        self.seen = set(self._memories)
        return super()._insert(memories)

    def _rank(self, query, filter, limit):
        hits, more = super()._rank(query, filter, limit)
        return [hit for hit in hits if hit[0].id in self.seen], more


@sabotage(
    caught_by="test_what_was_added_is_found_at_once",
    source="hci#2605: async_mode=False is not handed on, so that adding returns at once",
)
class PendingAllTheSame(Queued):
    """Makes an add pending also where the caller wants it done."""

    def add_memories(self, *, async_mode=False, **arguments):
        if self.__dict__.get("working"):
            return super().add_memories(**arguments)
        return super().add_memories(async_mode=True, **arguments)

    def finished(self, event, timeout):
        self.working = True
        try:
            return super().finished(event, timeout)
        finally:
            self.working = False
