"""A promotion must stand what the record leaves open: interruptions, gaps, rare prices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.decide.making import (
    COST,
    DAY,
    DURATION,
    SCORE,
    START,
    SUCCESS,
    look,
    plan,
    spread,
    trial,
    trials,
)
from tests.decide.test_paired import cases

from meta_experiment.decide.attrition import Shares, missing_beyond
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.types import Decision, Direction, ReasonCode, Stopping, TrialStatus, Unit

BASE, FAST = spread(60, 60), spread(42, 60)
ANY = plan(improvement_threshold=0.0)


def losing(made, variant, slower_than, **how):
    """Let the slow trials of an arm end without a value."""
    return [
        replace(item, **({"metrics": {}} | how))
        if item.variant == variant and item.metrics["duration_seconds"] > slower_than
        else item
        for item in made
    ]


def test_the_slowest_of_one_arm_missing_promote_nothing():
    """Identical arms: what is left of the treatment is faster, and is not promoted for it."""
    rng = np.random.default_rng(0)
    control, b = 60 * np.exp(0.5 * rng.standard_normal((2, 80)))
    made = trials(control=control.tolist(), b=b.tolist())
    found = look(ANY, losing(made, "b", np.quantile(b, 0.85)))
    assert found.checks.attrition.ok
    assert found.primary.comparisons[0].sequential.e_promote >= 20
    assert (found.decision, found.reason_code) == (
        Decision.EXTEND,
        ReasonCode.MISSING_UNCERTAIN,
    )
    assert "values that it misses beyond the control's share were twice what" in found.reason


@pytest.mark.parametrize(
    "how",
    [
        {"status": None, "closed_at": None, "metrics": {}},
        {"status": None, "closed_at": None, "metrics": {}, "excluded": "no_answer"},
        {"status": TrialStatus.ERROR, "metrics": {}},
        {"metrics": {"duration_seconds": 0.0}},
        {"metrics": {"duration_seconds": 1e300}},
    ],
    ids=["abandoned", "excluded", "closed", "zero", "beyond all"],
)
def test_whatever_took_the_value_it_is_missing(how):
    """What attrition counts as gone is held against a promotion, and nothing that may come."""
    made = losing(trials(control=spread(60, 60, 2.5), b=spread(60, 60, 2.5)), "b", 100, **how)
    found = look(ANY, made, days=5)
    assert "b misses 12 more values of duration_seconds" in found.checks.attrition.reason
    assert found.decision is not Decision.PROMOTE
    if "closed_at" in how and "excluded" not in how:
        assert look(ANY, made, days=0.1).checks.attrition.reason is None


@pytest.mark.parametrize("both", [True, False])
def test_a_few_values_missing_do_not_hold_what_is_clear(both):
    """A true gain of 30% stands one value in ten missing, of one arm or of both."""
    made = [
        replace(item, metrics={}) if item.order % 20 in ((4, 7) if both else (7,)) else item
        for item in trials(control=BASE, b=FAST)
    ]
    found = look(plan(), made)
    assert (found.checks.attrition.reason is None) is both
    assert found.decision is Decision.PROMOTE


def test_values_missing_alike_are_held_against_neither():
    """Nine ratings of ten are never given; the shares are the same."""
    made = [
        replace(item, metrics=item.metrics if item.order % 18 < 2 else {})
        for item in trials("score", control=spread(3, 400), b=spread(4, 400))
    ]
    assert look(plan(primary=SCORE), made).decision is Decision.PROMOTE


@pytest.mark.parametrize(
    ("control", "treatment", "beyond"),
    [
        ([0.0] * 30, [1.0] * 6 + [0.0] * 24, 6),
        ([1.0] * 6 + [0.0] * 24, [1.0] * 20 + [0.0] * 10, 14),
        ([1.0] * 3, [0.0] * 3, 0),
        ([1 / 3] * 30, [1 / 3] * 60, 0),
        ([1.0, 0.0, 0.0], [1.0, 0.0], 1),
        ([], [1.0, 1.0], 2),
    ],
)
def test_what_is_missing_beyond_the_controls_share_is_rounded_up(control, treatment, beyond):
    one, other = (Shares(values, [0] * len(values)) for values in (control, treatment))
    assert missing_beyond(one, other) == beyond


def test_an_outcome_that_is_none_is_missing():
    made = [
        replace(item, metrics={"success": 0.5})
        if item.variant == "b" and item.order % 8 == 1
        else item
        for item in trials("success", control=[0, 1] * 60, b=[0, 1] * 60)
    ]
    reason = look(replace(ANY, primary=SUCCESS), made).checks.attrition.reason
    assert reason is not None
    assert reason.startswith("b misses 30 more values of success")


def test_missing_outcomes_count_as_the_worse_one():
    """Half of either arm succeeds, but the treatment's failures were not recorded."""
    made = trials("success", control=[0, 1] * 60, b=[0, 1] * 60)
    made = [
        replace(item, metrics={}) if item.variant == "b" and item.order % 8 == 1 else item
        for item in made
    ]
    found = look(replace(ANY, primary=SUCCESS), made)
    assert not found.checks.attrition.ok or found.reason_code is ReasonCode.MISSING_UNCERTAIN
    assert "at the worse outcome (0)" in found.checks.attrition.reason
    errors = replace(SUCCESS, name="error_rate", direction=Direction.LOWER)
    assert family_of(errors).missing_words(errors, False) == "the worse outcome (1)"


