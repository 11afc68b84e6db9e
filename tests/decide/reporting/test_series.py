"""The band and the evidence over the looks are those that an analysis finds at each of them."""

import itertools
import math
import random
from dataclasses import replace

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

from meta_experiment.decide.analysis import basis_of
from meta_experiment.decide.reporting.looks import EVERY, MOST, counts
from meta_experiment.decide.reporting.results import results
from meta_experiment.decide.reporting.series import series
from meta_experiment.types import Claim, Direction, Metric, MetricKind, Scale, Stopping, Unit

P90 = replace(DURATION, name="duration_seconds.p75", kind=MetricKind.QUANTILE)
PREFERENCE = Metric("preference", MetricKind.PREFERENCE, Direction.HIGHER, Scale.RAW)
PER = Metric("cost_usd.per.success", MetricKind.RATIO, Direction.LOWER, Scale.RAW)
RULES = (Stopping.SEQUENTIAL, Stopping.FIXED)
METRICS = {
    metric.name: metric for metric in (DURATION, COST, SCORE, SUCCESS, PREFERENCE, P90, PER)
}


def of(chosen, made):
    return series(basis_of(chosen, made, START + DAY))


MADE = trials(control=spread(60, 20), b=spread(40, 20))


def test_the_evidence_of_a_look_is_that_of_an_analysis_of_the_same_trials():
    (found,) = of(plan(), MADE)
    assert [it.control_units + it.treatment_units for it in found.points] == [*range(2, 41)]
    for point in found.points[10::7]:
        seen = MADE[: point.control_units + point.treatment_units]
        (comparison,) = look(plan(), seen).primary.comparisons
        evidence = comparison.sequential
        assert point.log_better == pytest.approx(math.log(evidence.e_promote))
        assert point.log_worse == pytest.approx(math.log(evidence.e_reject))
        assert point.effect == pytest.approx(comparison.estimate.relative)
        assert point.low == pytest.approx(evidence.interval.low)
        assert point.high == pytest.approx(evidence.interval.high)
        assert point.at == seen[-1].closed_at


def test_the_last_look_is_the_analysis_to_the_last_digit():
    (point,) = (found.points[-1] for found in of(plan(), MADE))
    (comparison,) = look(plan(), MADE).primary.comparisons
    evidence = comparison.sequential
    assert (point.low, point.high) == (evidence.interval.low, evidence.interval.high)
    assert math.exp(point.log_better) == evidence.e_promote
    assert point.effect == comparison.estimate.relative


def test_it_says_when_the_evidence_first_sufficed_and_since_when_it_does():
    (found,) = of(plan(alpha=0.01), MADE)
    assert found.bar == pytest.approx(math.log(100))
    enough = [it for it in found.points if it.valid and it.log_better_adjusted >= found.bar]
    first = enough[0]
    assert found.first_enough == min(first.control_units, first.treatment_units)
    assert found.enough_since >= found.first_enough
    assert of(plan(), MADE[:12])[0].first_enough is None


def test_units_that_are_open_or_have_no_time_are_looked_at_last_and_together():
    late = replace(MADE[0], closed_at=START + 9000)
    timeless = [replace(it, closed_at=None) for it in MADE[1:4]]
    (found,) = of(plan(), [late, *timeless, *MADE[4:]])
    sizes = [it.control_units + it.treatment_units for it in found.points]
    assert sizes[-2:] == [37, 40]
    assert found.points[-1].at is None
    assert found.points[-2].at == START + 9000


def test_before_its_one_look_a_fixed_plan_decides_nothing():
    chosen = plan(stopping=Stopping.FIXED, sample_size=15)
    (found,) = of(chosen, MADE)
    assert [it.valid for it in found.points] == [False] * 28 + [True]
    (point,) = look(chosen, MADE).primary.comparisons
    assert (found.points[-1].low, found.points[-1].high) == (
        point.interval.low,
        point.interval.high,
    )


def test_looks_are_bounded_and_each_of_the_first_is_taken():
    assert counts(7) == [1, 2, 3, 4, 5, 6, 7]
    for units in (EVERY + 1, 180, 5_000, 10**6):
        found = counts(units)
        assert len(found) <= MOST
        assert found[:EVERY] == [*range(1, EVERY + 1)]
        assert found[-1] == units
        assert found == sorted(set(found))
    assert of(plan(), []) == of(plan(), MADE[:1])
    assert of(plan(), [])[0].points == ()


def test_looks_that_are_not_kept_are_counted():
    (few,), (many,) = (
        of(plan(), MADE),
        of(plan(), trials(control=spread(60, 60), b=spread(40, 60))),
    )
    assert few.looks == 39  # of 40 units, the first of which has no other beside it
    assert many.looks == 119
    assert len(many.points) < 61
    assert len(few.points) <= few.looks


def values(chance, metric, better):
    """Draw the metrics of one trial."""
    if metric.kind in (MetricKind.PROPORTION, MetricKind.PREFERENCE):
        return {metric.name: float(chance.random() < 0.4 + 0.25 * better)}
    factor = 1 + (0.5 if metric.direction is Direction.HIGHER else -0.35) * better
    return {
        **dict.fromkeys(metric.recorded, round(10 * factor * chance.lognormvariate(0, 0.4), 3)),
        "success": 1.0,
    }


@pytest.mark.parametrize(
    ("name", "stopping", "unit", "arms"),
    [
        *itertools.product(METRICS, RULES, [Unit.SESSION], [("b",)]),
        *itertools.product(["success", "cost_usd"], RULES, [Unit.CASE], [("b", "c")]),
    ],
)
def test_the_band_leaves_no_change_just_where_the_evidence_reaches_its_bar(
    stopping, name, unit, arms
):
    """For every rule and kind of metric, at every look, and in the table of results."""
    metric = METRICS[name]
    if metric is PREFERENCE or not metric.is_recorded:
        unit = Unit.CASE if metric is PREFERENCE else Unit.SESSION
    chance = random.Random(f"{stopping}{name}{unit}{arms}")  # noqa: S311 - data
    chosen = plan(*arms, primary=metric, stopping=stopping, unit=unit, sample_size=3)
    made = []
    for place in range(10):
        for number, arm in enumerate(("control", *arms)):
            order = place if unit is Unit.CASE else place * 3 + number
            metrics = values(chance, metric, 1.0 if number else 0.0)
            made.append(trial(arm, order, metrics=metrics, closed_at=START + 90.0 * len(made)))
    basis = basis_of(chosen, made, START + DAY)
    found = series(basis)
    for one in found:
        for point in one.points:
            if (point.low, point.high) != (None, None):
                left = point.low is not None and point.low > 0.0
                assert left == (point.log_better_adjusted >= one.bar), (one.bar, point)
    first = next(results(basis, look(chosen, made)))
    for one, shown in zip(found, first.comparisons, strict=True):
        last = one.points[-1]
        assert (shown.interval.low, shown.interval.high) == (last.low, last.high)
        if shown.evidence is not None:
            assert shown.evidence.log_better_adjusted == last.log_better_adjusted


def test_a_plan_that_claims_its_threshold_is_held_to_it():
    chosen = plan(claim=Claim.THRESHOLD, improvement_threshold=0.2)
    (found,) = of(chosen, MADE)
    for point in found.points:
        if point.low is not None:
            assert (point.low > 0.2) == (point.log_better >= found.bar)
