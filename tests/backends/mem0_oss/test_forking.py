"""A forked child gives away nothing of its parent's store, however it ends."""

import os
import subprocess
import sys

import portalocker
import pytest
from haystack.dataclasses import ChatMessage

from memstore.errors import MemoryStoreError
from memstore_mem0.oss.store import Mem0OSSMemoryStore

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

PARENT = """
import os, sys
from haystack.dataclasses import ChatMessage
from memstore.errors import MemoryStoreError
from memstore_mem0.oss.store import Mem0OSSMemoryStore

folder, ends_at_once = sys.argv[1], sys.argv[2] == "at once"
store = Mem0OSSMemoryStore(path=folder)

def say(text):
    store.add_memories(messages=[ChatMessage.from_user(text)], infer=False, user_id="maya")

say("before")
child = os.fork()
if child == 0:
    try:
        with store:
            store.list_memories(user_id="maya")
    except MemoryStoreError as error:
        print("child:", error, flush=True)
    if ends_at_once:
        os._exit(0)
    del store  # and with it, what its parts do when they are destroyed
    sys.exit(0)
os.waitpid(child, 0)
print("forked", flush=True)
sys.stdin.readline()
say("after")
store.delete_memory(store.list_memories(user_id="maya").memories[0].id)
print([memory.text for memory in store.list_memories(user_id="maya").memories], flush=True)
store.close()
"""


@pytest.mark.parametrize("ending", ["at once", "as programs do"])
def test_the_folder_stays_the_parents(folder, ending):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, folder, ending], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert "opened before the process forked" in parent.stdout.readline()
        assert parent.stdout.readline() == "forked\n"
        with pytest.raises(MemoryStoreError, match="in use by another store"):
            Mem0OSSMemoryStore(path=folder).warm_up()
        with (folder / "qdrant" / ".lock").open("r+") as qdrants:
            with pytest.raises(portalocker.exceptions.LockException):
                portalocker.lock(qdrants, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        logs = list(folder.rglob("*-wal"))
        assert len(logs) == 2 and all(log.stat().st_size for log in logs), "the parent's databases were not closed"
        rest, _ = parent.communicate("\n", timeout=60)
        assert rest == "['after']\n" and parent.returncode == 0
    finally:
        parent.kill()
        parent.wait()
        parent.stdin.close()
        parent.stdout.close()
    with Mem0OSSMemoryStore(path=folder) as again:
        assert [memory.text for memory in again.list_memories(user_id="maya").memories] == ["after"]


ORPHAN = """
import os, sys
from memstore_mem0.oss.store import Mem0OSSMemoryStore

store = Mem0OSSMemoryStore(path=sys.argv[1])
store.warm_up()
if os.fork() == 0:
    sys.stdin.readline()
    os._exit(0)
os._exit(9)
"""


def test_a_child_that_outlives_its_parent_does_not_keep_the_folder(folder):
    with subprocess.Popen([sys.executable, "-c", ORPHAN, folder], stdin=subprocess.PIPE) as parent:
        assert parent.wait(60) == 9
        with Mem0OSSMemoryStore(path=folder) as store:
            store.add_memories(messages=[ChatMessage.from_user("one")], infer=False, user_id="maya")
