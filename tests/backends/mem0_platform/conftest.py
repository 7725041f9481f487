"""A platform and a store on it."""

import pytest
from support.mem0_stores import running, store_on


@pytest.fixture
def platform():
    with running() as platform:
        yield platform


@pytest.fixture
def store(platform):
    with store_on(platform) as store:
        yield store
