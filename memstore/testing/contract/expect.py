"""Assertions that say in words what was promised and what came instead.

They stand in for ``assert``, whose rewriting by pytest does not reach an installed package, and make
the counterexamples that reports show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

_LONGEST: Final = 300
_FEW: Final = 6


def true(condition: object, message: str) -> None:
    """Fail with `message` unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def equal(actual: object, expected: object, what: str) -> None:
    """Fail unless both are equal and of one type: 1 is neither 1.0 nor True."""
    if _typed(actual) != _typed(expected):
        raise AssertionError(f"{what}:\n  expected  {shown(expected)}\n  got       {shown(actual)}")


def same(actual: Iterable[Hashable], expected: Iterable[Hashable], what: str) -> None:
    """Fail unless both hold the same things, as often, in any order."""
    got, wanted = Counter(iter(actual)), Counter(iter(expected))
    if got != wanted:
        lines = [f"{what}:"]
        for title, extra in (("missing", wanted - got), ("too much", got - wanted)):
            if extra:
                few = list(islice(extra.elements(), _FEW))
                more = f" and {extra.total() - _FEW} more" if extra.total() > _FEW else ""
                lines.append(f"  {title:9} {shown(few)}{more}")
        raise AssertionError("\n".join(lines))


@contextmanager
def raises(
    expected: type[BaseException] | tuple[type[BaseException], ...],
    what: str,
    check: Callable[[Any], bool] = lambda _: True,
) -> Iterator[None]:
    """Fail unless the block raises this, and `check` accepts it."""
    kinds = expected if isinstance(expected, tuple) else (expected,)
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except kinds as error:
        if not check(error):
            raise AssertionError(f"{what}: a {type(error).__name__} came, but a wrong one: {error}") from error
    except Exception as error:
        raise AssertionError(f"{what}: expected {names}, got {type(error).__name__}: {error}") from error
    else:
        raise AssertionError(f"{what}: expected {names}, but it was accepted")


def shown(value: object) -> str:
    """A value as a report shows it: long ones are cut."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _typed(value: object) -> object:
    """A value in a form in which 1, 1.0 and True differ, however deep they lie."""
    if isinstance(value, dict):
        return {key: _typed(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(part) for part in value]
    return (type(value).__name__, value) if isinstance(value, bool | int | float) else value
