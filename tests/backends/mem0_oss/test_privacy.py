"""Nothing of memories reaches logs, terminals or the network, and importing loads nothing."""

import json
import logging
import os
import subprocess
import sys

import pytest
from backends.mem0_oss.contracts import key_in_environment, model_at
from haystack.dataclasses import ChatMessage
from openai_server import KEY, OpenAIServer, facts

from memstore.errors import MemoryStoreError
from memstore_mem0.oss.store import Mem0OSSMemoryStore
from memstore_mem0.quiet import quiet

SAID = [ChatMessage.from_user("harbour-4711 and yesterday")]


def use_everything(store):
    [added] = store.add_memories(messages=SAID, infer=False, user_id="maya")
    store.search_memories(query="harbour-4711 yesterday", user_id="maya", top_k=60)
    store.update_memory(added["memory_id"], text="harbour-4712")
    store.delete_memory(added["memory_id"])
    if "llm" in store._config:
        for _ in range(2):
            try:
                store.add_memories(messages=SAID, user_id="maya")
            except MemoryStoreError:
                pass
    store.delete_all_memories(user_id="maya")


def test_no_text_is_logged(folder, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with OpenAIServer("harbour-4713, no JSON", facts("harbour-4714")).running() as server, key_in_environment():
        with Mem0OSSMemoryStore({"llm": model_at(server)}, path=folder) as store:
            use_everything(store)
    assert "harbour" not in caplog.text and KEY not in caplog.text
    assert not [record.name for record in caplog.records if record.name.startswith(("mem0.memory", "openai"))]
    assert capsys.readouterr() == ("", "")


def test_others_still_log(folder, caplog):
    caplog.set_level(logging.DEBUG)
    with Mem0OSSMemoryStore(path=folder) as store:
        use_everything(store)
        logging.getLogger("mem0.memory.main").info("a program's own use of mem0")
    assert "a program's own use of mem0" in caplog.text


class Noisy:
    """An embedder that logs what it gets, as clients of services do."""

    def __init__(self, *loggers):
        self.loggers = loggers

    def embed(self, text, memory_action=None):
        for name in self.loggers:
            logging.getLogger(name).warning("embedding %s", text)
        return [1.0] * 256

    def embed_batch(self, texts, memory_action=None):
        return [self.embed(text) for text in texts]


def test_no_package_logs_a_text(store, caplog):
    caplog.set_level(logging.DEBUG)
    own, kept = logging.getLogger("litellm.own"), []
    own.propagate, handler = False, logging.Handler()
    handler.emit = kept.append
    own.addHandler(handler)
    late = f"botocore.made.in.the.middle.{id(store)}"
    store.warm_up()
    store._library.memory.embedding_model.part = Noisy("litellm.own", late, "root", None, "memstore.of_its_own")
    store.add_memories(messages=SAID, infer=False, user_id="maya")
    assert [record.name for record in caplog.records if "harbour" in record.getMessage()] == ["memstore.of_its_own"]
    assert kept == []
    own.warning("later")
    logging.getLogger(late).warning("later")
    assert len(kept) == 1 and caplog.text.count("later") == 1


@pytest.mark.parametrize("place", [logging.lastResort, logging.root], ids=["no handler", "the root itself"])
def test_nor_is_it_heard_elsewhere(place):
    record = logging.makeLogRecord({"name": "root", "msg": "x"})
    with quiet():
        assert not place.filter(record)
    assert place.filter(record)


def test_importing_does_not_touch_logging():
    code = (
        "import logging; from memstore_mem0.oss.embedder import OfflineEmbedder; OfflineEmbedder().embed('x');"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == "[] 30"


OFFLINE = """
import json, socket, sys
reached = []
connect = socket.socket.connect
def watched(self, address):
    reached.append(str(address))
    return connect(self, address)
socket.socket.connect = watched
socket.getaddrinfo = lambda *a, **k: reached.append(str(a)) or []
from haystack.dataclasses import ChatMessage
from memstore_mem0.oss.store import Mem0OSSMemoryStore
with Mem0OSSMemoryStore(path=sys.argv[1]) as store:
    store.add_memories(messages=[ChatMessage.from_user("hello")], infer=False, user_id="maya")
    found = [message.text for message in store.search_memories(query="hello", user_id="maya")]
    store.delete_all_memories(user_id="maya")
import mem0.memory.telemetry
print(json.dumps([found, reached, mem0.memory.telemetry.MEM0_TELEMETRY, sorted(sys.modules)]))
"""


def test_without_a_configuration_nothing_leaves_the_machine(folder):
    environment = {name: value for name, value in os.environ.items() if name != "MEM0_TELEMETRY"}
    environment |= {"MEM0_DIR": str(folder / "home"), "HAYSTACK_TELEMETRY_ENABLED": "False"}
    run = subprocess.run(
        [sys.executable, "-c", OFFLINE, folder], capture_output=True, text=True, timeout=100, env=environment
    )
    assert run.returncode == 0, run.stderr
    found, reached, telemetry, _ = json.loads(run.stdout)
    assert (found, reached, telemetry) == (["hello"], [], False)
    assert run.stderr == ""


def test_importing_and_making_a_store_loads_no_mem0():
    code = (
        "import sys; from memstore_mem0.oss.store import Mem0OSSMemoryStore as S; S(); S.from_dict(S().to_dict());"
        "print([name for name in ('mem0', 'qdrant_client', 'wordllama', 'openai', 'sqlite3') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "mem0" not in shown.stdout and "qdrant" not in shown.stdout and "wordllama" not in shown.stdout


def test_no_text_in_errors(store):
    store.warm_up()
    connection = store._library.memory.db.connection
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'harbour-4711'); END")
    with pytest.raises(MemoryStoreError) as raised:
        store.add_memories(messages=SAID, infer=False, user_id="maya")
    assert "harbour" not in str(raised.value)
