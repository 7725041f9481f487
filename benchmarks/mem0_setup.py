"""What both Mem0 parts need: mem0ai, without telemetry and without a trace in the user's home."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Iterator
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from benchmarks.plan import Plan
from benchmarks.report import Row


def is_installed() -> bool:
    """Whether mem0ai is there."""
    return find_spec("mem0") is not None


@cache
def load_mem0() -> ModuleType:
    """The module ``mem0``, which keeps its own files in a folder that goes at the end."""
    home = TemporaryDirectory(prefix="memstore-benchmarks-")
    atexit.register(home.cleanup)
    os.environ["MEM0_DIR"] = home.name  # read, like the other, when mem0 is imported
    os.environ["MEM0_TELEMETRY"] = "False"
    logging.getLogger("mem0").setLevel(logging.ERROR)  # it warns of each optional package that is missing
    loaded: ModuleType = import_module("memstore_mem0.loading").load_mem0()
    return loaded


def haystack_store() -> Any:
    """The class of mem0-haystack; None where it is not installed."""
    load_mem0()
    try:
        return import_module("haystack_integrations.memory_stores.mem0").Mem0MemoryStore
    except ModuleNotFoundError:
        return None


def requests(plan: Plan) -> tuple[str, list[dict[str, Any]]]:
    """How many requests each operation makes on Mem0's platform, as a table and as JSON."""
    load_mem0()
    module = import_module("benchmarks.mem0_requests")
    counted = list(module.counts(plan))
    return module.table(counted), [each.to_dict() for each in counted]


def _rows(module: str, plan: Plan) -> Iterator[Row]:
    load_mem0()
    yield from import_module(module).rows(plan)


ROWS: Final = {
    "mem0-platform": partial(_rows, "benchmarks.mem0_platform"),
    "mem0-oss": partial(_rows, "benchmarks.mem0_oss"),
}
"""Parts that are left out where mem0ai is not installed."""
