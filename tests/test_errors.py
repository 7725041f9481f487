"""Errors: what they are, what they carry, and that they travel between processes."""

import pickle

import pytest
from haystack.errors import FilterError as HaystackFilterError

import memstore
from memstore import (
    EventNotFoundError,
    FilterError,
    InvalidMemoryError,
    MemoryConflictError,
    MemoryNotFoundError,
    MemoryStoreError,
    MemoryTimeoutError,
    MissingDependencyError,
    RegistryError,
    ScopeError,
    StoreClosedError,
    UnsupportedError,
)

ERRORS = [
    EventNotFoundError(),
    FilterError("reason", "conditions[0].value"),
    InvalidMemoryError("text"),
    MemoryConflictError("id"),
    MemoryConflictError("id", "the memory 'id' is at version 2, not 1; nothing was changed"),
    MemoryNotFoundError("id"),
    MemoryStoreError("text"),
    MemoryTimeoutError("text"),
    MissingDependencyError("text", name="module"),
    RegistryError("text"),
    ScopeError("text"),
    StoreClosedError("Store"),
    UnsupportedError("update", "Store"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_they_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_all_of_them_are_tested_here():
    public = {name for name in memstore.__all__ if name.endswith("Error")}
    assert public == {type(error).__name__ for error in ERRORS}


def test_they_are_what_callers_already_catch():
    assert issubclass(FilterError, HaystackFilterError)
    assert issubclass(ScopeError, ValueError)
    assert issubclass(MemoryStoreError, RuntimeError)
    assert issubclass(UnsupportedError, NotImplementedError)
    assert issubclass(MemoryNotFoundError, LookupError)
    assert issubclass(MemoryTimeoutError, TimeoutError)
    assert issubclass(MissingDependencyError, ImportError)
    for raised in (EventNotFoundError, MemoryConflictError, MemoryNotFoundError, StoreClosedError, UnsupportedError):
        assert issubclass(raised, MemoryStoreError)


def test_a_filter_error_grows_outwards():
    error = FilterError("wrong", "value").within("conditions[2]").within("conditions[0]")
    assert str(error) == "conditions[0].conditions[2].value: wrong"
    assert str(FilterError("wrong")) == "filter: wrong"
    assert FilterError("wrong").within("conditions[1]").place == "conditions[1]"
