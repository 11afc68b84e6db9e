"""Progress is towards a decision: of evidence and units what there is of what it takes."""

from __future__ import annotations

import math

import pytest
from tests.decide.making import COST, SUCCESS, look, plan, spread, trials

from meta_experiment.decide.telling.explain import explain
from meta_experiment.decide.telling.progress import progress
from meta_experiment.types import Decision, ReasonCode, Stopping


def ahead(made, chosen=None, *, days=4.0):
    chosen = chosen or plan(improvement_threshold=0.05)
    found = look(chosen, made, days=days)
    return found, progress(chosen, found)


def noisy(n, b=50.0):
    return trials(control=spread(60.0, n, 2.5), b=spread(b, n, 2.5))


def test_before_readiness_the_units_are_what_is_missing():
    """Four of ten, at a unit a day: six more, in six days."""
    _, seen = ahead(trials(control=spread(60.0, 4), b=spread(15.0, 4)))
    assert seen.fraction == pytest.approx(0.4)
    assert (seen.units_to_go, seen.days_to_go) == (6, 6.0)


def test_enough_units_are_not_yet_a_decision():
    """Twenty of ten with little evidence: far from whole, with the projection of explain."""
    found, seen = ahead(noisy(20, 48.0), days=5.0)
    (comparison,) = found.primary.comparisons
    reached = math.log(comparison.sequential.e_promote) / math.log(20)
    assert seen.fraction == pytest.approx(reached)
    assert 0 < seen.fraction < 0.5
    assert seen.units_to_go > 30
    assert seen.days_to_go == pytest.approx(seen.units_to_go / 4)
    told = explain(plan(improvement_threshold=0.05), found)
    assert "at the rate so far (the plan ends in 9 days)" in told


def test_evidence_for_the_worse_is_progress_too():
    """A rejection is a decision, by the primary's share of α, four of six parts here.

    Nothing is forecast of a treatment that looks worse.
    """
    found, seen = ahead(noisy(24, 80.0))
    evidence = math.log(found.primary.comparisons[0].sequential.e_reject)
    assert seen.fraction == pytest.approx(evidence / math.log(20 / (4 / 6)))
    assert 0.1 < seen.fraction < 1
    assert seen.units_to_go is None


def test_the_whole_way_is_gone_only_with_the_decision():
    """Evidence enough and an estimate below the threshold: almost, and not more."""
    made = trials(control=spread(60.0, 40), b=spread(54.0, 40))
    found, seen = ahead(made, plan(improvement_threshold=0.12))
    assert found.decision is Decision.EXTEND
    assert found.primary.comparisons[0].sequential.e_promote > 20
    assert seen.fraction == pytest.approx(0.99)
    done, whole = ahead(trials(control=spread(60.0, 20), b=spread(30.0, 20)))
    assert done.decision is Decision.PROMOTE
    assert (whole.fraction, whole.units_to_go) == (1.0, 0)


def test_several_treatments_take_more_evidence():
    """The best of three has a longer way than the same one alone."""
    control, b = spread(60.0, 20, 2.5), spread(45.0, 20, 2.5)
    _, alone = ahead(trials(control=control, b=b))
    chosen = plan("b", "c", "d", improvement_threshold=0.05)
    found, among = ahead(trials(control=control, b=b, c=control, d=control), chosen)
    b, *others = found.primary.comparisons
    needed = 60 - sum(item.sequential.e_promote for item in others)
    assert among.fraction == pytest.approx(alone.fraction * math.log(20) / math.log(needed))
    assert b.corrected.alpha == pytest.approx(1 / needed)


def test_a_rule_that_looks_once_counts_units():
    """Nothing is said of evidence before the one look."""
    chosen = plan(stopping=Stopping.FIXED, sample_size=40)
    _, seen = ahead(trials(control=spread(60.0, 10), b=spread(20.0, 10)), chosen)
    assert seen.fraction == pytest.approx(0.25)
    assert seen.units_to_go == 30


def test_rates_are_forecast_by_their_own_rule():
    """Seven and nine of ten, again and again."""
    outcomes = {"control": [1] * 14 + [0] * 6, "b": [1] * 18 + [0] * 2}
    _, seen = ahead(trials("success", **outcomes), plan(primary=SUCCESS))
    assert 0 < seen.fraction < 1
    assert seen.units_to_go > 20


def test_what_one_rare_value_would_undo_has_a_forecast_and_is_promoted_at_it():
    """So many units more, like those so far, outweigh the one at three times the mean."""
    chosen = plan(primary=COST)

    def of(units):
        made = trials("cost_usd", control=spread(1.0, units), b=spread(0.7, units))
        return look(chosen, made)

    held = of(10)
    assert held.reason_code is ReasonCode.RARE_VALUES_UNCERTAIN
    seen = progress(chosen, held)
    assert seen.units_to_go > 0
    assert "more units per arm would decide" in explain(chosen, held) or seen.units_to_go == 1
    assert of(10 + max(1, seen.units_to_go // 2 - 3)).decision is Decision.EXTEND
    assert of(10 + seen.units_to_go + 5).decision is Decision.PROMOTE
