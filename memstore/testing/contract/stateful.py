"""Any sequence of calls, compared with a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from haystack.dataclasses import ChatMessage
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule, run_state_machine_as_test

from memstore.errors import MemoryNotFoundError
from memstore.filters import And, Comparison, Field, Filter, Operator, serialize
from memstore.testing import strategies
from memstore.testing.contract import expect
from memstore.testing.contract.awaited import AwaitedStore
from memstore.testing.contract.harness import Harness
from memstore.testing.contract.model import Entry, Model
from memstore.testing.contract.reading import listed

_STEPS: Final = 15
_USERS: Final = st.sampled_from(("maya", "tom"))
_RUNS: Final = st.sampled_from((None, "monday", "tuesday"))
_TEXTS: Final = st.sampled_from([text for text in strategies.TEXTS if text])
_MOMENTS: Final = st.sampled_from([datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2)])
_MESSAGES: Final = {
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
    "system": ChatMessage.from_system,
}


class Stateful(Harness):
    """The store against the model."""

    def test_any_sequence_of_calls_agrees_with_a_model(self, store: Any) -> None:
        """After any sequence of adds, updates, deletes and reopenings, every read is what a plain dictionary would say.

        If this fails, check the last step of the sequence that is shown; the steps before it are all needed for it.
        """
        with ExitStack() as reopened:
            opened = _Opened(self, store, reopened)
            run_state_machine_as_test(
                _machine(opened), settings=settings(self.examples(0.5), stateful_step_count=_STEPS)
            )


class _Opened:
    """The store under test, whichever instance it is by now."""

    def __init__(self, harness: Harness, store: Any, stack: ExitStack) -> None:
        self.harness = harness
        self.claims = frozenset(harness.claims)
        self.store = store
        self._stack = stack

    def reopen(self) -> None:
        self.store.close()
        self._stack.close()
        again = self._stack.enter_context(self.harness.reopen())
        self.store = AwaitedStore(again, self.store._runner) if isinstance(self.store, AwaitedStore) else again


def _machine(opened: _Opened) -> Callable[[], RuleBasedStateMachine]:  # noqa: C901  # one rule for each kind of call
    harness, claims = opened.harness, opened.claims

    class Calls(RuleBasedStateMachine):
        """Makes a call, and asks the model what must come of it."""

        memories: Bundle[str] = Bundle("memories")

        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            self.unique = harness.new_id("x")

        @rule(
            target=memories,
            user=_USERS,
            run=_RUNS,
            said=st.lists(st.tuples(st.sampled_from(sorted(_MESSAGES)), _TEXTS), min_size=1, max_size=3),
            metadata=strategies.metadata(),
            timestamp=_MOMENTS,
        )
        def add(self, user, run, said, metadata, timestamp):
            scope = self.scope(user, run)
