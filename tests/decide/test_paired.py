"""Eval cases run in every arm and are compared case by case."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from tests.decide.making import (
    COST,
    DURATION,
    SCORE,
    SUCCESS,
    TOKENS,
    guardrail,
    look,
    plan,
    trial,
)

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.paired import alike
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.telling.explain import explain
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import (
    AlertKind,
    AnalysisType,
    Claim,
    Decision,
    Direction,
    GuardrailState,
    ReasonCode,
    Stopping,
    TrialStatus,
    Unit,
)

RNG = np.random.default_rng(11)
LEVELS = np.exp(RNG.normal(4, 1, 25))
CASES = (LEVELS * np.exp(RNG.normal(0, 0.2, 25)), LEVELS * np.exp(RNG.normal(-0.1, 0.2, 25)))


def case_plan(*treatments, **changes):
    return plan(*treatments, unit=Unit.CASE, **changes)


def cases(metric="duration_seconds", *, first=0, **arms):
    """Return one trial per case and arm, arm after arm; None is not measured."""
    return [
        trial(variant, first + 1000 * place + index, unit=f"case {index}",
              metrics={} if value is None else {metric: float(value)})
        for place, (variant, values) in enumerate(arms.items())
        for index, value in enumerate(values)
    ]  # fmt: skip


def result(metric, control, b, **changes):
    made = cases(metric.name, control=control, b=b)
    return look(case_plan(primary=metric, **changes), made)


def comparison(metric, control, b, **changes):
    return result(metric, control, b, **changes).primary.comparisons[0]


def log_e(t, n):
    """Average the noncentral t over the mixed prior of the effect, as defined."""
    half_normal = integrate.quad(
        lambda d: stats.nct.pdf(t, n - 1, d * math.sqrt(n)) * 2 * stats.norm.pdf(d, 0, 0.7),
        0, 6, limit=200,
    )[0]  # fmt: skip
    effects = np.geomspace(0.06, 4, 15)
    weights = np.exp(-0.5 * (np.log(effects / 0.5) / 0.5) ** 2)
    grid = np.average(stats.nct.pdf(t, n - 1, effects * math.sqrt(n)), weights=weights)
    return math.log((0.25 * half_normal + 0.75 * grid) / stats.t.pdf(t, n - 1))


def test_the_test_is_the_paired_t_of_scipy_on_logarithms():
    """Statistic, degrees of freedom, p-value and interval are those of ttest_rel."""
    control, b = CASES
    found = comparison(DURATION, control, b)
    right = stats.ttest_rel(np.log(b), np.log(control))
    bounds = right.confidence_interval(0.9)
    assert (found.test, found.df) == ("paired_t", 24)
    assert found.statistic == pytest.approx(right.statistic)
    assert found.p_value == pytest.approx(right.pvalue)
    assert found.interval.high == pytest.approx(-math.expm1(bounds.low))
    assert found.interval.low == pytest.approx(-math.expm1(bounds.high))
    assert found.effect.relative == pytest.approx(
        1 - np.exp(np.mean(np.log(b) - np.log(control)))
    )


@pytest.mark.parametrize("metric", [DURATION, COST])
def test_the_e_values_are_those_of_the_definition(metric):
    """Both e-values equal the noncentral t averaged over the mixed prior."""
    control, b = CASES
    found = comparison(metric, control, b).sequential
    scale = np.log if metric is DURATION else np.asarray
    t = stats.ttest_rel(scale(control), scale(b)).statistic  # lower is better
    assert found.rule == "anytime-valid paired t"
    assert math.log(found.e_promote) == pytest.approx(log_e(t, 25), abs=1e-6)
    assert math.log(found.e_reject) == pytest.approx(log_e(-t, 25), abs=1e-6)


@pytest.mark.parametrize("metric", [DURATION, COST])
def test_a_claimed_threshold_moves_the_null_of_every_pair(metric):
    """Against 15% better, the control of every case is taken at 85% of its value."""
    control, b = CASES
    changes = {"claim": Claim.THRESHOLD, "improvement_threshold": 0.15}
    found = comparison(metric, control, 0.8 * b, **changes).sequential
    scale = np.log if metric is DURATION else np.asarray
    t = stats.ttest_rel(scale(0.85 * control), scale(0.8 * b)).statistic
    assert math.log(found.e_promote) == pytest.approx(log_e(t, 25), abs=1e-6)


def test_the_raw_interval_ends_where_the_paired_test_of_a_lift_begins_to_reject():
    """At either end, treatment against (1+δ) control has a one-sided p of 5%."""
    control, b = CASES
    found = comparison(COST, control, b)
    for bound in (found.interval.low, found.interval.high):
        assert stats.ttest_rel(b, (1 - bound) * control).pvalue == pytest.approx(0.1)
    assert found.effect.relative == pytest.approx(1 - b.mean() / control.mean())


def test_the_always_valid_raw_interval_ends_where_the_e_value_does():
    """At either end, the e-value towards it against (1+δ) control is 1/α."""
    control, b = CASES
    found = comparison(COST, control, b).sequential.interval
    for bound in (found.low, found.high):
        t = stats.ttest_rel(b, (1 - bound) * control).statistic
        assert log_e(abs(t), 25) == pytest.approx(math.log(20), abs=1e-5)


def test_no_bound_is_given_on_a_side_where_no_lift_is_rejected():
    """A control that is not clear of zero leaves the relative effect open on one side."""
    control = np.array([4.0, -2.0, 5.0, -3.0, 6.0, -1.0])
    b = control + np.array([12.0, 15.0, 11.0, 14.0, 13.0, 15.0])
    found = comparison(SCORE, control, b)
    low, high = found.interval.low, found.interval.high
    assert found.effect.relative > low > 0
    assert high is None
    assert stats.ttest_rel(b, (1 + low) * control).pvalue == pytest.approx(0.1)
    for lift in (2 * low, 10 * low, 1e6):
        assert stats.ttest_rel(b, (1 + lift) * control).pvalue > 0.1


def test_what_the_arms_share_makes_the_interval_narrower():
    """The same numbers as cases are told apart where as separate units they are not."""
    control, b = CASES
    paired = comparison(DURATION, control, 0.85 * b)
    apart = [
        replace(item, unit=item.variant + item.unit)
        for item in cases(control=control, b=0.85 * b)
    ]
    separate = look(plan(), apart).primary.comparisons[0]
    assert paired.effect.relative == pytest.approx(separate.effect.relative)
    for one, other in (
        (paired.interval, separate.interval),
        (paired.sequential.interval, separate.sequential.interval),
    ):
        assert one.high - one.low < 0.5 * (other.high - other.low)
    assert paired.sequential.e_promote > 20 > separate.sequential.e_promote


def test_cases_are_paired_by_name_and_not_by_place():
    """Arms that ran the cases in another order are compared all the same."""
    made = cases(control=CASES[0], b=CASES[1])
    shuffled = [
        replace(item, order=5000 - item.order) if item.variant == "b" else item for item in made
    ]
    one, other = (look(case_plan(), given).primary.comparisons[0] for given in (made, shuffled))
    assert other.p_value == pytest.approx(one.p_value)
    assert other.sequential.e_promote == pytest.approx(one.sequential.e_promote)


def test_repeats_of_a_case_count_once():
    """Every run recorded three times over changes nothing: a case is one difference."""
    made = cases(control=CASES[0], b=CASES[1])
    thrice = [
        replace(item, trial_id=f"{item.trial_id}-{again}")
        for item in made
        for again in range(3)
    ]
    one, other = (look(case_plan(), given) for given in (made, thrice))
    assert other.primary.variants["b"].n == one.primary.variants["b"].n == 25
    before, after = one.primary.comparisons[0], other.primary.comparisons[0]
    assert (after.df, after.statistic) == pytest.approx((24, before.statistic))
    assert after.sequential.e_promote == pytest.approx(before.sequential.e_promote)


def test_repeats_that_differ_enter_with_their_mean_on_the_scale():
    """Runs of 10 s and 1000 s of a case are one value of 100 s."""
    control, b = list(CASES[0]), list(CASES[1])
    whole = comparison(DURATION, [100.0, *control], [90.0, *b])
    made = cases(control=[10.0, *control], b=[90.0, *b])
    made.append(replace(made[0], trial_id="again", metrics={"duration_seconds": 1000.0}))
    parts = look(case_plan(), made).primary.comparisons[0]
    assert parts.statistic == pytest.approx(whole.statistic)


def test_cases_in_one_arm_only_are_left_out_and_counted():
    """The comparison is that of the shared cases; the arms still show all they have."""
    control, b = (list(values) for values in CASES)
    found = result(DURATION, [*control, 9e4, 8e4, None, 7e4], [*b, None, None, 1.0, None])
    assert found.primary.comparisons == (comparison(DURATION, control, b),)
    assert [arm.n for arm in found.primary.variants.values()] == [28, 26]
    assert any(
        "not compared: 3 in control and 1 in b; 25 are measured in both" in note
        for note in found.notes
    )


def test_nothing_is_said_of_missing_cases_when_none_is_missing():
    """The note on what was left out stands only where something was."""
    notes = result(DURATION, *CASES).notes
    assert any("case by case" in note for note in notes)
    assert not any("not compared" in note for note in notes)


def test_every_treatment_is_compared_on_its_own_pairs():
    """A case that c lacks still counts for b."""
    control, b = CASES
    made = cases(control=control, b=b, c=[*b[:12], *[None] * 13])
    first, second = look(case_plan("b", "c"), made).primary.comparisons
    assert (first.df, second.df) == (24, 11)
    assert first.p_value == pytest.approx(comparison(DURATION, control, b).p_value)


def test_readiness_counts_cases_measured_in_both_arms():
    """Twenty cases an arm, of which nine are shared, open no decision."""
    control = [*(60.0 + i for i in range(20)), *[None] * 11]
    b = [*[None] * 11, *(10.0 + i % 3 for i in range(20))]
    found = result(DURATION, control, b)
    assert (found.decision, found.reason_code) == (
        Decision.EXTEND,
        ReasonCode.INSUFFICIENT_SAMPLES,
    )
    assert found.readiness.smallest_arm == 9
    assert "10 cases measured in both arms: 1 more in b (has 9)" in found.reason


@pytest.mark.parametrize("stopping", Stopping)
def test_one_case_is_no_evidence(stopping):
    """Of one difference the spread is unknown; the estimate alone is shown."""
    found = result(SCORE, [1.0], [9.0], stopping=stopping, sample_size=1)
    seen = found.primary.comparisons[0]
    assert (found.decision in (Decision.PROMOTE, Decision.REJECT), seen.sequential) == (
        False,
        None,
    )
    assert seen.effect.absolute == 8
    assert seen.error == "1 case measured in both arms, expected at least 2"


@pytest.mark.parametrize(
    ("metric", "control", "b"),
    [
        (DURATION, CASES[0], 0.5 * CASES[0]),
        (SCORE, [0.1 * i for i in range(25)], [0.1 * i + 0.7 for i in range(25)]),
        (SCORE, CASES[0], CASES[0]),
    ],
)
@pytest.mark.parametrize("stopping", Stopping)
def test_the_same_difference_in_every_case_is_no_evidence(metric, control, b, stopping):
    """A spread that is rounding alone is none: no number stands beside the estimate."""
    changes = {"stopping": stopping, "sample_size": 10, "guardrails": (guardrail(COST),)}
    found = result(metric, control, b, **changes)
    assert found.reason_code is ReasonCode.DEGENERATE_DATA
    assert found.primary.comparisons[0].p_value is None
    assert "the same in every case" in found.reason


def test_rates_are_compared_by_the_t_of_the_differences():
    """Cases of several runs each: the rate of a case is its value, and a note says so."""
    wins = [(i % 4, min(4, i % 4 + (i % 3))) for i in range(24)]
    made = [
        trial(name, 10 * index + turn, unit=f"case {index}", trial_id=f"{name}{index}-{turn}",
              metrics={"success": float(turn < won)})
        for index, both in enumerate(wins)
        for name, won in zip(("control", "b"), both, strict=True)
        for turn in range(4)
    ]  # fmt: skip
    found = look(case_plan(primary=SUCCESS), made)
    seen = found.primary.comparisons[0]
    control, b = np.array(wins).T / 4
    right = stats.ttest_rel(b, control)
    assert seen.test == "paired_t"
    assert seen.p_value == pytest.approx(right.pvalue)
    assert math.log(seen.sequential.e_promote) == pytest.approx(
        log_e(right.statistic, 24), abs=1e-6
    )
    assert seen.sequential.rule == "anytime-valid paired t"
    assert not any("paired t" in note for note in found.notes)


@pytest.mark.parametrize(("up", "down"), [(9, 1), (3, 2), (1, 6), (12, 0)])
def test_whole_outcomes_get_the_exact_sign_test_beside_the_evidence(up, down):
    """McNemar's exact test: only the cases whose outcome changed count."""
    control = [0] * up + [1] * down + [0, 1, 1]
    b = [1] * up + [0] * down + [0, 1, 1]
    found = comparison(SUCCESS, control, b)
    assert (found.test, found.statistic) == ("sign_test", up)
    assert found.p_value == pytest.approx(stats.binomtest(up, up + down).pvalue)
    assert found.sequential.rule == "anytime-valid paired t"


