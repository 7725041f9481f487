"""Who is timed on one Mem0 platform: our store, mem0ai's own client, and mem0-haystack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from haystack.dataclasses import ChatMessage
from haystack.utils import Secret

from benchmarks.mem0_server import KEY
from benchmarks.mem0_setup import haystack_store, load_mem0
from memstore_mem0 import Mem0MemoryStore

BARE: Final = "bare MemoryClient"
MEM0_HAYSTACK: Final = "mem0-haystack"


@dataclass(frozen=True, slots=True)
class Clients:
    """Connected contenders.

    Attributes:
        ours: memstore's store.
        bare: mem0ai's client, by itself.
        haystack: mem0-haystack's store; None where it is not installed.
    """

    ours: Mem0MemoryStore
    bare: Any
    haystack: Any


@contextmanager
def connected(url: str) -> Iterator[Clients]:
    """All of them on the platform at `url`, each with a connection of its own, which is open."""
    bare = load_mem0().MemoryClient(api_key=KEY, host=url)
    store_class = haystack_store()
    haystack = None
    if store_class is not None:
        haystack = store_class(api_key=Secret.from_token(KEY))
        haystack._client = load_mem0().MemoryClient(api_key=KEY, host=url)  # it has no parameter for the host
    with store_on(url) as ours:
        ours.warm_up()
        yield Clients(ours, bare, haystack)
    bare.client.close()
    if haystack is not None:
        haystack.client.client.close()


def store_on(url: str) -> Mem0MemoryStore:
    """Our store on the platform at `url`; it looks again soon where work is queued."""
    return Mem0MemoryStore(api_key=Secret.from_token(KEY), host=url, poll_interval=0.002)


def said(texts: Sequence[str], **metadata: Any) -> list[ChatMessage]:
    """Texts as a user's messages."""
    return [ChatMessage.from_user(text, meta=metadata) for text in texts]


def as_sent(texts: Sequence[str]) -> list[dict[str, str]]:
    """The same as mem0ai's client takes them."""
    return [{"role": "user", "content": text} for text in texts]
