"""Synthetic conversations: words as frequent as in a language, and scopes of a hundred memories each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any, Final

import numpy as np
from haystack.dataclasses import ChatMessage

SCOPE_SIZE: Final = 100
"""Memories of each user; an agent and a run have as many, of five users each."""
SESSION_SIZE: Final = 20
"""Messages that are added by one call."""
TOPICS: Final = 5
"""Values of the metadata key ``topic``, equally frequent in every scope."""

_VISITS: Final = SCOPE_SIZE // SESSION_SIZE
_WORDS: Final = 20_000
_SHORTEST, _LONGEST = 8, 22
_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Session:
    """What one call adds: texts and metadata that belong together."""

    user_id: str
    agent_id: str
    run_id: str
    texts: list[str]
    metas: list[dict[str, Any]]

    def messages(self) -> list[ChatMessage]:
        """The session as chat messages."""
        return [ChatMessage.from_user(text, meta=meta) for text, meta in zip(self.texts, self.metas, strict=True)]

    def ids(self) -> dict[str, str]:
        """The scope it is added under."""
        return {"user_id": self.user_id, "agent_id": self.agent_id, "run_id": self.run_id}


def sessions(memories: int, seed: int, *, prefix: str = "", one_user: bool = False) -> Iterator[Session]:
    """Sessions of users in turn, `memories` in all; every user comes back until it has a scope's worth.

    An agent, and likewise a run, is shared by five users, and has a session with each.
    """
    scopes = memories // SCOPE_SIZE
    written = texts(seed + sum(prefix.encode()))
    for visit, user in product(range(_VISITS), range(scopes)):
        yield Session(
            f"{prefix}user-{0 if one_user else user}",
            f"{prefix}agent-{(user + 7 * visit) % scopes}",
            f"{prefix}run-{run_of(user, visit, scopes)}",
            list(islice(written, SESSION_SIZE)),
            [{"topic": turn % TOPICS, "turn": visit * SESSION_SIZE + turn} for turn in range(SESSION_SIZE)],
        )


def run_of(user: int, visit: int, scopes: int) -> int:
    """Which run a user's session belongs to."""
    return (user + 11 * visit) % scopes


def texts(seed: int) -> Iterator[str]:
    """Texts of about 15 words without end."""
    rng = np.random.default_rng(seed)
    words, cumulated = _vocabulary()
    while True:
        drawn = np.searchsorted(cumulated, rng.random((_CHUNK, _LONGEST)))
        lengths = rng.integers(_SHORTEST, _LONGEST, _CHUNK, endpoint=True)
        for row, length in zip(drawn.tolist(), lengths.tolist(), strict=True):
            yield " ".join([words[word] for word in row[:length]])


def queries(seed: int) -> Iterator[str]:
    """Queries of four words, as frequent as in the texts, without end."""
    for text in texts(seed):
        yield " ".join(text.split()[:4])


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[list[str], Any]:
    """Words, and the cumulated probabilities of Zipf's law: the nth word is 1/n as frequent as the first."""
    syllables = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]
    every = ["".join(parts) for parts in product(syllables, repeat=3)]
    chosen = np.random.default_rng(0).choice(len(every), _WORDS, replace=False)
    cumulated = np.cumsum(1 / np.arange(1, _WORDS + 1))
    return [every[index] for index in chosen], cumulated / cumulated[-1]
