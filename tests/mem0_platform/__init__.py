"""A server on loopback that stands in for the Mem0 platform, in tests and examples.

It speaks real HTTP to the real clients, refuses what the platform refuses, and shares no code with
memstore: it plays a foreign engine. Its sources are the platform's public description, which lies
beside it, and what was seen of its behaviour. Where both are silent a `Reading` decides, so that a
store can be held to be right in every one.
"""

from mem0_platform.extraction import Fact
from mem0_platform.faults import Fault, dropped, failing, malformed, rate_limited, slow
from mem0_platform.platform import MemoryPlatform
from mem0_platform.reading import Reading
from mem0_platform.requests import Request

__all__ = [
    "Fact",
    "Fault",
    "MemoryPlatform",
    "Reading",
    "Request",
    "dropped",
    "failing",
    "malformed",
    "rate_limited",
    "slow",
]