def test_the_sign_test_decides_one_look():
    """Nine cases better and one worse, p = 0.011: promoted at 5%, not at 1%."""
    control, b = [0] * 9 + [1], [1] * 9 + [0]
    at = {"stopping": Stopping.FIXED, "sample_size": 10}
    assert result(SUCCESS, control, b, **at).decision is Decision.PROMOTE
    assert result(SUCCESS, control, b, alpha=0.01, **at).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize("swap", [False, True])
def test_all_cases_from_failure_to_success_are_evidence(swap):
    """Differences that are all one have no spread, and are the clearest there are."""
    arms = [[0] * 12, [1] * 12]
    found = result(SUCCESS, *(arms[::-1] if swap else arms))
    seen = found.primary.comparisons[0].sequential
    right = integrate.quad(lambda stake: (1 + stake) ** 12, 0, 1)[0]
    wrong = integrate.quad(lambda stake: (1 - stake) ** 12, 0, 1)[0]
    assert found.decision is (Decision.REJECT if swap else Decision.PROMOTE)
    assert seen.rule == "exact rule on cases that all change alike"
    assert (seen.e_promote, seen.e_reject) == pytest.approx(
        (wrong, right) if swap else (right, wrong)
    )
    ends = (seen.interval.low, seen.interval.high)
    assert ends == ((None, pytest.approx(0)) if swap else (pytest.approx(0), None))
    assert ends[0 if not swap else 1] != 0


