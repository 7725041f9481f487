"""Every sabotaged store is caught, each by the test that names its guarantee."""

from collections import Counter

import pytest
from contract.sabotage import SABOTAGES, judged

CASES = [pytest.param(case, id=case.name) for case in SABOTAGES]


@pytest.mark.parametrize("case", CASES)
def test_it_is_caught(case):
    error = judged(case, case.store)
    assert error is not None, f"{case.caught_by} let {case.name} pass"
    assert isinstance(error, case.raises), error
    assert str(error).strip()


@pytest.mark.parametrize("case", CASES)
def test_the_unsabotaged_store_is_not(case):
    assert judged(case, case.reference.store_type) is None


def test_there_are_many_and_each_is_described():
    assert len(SABOTAGES) >= 50
    assert [name for name, count in Counter(case.name for case in SABOTAGES).items() if count > 1] == []
    assert [case.name for case in SABOTAGES if not case.bug or not case.source.strip()] == []
