"""The whole contract on the hosted platform's store, over HTTP to a loopback platform.

By default less what takes longest, and the async twins, which send the same requests: ``-m slow`` has them all.
"""

from contextlib import contextmanager

import pytest
from mem0_platform import Reading
from support.mem0_stores import KEY, running, store_on

from memstore.testing import StoreContract
from memstore.testing.contract.concurrency import Concurrency
from memstore.testing.contract.filters import Filters
from memstore.testing.contract.native import NativeAsync
from memstore.testing.contract.plan import tests_of as contract_tests_of
from memstore.testing.contract.stateful import Stateful
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


LONG = {test.name for subject in (Concurrency, Filters, NativeAsync, Stateful) for test in contract_tests_of(subject)}

for name in CONTRACT:
    if (name in LONG or name.endswith("_async")) and callable(kept := getattr(TestMem0, name)):
        setattr(TestMem0, name, pytest.mark.slow(kept))