def test_rates_that_all_rise_by_the_same_part_are_weaker_evidence():
    """From one to two of four in every case: a stake wins a quarter of itself per case."""
    sample = Sample((0.25,) * 12, (0.25,) * 12, {}, tuple(map(str, range(12))))
    better = Sample((0.5,) * 12, (0.5,) * 12, {}, sample.units)
    found = family_of(SUCCESS).paired().evidence(sample, better, SUCCESS, 0.0)
    right = integrate.quad(lambda stake: (1 + stake / 4) ** 12, 0, 1)[0]
    wrong = integrate.quad(lambda stake: (1 - stake / 4) ** 12, 0, 1)[0]
    assert (found.better, found.worse) == pytest.approx((math.log(right), math.log(wrong)))


@pytest.mark.parametrize("outcome", [0, 1])
def test_the_same_outcome_in_every_case_is_degenerate(outcome):
    """Nothing changed anywhere: that is no evidence of anything."""
    found = result(SUCCESS, [outcome] * 20, [outcome] * 20)
    assert found.reason_code is ReasonCode.DEGENERATE_DATA


def test_mann_whitney_comes_to_its_paired_form():
    """The analysis type keeps its name; the test says that it is Wilcoxon's."""
    control, b = CASES
    found = comparison(SCORE, control, b, analysis_type=AnalysisType.MANN_WHITNEY)
    right = stats.wilcoxon(b, control)
    ranks = stats.rankdata(abs(b - control))
    assert found.test == "wilcoxon_signed_rank"
    assert found.p_value == pytest.approx(right.pvalue)
    assert found.statistic == pytest.approx(ranks[b > control].sum())


