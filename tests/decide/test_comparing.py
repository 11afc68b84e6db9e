"""Effects are positive for better on the right scale, and intervals contain them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from tests.decide.making import (
    COST,
    DURATION,
    SCORE,
    SUCCESS,
    look,
    plan,
    spread,
    trial,
    trials,
)

from meta_experiment.decide.metrics.means import t_evidence
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.stats.moments import Moments
from meta_experiment.types import (
    AnalysisType,
    Claim,
    Decision,
    Direction,
    Stopping,
    TrialStatus,
)

values = st.lists(st.floats(1, 1000), min_size=3, max_size=12).filter(
    lambda xs: max(xs) > 1.01 * min(xs)
)


def comparison(metric, control, b, **changes):
    made = trials(metric.name, control=control, b=b)
    return look(plan(primary=metric, **changes), made).primary.comparisons[0]


def test_the_log_scale_compares_geometric_means():
    """A geometric mean of 100 against one of 80 is 20% better."""
    found = comparison(DURATION, [10, 1000], [8, 800])
    assert found.effect.relative == pytest.approx(0.2)
    assert found.effect.absolute == pytest.approx(-20)


def test_arms_are_summarised_in_the_unit_and_in_logarithms():
    """Mean and spread raw, beside those of the logarithms."""
    made = trials(control=[10, 1000], b=[8, 800])
    arm = look(plan(), made).primary.variants["control"]
    assert (arm.n, arm.mean) == (2, pytest.approx(505))
    assert arm.sd == pytest.approx(np.std([10, 1000], ddof=1))
    assert arm.log_mean == pytest.approx(math.log(100))
    assert arm.log_sd == pytest.approx(np.std(np.log([10, 1000]), ddof=1))


@pytest.mark.parametrize(
    ("metric", "side"), [(DURATION, 1), (COST, 1), (COST, -1), (SCORE, 1), (SCORE, -1)]
)
def test_the_bounds_of_the_interval_are_where_the_evidence_reaches_one_over_alpha(metric, side):
    """Against a null at either bound the e-value towards it is 20: interval and rule agree."""
    control, b = ([side * x for x in spread(centre, 25)] for centre in (60, 50))
    found = comparison(metric, control, b)
    moments = [
        Moments.of([math.log(x) for x in xs] if metric is DURATION else xs)
        for xs in (control, b)
    ]
    for at in (found.sequential.interval.low, found.sequential.interval.high):
        evidence = t_evidence(*moments, metric, at)
        assert math.exp(max(evidence.better, evidence.worse)) == pytest.approx(20, rel=1e-6)
        assert (evidence.better > evidence.worse) is (at < found.effect.relative)


def test_the_raw_scale_compares_arithmetic_means():
    """A mean of 505 against one of 404 is 20% better."""
    found = comparison(COST, [10, 1000], [8, 800])
    assert found.effect.relative == pytest.approx(0.2)
    assert found.effect.absolute == pytest.approx(-101)


def test_effects_against_a_negative_control_are_relative_to_its_size():
    """From -10 to -5 on a score is 50% better."""
    assert comparison(SCORE, [-9, -11], [-4, -6]).effect.relative == pytest.approx(0.5)


def test_against_a_control_of_zero_there_is_no_relative_effect():
    """Nothing is relative to nothing; the absolute effect stands."""
    found = comparison(SCORE, [-1, 1, 0], [1, 2, 3])
    assert found.effect.relative is None
    assert found.effect.absolute == pytest.approx(2)
    assert found.sequential.interval.low is None


@given(values, values, st.sampled_from([DURATION, COST, SCORE]))
def test_intervals_contain_the_estimate_and_the_always_valid_one_is_wider(control, b, metric):
    """Both intervals hold the point estimate; the one that is valid always costs width."""
    found = comparison(metric, control, b)
    always, once = found.sequential.interval, found.interval
    for low, high in ((always.low, always.high), (once.low, once.high)):
        assert low is None or low <= found.effect.relative + 1e-9
        assert high is None or high >= found.effect.relative - 1e-9
    if None not in (always.low, always.high, once.low, once.high):
        assert always.high - always.low >= once.high - once.low - 1e-9


@pytest.mark.long
@given(values, values)
def test_a_metric_and_its_opposite_mirror_each_other(control, b):
    """Turning the direction swaps the two e-values and the sign of the effect size."""
    lower = comparison(COST, control, b)
    higher = comparison(replace(COST, direction=Direction.HIGHER), control, b)
    assert lower.sequential.e_promote == pytest.approx(higher.sequential.e_reject)
    assert lower.sequential.e_reject == pytest.approx(higher.sequential.e_promote)
    assert lower.effect.relative == -higher.effect.relative
    assert lower.effect_size.hedges_g == -higher.effect_size.hedges_g
    if lower.interval.low is None:
        assert higher.interval.high is None
    else:
        assert lower.interval.low == pytest.approx(-higher.interval.high)


@pytest.mark.long
@given(values, values, st.floats(0.01, 100))
def test_the_unit_of_a_metric_does_not_matter(control, b, factor):
    """Seconds or minutes: evidence and relative effect are the same."""
    one = comparison(DURATION, control, b)
    other = comparison(DURATION, [factor * x for x in control], [factor * x for x in b])
    assert other.sequential.e_promote == pytest.approx(one.sequential.e_promote, rel=1e-6)
    assert other.effect.relative == pytest.approx(one.effect.relative, abs=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


def test_the_always_valid_p_value_is_that_of_the_side_the_estimate_lies_on():
    """One over the e-value for better, or for worse, and never above one."""
    a, b = spread(60, 15), spread(52, 15)
    found = comparison(DURATION, a, b).sequential
    assert found.p_anytime == pytest.approx(1 / found.e_promote)
    assert found.p_anytime < 1
    swapped = comparison(DURATION, b, a).sequential
    assert swapped.p_anytime == pytest.approx(1 / swapped.e_reject)
    assert swapped.p_anytime < 1
    assert comparison(DURATION, a, a[1:] + a[:1]).sequential.p_anytime == 1


def test_a_bound_beyond_all_numbers_is_no_bound():
    """Two units an arm bound a ratio by e to the thousands: that is unbounded, not an error."""
    found = comparison(DURATION, [1e-70, 1e70], [1e-60, 1e65], alpha=0.02)
    assert found.error is None
    assert found.interval.low is None
    assert found.interval.high == pytest.approx(1)


def test_swapping_the_arms_swaps_the_evidence():
    """What speaks for b over a speaks against a over b."""
    a, b = spread(60, 15), spread(50, 15, 1.7)
    one, other = comparison(DURATION, a, b), comparison(DURATION, b, a)
    assert one.sequential.e_promote == pytest.approx(other.sequential.e_reject)


def test_the_welch_test_is_that_of_scipy_on_logarithms():
    """The p-value beside the rule and its interval are Welch's on the scale of the metric."""
    rng = np.random.default_rng(4)
    a, b = rng.lognormal(4, 0.5, 20), rng.lognormal(3.8, 0.9, 25)
    found = comparison(DURATION, a, b)
    right = stats.ttest_ind(np.log(b), np.log(a), equal_var=False)
    interval = right.confidence_interval(0.9)
    assert found.test == "welch_t"
    assert found.p_value == pytest.approx(right.pvalue)
    assert found.interval.high == pytest.approx(-math.expm1(interval.low))
    assert found.interval.low == pytest.approx(-math.expm1(interval.high))


