"""A platform of its own for each test, and a client of it."""

from collections.abc import Iterator

import pytest
from mem0_platform import MemoryPlatform
from mem0_platform_tests.checked import Client


@pytest.fixture
def platform() -> Iterator[MemoryPlatform]:
    with MemoryPlatform() as platform:
        yield platform


@pytest.fixture
def client(platform) -> Iterator[Client]:
    with Client(platform) as client:
        yield client
