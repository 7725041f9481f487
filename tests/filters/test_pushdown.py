"""What goes to an engine and what stays, case by case; test_laws.py has the law."""

import pytest

from memstore.filters import FALSE, TRUE, FilterSupport, field, normalize, split_filter

A, B = field("a") == 1, field("b") == 2  # what the engine knows
X, Y = field("x") == 3, field("y") < 4  # what it does not


def knows_a_and_b(leaf):
    return leaf.field.path[1] in ("a", "b")


ALL = FilterSupport(knows_a_and_b)
NO_OR = FilterSupport(knows_a_and_b, either=False)
NO_NOT = FilterSupport(knows_a_and_b, negation=False)


@pytest.mark.parametrize(
    ("filter", "support", "native", "residual"),
    [
        (A, ALL, A, TRUE),
        (X, ALL, TRUE, X),
        (A & X, ALL, A, X),
        (A & X & B & Y, ALL, A & B, X & Y),
        (A | B, ALL, A | B, TRUE),
        (A | X, ALL, TRUE, A | X),
        # A weaker condition goes to the engine, and the whole Or stays.
        (A | (B & X), ALL, A | B, A | (B & X)),
        ((A & X) | (B & Y), ALL, A | B, (A & X) | (B & Y)),
        (X & (A | (B & Y)), ALL, A | B, X & (A | (B & Y))),
        (A & ((B & X) | (B & Y)), ALL, A & B, (B & X) | (B & Y)),
        # Negation reaches the engine above single leaves only.
        (~A, ALL, ~A, TRUE),
        (~X, ALL, TRUE, ~X),
        (~(A & B), ALL, ~A | ~B, TRUE),
        (~(A | X), ALL, ~A, ~X),
        (~~A, NO_NOT, A, TRUE),
        (~A & B, NO_NOT, B, ~A),
        (~A | B, NO_NOT, TRUE, ~A | B),
        # An engine without Or.
        ((A | B) & A, NO_OR, A, A | B),
        (field("a").is_in([1, 2]), NO_OR, field("a").is_in([1, 2]), TRUE),
        (~(A & B), NO_OR, TRUE, ~A | ~B),
        # Constants.
        (TRUE, ALL, TRUE, TRUE),
        (FALSE, ALL, TRUE, FALSE),
        (A & FALSE, ALL, TRUE, FALSE),
        (A | TRUE, ALL, TRUE, TRUE),
        (field("a").is_in([]), ALL, TRUE, FALSE),
        (field("a") < None, ALL, TRUE, FALSE),
    ],
)
def test_what_goes_where(filter, support, native, residual):
    split = split_filter(filter, support)
    assert split.native == normalize(native)
    assert split.residual == normalize(residual)


def test_nothing_and_everything():
    assert split_filter(A & X, FilterSupport.nothing()).native == TRUE
    assert split_filter(A & X, FilterSupport.everything()).residual == TRUE
