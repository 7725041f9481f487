"""The sabotaged stores: each the reference with one bug, and the contract test that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from contract.references import InMemoryReference

from memstore.testing.contract.plan import ContractTest
from memstore.testing.contract.suite import CONTRACT, StoreContract

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Sabotage:
    """One bug.

    Attributes:
        store: the sabotaged class; its docstring says in a sentence what it does wrong.
        caught_by: the contract test that must fail.
        source: where the bug was seen, or what one is writing when one makes it.
        reference: the contract class of the store that was sabotaged, which passes that test.
        raises: what the test fails with; another exception would mean that the sabotage itself is broken.
    """

    store: type
    caught_by: str
    source: str
    reference: type[StoreContract]
    raises: type[BaseException] = AssertionError

    @property
    def name(self) -> str:
        return self.store.__name__

    @property
    def sound(self) -> type:
        """The store without the bug."""
        return self.store.__base__

    @property
    def bug(self) -> str:
        return " ".join((self.store.__doc__ or "").split())

    @property
    def test(self) -> ContractTest:
        return CONTRACT[self.caught_by]


SABOTAGES: list[Sabotage] = []


def sabotage(
    *,
    caught_by: str,
    source: str,
    reference: type[StoreContract] = InMemoryReference,
    raises: type[BaseException] = AssertionError,
) -> Callable[[T], T]:
    """Register a sabotaged store."""

    def register(store: T) -> T:
        SABOTAGES.append(Sabotage(store, caught_by, source, reference, raises))
        return store

    return register


def judged(case: Sabotage, store_class: type) -> BaseException | None:
    """What the named test says of a store that is opened as the reference is; None when it passes."""
    contract, failure = case.reference(), None
    contract.store_type = store_class
    try:
        with contract.new_store() as store:
            contract.store = store
            try:
                case.test.function(contract, store)
            except Exception as error:
                failure = error
    except Exception as error:  # it cannot be closed
        failure = failure or error
    return failure
