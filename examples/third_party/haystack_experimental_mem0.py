"""The Mem0 store of haystack-experimental, pointed at loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from haystack.utils import Secret
from haystack_experimental.memory_stores.mem0 import Mem0MemoryStore
from mem0 import MemoryClient
from mem0_platform import MemoryPlatform

from .loopback import KEY, running_platform


class LoopbackMem0MemoryStore(Mem0MemoryStore):
    """deepset's class and a parameter for the host, which it lacks.

    Its constructor makes a client, which asks the hosted platform at once; so the constructor is
    replaced. Everything that is judged is inherited.
    """

    def __init__(self, *, host: str, api_key: Secret = Secret.from_env_var(KEY)) -> None:  # noqa: B008  # as in the parent
        self.api_key = api_key
        self.host = host
        self.client = MemoryClient(api_key=api_key.resolve_value(), host=host)

    def to_dict(self) -> dict[str, Any]:
        """The parent's, and the host: what it makes must not call the hosted platform."""
        data = super().to_dict()
        data["init_parameters"]["host"] = self.host
        return data


@contextmanager
def opened(platform: MemoryPlatform) -> Iterator[Mem0MemoryStore]:
    """A store on this platform."""
    store = LoopbackMem0MemoryStore(host=platform.url)
    try:
        yield store
    finally:
        store.client.client.close()


@contextmanager
def factory() -> Iterator[Mem0MemoryStore]:
    """A store on an empty platform."""
    with running_platform() as platform, opened(platform) as store:
        yield store
