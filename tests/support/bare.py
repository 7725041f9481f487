"""A store that follows only the bare protocol: written without memstore, and as careless as those out there."""

import uuid

from haystack.dataclasses import ChatMessage, Document
from haystack.utils.filters import document_matches_filter

IDS = ("user_id", "run_id", "agent_id", "app_id")


class BareStore:
    """The methods of the seed API and no more; keywords it does not know are passed on to its engine.

    Metadata named like an id moves a memory to that id, as in mem0ai/mem0#6277.
    """

    def __init__(self):
        self.rows = {}
        self.passed_on = []

    def to_dict(self):
        return {"type": "support.bare.BareStore", "init_parameters": {}}

    @classmethod
    def from_dict(cls, data):
        return cls()

    def add_memories(
        self, *, messages, infer=True, user_id=None, run_id=None, agent_id=None, app_id=None, async_mode=False, **kwargs
    ):
        metadata = kwargs.pop("metadata", None) or {}
        self.passed_on.append(kwargs)
        added = []
        for message in messages:
            row = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id, "app_id": app_id}
            row |= {key: value for key, value in {**metadata, **message.meta}.items() if key in IDS}
            meta = {key: value for key, value in {**metadata, **message.meta}.items() if key not in IDS}
            memory_id = str(uuid.uuid4())
            self.rows[memory_id] = {**row, "id": memory_id, "text": message.text, "meta": meta}
            added.append({"memory_id": memory_id, "memory": message.text})
        return added

    def search_memories(
        self, *, query=None, filters=None, top_k=5, user_id=None, run_id=None, agent_id=None, app_id=None, **kwargs
    ):
        kwargs.pop("include_memory_metadata", None)
        wanted = {"user_id": user_id, "run_id": run_id, "agent_id": agent_id, "app_id": app_id}
        self.passed_on.append(kwargs)
        rows = list(self.rows.values())
        if filters:
            rows = [row for row in rows if document_matches_filter(filters, as_document(row))]
        else:
            rows = [row for row in rows if all(value in (None, row[name]) for name, value in wanted.items())]
        if query:
            words = set(query.lower().split())
            rows = sorted(rows, key=lambda row: -len(words & set(row["text"].lower().split())))[:top_k]
        return [ChatMessage.from_system(row["text"], meta=dict(row["meta"])) for row in rows]

    def search_memories_as_single_message(self, **kwargs):
        return ChatMessage.from_system("\n".join(message.text for message in self.search_memories(**kwargs)))

    def delete_all_memories(self, **kwargs):
        for memory_id, row in list(self.rows.items()):
            if all(row[name] == value for name, value in kwargs.items() if value is not None):
                del self.rows[memory_id]

    def delete_memory(self, memory_id):
        del self.rows[memory_id]


def as_document(row):
    """Ids where `document_matches_filter` looks for fields that a Document has not: in its meta."""
    return Document(id=row["id"], content=row["text"], meta={**row["meta"], **{name: row[name] for name in IDS}})
