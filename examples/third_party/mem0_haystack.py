"""The store of mem0-haystack, pointed at loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from haystack.utils import Secret
from haystack_integrations.memory_stores.mem0 import Mem0MemoryStore
from mem0 import MemoryClient
from mem0_platform import MemoryPlatform

from .loopback import KEY, running_platform


class LoopbackMem0MemoryStore(Mem0MemoryStore):
    """deepset's class and a parameter for the host, which it lacks.

    `warm_up` is where it makes its client, with the host that mem0ai defaults to. Everything that is
    judged is inherited.
    """

    def __init__(self, *, host: str, api_key: Secret = Secret.from_env_var(KEY)) -> None:  # noqa: B008  # as in the parent
        super().__init__(api_key=api_key)
        self.host = host

    def warm_up(self) -> None:
        """Make the client, for our host."""
        if self._client is None:
            self._client = MemoryClient(api_key=self.api_key.resolve_value(), host=self.host)

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
