"""Filters written in Python: ``(field("meta.age") >= 18) & ~field("user_id").is_in(["bob"])``."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from memstore.errors import FilterError
from memstore.filters.fields import Field
from memstore.filters.nodes import Comparison, In, Not, Operator


class FieldBuilder:
    """A field whose comparisons are filter nodes; the same nodes that `parse` makes."""

    __slots__ = ("_field",)

    # It compares into nodes, so it can be no dictionary key.
    __hash__ = None  # type: ignore[assignment]  # how Python spells "unhashable"

    def __init__(self, field: Field) -> None:
        self._field = field

    def __eq__(self, value: Any) -> Comparison:  # type: ignore[override]  # noqa: PYI032  # a node, not a bool, by design
        return Comparison(self._field, Operator.EQ, value)

    def __ne__(self, value: Any) -> Not:  # type: ignore[override]  # noqa: PYI032  # a node, not a bool, by design
        return Not(self == value)

    def __lt__(self, value: Any) -> Comparison:
        return Comparison(self._field, Operator.LT, value)

    def __le__(self, value: Any) -> Comparison:
        return Comparison(self._field, Operator.LE, value)

    def __gt__(self, value: Any) -> Comparison:
        return Comparison(self._field, Operator.GT, value)

    def __ge__(self, value: Any) -> Comparison:
        return Comparison(self._field, Operator.GE, value)

    def is_in(self, values: Sequence[Any] | AbstractSet[Any]) -> In:
        """The field equals one of `values`.

        Raises:
            FilterError: no list, tuple or set (a string would be read as its letters), or an impossible value.
        """
        if not isinstance(values, list | tuple | AbstractSet):
            raise FilterError(f"'in' and 'not in' take a list, not a value of type {type(values).__name__}", "value")
        return In(self._field, tuple(values))

    def not_in(self, values: Sequence[Any] | AbstractSet[Any]) -> Not:
        """The field equals none of `values`."""
        return Not(self.is_in(values))

    def __repr__(self) -> str:
        return f"field({str(self._field)!r})"


def field(name: str) -> FieldBuilder:
    """Start a filter on a field: a memory's own (``user_id``), or user metadata (``meta.age`` or ``age``).

    Raises:
        FilterError: the name has an empty part.
    """
    return FieldBuilder(Field.parse(name))