@pytest.mark.parametrize(
    ("a", "b", "test"),
    [(2, 4, "fisher_exact"), (12, 18, "proportion_z")],
)
def test_rates_are_compared_exactly_where_outcomes_are_rare(a, b, test):
    """Fisher's test below five expected outcomes in a cell, the z-test of two rates above."""
    ones = [[1] * k + [0] * (40 - k) for k in (a, b)]
    found = comparison(SUCCESS, *ones)
    assert found.test == test
    if test == "fisher_exact":
        right = stats.fisher_exact([[b, 40 - b], [a, 40 - a]])
        assert found.p_value == pytest.approx(right.pvalue)


def test_rates_are_decided_by_the_exact_rule_on_pairs():
    """The rule is named, and is that on the first complete pairs alone."""
    control, b = [1, 0] * 20, [1] * 40
    found = comparison(SUCCESS, control, b).sequential
    longer = comparison(SUCCESS, [*control, 0, 0, 0], b).sequential
    assert found.rule == "exact rule on pairs"
    assert longer.e_promote == found.e_promote > 20


def test_several_outcomes_of_a_unit_are_a_part_of_one():
    """A session with two of four successes counts as half a success."""
    made = [
        trial(name, order, unit=f"s{order}", trial_id=f"{order}-{turn}",
              metrics={"success": float(turn < wins)})
        for order in range(40)
        for name, wins in [(("control", 2), ("b", 4))[order % 2]]
        for turn in range(4)
    ]  # fmt: skip
    found = look(plan(primary=SUCCESS), made).primary
    assert found.variants["control"].n == 20
    assert found.variants["control"].mean == pytest.approx(0.5)


def test_the_error_rate_can_be_a_metric_of_the_plan_without_being_recorded():
    """Statuses suffice."""
    made = [
        trial(name, 2 * i + j, status=status)
        for i in range(20)
        for j, (name, status) in enumerate(
            [("control", TrialStatus.ERROR), ("b", TrialStatus.OK)]
        )
    ]
    found = look(plan(primary=ERROR_RATE), made)
    assert found.winner == "b"
    assert found.primary.comparisons[0].p_value < 1e-6


@pytest.mark.parametrize("outcome", [0, 1])
def test_the_same_outcome_everywhere_is_degenerate(outcome):
    """All fail or all succeed in both arms: nothing to compare yet."""
    found = comparison(SUCCESS, [outcome] * 20, [outcome] * 20)
    assert found.error
    assert (found.p_value, found.sequential) == (None, None)


