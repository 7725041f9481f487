"""Ids of memories: UUIDv7, increasing in the order of adding."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Final

_RANDOM_BITS: Final = 74
_STEP_BITS: Final = 32

_lock = threading.Lock()
_last = 0


def new_ids(count: int) -> list[str]:
    """`count` new UUIDs, increasing as strings, also across calls and threads of this process.

    RFC 9562, section 6.2, method 2: 48 bits of milliseconds, then 74 random bits; within a
    millisecond the random part grows by a random step, so that the next id cannot be guessed.
    """
    global _last
    steps = secrets.token_bytes(count * _STEP_BITS // 8)
    with _lock:
        now = time.time_ns() // 1_000_000 << _RANDOM_BITS
        if now > _last:
            _last = now | secrets.randbits(_RANDOM_BITS - 1)  # the highest bit is left as room to grow
        ids = []
        for start in range(0, len(steps), _STEP_BITS // 8):
            _last += 1 + int.from_bytes(steps[start : start + _STEP_BITS // 8])
            ids.append(_format(_last))
    return ids


def _format(number: int) -> str:
    """48 bits of time, version 7, 12 bits, variant 10, 62 bits."""
    time_part, high, low = number >> 74, number >> 62 & 0xFFF, number & 0x3FFF_FFFF_FFFF_FFFF
    text = f"{time_part << 80 | 7 << 76 | high << 64 | 2 << 62 | low:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
