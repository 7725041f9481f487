"""The example backend of docs/writing-a-backend.md on a real file."""

import json
import os
from pathlib import Path

import pytest
from haystack.dataclasses import ChatMessage

from memstore import MemoryConflictError, MemoryStoreError
from memstore.demo.json_file import JSONFileMemoryStore

TEA = [ChatMessage.from_user("tea")]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "memories.json")


def test_what_one_instance_adds_the_next_one_finds(path):
    JSONFileMemoryStore(path).add_memories(messages=TEA, infer=False, user_id="maya", metadata={"ü": [1, None]})
    [message] = JSONFileMemoryStore(path).search_memories(query="tea", user_id="maya")
    assert (message.text, message.meta) == ("tea", {"ü": [1, None]})


def test_a_taken_id_is_a_conflict(path):
    store = JSONFileMemoryStore(path)
    store.add_memories(messages=TEA, infer=False, user_id="maya", ids=["a"])
    with pytest.raises(MemoryConflictError):
        store.add_memories(messages=TEA, infer=False, user_id="tom", ids=["a"])
    with pytest.raises(MemoryConflictError):
        store._insert(list(store._read().values()))


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    store = JSONFileMemoryStore(path)
    store.add_memories(messages=TEA, infer=False, user_id="maya")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MemoryStoreError):
        store.add_memories(messages=[ChatMessage.from_user("milk")], infer=False, user_id="maya")
    assert [record["text"] for record in json.loads(Path(path).read_text())] == ["tea"]


def test_a_damaged_file_is_an_error_and_not_empty(path):
    with open(path, "w") as file:
        file.write('[{"id":')
    with pytest.raises(MemoryStoreError, match="could not select memories: JSONDecodeError"):
        JSONFileMemoryStore(path).search_memories(user_id="maya")
