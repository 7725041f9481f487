"""Ways to read a store that several tests of the contract share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from memstore.filters import And, Comparison, Field, Operator, serialize
from memstore.memory import Memory, MemoryPage
from memstore.testing.contract import expect

_MOST_PAGES: Final = 3000


def equals(**fields: Any) -> dict[str, Any]:
    """A filter that memories meet whose fields have these values; what is no own field is metadata."""
    return serialize(And(tuple(Comparison(Field.parse(name), Operator.EQ, value) for name, value in fields.items())))


def page_of(store: Any, **arguments: Any) -> MemoryPage:
    """One page of a listing, which must be a `MemoryPage` of `Memory` records."""
    page = store.list_memories(**arguments)
    expect.true(isinstance(page, MemoryPage), f"list_memories returned a {type(page).__name__}, not a MemoryPage")
    strange = [type(memory).__name__ for memory in page.memories if not isinstance(memory, Memory)]
    expect.true(not strange, f"a page of list_memories holds {strange[:1]}, not Memory records")
    checked: MemoryPage = page
    return checked


def pages_of(store: Any, **arguments: Any) -> Iterator[MemoryPage]:
    """The pages of a listing, each asked for when the one before was looked at."""
    page = page_of(store, **arguments)
    yield page
    for _ in range(_MOST_PAGES):
        if page.cursor is None:
            return
        page = page_of(store, **arguments, cursor=page.cursor)
        yield page
    raise AssertionError(f"list_memories has a cursor still after {_MOST_PAGES:,} pages: the listing never ends")


def listed(store: Any, **arguments: Any) -> list[Memory]:
    """Every memory of a listing, page after page."""
    return [memory for page in pages_of(store, **arguments) for memory in page.memories]
