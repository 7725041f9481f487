"""The whole contract on the hosted platform's store, over HTTP to a loopback platform.

The async twins, which send the same requests, are slow: ``-m slow``.
"""

from contextlib import contextmanager

import pytest
from mem0_platform import Reading
from support.mem0_stores import KEY, running, store_on

from memstore.testing import StoreContract
from memstore.testing.contract.suite import CONTRACT


class TestMem0(StoreContract):
    claims = {
        "async",
        "count",
        "durable",
        "lifecycle",
        "list",
        "message_metadata",
        "multiprocess",
        "native_async",
        "read_after_write",
        "timestamp",
        "wait",
    }
    reading = Reading()

    @contextmanager
    def new_store(self):
        with running(self.reading) as self.platform, store_on(self.platform) as store:
            yield store

    def secrets(self):
        return [KEY]


@pytest.mark.slow
class TestMem0WithTheOtherReading(TestMem0):
    """What the documentation leaves open, read the other way: unmentioned ids are null, and so on."""

    reading = Reading(unmentioned="null", not_of_several="not all", ne_matches_missing=False)


for name in CONTRACT:
    if name.endswith("_async") and callable(twin := getattr(TestMem0, name)):
        setattr(TestMem0, name, pytest.mark.slow(twin))
