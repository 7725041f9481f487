"""Ids of memories: UUIDv7, increasing in the order of adding."""

from __future__ import annotations

import secrets
import struct
import threading
import time
from functools import lru_cache
from itertools import accumulate
from typing import Final

_RANDOM_BITS: Final = 74

_lock = threading.Lock()
_last = 0


def new_ids(count: int) -> list[str]:
    """`count` new UUIDs, increasing as strings, also across calls and threads of this process.

    RFC 9562, section 6.2, method 2: 48 bits of milliseconds, then 74 random bits; within a
    millisecond the random part grows by a random step of 32 bits, so that the next id cannot be
    guessed.
    """
    global _last  # noqa: PLW0603  # one sequence for the process is the point
    steps = struct.unpack(f">{count}I", secrets.token_bytes(4 * count))
    with _lock:
        now = time.time_ns() // 1_000_000 << _RANDOM_BITS
        if now > _last:
            _last = now | secrets.randbits(_RANDOM_BITS - 1)  # the highest bit is left as room to grow
        numbers = list(accumulate(steps, lambda last, step: last + step + 1, initial=_last))
        _last = numbers[-1]
    return [_format(number) for number in numbers[1:]]


def _format(number: int) -> str:
    """48 bits of time, version 7, 12 random bits, variant 10, 62 random bits."""
    low = number & 0x3FFF_FFFF_FFFF_FFFF
    return f"{_prefix(number >> 62)}-{low >> 48 | 0x8000:04x}-{low & 0xFFFF_FFFF_FFFF:012x}"


@lru_cache(maxsize=1)  # the same for nearly all ids of a batch
def _prefix(high: int) -> str:
    return f"{high >> 28:08x}-{high >> 12 & 0xFFFF:04x}-7{high & 0xFFF:03x}"
