"""The store with embedded Qdrant: what it keeps, of whom, and for how many at once."""

import os
import sqlite3
import subprocess
import sys
import threading
import uuid
from contextlib import contextmanager

import pytest
from haystack.dataclasses import ChatMessage
from psycopg_pool import ConnectionPool

from memstore import Memory, bind
from memstore.errors import MemoryConflictError, MemoryStoreError, RegistryError, StoreClosedError
from memstore_mem0.oss.store import Mem0OSSMemoryStore


def texts(store, **arguments):
    return [message.text for message in store.search_memories(**arguments)]


def say(store, *said, **arguments):
    return store.add_memories(messages=[ChatMessage.from_user(text) for text in said], infer=False, **arguments)


def test_200_adds_from_16_threads_are_all_there_once(store):
    numbers, start = iter(range(200)), threading.Barrier(16)
    lock, added = threading.Lock(), []

    def work():
        start.wait()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            entries = say(store, f"note {number}", user_id="maya", app_id="diary")
            with lock:
                added.extend(entries)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({entry["memory_id"] for entry in added}) == 200
    assert sorted(texts(store, user_id="maya")) == sorted(f"note {number}" for number in range(200))


def test_system_and_tool_messages_are_kept(store):
    messages = [
        ChatMessage.from_system("be brief"),
        ChatMessage.from_user("hello", name="maya"),
        ChatMessage.from_assistant("hi"),
    ]
    store.add_memories(messages=messages, infer=False, run_id="r")
    found = store.search_memories(run_id="r", include_memory_metadata=True)
    own = [(message.text, message.meta["memory_metadata"]["role"]) for message in found]
    assert own == [("be brief", "system"), ("hello", "user"), ("hi", "assistant")]
    assert found[1].meta["memory_metadata"]["name"] == "maya"


def test_app_id_is_kept_and_shown_as_no_metadata(store):
    say(store, "in the diary", user_id="maya", app_id="diary", metadata={"memstore": "mine", "data": 1, "hash": [None]})
    say(store, "at work", user_id="maya", app_id="work")
    [found] = store.search_memories(user_id="maya", app_id="diary")
    assert (found.text, found.meta) == ("in the diary", {"memstore": "mine", "data": 1, "hash": [None]})
    assert texts(store, app_id="work") == ["at work"]
    assert texts(store, app_id="work", query="diary") == ["at work"]


def test_ids_with_blanks_inside_are_ranked_too(store):
    say(store, "green tea", "a bicycle", user_id="Maya Lind")
    say(store, "green tea", user_id="Maya")
    assert texts(store, query="tea", user_id="Maya Lind") == ["green tea", "a bicycle"]


def test_a_query_finds_what_points_the_other_way(store):
    """`Memory.search` drops scores below zero; here the best `top_k` come back, however bad."""
    said = [f"{word} {number}" for number in range(10) for word in ("tax form", "green tea", "bicycle", "quantum")]
    say(store, *said, user_id="maya")
    found = store.search_memories(query="zzz !!", user_id="maya", top_k=40, include_memory_metadata=True)
    scores = [message.meta["memory_metadata"]["score"] for message in found]
    assert sorted(message.text for message in found) == sorted(said)
    assert scores == sorted(scores, reverse=True)


def test_client_ids_need_not_be_uuids(store):
    upper = str(uuid.uuid4()).upper()
    say(store, "one", "two", user_id="maya", ids=["note/1", upper])
    with pytest.raises(MemoryConflictError):
        say(store, "another", user_id="maya", ids=["note/1"])
    store.delete_memory("note/1")
    assert texts(store, user_id="maya") == ["two"]
    assert texts(store, filters={"field": "id", "operator": "==", "value": upper}) == ["two"]


def test_nothing_stays_of_a_batch_that_cannot_be_written_to_the_history(store):
    say(store, "before", user_id="maya")
    connection = store._library.memory.db.connection
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(MemoryStoreError):
        say(store, "one", "two", user_id="maya")
    with pytest.raises(MemoryStoreError):
        store.update_memory(store.list_memories(user_id="maya").memories[0].id, text="changed")
    assert [(m.text, m.version) for m in store.list_memories(user_id="maya").memories] == [("before", 1)]


def test_two_stores_in_one_folder_get_a_clear_error(store, folder):
    say(store, "one", user_id="maya")
    other = Mem0OSSMemoryStore(path=folder)
    with pytest.raises(MemoryStoreError, match="in use by another store") as raised:
        say(other, "two", user_id="maya")
    assert str(folder) in str(raised.value)
    store.close()
    say(other, "two", user_id="maya")
    assert texts(other, user_id="maya") == ["one", "two"]
    other.close()