def test_the_other_analysis_types_have_paired_forms():
    """t_test on whole outcomes too; a chance for bayesian_ab; no counts of part outcomes."""
    control, b = [0] * 9 + [1, 1, 0], [1] * 8 + [0, 0, 1, 1]
    t = comparison(SUCCESS, control, b, analysis_type=AnalysisType.T_TEST)
    chance = comparison(SUCCESS, control, b, analysis_type=AnalysisType.BAYESIAN_AB)
    counted = comparison(SUCCESS, control, b, analysis_type=AnalysisType.PROPORTION_TEST)
    parts = comparison(SCORE, *CASES, analysis_type=AnalysisType.PROPORTION_TEST)
    right = stats.ttest_rel(b, control)
    assert (t.test, t.p_value) == ("paired_t", pytest.approx(right.pvalue))
    assert chance.p_value is None
    assert chance.statistic == pytest.approx(stats.t.cdf(right.statistic, 11))
    assert counted.test == "sign_test"
    assert parts.error
    assert parts.sequential is None


def test_fixed_decides_by_the_one_sided_paired_t():
    """Just below and just above its p, the level decides between promotion and none."""
    control, b = CASES[0], 0.85 * CASES[1]
    p = stats.ttest_rel(np.log(b), np.log(control), alternative="less").pvalue
    for factor, decision in ((1.01, Decision.PROMOTE), (0.99, Decision.INCONCLUSIVE)):
        found = result(
            DURATION, control, b, alpha=factor * p, stopping=Stopping.FIXED, sample_size=25
        )
        assert found.decision is decision


