"""Arms known by their sums pass the gates that arms of single units pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.decide.making import COST, DAY, DURATION, START, SUCCESS, look, plan, spread, trials
from tests.everyday import some

from meta_experiment.decide.analysis import analyze_summaries
from meta_experiment.decide.metrics.sample import SummarySample
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import arms_of
from meta_experiment.errors import UsageError
from meta_experiment.types import (
    AnalysisType,
    Decision,
    Guardrail,
    GuardrailState,
    ReasonCode,
    Stopping,
    Unit,
)


def summed(plan, **arms):
    """Analyze sums a day after the start, by arm and metric."""
    return analyze_summaries(
        plan, arms, experiment_id="exp-1", as_of=START + DAY, started=START
    )


def sums_of(plan, made, metric):
    """Return the sums of both arms of trials on one metric."""
    arms = arms_of(plan, made)
    return {
        name: {metric.name: SummarySample(sample_of(arm, metric).moments)}
        for name, arm in arms.items()
    }


values = st.lists(st.floats(0.1, 1000.0), min_size=10, max_size=30)


@pytest.mark.parametrize("metric", some([COST, DURATION], 1))
@given(control=values, treatment=values)
def test_sums_decide_as_the_units_they_are_of(metric, control, treatment):
    """Means, raw and of logarithms: the decision and all its numbers are the same."""
    chosen = plan(primary=metric)
    made = trials(metric.name, control=control, b=treatment)
    one, other = look(chosen, made), summed(chosen, **sums_of(chosen, made, metric))
    assume(one.reason_code is not ReasonCode.MEANS_DISAGREE)  # sums of logs tell no other mean
    assert (one.decision, one.reason_code, one.reason, one.winner) == (
        other.decision,
        other.reason_code,
        other.reason,
        other.winner,
    )
    assert one.primary.comparisons == other.primary.comparisons
    assert one.checks.srm == other.checks.srm


def test_counts_decide_by_the_likelihood_of_two_rates():
    """Successes have no order to pair them in, and as many units in each arm as it has."""
    rates = plan(primary=SUCCESS)
    found = summed(
        rates,
        control={SUCCESS.name: SummarySample.of_counts(300, 1000)},
        b={SUCCESS.name: SummarySample.of_counts(420, 1010)},
    )
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    (comparison,) = found.primary.comparisons
    assert comparison.sequential.rule == "likelihood of two rates"
    assert comparison.test == "proportion_z"
    assert comparison.effect.relative == pytest.approx(420 / 1010 / 0.3 - 1)
    assert found.samples["b"].assigned == 1010


def test_sums_of_a_guardrail_are_judged():
    """A guardrail known by its sums passes, and one without is missing."""
    made = trials(control=spread(40.0, 40), b=spread(20.0, 40))
    arms = sums_of(plan(), made, DURATION)
    for arm in arms.values():
        arm[COST.name] = SummarySample(arm[DURATION.name].moments)
    guarded = plan(guardrails=(Guardrail(COST), Guardrail(SUCCESS)))
    states = [rail.state for rail in summed(guarded, **arms).guardrails]
    assert states == [GuardrailState.PASS, GuardrailState.MISSING]


def test_sums_tell_of_uneven_arms():
    """The sample ratio is checked on the numbers of units."""
    arms = {
        "control": {COST.name: SummarySample.of_counts(50, 900)},
        "b": {COST.name: SummarySample.of_counts(20, 300)},
    }
    assert summed(plan(primary=COST), **arms).reason_code is ReasonCode.SAMPLE_RATIO_MISMATCH


def test_sums_carry_no_evidence_for_ranks():
    """A test that needs single units says so instead of taking the sums for some."""
    made = trials(control=spread(40.0, 40), b=spread(20.0, 40))
    ranked = plan(analysis_type=AnalysisType.MANN_WHITNEY)
    found = summed(ranked, **sums_of(ranked, made, DURATION))
    assert found.reason_code is ReasonCode.DEGENERATE_DATA
    assert "known by its sums alone" in found.reason


def test_sums_wait_for_a_rule_that_looks_at_the_first_units():
    """Sums do not tell which units were the first."""
    made = trials(control=spread(40.0, 40), b=spread(20.0, 40))
    fixed = plan(stopping=Stopping.FIXED)
    found = summed(fixed, **sums_of(fixed, made, DURATION))
    assert (found.decision, found.readiness.ready) == (Decision.EXTEND, False)


def test_cases_are_no_sums():
    """What is compared case by case is refused."""
    with pytest.raises(UsageError):
        summed(replace(plan(), unit=Unit.CASE))
