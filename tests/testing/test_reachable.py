"""What is said to be kept in a process is really all of it."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

from memstore.testing.reachable import reachable_bytes


@dataclass(frozen=True, slots=True)
class Slotted:
    text: object


class Plain:
    def __init__(self, text):
        self.text = text


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: text,
        lambda text: text.encode(),
        lambda text: bytearray(text.encode()),
        lambda text: {text: 1},
        lambda text: {"a": [({text},)]},
        lambda text: {(text, 1): 1},
        Slotted,
        lambda text: Slotted({"a": Plain(text)}),
        lambda text: deque([text]),
        lambda text: lambda: text,
        lambda text: np.array([text], object),
        lambda text: np.frombuffer(text.encode(), np.uint8),
        lambda text: iter([text]),
    ],
)
def test_finds_a_text_wherever_it_is(hide):
    assert b"needle" in reachable_bytes(Plain([hide("need" + "le")]))


def test_does_not_look_into_the_program():
    assert b"needle" not in reachable_bytes(Plain([test_finds_a_text_wherever_it_is, np, Plain]))


def test_ends_where_objects_hold_each_other():
    one, two = Plain("one"), Plain("two")
    one.other, two.other = two, one
    assert reachable_bytes(one).count(b"two") == 1
