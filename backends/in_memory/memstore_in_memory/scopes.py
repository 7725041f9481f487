"""Records by scope: one user's memories are found without looking at anybody else's."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, islice
from operator import attrgetter
from typing import Final, TypeAlias

from memstore import Memory, Position
from memstore.memory import SCOPE_FIELDS
from memstore.ranking import LexicalIndex

_Key: TypeAlias = tuple[str | None, ...]
"""A scope's ids in the order of `SCOPE_FIELDS`."""
_Single: TypeAlias = tuple[int, str]
"""One id: its place in `SCOPE_FIELDS`, and its value."""

_EVERYTHING: Final[_Key] = (None,) * len(SCOPE_FIELDS)
_FEW: Final = 32

_position = attrgetter("position")
_ids = attrgetter(*SCOPE_FIELDS)


class View:
    """The memories of one scope in listing order, and their index from the first query on."""

    __slots__ = ("_index", "expiring", "memories")

    def __init__(self, memories: list[Memory]) -> None:
        self.memories = memories
        self.expiring = count_expiring(memories)
        self._index: LexicalIndex | None = None

    @property
    def index(self) -> LexicalIndex:
        """For ranking; from now on it is kept up to date."""
        if self._index is None:
            self._index = LexicalIndex(self.memories)
        return self._index

    def after(self, position: Position | None) -> Iterator[Memory]:
        """The memories behind a position."""
        start = 0 if position is None else bisect_right(self.memories, position, key=_position)
        return islice(self.memories, start, None)

    def add(self, memories: list[Memory]) -> None:
        """Memories in listing order; nearly always behind all others, unless they have a time of their own."""
        self.expiring += count_expiring(memories)
        if not self.memories or self.memories[-1].position < memories[0].position:
            self.memories += memories
        else:
            for memory in memories:
                insort(self.memories, memory, key=_position)
        if self._index is not None:
            for memory in memories:
                self._index.add(memory)

    def remove(self, gone: list[Memory]) -> None:
        """Take memories out; many at once in one pass."""
        self.expiring -= count_expiring(gone)
        if len(gone) > _FEW:
            ids = {memory.id for memory in gone}
            self.memories = [memory for memory in self.memories if memory.id not in ids]
        else:
            for memory in gone:
                del self.memories[bisect_right(self.memories, memory.position, key=_position) - 1]
        if self._index is not None:
            for memory in gone:
                self._index.remove(memory.id)


class Scopes:
    """A view for each single id, and for each combination of ids from the first time it is asked for.

    Views of combinations hold at most twice as many rows as there are memories, so that they cost
    memory in proportion; those asked for least recently go first.
    """

    def __init__(self, memories: Mapping[str, Memory]) -> None:
        """`memories` are all there are, by id; whoever changes them says so by `add` and `remove`."""
        self._memories = memories
        self._single: dict[_Single, View] = {}
        self._combined: dict[_Key, View] = {}
        self._rows = 0

    def view(self, ids: Mapping[str, str]) -> View:
        """The memories that have all of these ids; all there are, when there is no id."""
        key = tuple(ids.get(name) for name in SCOPE_FIELDS)
        if len(ids) == 1:
            return self._single.get(_singles(key)[0]) or View([])
        view = self._combined.pop(key, None)
        if view is None:
            view = View(self._having(key))
            self._forget(2 * len(self._memories) - len(view.memories))
            self._rows += len(view.memories)
        if view.memories:  # an empty one is no work to make again, and there is no end of ids to ask for
            self._combined[key] = view  # at the end: asked for last
        return view

    def add(self, memories: list[Memory]) -> None:
        """Put new memories into every view they belong to."""
        for ids, some in _by_ids(memories):
            for single in _singles(ids):
                view = self._single.get(single)
                if view is None:
                    self._single[single] = View(some[:])
                else:
                    view.add(some)
            for key in _combined_keys(ids) if self._combined else ():
                if (view := self._combined.get(key)) is not None:
                    view.add(some)
                    self._rows += len(some)

    def remove(self, memories: list[Memory]) -> None:
        """Take memories out of every view they belong to."""
        for ids, some in _by_ids(memories):
            for single in _singles(ids):
                self._single[single].remove(some)
                if not self._single[single].memories:
                    del self._single[single]
            for key in _combined_keys(ids):
                if (view := self._combined.get(key)) is not None:
                    view.remove(some)
                    self._rows -= len(some)
                    if not view.memories:
                        del self._combined[key]

    def _having(self, key: _Key) -> list[Memory]:
        """All memories that have the ids of a key, in listing order, read from its rarest id."""
        if key == _EVERYTHING:
            return sorted(self._memories.values(), key=_position)
        views = [self._single.get(single) or View([]) for single in _singles(key)]
        rarest = min(views, key=lambda view: len(view.memories))
        return [memory for memory in rarest.memories if _has(_ids(memory), key)]

    def _forget(self, rows: int) -> None:
        """Drop the views asked for least recently until the others hold at most `rows`."""
        for key in list(self._combined):
            if self._rows <= rows:
                return
            self._rows -= len(self._combined.pop(key).memories)


def count_expiring(memories: Iterable[Memory]) -> int:
    """How many of them have an end."""
    return sum([memory.expires_at is not None for memory in memories])


def _by_ids(memories: list[Memory]) -> Iterator[tuple[_Key, list[Memory]]]:
    """Memories that belong to the same ids, in listing order."""
    groups: dict[_Key, list[Memory]] = {}
    for memory in sorted(memories, key=_position):
        groups.setdefault(_ids(memory), []).append(memory)
    yield from groups.items()


def _singles(ids: _Key) -> list[_Single]:
    return [(place, value) for place, value in enumerate(ids) if value is not None]


def _has(ids: _Key, key: _Key) -> bool:
    return all(wanted is None or wanted == own for own, wanted in zip(ids, key, strict=True))


def _combined_keys(ids: _Key) -> Iterator[_Key]:
    given = [place for place, value in enumerate(ids) if value is not None]
    for size in (0, *range(2, len(given) + 1)):
        for places in combinations(given, size):
            yield tuple(value if place in places else None for place, value in enumerate(ids))