def test_cases_that_one_arm_misses_are_held_against_it():
    """The treatment has no value where it is slow; the control has one of every case."""
    values = spread(60, 40, 2.5)
    made = cases("duration_seconds", control=values, b=[0.8 * x for x in values])
    made = [
        replace(item, metrics={})
        if item.variant == "b" and item.metrics["duration_seconds"] > 60
        else replace(item, metrics={"duration_seconds": item.metrics["duration_seconds"] * w})
        for item, w in zip(made, spread(1, 80, 1.2), strict=True)
    ]
    found = look(replace(ANY, unit=Unit.CASE), made)
    assert found.checks.attrition.reason
    assert found.decision is not Decision.PROMOTE


def test_a_promotion_of_a_sum_stands_one_more_dear_unit():
    """A saving of 30% at a spread of half is promoted once one dear unit could not undo it."""
    cost = replace(ANY, primary=COST)

    def after(units):
        pair = {"control": spread(1.0, units, 2.0), "b": spread(0.7, units, 2.0)}
        return look(cost, trials("cost_usd", **pair))

    early = next(found for n in range(12, 200) if (found := after(n)).reason_code
                 is not ReasonCode.EVIDENCE_INSUFFICIENT)  # fmt: skip
    assert early.reason_code is ReasonCode.RARE_VALUES_UNCERTAIN
    assert "not with one more unit at three times the mean of control" in early.reason
    assert after(120).decision is Decision.PROMOTE


def test_one_look_that_was_planned_and_more_that_is_better_need_not_stand_a_rare_value():
    made = trials("cost_usd", control=spread(1.0, 12), b=spread(0.7, 12))
    chosen = plan(primary=COST, stopping=Stopping.FIXED, sample_size=12)
    assert look(chosen, made).decision is Decision.PROMOTE
    made = trials("score", control=spread(1.0, 12, 1.1), b=spread(1.5, 12, 1.1))
    assert look(plan(primary=SCORE), made).decision is Decision.PROMOTE


def test_arithmetic_means_that_point_the_other_way_hold_a_promotion():
    """Mostly 40% faster, every seventh time four times as slow: 16% worse on average."""
    base = spread(60, 140)
    slow = [x * (4.0 if i % 7 == 3 else 0.6) for i, x in enumerate(base)]
    found = look(plan(), trials(control=base, b=slow))
    assert (found.decision, found.reason_code) == (Decision.EXTEND, ReasonCode.MEANS_DISAGREE)
    before, after = (found.primary.variants[name].mean for name in ("control", "b"))
    assert (
        f"the arithmetic ones, {after:.3g} s against {before:.3g} s of control" in found.reason
    )


@pytest.mark.parametrize(
    ("metric", "centre", "missing", "rare"),
    [
        (COST, 10.0, 20.0, 30.0),
        (COST, -10.0, 0.0, 10.0),
        (SCORE, 10.0, 5.0, None),
        (SCORE, -10.0, -15.0, None),
        (DURATION, 0.0, pytest.approx(0.6931471805599453), None),
        (
            replace(DURATION, direction=Direction.HIGHER),
            0.0,
            pytest.approx(-0.6931471805599453),
            None,
        ),
        (SUCCESS, 0.5, 0.0, None),
    ],
)
def test_a_bad_value_is_on_the_worse_side_of_the_control(metric, centre, missing, rare):
    family = family_of(metric)
    control = Sample((centre,) * 4, (), {}, ("",) * 4)
    for share in (0.0, 0.1, 1.0):
        assert family.missing(control, share, metric) == missing
    assert family.rare(centre, metric, Unit.SESSION) == rare


def test_a_case_more_may_hang_where_a_session_more_may_not():
    """Few cases show nothing of a variant that hangs now and then: a promotion stands one."""
    family = family_of(DURATION)
    assert family.rare(0.0, DURATION, Unit.SESSION) is None
    assert family.rare(0.0, DURATION, Unit.CASE) == pytest.approx(math.log(3))
    quicker = replace(DURATION, direction=Direction.HIGHER)
    assert family.rare(0.0, quicker, Unit.CASE) is None


@pytest.mark.parametrize(
    ("share", "missing"), [(0.0, 22.2), (0.02, 40.0), (0.1, 40.0), (0.4, 32.5), (1.0, 22.2)]
)
def test_few_missing_values_are_as_the_worst_of_the_control(share, missing):
    """Eight dear units among twenty: the dearest of them, of half as large a share."""
    values = (*[1.0] * 12, 15.0, 20.0, 25.0, 20.0, 30.0, 30.0, 40.0, 30.0)
    control = Sample(values, (), {}, ("",) * 20)
    assert family_of(COST).missing(control, share, COST) == pytest.approx(missing)
    if 0 < share < 1:
        gains = Sample(tuple(-value for value in values), (), {}, ("",) * 20)
        assert family_of(SCORE).missing(gains, share, SCORE) == -missing


def test_open_trials_are_not_missing_yet():
    made = [
        *trials(control=BASE, b=FAST),
        *(trial("b", 500 + n, status=None, assigned_at=START + DAY) for n in range(5)),
    ]
    assert look(plan(), made).checks.attrition.reason is None
