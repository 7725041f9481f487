"""The demo's chapters; what the command prints as a whole is held against the README."""

from memstore.demo.json_file import JSONFileMemoryStore
from memstore.demo.story import recall, remember


def test_the_story_is_true(tmp_path, capsys):
    path = str(tmp_path / "memories.json")
    remember(path)
    with JSONFileMemoryStore(path) as store:
        everybody = store.list_memories(filters={"operator": "AND", "conditions": []}).memories
        assert {memory.user_id for memory in everybody} == {"maya", "tom"}
        assert {memory.name for memory in everybody} == {"Maya", "Tom", "Ada"}
        assert all(len(memory.text) < 120 for memory in everybody)
        toms = store.search_memories(user_id="tom")
    recall(path)
    with JSONFileMemoryStore(path) as store:
        assert store.search_memories(user_id="maya") == []
        assert store.search_memories(user_id="tom") == toms
    printed = capsys.readouterr().out
    assert "0 mention a surprise" in printed
    assert "'Alfama' is not in the file" in printed
    assert max(map(len, printed.splitlines())) <= 100