def test_fixed_looks_at_the_first_cases_that_every_arm_has():
    """The look is at the first cases that both arms have; later data leave it as it is."""
    at = case_plan(stopping=Stopping.FIXED, sample_size=10)
    control, b = CASES
    early = [
        item
        for item in cases(control=control[:15], b=b[:15])
        if item.variant == "control" or item.order % 1000 >= 5
    ]
    found = look(at, early)
    right = stats.ttest_rel(np.log(b[5:15]), np.log(control[5:15]))
    assert found.readiness.ready
    assert found.primary.comparisons[0].p_value == pytest.approx(right.pvalue)
    late = cases(b=99 * b[:5], first=3000)
    more = cases(control=[1.0] * 20, b=[1e5] * 20, first=4000)[15:20]
    complete = [*early, *late, *more]
    assert look(at, complete).primary.comparisons == found.primary.comparisons


def test_a_guardrail_is_judged_on_pairs():
    """Tokens that differ widely between cases and hardly between arms are shown to be kept."""
    tokens = np.round(np.exp(RNG.normal(8, 1.2, 25)))
    made = [
        replace(item, metrics={**item.metrics, "output_tokens": float(count)})
        for item, count in zip(
            cases(control=CASES[0], b=0.5 * CASES[1]),
            [*tokens, *(tokens * (1 + 0.02 * RNG.normal(size=25)))],
            strict=True,
        )
    ]
    found = look(case_plan(guardrails=(guardrail(TOKENS),)), made)
    apart = [replace(item, unit=item.variant + item.unit) for item in made]
    separate = look(plan(guardrails=(guardrail(TOKENS),)), apart)
    assert found.guardrails[0].state is GuardrailState.PASS
    assert separate.guardrails[0].state is GuardrailState.UNDETERMINED


