"""Texts as terms: words stemmed and hashed, and which words of a question say nothing."""

from __future__ import annotations

import re
import threading
from datetime import datetime
from functools import lru_cache
from typing import Final
from unicodedata import normalize

import Stemmer

# A run of letters and digits is a word; in scripts that put no blanks between words, each character is.
# Runs without end are taken apart, so that what is remembered of words is never a text.
_WORD: Final = re.compile(r"[぀-ヿ㐀-䶿一-鿿]|[^\W_぀-ヿ㐀-䶿一-鿿]{1,32}")
_ASCII_WORD: Final = re.compile(r"[a-z0-9]{1,32}")

_STOPWORDS: Final = frozenset(
    # Articles, pronouns, prepositions, conjunctions and auxiliaries; then what a question asks with.
    """
    a about am an and any are as at be been being but by can could did do does doing for from had has
    have having he her hers him his how i if in into is it its just ll may me might mine must my no nor
    not of off on or our ours out over s shall she should so some such t than that the their theirs them
    then there these they this those to too us ve was we were will with would you your yours d m re

    what when where which who whom whose why many much kind kinds type types ever during long ago
    """.split()  # noqa: SIM905  # a paragraph of words reads better than a list of strings
)
# Not from `strftime`, which follows the machine's locale.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_stemmers: Final = threading.local()


def terms_of(text: str) -> list[int]:
    """The terms of a text in order, each a hash of a stem; never empty unless the text is blank.

    A text without a single word ("👍") is its own term, so that it finds itself.
    """
    words = _words(text)
    return list(map(_term, words)) if words else [hash(text.strip())] if text.strip() else []


def query_terms(query: str) -> list[int]:
    """The terms that a query looks for, each once: without stopwords, unless it has nothing else."""
    telling = [word for word in _words(query) if word not in _STOPWORDS]
    return list(dict.fromkeys(map(_term, telling) if telling else terms_of(query)))


def date_terms(moment: datetime) -> list[int]:
    """A date as people write it: day, month and year are terms of what was said then."""
    return list(_date_terms(moment.year, moment.month, moment.day))


def _words(text: str) -> list[str]:
    """In lower case, and in one Unicode form: é may be one character or two.

    Most texts are ASCII, for which a smaller expression does the same sooner.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(normalize("NFKC", text).lower())


@lru_cache(maxsize=4096)
def _date_terms(year: int, month: int, day: int) -> tuple[int, ...]:
    return tuple(terms_of(f"{day} {_MONTHS[month - 1]} {year}"))


@lru_cache(maxsize=100_000)  # single words of whoever said them; without order, place or owner
def _term(word: str) -> int:
    """The stem's 64-bit hash: an index keeps no word, so that it holds nothing of a deleted memory."""
    return hash(_stem(word))


def _stem(word: str) -> str:
    # A stemmer belongs to one thread; the cache before it makes its own cache useless.
    stemmer = getattr(_stemmers, "english", None)
    if stemmer is None:
        stemmer = _stemmers.english = Stemmer.Stemmer("english", 0)
    stem: str = stemmer.stemWord(word)
    return stem
