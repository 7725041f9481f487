"""Every sabotaged store is caught, each by the test that names its guarantee."""

from collections import Counter
from pathlib import Path

import pytest
from contract.sabotage import SABOTAGES, judged
from contract.sabotage.table import page

from memstore.testing.contract.suite import CONTRACT

CASES = [pytest.param(case, id=case.name) for case in SABOTAGES]

SOUND = {(case.reference, case.sound, case.caught_by): case for case in SABOTAGES}
"""Each store without its bug, and the test that catches the bug, once."""

SOUND_CASES = [pytest.param(case, id=f"{case.sound.__name__}-{case.caught_by}") for case in SOUND.values()]


@pytest.mark.parametrize("case", CASES)
def test_it_is_caught(case):
    error = judged(case, case.store)
    assert error is not None, f"{case.caught_by} let {case.name} pass"
    assert isinstance(error, case.raises), repr(error)
    assert str(error).strip()


@pytest.mark.parametrize("case", SOUND_CASES)
def test_the_store_without_the_bug_is_not(case):
    assert judged(case, case.sound) is None


def test_every_test_of_the_contract_catches_something():
    caught = {case.caught_by for case in SABOTAGES}
    judging = {name for name in CONTRACT if not _is_twin(name)}
    assert sorted(judging - caught) == []


def test_there_are_many_and_each_is_described():
    assert len(SABOTAGES) >= 100
    assert [name for name, count in Counter(case.name for case in SABOTAGES).items() if count > 1] == []
    assert [bug for bug, count in Counter(case.bug for case in SABOTAGES).items() if count > 1] == []
    assert [case.name for case in SABOTAGES if not case.bug.endswith(".") or not case.source.strip()] == []


def test_the_docs_list_them():
    listed = Path(__file__).parents[2] / "docs" / "sabotaged-stores.md"
    assert listed.read_text() == page(), "python -m contract.sabotage.table writes it"


def _is_twin(name):
    return name.removesuffix("_async") in CONTRACT.keys() - {name}
