"""What the author of a store writes, and what is refused when the class is made."""

import pytest

from memstore.capabilities import CAPABILITIES
from memstore.testing import ExpectedFailure, StoreContract
from memstore.testing.contract.plan import ADVICE, Status
from memstore.testing.contract.suite import CONTRACT, SUBJECTS
from memstore_in_memory import InMemoryMemoryStore


def contract(**attributes):
    attributes.setdefault("new_store", lambda self: InMemoryMemoryStore())
    return type("TestSome", (StoreContract,), attributes)


def collected(cls):
    return {name for name in dir(cls) if name.startswith("test_") and callable(getattr(cls, name))}


class TestClaims:
    def test_are_required(self):
        with pytest.raises(TypeError, match=r"TestSome\.claims: say what the store promises"):
            contract()

    @pytest.mark.parametrize("claims", ["list", None, 7])
    def test_are_a_set(self, claims):
        with pytest.raises(TypeError, match=r"TestSome\.claims: a set of capabilities belongs here"):
            contract(claims=claims)

    def test_are_capabilities(self):
        with pytest.raises(TypeError, match="no such capability: durability, lists; there are async, list"):
            contract(claims={"lists", "durability", "list"})

    def test_decide_what_runs(self):
        everything, nothing = contract(claims=set(CAPABILITIES)), contract(claims=set())
        assert all(CONTRACT[name].needs <= set(CAPABILITIES) for name in collected(everything))
        assert not any(CONTRACT[name].needs for name in collected(nothing))
        assert not any(CONTRACT[name].refusal for name in collected(everything))
        assert collected(everything) | collected(nothing) == set(CONTRACT)

    def test_unclaimed_guarantees_are_not_promised_and_unclaimed_operations_not_offered(self):
        statuses = contract(claims=set()).contract_plan.statuses
        assert statuses["test_a_timestamp_becomes_created_at"] is Status.NOT_PROMISED
        assert statuses["test_ids_make_adding_idempotent"] is Status.NOT_OFFERED
        assert statuses["test_texts_come_back_unchanged_async"] is Status.NOT_OFFERED
        assert statuses["test_texts_come_back_unchanged"] is Status.RUN

    def test_of_a_subclass_are_its_own(self):
        base = contract(claims=set())
        derived = type("TestMore", (base,), {"claims": {"timestamp"}})
        assert "test_a_timestamp_becomes_created_at" not in collected(base)
        assert "test_a_timestamp_becomes_created_at" in collected(derived)


class TestExclusive:
    def test_a_shared_target_leaves_out_what_needs_an_empty_store(self):
        statuses = contract(claims=set(CAPABILITIES), exclusive=False).contract_plan.statuses
        left_out = {name for name, status in statuses.items() if status is Status.LEFT_OUT}
        assert left_out == {name for name, test in CONTRACT.items() if test.exclusive}


class TestExpectedFailures:
    name = "test_not_in_is_the_negation_of_in"

    def test_are_strict_and_of_one_type(self):
        cls = contract(claims=set(), expected_failures={self.name: ExpectedFailure(KeyError, "engine bug #12")})
        [mark] = getattr(cls, self.name).pytestmark
        assert mark.name == "xfail"
        assert mark.kwargs == {"raises": KeyError, "reason": "engine bug #12", "strict": True}

    def test_mark_the_function_of_one_class_only(self):
        contract(claims=set(), expected_failures={self.name: ExpectedFailure(KeyError, "engine bug #12")})
        assert not getattr(contract(claims=set()), self.name).pytestmark

    def test_name_a_test(self):
        with pytest.raises(TypeError, match="the contract has no test 'test_nothing'"):
            contract(claims=set(), expected_failures={"test_nothing": ExpectedFailure(KeyError, "why")})

    def test_name_a_test_that_runs(self):
        failure = {"test_ids_make_adding_idempotent": ExpectedFailure(KeyError, "why")}
        with pytest.raises(TypeError, match=r"does not run with these claims \(not offered\)"):
            contract(claims=set(), expected_failures=failure)

    @pytest.mark.parametrize("failure", ["engine bug #12", KeyError, (KeyError, "why")])
    def test_are_expected_failures(self, failure):
        with pytest.raises(TypeError, match=r"an ExpectedFailure\(exception, reason\) belongs here"):
            contract(claims=set(), expected_failures={self.name: failure})

    def test_are_in_a_dictionary(self):
        with pytest.raises(TypeError, match="a dictionary of test names"):
            contract(claims=set(), expected_failures=[self.name])

    @pytest.mark.parametrize(
        ("exception", "reason"), [("KeyError", "why"), (KeyError, ""), (KeyError, None), (7, "why")]
    )
    def test_have_an_exception_and_a_reason(self, exception, reason):
        with pytest.raises(TypeError, match="an expected failure has"):
            ExpectedFailure(exception, reason)


class TestOverriding:
    def test_is_refused(self):
        with pytest.raises(TypeError, match="TestSome overrides test_texts_come_back_unchanged"):
            contract(claims=set(), test_texts_come_back_unchanged=lambda self, store: None)

    def test_is_refused_in_a_mixin_too(self):
        class Mixin:
            def test_logic(self, store):
                """Nothing."""

        with pytest.raises(TypeError, match="overrides test_logic"):
            type("TestSome", (Mixin, StoreContract), {"claims": set(), "new_store": lambda self: InMemoryMemoryStore()})

    def test_is_refused_as_switching_off(self):
        with pytest.raises(TypeError, match="overrides test_logic"):
            contract(claims=set(), test_logic=None)

    def test_of_own_tests_is_the_authors_business(self):
        assert "test_mine" in collected(contract(claims=set(), test_mine=lambda self, store: None))


class TestTheContract:
    @pytest.mark.parametrize("test", CONTRACT.values(), ids=lambda test: test.name)
    def test_says_the_guarantee_in_a_sentence_and_what_to_check(self, test):
        assert test.guarantee.endswith(".")
        assert not test.guarantee[0].islower()
        assert test.advice.startswith("Check ")
        assert test.advice.endswith((".", ")"))
        assert ADVICE not in test.guarantee

    def test_has_a_name_for_each_test_once(self):
        names = [name for subject in SUBJECTS for name in vars(subject) if name.startswith("test_")]
        assert len(names) == len(set(names))

    def test_has_no_helper_that_hides_another(self):
        """All subjects are one class in the end."""
        homes = {}
        for base in {base for subject in SUBJECTS for base in subject.__mro__ if base is not object}:
            for name in vars(base):
                if not name.startswith("__"):
                    homes.setdefault(name, set()).add(base.__name__)
        assert {name: found for name, found in homes.items() if len(found) > 1} == {}

    def test_has_a_file_for_each_subject(self):
        files = [subject.__module__ for subject in SUBJECTS]
        assert len(files) == len(set(files))

    def test_needs_known_capabilities(self):
        for test in CONTRACT.values():
            assert test.needs <= set(CAPABILITIES)
            assert test.refusal is None or test.refusal in CAPABILITIES

    def test_refuses_to_hold_an_undescribed_test(self):
        from memstore.testing.contract.plan import tests_of

        class Subject:
            def test_something(self, store):
                """It works."""

        with pytest.raises(TypeError, match="its docstring says the guarantee, then 'If this fails, check"):
            list(tests_of(Subject))
