"""Loading mem0ai: late, and with its telemetry off unless the user turned it on."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import threading
import warnings
from contextlib import suppress
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

_TELEMETRY: Final = "MEM0_TELEMETRY"
_loading = threading.Lock()


def check_installed() -> None:
    """Fail at once where mem0ai is missing, though it is loaded late.

    Raises:
        ModuleNotFoundError: it is not installed. The registry makes the pip command of it.
    """
    if find_spec("mem0") is None:
        raise ModuleNotFoundError("Mem0 needs the module 'mem0': pip install \"memstore[mem0]\"", name="mem0")


def load_mem0() -> ModuleType:
    """The module ``mem0``. Importing it takes seconds, so only what is about to use it calls this.

    mem0ai sends events to PostHog unless ``MEM0_TELEMETRY`` says no, which it reads when it is
    imported (mem0/memory/telemetry.py). Here it is off unless the user has set that variable.
    """
    with _loading, warnings.catch_warnings():  # importing it changes the process's warning filters
        if _TELEMETRY not in os.environ:
            os.environ[_TELEMETRY] = "False"
            if "mem0" in sys.modules:
                _turn_off_telemetry()
        return importlib.import_module("mem0")


async def load_mem0_async() -> None:
    """Load ``mem0`` without holding up the event loop, nor a thread of its executor."""
    if "mem0" in sys.modules:
        load_mem0()
        return
    loop, loaded = asyncio.get_running_loop(), asyncio.Event()

    def load() -> None:
        with suppress(Exception):  # whoever uses it next meets the same error
            load_mem0()
        loop.call_soon_threadsafe(loaded.set)

    threading.Thread(target=load, name="load-mem0").start()
    await loaded.wait()


def _turn_off_telemetry() -> None:
    """What the variable does, for a mem0ai that was imported before it was set."""
    telemetry: Any = importlib.import_module("mem0.memory.telemetry")
    telemetry.client_telemetry.close()
    main: Any = importlib.import_module("mem0.memory.main")
    telemetry.MEM0_TELEMETRY = main.MEM0_TELEMETRY = False
