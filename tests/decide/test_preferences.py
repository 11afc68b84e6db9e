"""Preferences of cases are held against one half, exactly, a tie telling for neither."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.decide.making import guardrail, look
from tests.decide.test_paired import case_plan, cases

from meta_experiment.decide.case_limits import fewest_cases
from meta_experiment.decide.futility import ended_if_futile
from meta_experiment.decide.metrics.preferences import PREFERENCES
from meta_experiment.decide.telling.outlook import outlook
from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import describe
from meta_experiment.model.plan_checks import check_new_plan
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Decision, GuardrailState, ReasonCode, Scale, Stopping, Unit

PREFERENCE = describe("preference")
PREFERRED = "preference"


def decided(*treatments, on=None, **arms):
    """Look at what each treatment has against the control, a case each."""
    count = len(next(iter(arms.values())))
    told = cases(PREFERRED, control=[0.5] * count, **arms)
    return look(on or case_plan(*treatments, primary=PREFERENCE), told)


def test_a_treatment_that_wins_every_case_is_promoted():
    """Nothing varies then: a t would have no answer."""
    found = decided(b=[1.0] * 10)
    (comparison,) = found.primary.comparisons
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    assert comparison.effect.relative == pytest.approx(1.0)
    assert 0.2 < comparison.sequential.interval.low < 0.3
    assert comparison.test == "sign_test"
    assert comparison.p_value == pytest.approx(2 / 2**10)
    assert decided(b=[0.0] * 10).decision is Decision.REJECT


def test_effects_are_what_is_won_less_what_is_lost():
    found = decided(b=[1.0] * 14 + [0.0] * 2 + [0.5] * 4)
    (comparison,) = found.primary.comparisons
    assert found.decision is Decision.PROMOTE
    assert comparison.effect.relative == pytest.approx((14 - 2) / 20)
    interval = comparison.sequential.interval
    assert 0 < interval.low < 0.6 < interval.high <= 1
    assert any("4 of 20 cases are ties" in note for note in found.notes)
    assert any("exact gamble" in note for note in found.notes)


def test_ties_alone_tell_nothing():
    found = decided(b=[0.5] * 30)
    assert found.decision is Decision.EXTEND
    assert "alike" in (found.primary.comparisons[0].error or "")


def test_each_treatment_has_its_own_against_the_control():
    found = decided("b", "c", b=[1.0] * 18 + [0.0] * 2, c=[0.0, 1.0] * 10)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    effects = {item.treatment: item.effect.relative for item in found.primary.comparisons}
    assert effects == pytest.approx({"b": 0.8, "c": 0.0})


def test_what_no_judge_could_say_of_a_treatment_is_held_against_it():
    """A text may not win by making its losses unreadable."""
    assert decided(b=[1.0] * 16 + [None] + [0.5] * 3).decision is Decision.PROMOTE
    found = decided(b=[1.0] * 11 + [None] * 9)
    assert found.decision is not Decision.PROMOTE


def test_a_control_that_is_preferred_to_itself_is_no_evidence():
    told = cases(PREFERRED, control=[0.0] * 11 + [0.5], b=[1.0] * 12)
    found = look(case_plan(primary=PREFERENCE), told)
    assert found.decision is Decision.EXTEND
    assert "preferred to itself" in (found.primary.comparisons[0].error or "")


def test_what_is_no_share_is_left_out():
    found = decided(b=[1.0] * 12 + [1.5])
    assert found.samples["b"].exclusions == {"not_a_share": 1}


def test_one_look_decides_by_the_sign_test():
    """Nine of ten: 11 of 1,024."""
    plan = case_plan(primary=PREFERENCE, stopping=Stopping.FIXED, sample_size=10)
    found = decided(on=plan, b=[1.0] * 9 + [0.0])
    assert (found.decision, found.primary.comparisons[0].p_value) == (
        Decision.PROMOTE,
        pytest.approx(22 / 1024),
    )
    assert found.primary.comparisons[0].interval.low > 0
    assert decided(on=plan, b=[1.0] * 8 + [0.0] * 2).decision is not Decision.PROMOTE


def test_it_can_be_a_guardrail():
    plan = case_plan(guardrails=(guardrail(PREFERENCE, margin=0.2),))
    count = 30
    for values, state in (([0.0] * count, "fail"), ([0.5, 1.0] * 15, "pass")):
        told = cases(
            control=[10.0 + n for n in range(count)], b=[5.0 + n for n in range(count)]
        )
        mine = cases(PREFERRED, control=[0.5] * count, b=values)
        joined = [
            replace(one, metrics={**one.metrics, **other.metrics})
            for one, other in zip(told, mine, strict=True)
        ]
        (seen,) = look(plan, joined).guardrails
        assert seen.state is GuardrailState(state)


def test_the_fewest_cases_are_those_that_win_all():
    assert fewest_cases(case_plan(primary=PREFERENCE)) == 7
    assert fewest_cases(case_plan()) == 6


def test_a_plan_foretells_what_it_finds():
    """Of 14 cases 12 must be won to decide: what wins 89% of cases does so in 80% of series."""
    told = outlook(case_plan(primary=PREFERENCE, sample_size=14, improvement_threshold=0.0))
    assert "that no case is a tie" in told.sentence
    assert told.reach[0].improvement == pytest.approx(2 * 0.889 - 1, abs=0.01)
    few = outlook(case_plan(primary=PREFERENCE, sample_size=6))
    assert few.reach[0].improvement is None


def test_a_hopeless_series_is_futile():
    plan = case_plan(primary=PREFERENCE)
    seen = decided(on=plan, b=[0.0, 1.0] * 15)
    done = ended_if_futile(plan, seen, cases=40, done=0.75)
    assert done.reason_code is ReasonCode.FUTILE
    ahead = decided(on=plan, b=[1.0] * 8 + [0.0] * 3)
    assert ended_if_futile(plan, ahead, cases=40, done=0.25).decision is Decision.EXTEND


def test_what_makes_no_sense_is_refused():
    check_new_plan(case_plan(primary=PREFERENCE))
    with pytest.raises(UsageError, match="units are cases"):
        check_new_plan(replace(case_plan(primary=PREFERENCE), unit=Unit.SESSION))
    with pytest.raises(UsageError, match="no logarithm"):
        describe(PREFERRED, scale=Scale.LOG)


def test_what_is_expected_is_what_comes_without_ties():
    told = decided(b=[1.0] * 12 + [0.0] * 4).primary
    arms = (told.variants["control"], told.variants["b"])
    moments = [Moments(item.n, item.mean, 0.0) for item in arms]
    expected = PREFERENCES.expected(*moments, PREFERENCE, 0.0)
    seen = told.comparisons[0].sequential
    assert expected.better == pytest.approx(math.log(seen.e_promote))
