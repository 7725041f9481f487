"""How texts become terms."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memstore.ranking.terms import date_terms, query_terms, terms_of


def test_case_and_inflection_do_not_matter():
    assert terms_of("Running dogs") == terms_of("run DOG")
    assert terms_of("walnut") != terms_of("bicycle")


def test_a_query_drops_what_says_nothing():
    assert query_terms("When did she go to the museum?") == terms_of("go museum")
    assert query_terms("museum museum museums") == terms_of("museum")


def test_a_query_of_nothing_else_keeps_it():
    assert query_terms("What is it?") == terms_of("what is it")


def test_letters_are_the_same_in_every_form_of_unicode():
    assert terms_of("cafe\u0301") == terms_of("caf\u00e9") == query_terms("CAFE\u0301")
    assert terms_of("ｗａｌｎｕｔ") == terms_of("walnut")


def test_a_date_is_text():
    assert date_terms(datetime(2023, 5, 8, 13, 56, tzinfo=UTC)) == terms_of("8 May 2023")


def test_a_text_without_a_word_is_its_own_term():
    assert terms_of(" 👍 ") == terms_of("👍") == query_terms("👍") != terms_of("👎")
    assert terms_of("...") and not terms_of(" \n")


def test_scripts_without_blanks_are_taken_apart():
    assert set(terms_of("東京")) < set(terms_of("私は東京に住んでいます"))


@pytest.mark.parametrize("text", ["_", "don't", "e-mail", "a_b", "ß", "İ", "3.14", "x" * 100_000])
def test_odd_texts_have_terms(text):
    assert terms_of(text)


@given(st.text())
def test_any_text_with_something_in_it_finds_itself(text):
    assert bool(text.strip()) == bool(terms_of(text)) == bool(query_terms(text))
    assert set(query_terms(text)) <= set(terms_of(text))


def test_what_is_remembered_of_words_is_never_a_text():
    assert len({tuple(terms_of(letter * 10_000)) for letter in "abcdefgh"}) == 8
    assert terms_of("x" * 40) == terms_of("x" * 32 + " " + "x" * 8)
    assert terms_of("ü" * 40) == terms_of("ü" * 32 + " " + "ü" * 8)


def test_threads_agree():
    texts = [f"running{n} the {n} houses" for n in range(300)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(terms_of, texts)) == [terms_of(text) for text in texts]
