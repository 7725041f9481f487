"""What is said of a judged store."""

import pytest

from memstore.capabilities import CAPABILITIES
from memstore.testing.report import Judgement, Outcome, Result, full_report, judgements, summary


def result(test="test_a", outcome=Outcome.KEPT, message="", **more):
    return Result(test, "adding", "It is so.", "Check this.", outcome, message, 0.1, **more)


def judgement(*results, claims=("list",), left_out=(), applicable=None):
    return Judgement("TestMyStore", claims, results, left_out, len(results) if applicable is None else applicable)


class TestVerdict:
    def test_kept(self):
        judged = judgement(result(), result("test_b"))
        assert judged.proven
        assert judged.verdict == "KEPT: everything that is claimed (2 tests)"

    def test_kept_but_for_expected_failures(self):
        judged = judgement(result(), result("test_b", Outcome.EXPECTED))
        assert judged.proven
        assert judged.verdict == "KEPT: everything that is claimed, but for 1 expected failure (2 tests)"

    @pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.UNEXPECTED])
    def test_broken(self, outcome):
        judged = judgement(result(), result("test_b", outcome))
        assert not judged.proven
        assert judged.verdict == "BROKEN: 1 of 2 tests of the contract"

    def test_nothing_executed_is_no_success(self):
        assert not judgement(applicable=9).proven
        assert judgement(applicable=9).verdict == "NOT PROVEN: no test of the contract was executed"

    def test_only_expected_failures_are_no_success(self):
        assert not judgement(result(outcome=Outcome.EXPECTED)).proven
        assert judgement(result(outcome=Outcome.EXPECTED)).verdict == "NOT PROVEN: no test of the contract was executed"

    def test_skipped_is_no_success(self):
        judged = judgement(result(), result("test_b", Outcome.SKIPPED))
        assert not judged.proven
        assert judged.verdict == "NOT PROVEN: 1 of 2 tests of the contract were skipped"

    def test_nothing_claimed_is_no_success(self):
        assert not judgement(result(), claims=()).proven
        assert judgement(result(), claims=()).verdict.startswith(
            "NOT PROVEN: nothing is claimed; kept are 1 of 1 tests"
        )

    def test_a_selection_says_so(self):
        judged = judgement(result(), applicable=200)
        assert judged.kept
        assert not judged.proven
        assert judged.verdict == "KEPT, as far as it was looked at: 1 of 200 tests of the contract"

    def test_an_interrupted_run_is_no_success(self):
        judged = Judgement("TestMyStore", ("list",), (result(),), (), 1, "it was interrupted")
        assert not judged.kept
        assert judged.verdict == "NOT PROVEN: it was interrupted, after 1 of 1 tests of the contract"


class TestUnclaimed:
    def test_operations_are_refused_when_every_test_says_so(self):
        judged = judgement(
            result("test_u", refusal="update"),
            result("test_e1", refusal="export"),
            result("test_e2", Outcome.BROKEN, refusal="export"),
        )
        assert judged.refused == ["update"]

    def test_guarantees_are_not_promised(self):
        assert "durable" in judgement(claims=("list", "timestamp")).not_promised
        assert "timestamp" not in judgement(claims=("list", "timestamp")).not_promised
        assert "update" not in judgement(claims=("list", "timestamp")).not_promised


BROKEN = result("test_b", Outcome.BROKEN, "texts found:\n  missing   ['a']")


class TestPages:
    def test_show_what_is_broken_with_the_counterexample_and_the_advice(self):
        for page in (summary(judgement(result(), BROKEN)), full_report(judgement(result(), BROKEN))):
            assert "\n  test_b\n    It is so.\n    | texts found:\n    |   missing   ['a']\n    Check this.\n" in page

    def test_name_the_async_twin_of_what_is_broken_once(self):
        twin = result("test_b_async", Outcome.BROKEN, BROKEN.message)
        page = full_report(judgement(BROKEN, twin))
        assert "test_b (and through the async methods)" in page
        assert "test_b_async" not in page

    def test_name_what_fails_for_the_same_reason_once(self):
        ids = ("11111111-2222-3333-4444-555555555555", "66666666-2222-3333-4444-555555555555")
        found = [result(f"test_{n}", Outcome.BROKEN, f"TypeError: no run_id for {ids[n % 2]}") for n in range(3)]
        page = full_report(judgement(*found))
        assert page.count("TypeError") == 1
        assert "The same of 2 more: test_1, test_2" in page

    def test_give_no_advice_on_tests_when_the_store_cannot_be_opened(self):
        page = full_report(
            judgement(result("test_b", Outcome.BROKEN, "the store could not be opened\nOSError: no server"))
        )
        assert "Check this." not in page
        assert "OSError: no server" in page

    def test_show_a_twin_that_is_broken_alone(self):
        assert "test_b_async" in full_report(judgement(result("test_b"), result("test_b_async", Outcome.BROKEN)))

    def test_count_what_is_kept_by_subject(self):
        assert "adding 1/2" in full_report(judgement(result(), BROKEN))

    def test_tell_expected_failures_with_their_reasons(self):
        assert "test_c: engine bug #12" in full_report(
            judgement(result(), result("test_c", Outcome.EXPECTED, "engine bug #12"))
        )

    def test_tell_what_was_left_out(self):
        assert "test_z (they need a store of their own)" in full_report(judgement(result(), left_out=("test_z",)))

    def test_cut_long_messages(self):
        page = full_report(judgement(result("test_b", Outcome.BROKEN, "\n".join(["line"] * 99 + ["x" * 9999]))))
        assert "... and 86 lines more" in page
        assert max(map(len, page.splitlines())) < 500

    def test_end_with_the_verdict(self):
        assert full_report(judgement(BROKEN)).splitlines()[-1].split(maxsplit=1)[0] == "verdict"


def observation(result, store="TestMyStore", module="tests.mine"):
    from dataclasses import asdict

    return {
        "store": store,
        "module": module,
        "claims": ["list"],
        "left_out": [],
        "applicable": 3,
        "result": asdict(result),
    }


class TestJudgements:
    def test_are_by_store(self):
        found = list(judgements([observation(result()), observation(result(), "Other"), observation(result("test_b"))]))
        assert [(judged.store, len(judged.results)) for judged in found] == [("TestMyStore", 2), ("Other", 1)]

    def test_of_one_name_in_two_modules_are_two(self):
        found = list(judgements([observation(result()), observation(result(), module="tests.other")]))
        assert [judged.store for judged in found] == ["TestMyStore of tests.mine", "TestMyStore of tests.other"]

    def test_a_test_that_cannot_close_its_store_is_broken(self):
        [judged] = judgements([observation(result()), observation(result(outcome=Outcome.BROKEN))])
        assert [found.outcome for found in judged.results] == [Outcome.BROKEN]

    def test_survive_json(self):
        import json

        data = json.loads(json.dumps(judgement(result(), BROKEN).to_dict()))
        assert data["contract_version"] == 1
        assert data["proven"] is False
        assert data["results"][1]["outcome"] == "broken"
        assert set(data["not_promised"]) <= set(CAPABILITIES)
