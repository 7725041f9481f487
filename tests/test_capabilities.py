"""Capabilities are data with names, and a misspelt one is found out."""

import pytest
from support.stores import ListStore

from memstore import BASE_CAPABILITIES, CAPABILITIES
from memstore.capabilities import Kind, capabilities


def test_each_has_a_name_a_kind_and_a_promise():
    for name, capability in CAPABILITIES.items():
        assert capability.name == name
        assert capability.kind in Kind
        assert len(capability.promise) > 20
    assert BASE_CAPABILITIES <= CAPABILITIES.keys()


def test_a_misspelt_capability_is_refused():
    with pytest.raises(ValueError, match="no such capability: durible; there are async, list, count"):
        capabilities({"list", "durible"})


def test_a_class_that_misspells_one_is_not_made():
    with pytest.raises(ValueError, match="no such capability: durible"):

        class Misspelt(ListStore):
            capabilities = ListStore.capabilities | {"durible"}


def test_they_may_be_given_as_any_set_and_differ_by_instance():
    class Literal(ListStore):
        capabilities = {"list"}

    class Varying(ListStore):
        @property
        def capabilities(self):
            return frozenset({"list", "count"} if self.memories else {"list"})

    assert Literal().capabilities == frozenset({"list"})
    assert Varying().capabilities == {"list"}