@pytest.mark.parametrize("stopping", Stopping)
@pytest.mark.parametrize(
    ("factor", "cases_in_all", "state"),
    [
        (0.9, 8, GuardrailState.PASS),  # better in every case by the same
        (0.999, 8, GuardrailState.PASS),
        (1.0, 8, GuardrailState.UNDETERMINED),  # alike: perhaps such cases show nothing
        (1.05, 8, GuardrailState.UNDETERMINED),  # no better, and the margin is no news
        (1.5, 8, GuardrailState.FAIL),
        (0.9, 4, GuardrailState.UNDETERMINED),  # by chance in 1 of 16
        (1.5, 4, GuardrailState.UNDETERMINED),
    ],
)
@pytest.mark.parametrize("levels", [[1.0], [1.0, 2.0, 5.0]])
def test_a_guardrail_that_every_case_moves_by_the_same_is_told_by_its_side(
    stopping, factor, cases_in_all, state, levels
):
    scale = replace(COST, scale=DURATION.scale)
    made = case_plan(stopping=stopping, sample_size=4, guardrails=(guardrail(scale),))
    control = [levels[n % len(levels)] for n in range(cases_in_all)]
    slow = [40.0 + n * n % 7 for n in range(cases_in_all)]
    values = [
        replace(one, metrics={**one.metrics, "cost_usd": cost})
        for one, cost in zip(
            cases(control=slow, b=[0.7 * x + n % 3 for n, x in enumerate(slow)]),
            [*control, *(factor * value for value in control)],
            strict=True,
        )
    ]
    if stopping is Stopping.FIXED:
        made = replace(made, sample_size=cases_in_all)
    (found,) = look(made, values).guardrails
    assert found.state is state


@pytest.mark.parametrize("cases_in_all", range(2, 60, 3))
def test_sides_are_worth_no_more_than_throws_of_a_fair_coin(cases_in_all):
    """Of all the ways they may fall, only those alike are bet on, and the bet is fair."""
    right, wrong = (alike(change, cases_in_all, SCORE).better for change in (1.0, -1.0))
    expected = (math.exp(right) + math.exp(wrong)) / 2**cases_in_all
    assert expected <= 1
    assert right < cases_in_all * math.log(2)
    assert (right >= math.log(20)) is (cases_in_all >= 7)


@pytest.mark.long
def test_sides_pass_a_guardrail_at_its_margin_in_at_most_one_of_twenty():
    """Cases at the margin on average, each a step better or worse; a look after each."""
    rng, passed, rounds, most = np.random.default_rng(3), 0, 400, 16
    design, bar = family_of(DURATION).paired(), math.log(20)
    for _ in range(rounds):
        steps = math.log(1.1) + 0.3 * rng.choice([-1, 1], most)
        control = Sample((0.0,) * most, (1.0,) * most, {}, tuple(map(str, range(most))))
        treated = Sample(tuple(steps), tuple(np.exp(steps)), {}, control.units)
        for n in range(2, most + 1):
            arms = control.picked(range(n)), treated.picked(range(n))
            try:
                found = design.evidence(*arms, DURATION, -0.1)
            except DegenerateDataError:
                continue
            if found.better >= bar:
                passed += 1
                break
    assert passed <= 0.05 * rounds


def test_a_guardrail_measured_in_few_shared_cases_is_missing():
    """Half the cases have it in one arm, the other half in the other: none can be compared."""
    made = [
        replace(item, metrics={**item.metrics, "output_tokens": 1000.0 + item.order})
        if (item.variant == "b") == (item.order % 1000 % 2)
        else item
        for item in cases(control=CASES[0], b=CASES[1])
    ]
    found = look(case_plan(guardrails=(guardrail(TOKENS),)), made).guardrails[0]
    assert found.state is GuardrailState.MISSING


def test_harm_is_seen_on_pairs():
    """A slowdown of a half, hidden between cases that differ tenfold, acts before readiness."""
    control = LEVELS[:8]
    b = 1.5 * control * np.exp(0.05 * RNG.normal(size=8))
    found = result(DURATION, control, b)
    apart = [
        replace(item, unit=item.variant + item.unit) for item in cases(control=control, b=b)
    ]
    assert found.reason_code is ReasonCode.SAFETY_HARM
    assert look(plan(), apart).reason_code is ReasonCode.INSUFFICIENT_SAMPLES


