"""Filters over memories: one abstract form, one meaning, whatever the store.

`field` and `parse` make filters, `matches` says what they mean, `split_filter` decides what an
engine may evaluate. docs/semantics.md has the rules in full.
"""

from memstore.errors import FilterError
from memstore.filters.builder import FieldBuilder, field
from memstore.filters.compile import compile_filter
from memstore.filters.evaluate import Record, matches
from memstore.filters.fields import Field
from memstore.filters.haystack import parse, serialize
from memstore.filters.nodes import FALSE, TRUE, And, Comparison, Filter, In, Not, Operator, Or
from memstore.filters.normalize import normalize
from memstore.filters.pushdown import FilterSupport, Leaf, Split, split_filter
from memstore.filters.values import MAX_DEPTH, MAX_SIZE, Value

__all__ = [
    "FALSE",
    "MAX_DEPTH",
    "MAX_SIZE",
    "TRUE",
    "And",
    "Comparison",
    "Field",
    "FieldBuilder",
    "Filter",
    "FilterError",
    "FilterSupport",
    "In",
    "Leaf",
    "Not",
    "Operator",
    "Or",
    "Record",
    "Split",
    "Value",
    "compile_filter",
    "field",
    "matches",
    "normalize",
    "parse",
    "serialize",
    "split_filter",
]