CHILD = """
import sys
from memstore.errors import MemoryStoreError
from memstore_mem0.oss.store import Mem0OSSMemoryStore
try:
    Mem0OSSMemoryStore(path=sys.argv[1]).warm_up()
except MemoryStoreError as error:
    print(error)
"""


def test_two_processes_in_one_folder_get_a_clear_error(store, folder):
    store.warm_up()
    child = subprocess.run([sys.executable, "-c", CHILD, folder], capture_output=True, text=True, timeout=60)
    assert f"the folder {folder}" in child.stdout and "in use by another store" in child.stdout, child.stderr


def test_a_killed_process_leaves_no_lock_behind(store, folder):
    store.close()
    killed = f"import os{CHILD.replace('except', '    os._exit(9)' + chr(10) + 'except')}"
    assert subprocess.run([sys.executable, "-c", killed, folder], timeout=60).returncode == 9
    with Mem0OSSMemoryStore(path=folder) as again:
        say(again, "one", user_id="maya")


def test_url(tmp_path):
    from urllib.parse import urlsplit

    assert Mem0OSSMemoryStore.from_url(urlsplit(f"mem0+oss://{tmp_path}/a%20b")).to_dict()["init_parameters"] == {
        "config": None,
        "path": f"{tmp_path}/a b",
    }
    for wrong in ("mem0+oss://host/path", "mem0+oss:///path?llm=openai", "mem0+oss:///path#x"):
        with pytest.raises(RegistryError):
            Mem0OSSMemoryStore.from_url(urlsplit(wrong))


def test_nothing_of_texts_in_reprs(store):
    say(store, "a secret", user_id="maya")
    assert repr(store) == "<Mem0OSSMemoryStore>"
    [memory] = store.list_memories(user_id="maya").memories
    assert isinstance(memory, Memory) and "secret" not in repr(memory)


def test_bound_stores_share_the_folder(store):
    say(bind(store, user_id="maya"), "hers")
    assert texts(bind(store, user_id="noor")) == []


def test_a_call_that_waited_for_its_turn_does_not_open_a_closed_store_again(store, folder):
    say(store, "one", user_id="maya")
    store.close()
    with pytest.raises(StoreClosedError):
        store._delete([])  # as one that was let in before
    with Mem0OSSMemoryStore(path=folder) as again:
        assert texts(again, user_id="maya") == ["one"]


def test_two_stores_may_share_a_history(store, folder):
    with Mem0OSSMemoryStore({"vector_store": {"provider": "faiss"}}, path=folder) as other:
        for each, text in ((store, "one"), (other, "two"), (store, "three")):
            say(each, text, user_id="maya")
        store.close()
        say(other, "four", user_id="maya")
        other.delete_all_memories(user_id="maya")
    with sqlite3.connect(folder / "history.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM history").fetchone() == (6,)
    connection.close()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_is_none_is_told(folder, name):
    (folder / "file").write_text("")
    for path in (folder / name, None):
        config = {"vector_store": {"provider": "qdrant", "config": {"path": str(folder / name)}}}
        store = Mem0OSSMemoryStore(config, path=folder) if path is None else Mem0OSSMemoryStore(path=path)
        with pytest.raises(MemoryStoreError, match="cannot be used") as raised:
            store.warm_up()
        assert str(folder / "file") in str(raised.value)


def test_a_relative_path_is_of_the_folder_in_which_the_store_was_made(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with Mem0OSSMemoryStore(path="mine") as store:
        (folder / "elsewhere").mkdir()
        monkeypatch.chdir(folder / "elsewhere")
        say(store, "one", user_id="maya")
        assert store.to_dict()["init_parameters"]["path"] == "mine"
    assert (folder / "mine" / "history.db").exists() and not list((folder / "elsewhere").iterdir())


def test_warming_up_reaches_for_the_vector_store(folder):
    pool = ConnectionPool("host=127.0.0.1 port=1", open=False, timeout=0.2)
    config = {"vector_store": {"provider": "pgvector", "config": {"connection_pool": pool}}}
    with Mem0OSSMemoryStore(config, path=folder) as store:
        with pytest.raises(MemoryStoreError, match="the vector store does not work: Pool"):
            store.warm_up()


@contextmanager
def nobody():
    """Root may write whatever it likes."""
    if root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are of another kind")
@pytest.mark.parametrize("name", ["storage.sqlite", "history.db"])
def test_files_that_cannot_be_written_are_told(folder, name):
    with Mem0OSSMemoryStore(path=folder) as store:
        say(store, "one", user_id="maya")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777)
    next(folder.rglob(name)).chmod(0o444)
    with nobody(), pytest.raises(MemoryStoreError, match=f"{name} cannot be written"):
        Mem0OSSMemoryStore(path=folder).warm_up()