def test_hard_cases_that_one_arm_alone_ran_raise_no_alert():
    """The regression alert looks at shared cases too."""
    control, b = [60.0 + i for i in range(12)], [59.0 + i % 7 for i in range(12)]
    found = result(DURATION, [*control, None, None, None], [*b, 9e3, 9e3, 9e3])
    assert AlertKind.REGRESSION not in {alert.kind for alert in found.alerts}
    worse = result(DURATION, control, [1.3 * value for value in control[::-1]])
    assert AlertKind.REGRESSION in {alert.kind for alert in worse.alerts}


@pytest.mark.parametrize(
    ("cut", "outcome"),
    [
        ({"control", "b"}, (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER)),
        ({"b"}, (Decision.EXTEND, ReasonCode.INTERRUPTIONS_UNCERTAIN)),
    ],
)
def test_the_interruption_check_stretches_within_pairs(cut, outcome):
    """Runs cut short in b alone hold a promotion back, the same cases in both arms do not."""
    made = [
        replace(item, status=TrialStatus.INTERRUPTED)
        if item.order % 1000 < 3 and item.variant in cut
        else item
        for item in cases(control=CASES[0], b=0.7 * CASES[1])
    ]
    found = look(case_plan(improvement_threshold=0.0), made)
    assert (found.decision, found.reason_code) == outcome


def test_the_effect_by_model_is_that_of_the_cases_both_arms_ran_on_it():
    """Within a model, too, cases that one arm alone ran on it are left out."""
    made = [
        replace(item, fingerprint={"model": "m1" if item.order % 1000 < 15 else "m2"})
        for item in cases(
            control=[60.0 + i for i in range(25)], b=[54.0 + i for i in range(25)]
        )
    ]
    made += [
        replace(item, fingerprint={"model": "m1"})
        for item in cases(b=[9e5] * 40, first=2000)[30:]
    ]
    (note,) = (note for note in look(case_plan(), made).notes if note.startswith("By model"))
    assert "(15 and 15 units)" in note
    assert "(10 and 10 units)" in note


@pytest.mark.parametrize("unit", [Unit.CASE, Unit.SESSION])
def test_any_gain_over_a_control_of_zero_is_beyond_the_threshold(unit):
    """From no success to many is not short of 15% for want of a base to divide by."""
    made = [
        item if unit is Unit.CASE else replace(item, unit=item.variant + item.unit)
        for item in cases("success", control=[0] * 20, b=[1] * 19 + [0])
    ]
    found = look(plan(primary=SUCCESS, unit=unit), made)
    assert found.primary.comparisons[0].effect.relative is None
    assert found.decision is Decision.PROMOTE


@pytest.mark.parametrize("metric", [DURATION, COST])
def test_the_projection_speaks_of_cases_and_holds(metric):
    """So many more cases of the same differences decide, and clearly fewer do not."""
    control, b = CASES[0][:14], 0.87 * CASES[1][:14]
    before = case_plan(primary=metric, improvement_threshold=0.05)

    def after(rounds):
        again = {"control": [*control] * rounds, "b": [*b] * rounds}
        return look(before, cases(metric.name, **again))

    sentence = explain(before, after(1))
    more = int(sentence.rsplit("about ", 1)[1].split(" more cases would decide")[0])
    rounds = math.ceil((14 + more) / 14)
    assert after(rounds).decision is Decision.PROMOTE
    assert after(int(0.8 * rounds)).decision is Decision.EXTEND


def test_no_number_of_cases_shows_what_looks_worse_to_be_better():
    """The projection of a treatment that looks worse names no number."""
    b = CASES[0] * [1.05 + 0.2 * (-1) ** i for i in range(25)]
    found = result(DURATION, CASES[0], b, improvement_threshold=0.0)
    assert "more cases would not show it" in explain(case_plan(), found)


pairs = st.lists(st.tuples(st.floats(1, 1000), st.floats(1, 1000)), min_size=3, max_size=12)


