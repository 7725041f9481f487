"""A Haystack component that holds a store, as an agent's tools do."""

from haystack import component, default_from_dict, default_to_dict

from memstore import store_from_dict


@component
class StoreHolder:
    def __init__(self, store):
        self.store = store

    def to_dict(self):
        return default_to_dict(self, store=self.store.to_dict())

    @classmethod
    def from_dict(cls, data):
        parameters = data["init_parameters"]
        return default_from_dict(
            cls, {**data, "init_parameters": {}} | {"init_parameters": {"store": store_from_dict(parameters["store"])}}
        )

    @component.output_types(count=int)
    def run(self):
        return {"count": len(self.store.search_memories())}
