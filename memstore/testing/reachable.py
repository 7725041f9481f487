"""What an object keeps in this process, as bytes."""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

_SHARED: Final = (type, ModuleType, BuiltinFunctionType)
"""What belongs to the program and not to one object."""


def reachable_bytes(root: object) -> bytes:
    """Every string, bytes object and array that can be reached from `root`, one after the other."""
    seen: dict[int, object] = {}  # the objects too: what is freed on the way would give its id to another
    parts: list[bytes] = []
    waiting: list[Any] = [root]
    while waiting:
        current = waiting.pop()
        if id(current) in seen or isinstance(current, _SHARED):
            continue
        seen[id(current)] = current
        if isinstance(current, str):
            parts.append(current.encode("utf-8", "surrogatepass"))
        elif isinstance(current, bytes | bytearray | memoryview):
            parts.append(bytes(current))
        elif isinstance(current, np.ndarray) and not current.dtype.hasobject:
            parts.append(current.tobytes())
        elif isinstance(current, FunctionType):
            waiting.extend((current.__closure__, current.__defaults__, current.__kwdefaults__, vars(current)))
        elif isinstance(current, np.ndarray):
            waiting.extend(current.flat)
        else:
            waiting.extend(gc.get_referents(current))
            if isinstance(current, dict):
                waiting.extend(current)  # the collector passes over keys that are strings
    return b"\n".join(parts)