def test_the_bayesian_answer_is_a_chance_not_a_p_value():
    """`bayesian_ab` reports the chance to be higher and no p-value."""
    found = comparison(
        SUCCESS, [0, 1] * 20, [1, 1, 0, 1] * 10, analysis_type=AnalysisType.BAYESIAN_AB
    )
    rng = np.random.default_rng(0)
    drawn = rng.beta(31, 11, 400_000) > rng.beta(21, 21, 400_000)
    assert found.p_value is None
    assert found.statistic == pytest.approx(drawn.mean(), abs=0.003)


def test_huge_evidence_is_infinite_not_an_error():
    """Evidence beyond the range of a double is infinite, and promotes."""
    n = 3000
    found = look(plan(), trials(control=spread(1e6, n, 1.001), b=spread(1, n, 1.001)))
    assert found.primary.comparisons[0].sequential.e_promote == math.inf
    assert found.decision == "PROMOTE"


def test_the_default_path_needs_neither_scipy_nor_numpy():
    """An analysis with guardrails and rates imports neither of the heavy packages."""
    import subprocess
    import sys
    from pathlib import Path

    root = Path(__file__).parents[2]
    code = (
        "import sys; sys.path[:0] = ['scripts', '.']\n"
        "from tests.decide.making import *\n"
        "from meta_experiment.types import Stopping\n"
        "from meta_experiment.decide.telling.explain import explain\n"
        "made = trials(control=spread(60, 30), b=spread(50, 30))\n"
        "rates = trials('success', control=[0, 1] * 15, b=[1, 1] * 15)\n"
        "for stopping in Stopping:\n"
        "    p = plan(stopping=stopping, guardrails=(guardrail(),))\n"
        "    explain(p, look(p, made))\n"
        "    look(plan(primary=SUCCESS, stopping=stopping), rates)\n"
        "heavy = {'scipy', 'numpy', 'json', 'random', 'pathlib'} & set(sys.modules)\n"
        "print(sorted(heavy - {'pathlib', 'random', 'json'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


TWO_ARMS = (  # metric, units, ratio of the means and of the spreads, threshold
    st.sampled_from([DURATION, COST, SCORE]),
    st.integers(10, 40),
    st.floats(0.4, 1.6),
    st.floats(1.1, 2.5),
    st.sampled_from([0.0, 0.15]),
)


@given(*TWO_ARMS, st.sampled_from([0.05, 0.01]))
def test_a_promotion_is_an_interval_whose_lower_end_passes_the_null(
    metric, n, ratio, wide, threshold, alpha
):
    """On both scales, in both directions, against no difference and against a threshold."""
    found = comparison(
        metric,
        spread(60, n),
        spread(60 * ratio, n + 2, wide),
        claim=Claim.THRESHOLD if threshold else Claim.BETTER,
        improvement_threshold=threshold,
        alpha=alpha,
    )
    seen = found.sequential
    assert seen.interval.level == pytest.approx(1 - 2 * alpha)
    convinces = seen.e_promote >= 1 / alpha
    assume(abs(seen.e_promote * alpha - 1) > 1e-7)
    assert convinces == (seen.interval.low is not None and seen.interval.low > threshold)
    better = found.effect.relative > 0
    assert seen.p_anytime == pytest.approx(
        min(1, 1 / (seen.e_promote if better else seen.e_reject))
    )
    if better:
        assert convinces == (seen.p_anytime <= alpha)


@pytest.mark.long
@given(*TWO_ARMS)
def test_at_one_look_too_a_promotion_is_an_interval_that_passes_the_null(
    metric, n, ratio, wide, threshold
):
    """The interval beside Welch's t has the level of the side that decides."""
    claim = Claim.THRESHOLD if threshold else Claim.BETTER
    asked = plan(
        primary=metric,
        claim=claim,
        improvement_threshold=threshold,
        stopping=Stopping.FIXED,
        sample_size=n,
    )
    made = trials(metric.name, control=spread(60, n), b=spread(60 * ratio, n, wide))
    found = look(asked, made)
    low = found.primary.comparisons[0].interval.low
    passes = low is not None and low > threshold
    assert (found.decision is Decision.PROMOTE) == (
        passes and found.primary.comparisons[0].effect.relative >= threshold
    )


@pytest.mark.parametrize("rule", Stopping)
@pytest.mark.parametrize("metric", [DURATION, COST, SUCCESS])
def test_a_stored_alpha_of_one_half_leaves_the_estimate_as_interval(rule, metric):
    values = [0.0, 1.0] * 10 if metric is SUCCESS else spread(60, 20)
    seen = look(
        plan(alpha=0.5, stopping=rule, primary=metric),
        trials(metric.name, control=values, b=values[:-1] + values[1:2]),
    )
    found = seen.primary.comparisons[0]
    near = 0.2 if metric is SUCCESS else 1e-3  # rates are counted in whole units
    assert found.interval.low == pytest.approx(found.effect.relative, abs=near)
