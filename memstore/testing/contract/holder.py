"""A Haystack component that holds a store, as the components of an agent do."""

from __future__ import annotations

from typing import Any

from haystack import component, default_from_dict, default_to_dict

from memstore.registry import store_from_dict


@component
class StoreHolder:
    """Does nothing but hold a store."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def to_dict(self) -> dict[str, Any]:
        """The component with its store."""
        return default_to_dict(self, store=self.store.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StoreHolder:
        """The component with its store, which the registry finds or the user allowed."""
        store = store_from_dict(data["init_parameters"]["store"])
        return default_from_dict(cls, {**data, "init_parameters": {"store": store}})

    @component.output_types(count=int)
    def run(self) -> dict[str, int]:
        """As every component has it."""
        return {"count": 0}
