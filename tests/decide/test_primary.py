"""Several treatments: what is shown of each agrees with what decides about it."""

from __future__ import annotations

import math
from unittest.mock import Mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.decide.making import COST, DURATION, SCORE, SUCCESS, look, plan, spread, trials

from meta_experiment.render import text, words
from meta_experiment.render.report import report
from meta_experiment.render.style import Style
from meta_experiment.services.acting.action_plan import outcome_of
from meta_experiment.stats.multiplicity import closed_average, holm
from meta_experiment.types import Action, Claim, Experiment, Status, Stopping
from meta_experiment.types.results.examination import Examination

NAMES = ("b", "c", "d", "e")
ARMS = st.lists(  # ratio to the control's mean, and of the spread
    st.tuples(st.floats(0.4, 1.4), st.floats(1.1, 2.5)), min_size=2, max_size=4
)


def made(metric, n, arms):
    """Return trials of the control and of so many treatments, of values or of outcomes."""
    if metric is SUCCESS:
        values = [[1.0 if i < 0.5 * n * ratio else 0.0 for i in range(n)] for ratio, _ in arms]
        values.insert(0, [float(i % 2) for i in range(n)])
    else:
        side = -1 if metric is SCORE else 1
        values = [spread(side * 60 * ratio, n, wide) for ratio, wide in [(1.0, 1.5), *arms]]
    return trials(metric.name, **dict(zip(("control", *NAMES), values, strict=False)))


@pytest.mark.long
@settings(max_examples=25)
@given(
    st.sampled_from([DURATION, COST, SCORE, SUCCESS]),
    st.integers(10, 40),
    ARMS,
    st.sampled_from([0.0, 0.15]),
    st.sampled_from(Stopping),
)
def test_with_several_treatments_too_a_promotion_is_an_interval_that_passes_the_null(
    metric, n, arms, threshold, rule
):
    """At every look and at one, on both scales, against no difference and a threshold."""
    assume(not (metric is SUCCESS and rule is Stopping.FIXED))  # there the test is another
    asked = plan(
        *NAMES[: len(arms)],
        primary=metric,
        claim=Claim.THRESHOLD if threshold else Claim.BETTER,
        improvement_threshold=threshold,
        stopping=rule,
        sample_size=n,
    )
    found = look(asked, made(metric, n, arms))
    shown = [item.corrected for item in found.primary.comparisons if item.corrected]
    assume(all(abs(item.p_value / asked.alpha - 1) > 1e-7 for item in shown))
    passing = {
        item.treatment: item.corrected.interval.low
        for item in found.primary.comparisons
        if item.corrected and item.corrected.p_value <= asked.alpha
    }
    for item in found.primary.comparisons:
        if item.corrected:
            low = item.corrected.interval.low
            assert (low is not None and low > threshold) == (item.treatment in passing)
            assert item.corrected.alpha <= asked.alpha * (1 + 1e-9)
    if found.decision == "PROMOTE":
        assert found.winner in passing


@pytest.mark.parametrize("rule", Stopping)
def test_what_is_shown_is_corrected_as_the_rule_corrects(rule):
    """Averages over all sets for e-values, Holm's steps for p-values; the upper end stands."""
    arms = [(0.75, 2.0), (0.9, 2.0), (1.1, 2.0)]
    asked = plan("b", "c", "d", stopping=rule, sample_size=30)
    shown = look(asked, made(DURATION, 30, arms)).primary.comparisons
    if rule is not Stopping.FIXED:
        alone = [item.sequential.e_promote for item in shown]
        right = [math.exp(log_e) for log_e in closed_average([math.log(e) for e in alone])]
        assert [item.corrected.e_promote for item in shown] == pytest.approx(right)
        assert shown[0].corrected.p_value == pytest.approx(1 / right[0])
        own = [item.sequential.interval for item in shown]
    else:
        right = holm([item.p_value / 2 for item in shown[:2]] + [1 - shown[2].p_value / 2])
        assert [item.corrected.p_value for item in shown] == pytest.approx(right)
        assert shown[0].corrected.e_promote is None
        own = [item.interval for item in shown]
    for item, before in zip(shown, own, strict=True):
        after = item.corrected.interval
        assert after.high == pytest.approx(before.high)
        assert after.low < before.low
        assert after.level == pytest.approx(1 - 0.05 - item.corrected.alpha)


def test_strong_evidence_for_the_others_leaves_a_treatment_the_whole_of_alpha():
    """Where all others convince, nothing is left to correct for; a single one has nothing."""
    arms = [(0.3, 1.3), (0.8, 1.3), (0.3, 1.2)]
    shown = look(plan("b", "c", "d"), made(DURATION, 30, arms)).primary.comparisons
    assert shown[1].corrected.alpha == pytest.approx(0.05)
    (alone,) = look(plan(), made(DURATION, 30, arms[:1])).primary.comparisons
    assert alone.corrected is None


def test_the_record_of_an_action_and_the_report_have_what_decided():
    """Not the e-value and the interval that the winner has by itself."""
    asked = plan("b", "c", improvement_threshold=0.05)
    found = look(asked, made(DURATION, 30, [(0.7, 1.5), (1.0, 1.5)]))
    won = found.primary.comparisons[0]
    kept = outcome_of(Mock(clock=lambda: 0.0), Action.PROMOTE, found, found.reason)
    assert found.winner == "b"
    assert kept.e_value == won.corrected.e_promote < won.sequential.e_promote
    experiment = Experiment("exp-1", asked, "", Status.RUNNING, 0.0, {})
    told = text.write(report(Examination(experiment, found, (), (), None)), Style())
    assert f"as it is decided: e(better) {words.e_value(won.corrected.e_promote)}, p" in told
    assert "(another level: 2.5% of error are left to its lower end beside the others)" in told
    equal = look(asked, made(DURATION, 30, [(0.3, 1.3), (0.3, 1.3)]))
    told = text.write(report(Examination(experiment, equal, (), (), None)), Style())
    assert "as it is decided" in told
    assert "another level" not in told
