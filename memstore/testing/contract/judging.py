"""How a store's answers to filters are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from memstore.filters import Filter, matches, parse, serialize
from memstore.testing import strategies
from memstore.testing.contract import expect
from memstore.testing.contract.harness import Harness
from memstore.testing.truth_table import Cell, a, all_of, where

_SHOWN: Final = 8
"""Wrong cells that a failure lists; the rest are counted."""


class FilterHarness(Harness):
    """Asks filters about memories that it stores, and compares with the truth table and the oracle."""

    def found(self, store: Any, user: str, filters: dict[str, Any], **arguments: Any) -> list[str | None]:
        """The texts of a user's memories that a filter finds."""
        return self.texts(store, filters=all_of(where("user_id", "==", user), filters), **arguments)

    def judge(self, store: Any, cells: Sequence[Cell]) -> None:
        """Store the records of these cells, ask every filter once, and look at every cell by hand and by the oracle."""
        records = _distinct([cell.record["meta"] for cell in cells])
        by_hand = {(str(cell.filters), str(cell.record["meta"])): cell for cell in cells}
        filters = _distinct([cell.filters for cell in cells])
        self.judge_all(store, records, filters, by_hand)

    def judge_all(
        self,
        store: Any,
        records: Sequence[Any],
        filters: Sequence[Any],
        by_hand: dict[tuple[str, str], Cell] | None = None,
    ) -> None:
        """Store these records and ask every filter once; cells not given by hand are the oracle's."""
        user, wrong = self.new_id(), []
        texts = self.add_records(store, records, user_id=user)
        for asked in filters:
            node = parse(asked)
            try:
                found = set(self.found(store, user, asked))
            except Exception as error:  # noqa: BLE001  # one filter that raises must not hide the others
                wrong.append(f"{node} raised {type(error).__name__}: {expect.shown(str(error))}")
                continue
            for text, record in zip(texts, records, strict=True):
                cell = (by_hand or {}).get((str(asked), str(record)))
                expected = cell.matches if cell else matches(node, {"meta": record})
                if (text in found) is not expected:
                    why = f" ({cell.why})" if cell and cell.why else ""
                    should = "should match, and does not" if expected else "should not match, and does"
                    wrong.append(f"{node}  on {expect.shown(record)}: {should}{why}")
        lines = wrong[:_SHOWN] + ([f"... and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else [])
        expect.true(not wrong, "\n  ".join([f"{len(wrong)} wrong:", *lines]))

    def judge_negation(self, store: Any, operator: str, negation: str, values: Sequence[Any]) -> None:
        """Ask the negation of an operator: it finds the complement of what the oracle says of the operator."""
        user = self.new_id()
        kinds: list[Any] = [None, 1, 1.0, 2, True, "x", "1", [1], {}, "2024-05-01T00:00Z"]
        records: list[dict[str, Any]] = [{}, *({"a": value} for value in kinds)]
        texts = self.add_records(store, records, user_id=user)
        for value in values:
            node = parse(a(operator, value))
            expected = [
                text for text, record in zip(texts, records, strict=True) if not matches(node, {"meta": record})
            ]
            found = self.found(store, user, a(negation, value))
            expect.same(
                found,
                expected,
                f"texts found by a {negation} {expect.shown(value)}, of {dict(zip(texts, records, strict=True))}",
            )

    def judge_random(self, store: Any, read: Callable[[dict[str, Any], int], Sequence[str | None]]) -> None:
        """Add a few memories, then ask for those that match."""

        @self.examples()
        @given(st.lists(strategies.metadata(), min_size=1, max_size=5), strategies.filters())
        def check(metadata: list[dict[str, Any]], filter: Filter) -> None:
            user = self.new_id()
            texts = self.add_records(store, metadata, user_id=user)
            told = {
                m.text: m.meta["memory_metadata"]
                for m in self.search(store, user_id=user, include_memory_metadata=True)
            }
            expected = [
                text
                for text, meta in zip(texts, metadata, strict=True)
                if matches(filter, {**told[text], "id": told[text]["memory_id"], "text": text, "meta": meta})
            ]
            found = read(all_of(where("user_id", "==", user), serialize(filter)), len(texts))
            expect.same(found, expected, f"texts found by {filter}, of {dict(zip(texts, metadata, strict=True))}")

        check()


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Without repetitions, in order; 1, 1.0 and True are different."""
    return list({repr(value): value for value in values}.values())