@given(pairs, st.sampled_from([DURATION, COST, SCORE]))
def test_intervals_contain_the_estimate_and_the_always_valid_one_is_wider(given_pairs, metric):
    """Both intervals hold the point estimate; the one that is valid always costs width."""
    found = comparison(metric, *zip(*given_pairs, strict=True))
    if found.error:
        return
    always, once = found.sequential.interval, found.interval
    slack = 1e-9 * (1 + abs(found.effect.relative))
    for low, high in ((always.low, always.high), (once.low, once.high)):
        assert low is None or low <= found.effect.relative + slack
        assert high is None or high >= found.effect.relative - slack
    assert always.low is None or once.low is not None
    assert always.high is None or once.high is not None
    if None not in (always.low, always.high):
        assert always.high - always.low >= once.high - once.low - slack


@pytest.mark.long
@given(pairs)
def test_a_metric_and_its_opposite_mirror_each_other(given_pairs):
    """Turning the direction swaps the e-values and the signs."""
    arms = list(zip(*given_pairs, strict=True))
    lower = comparison(COST, *arms)
    higher = comparison(replace(COST, direction=Direction.HIGHER), *arms)
    assert lower.effect.relative == -higher.effect.relative
    assert lower.interval.low == (None if lower.error else _minus(higher.interval.high))
    if not lower.error:
        assert lower.sequential.e_promote == higher.sequential.e_reject
        assert lower.effect_size.hedges_g == -higher.effect_size.hedges_g


def _minus(bound):
    return None if bound is None else -bound


def errors(draw, metric, *, experiments, units, first, bar=20.0):
    """Return the share of experiments without a difference that ever promote."""
    names = tuple(map(str, range(units)))
    crossed = 0
    for _ in range(experiments):
        control, b = draw()
        for n in range(first, units + 1):
            arms = (
                Sample(tuple(x[:n]), tuple(x[:n]), {}, names[:n])
                for x in (control.tolist(), b.tolist())
            )
            try:
                found = family_of(metric).paired().evidence(*arms, metric, 0.0)
            except DegenerateDataError:
                continue
            if found.better >= math.log(bar):
                crossed += 1
                break
    return crossed / experiments


@pytest.mark.long
@pytest.mark.parametrize("kind", ["alike", "whole", "rare", "skewed"])
def test_identical_arms_are_promoted_in_at_most_one_of_twenty_looked_at_all_along(kind):
    """With a look after every case, correlated equal arms cross the bar in at most 5%."""
    rng = np.random.default_rng(5)

    def draw():
        if kind == "alike":
            level = rng.normal(0, 2, 60)
            return level + rng.normal(0, 1, 60), level + rng.normal(0, 1, 60)
        if kind == "skewed":
            level = rng.normal(0, 2, 60)
            return np.exp(level + rng.normal(0, 1, 60)), np.exp(level + rng.normal(0, 1, 60))
        changed = rng.random(60) < (1.0 if kind == "whole" else 0.2)
        control = rng.integers(0, 2, 60).astype(float)
        return control, np.where(changed & (rng.random(60) < 0.5), 1 - control, control)

    metric = SUCCESS if kind in ("whole", "rare") else SCORE
    assert errors(draw, metric, experiments=200, units=60, first=10) <= 0.05


def test_the_default_path_needs_neither_scipy_nor_numpy():
    """Cases under either stopping rule, with guardrails and rates, import neither of them."""
    code = (
        "import sys; sys.path[:0] = ['scripts', '.']\n"
        "from dataclasses import replace\n"
        "from tests.decide.making import *\n"
        "from meta_experiment.types import Stopping, Unit\n"
        "from meta_experiment.decide.telling.explain import explain\n"
        "def cases(made):\n"
        "    return [replace(x, unit=str(x.order // 2)) for x in made]\n"
        "made = cases(trials(control=spread(60, 30), b=spread(50, 30, 1.7)))\n"
        "rates = cases(trials('success', control=[0, 1] * 15, b=[1, 1, 0] * 10))\n"
        "for stopping in Stopping:\n"
        "    p = plan(unit=Unit.CASE, stopping=stopping, guardrails=(guardrail(),))\n"
        "    found = look(p, made)\n"
        "    assert found.primary.comparisons[0].test == 'paired_t'\n"
        "    explain(p, found)\n"
        "    look(replace(p, primary=SUCCESS), rates)\n"
        "print(sorted({'scipy', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
