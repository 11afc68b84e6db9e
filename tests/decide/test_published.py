"""Decisions that others published: reproduced, recomputed, or decided otherwise on purpose.

The tests name the case they rest on; inputs and figures stand in `published_decisions.json`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.decide.making import COST, SCORE, SUCCESS, guardrail, look, plan, trial, trials
from tests.published import Cases

from meta_experiment.types import (
    AlertKind,
    AnalysisType,
    Decision,
    Direction,
    GuardrailState,
    Metric,
    MetricKind,
    ReasonCode,
    Scale,
    Stopping,
    TrialStatus,
    Unit,
)

CASES = Cases(Path(__file__).with_name("published_decisions.json"))


def arm(n, mean, sd):
    """Return n values with exactly this mean and standard deviation (ddof 1)."""
    shape = np.linspace(-1, 1, n)
    return (mean + sd * (shape - shape.mean()) / shape.std(ddof=1)).tolist()


def two_arms(inputs, base):
    """Return samples with the case's sizes, difference and two-sided Welch p-value."""
    n, m = inputs["control_n"], inputs["candidate_n"]
    p = inputs.get("p") or 2 * (1 - inputs["probability_superiority"])
    t = stats.t.isf(p / 2, n + m - 2)
    sd = abs(inputs["delta"]) / (t * math.sqrt(1 / n + 1 / m))
    return arm(n, base, sd), arm(m, base + inputs["delta"], sd)


def decide_like(inputs, *, guard=None, stopping=Stopping.FIXED, **changes):
    """Decide a case of the published decision table under a plan that says the same."""
    lower = inputs["direction"] == "min" if "direction" in inputs else False
    base = 10_000.0 if lower else 1.0
    metric = Metric(
        "value",
        MetricKind.CONTINUOUS,
        Direction.LOWER if lower else Direction.HIGHER,
        Scale.RAW,
    )
    control, candidate = two_arms(inputs, base)
    made = trials("value", control=control, b=candidate)
    if guard is not None:
        made = [guard(item) for item in made]
    chosen = plan(
        primary=metric,
        stopping=stopping,
        sample_size=inputs["min_samples"],
        improvement_threshold=inputs.get("minimum_effect", 0.0) / base,
        **changes,
    )
    return look(chosen, made)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("gh-aw-54", ReasonCode.INSUFFICIENT_SAMPLES),
        ("gh-aw-56", ReasonCode.TREATMENT_BETTER),
        ("gh-aw-58", None),
        ("gh-aw-59", ReasonCode.EFFECT_BELOW_THRESHOLD),
        ("gh-aw-60", ReasonCode.EVIDENCE_INSUFFICIENT),
        ("gh-aw-65", ReasonCode.TREATMENT_BETTER),
        ("gh-aw-66", ReasonCode.EVIDENCE_INSUFFICIENT),
    ],
)
def test_the_published_decision_table_holds_under_a_fixed_plan(name, code):
    """One look at the planned size decides as the table says."""
    inputs, expected = CASES.case(name)
    kind = AnalysisType.AUTO
    if "probability_superiority" in inputs:
        kind = AnalysisType.BAYESIAN_AB
    found = decide_like(inputs, analysis_type=kind)
    assert found.decision == expected["decision"]
    assert code is None or found.reason_code is code


def with_guardrail(factor, *, missing=False):
    """Return what adds a guardrail value to a trial: this factor in the treatment."""

    def add(item):
        if missing:
            return item
        centre = 100.0 * (factor if item.variant == "b" else 1.0)
        value = centre * (1 + 0.02 * ((item.order // 2) % 5 - 2))
        return trial(item.variant, item.order, metrics={**item.metrics, "output_tokens": value})

    return add


@pytest.mark.parametrize(
    ("name", "factor", "state"),
    [("gh-aw-61", 1.5, GuardrailState.FAIL), ("gh-aw-64", 1.0, GuardrailState.PASS)],
)
def test_a_failed_guardrail_rejects_and_a_passed_one_does_not(name, factor, state):
    """gh-aw-61 and gh-aw-64: a significant improvement falls with its guardrail."""
    inputs, expected = CASES.case(name)
    found = decide_like(inputs, guard=with_guardrail(factor), guardrails=(guardrail(),))
    assert found.guardrails[0].state is state
    assert found.decision == expected["decision"]


def test_a_missing_guardrail_extends():
    """gh-aw-63: without the guardrail's values nothing is promoted, and more data may help."""
    inputs, expected = CASES.case("gh-aw-63")
    found = decide_like(
        inputs | {"delta": 0.6, "p": 1e-6},
        guard=with_guardrail(1.0, missing=True),
        guardrails=(guardrail(),),
        stopping=Stopping.SEQUENTIAL,
    )
    assert found.decision == expected["decision"]
    assert found.reason_code is ReasonCode.GUARDRAIL_MISSING


def test_three_variants_are_decided_on_purpose():
    """gh-aw-67 refuses three variants; here the better one of two treatments is promoted."""
    inputs, expected = CASES.case("gh-aw-67")
    assert expected["reason_code"] == "unsupported_multi_variant"
    control, better = two_arms(inputs | {"p": 1e-6}, 1.0)
    made = trials("score", control=control, b=control, c=better)
    found = look(plan("b", "c", primary=SCORE), made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "c")


def test_constant_arms_are_refused_on_purpose():
    """gh-aw-77 calls two constant arms p = 0 and promotes; here they carry no evidence."""
    inputs, expected = CASES.case("gh-aw-77")
    assert expected == {"p": 0}
    made = trials("score", control=inputs["control"], b=inputs["candidate"])
    found = look(plan(primary=SCORE, sample_size=3), made)
    comparison = found.primary.comparisons[0]
    assert (found.decision, found.reason_code) == (
        Decision.EXTEND,
        ReasonCode.DEGENERATE_DATA,
    )
    assert (comparison.p_value, comparison.sequential) == (None, None)
    assert comparison.effect.relative == pytest.approx(0.6)


def test_a_guardrail_that_harms_without_variance_blocks_without_a_verdict():
    """gh-aw-70 fails a guardrail on two constant values an arm; here it blocks, unproven."""
    inputs, _ = CASES.case("gh-aw-70")
    made = [
        trial(name, 2 * i + j, metrics={"score": score + 0.01 * i, "tool_errors": errors})
        for i in range(12)
        for j, (name, score, errors) in enumerate(
            [("control", 1.0, inputs["control"][0]), ("b", 2.0, inputs["candidate"][0])]
        )
    ]
    errors = Metric("tool_errors", MetricKind.COUNT, Direction.LOWER, Scale.RAW)
    found = look(plan(primary=SCORE, guardrails=(guardrail(errors),)), made)
    assert found.guardrails[0].state is GuardrailState.UNDETERMINED
    assert found.reason_code is ReasonCode.GUARDRAIL_BEYOND_MARGIN


def test_a_guardrail_with_no_change_is_no_alarm_on_purpose():
    """featbit-06 reads a rate of 7.8% against 8.0% as an alarm; here it is undetermined."""
    inputs, expected = CASES.case("featbit-06")
    assert expected["verdict_by_code"] == "ALARM"
    churn = Metric("churned", MetricKind.PROPORTION, Direction.LOWER, Scale.RAW)
    arms = {"control": inputs["control"], "b": inputs["treatment"]}
    made = [
        trial(
            name,
            2 * i + j,
            metrics={"score": 1 + j + 0.01 * (i % 7), "churned": float(i < counts["k"])},
        )
        for j, (name, counts) in enumerate(arms.items())
        for i in range(counts["n"])
    ]
    found = look(plan(primary=SCORE, guardrails=(guardrail(churn, margin=0.3),)), made)
    judged = found.guardrails[0]
    assert judged.state is GuardrailState.UNDETERMINED
    assert judged.comparison.effect.relative == pytest.approx(-expected["rel_delta"], abs=1e-6)
    assert found.decision is Decision.PROMOTE


def test_welch_reproduces_a_small_promotion():
    """gh-aw-72: three against three, p as recomputed, promoted at the one planned look."""
    inputs, expected = CASES.case("gh-aw-72")
    made = trials("score", control=inputs["control"], b=inputs["candidate"])
    found = look(
        plan(
            primary=SCORE,
            stopping=Stopping.FIXED,
            sample_size=3,
            improvement_threshold=inputs["minimum_effect"] / 0.5,
        ),
        made,
    )
    comparison = found.primary.comparisons[0]
    assert found.decision == expected["decision"]
    assert comparison.effect.absolute == pytest.approx(expected["normalized_absolute"])
    assert comparison.p_value == pytest.approx(expected["p"], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "metric", "kind", "key"),
    [
        ("gh-aw-74", SCORE, AnalysisType.T_TEST, "p"),
        ("gh-aw-75", SUCCESS, AnalysisType.PROPORTION_TEST, "p"),
    ],
)
def test_the_reported_p_value_is_the_recomputed_one(name, metric, kind, key):
    """The test a plan asks for gives the recomputed p-value."""
    inputs, expected = CASES.case(name)
    made = trials(metric.name, control=inputs["control"], b=inputs["candidate"])
    comparison = look(plan(primary=metric, analysis_type=kind), made).primary.comparisons[0]
    assert comparison.p_value == pytest.approx(expected[key], rel=1e-5)


def test_ranks_with_ties_get_a_continuity_correction_on_purpose():
    """gh-aw-73 leaves the correction out and prints 0.0765; with it the p-value is larger."""
    inputs, expected = CASES.case("gh-aw-73")
    made = trials("score", control=inputs["control"], b=inputs["candidate"])
    chosen = plan(primary=SCORE, analysis_type=AnalysisType.MANN_WHITNEY)
    comparison = look(chosen, made).primary.comparisons[0]
    assert comparison.effect.absolute == pytest.approx(expected["delta"])
    right = stats.mannwhitneyu(
        inputs["candidate"], inputs["control"], method="asymptotic", use_continuity=True
    )
    assert comparison.p_value == pytest.approx(right.pvalue, rel=1e-9)
    assert comparison.p_value > expected["p_normal_tie_corrected"]


def counted(**arms):
    """Return trials without metrics, so many an arm."""
    order = iter(range(100_000))
    return [trial(name, next(order)) for name, count in arms.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "counts", "p", "ok"),
    [
        ("gh-aw-46", (19, 1), 5.6994e-05, False),
        ("featbit-10", (5000, 4750), 0.011346, True),
        ("featbit-11", (612, 588), 0.488422, True),
    ],
)
def test_the_sample_ratio_check_reports_the_recomputed_p_value(name, counts, p, ok):
    """gh-aw-46, featbit-10 and -11: p recomputed; the sequential check agrees on the alarm."""
    assert name in CASES
    found = look(plan(), counted(control=counts[0], b=counts[1])).checks.srm
    assert found.p_value == pytest.approx(p, rel=1e-4)
    assert found.ok is ok


def test_the_sample_ratio_is_not_checked_where_no_share_is_drawn():
    """Eval cases run in every arm as often as someone likes."""
    given = counted(control=60, b=10)
    assert not look(plan(), given).checks.srm.ok
    found = look(plan(unit=Unit.CASE), given).checks.srm
    assert (found.ok, found.p_value, found.p_anytime) == (True, None, None)


def test_the_sample_ratio_check_knows_unequal_weights():
    """gh-aw-48: 70 and 30 fit weights of 70 and 30 exactly."""
    from meta_experiment.types import Variant

    inputs, expected = CASES.case("gh-aw-48")
    chosen = plan(
        variants=tuple(
            Variant(name, weight)
            for name, weight in zip(("control", "b"), inputs["weight"], strict=True)
        )
    )
    found = look(chosen, counted(control=70, b=30)).checks.srm
    assert found.ok is expected["balanced"]
    assert found.p_value == pytest.approx(1.0)


def test_readiness_follows_usable_values_and_says_what_each_arm_needs():
    """gh-aw-43, -78 and -90: ready by usable values; every arm has a need of its own."""
    inputs, expected = CASES.case("gh-aw-43")
    n, m = inputs["counts"].values()
    made = trials(control=range(1, n + 1), b=range(1, m + 1))
    assert look(plan(sample_size=inputs["min_samples"]), made).readiness.ready
    assert expected["readiness"] == "READY"
    inputs, expected = CASES.case("gh-aw-78")
    n, m = inputs["control_usable"], inputs["candidate_usable"]
    made = trials(control=range(1, n + 1), b=range(1, m + 1))
    made += [trial("control", 90 + i) for i in range(inputs["control_assigned"] - n)]
    made += [trial("b", 95 + i) for i in range(inputs["candidate_assigned"] - m)]
    found = look(plan(sample_size=inputs["min_samples"]), made)
    assert found.decision.value.upper() == expected["recommendation"]
    assert ("more in control" in found.readiness.reason) is expected["control_below"]
    assert ("more in b" in found.readiness.reason) is expected["candidate_below"]
    inputs, expected = CASES.case("gh-aw-90")
    n, m = inputs["counts"].values()
    found = look(plan(), trials(control=range(1, n + 1), b=range(1, m + 1))).readiness.reason
    need_control, need_b = expected["need_more"].values()
    assert f"{need_control} more in control (has {n})" in found
    assert f"{need_b} more in b (has {m})" in found


def test_the_printed_analysis_is_recomputed():
    """psd-01: t, degrees of freedom, p, d and improvement follow from the moments printed."""
    inputs, expected = CASES.case("psd-01")
    made = trials(
        "cost_usd",
        control=arm(7, inputs["control"]["mean"], inputs["control"]["sd"]),
        b=arm(7, inputs["treatment"]["mean"], inputs["treatment"]["sd"]),
    )
    found = look(plan(primary=COST), made).primary.comparisons[0]
    assert 100 * found.effect.relative == pytest.approx(expected["improvement_pct"], rel=1e-6)
    assert found.statistic == pytest.approx(expected["t"], rel=1e-6)
    assert found.p_value == pytest.approx(expected["p_welch"], rel=1e-5)
    assert found.effect_size.cohens_d == pytest.approx(-expected["cohens_d"], rel=1e-6)


def test_the_improvement_is_relative_to_the_control():
    """psd-02: from 45 to 27 is 40% better."""
    inputs, expected = CASES.case("psd-02")
    made = trials("cost_usd", control=[inputs["control"]] * 2, b=[inputs["treatment"]] * 2)
    found = look(plan(primary=COST), made).primary.comparisons[0]
    assert 100 * found.effect.relative == pytest.approx(expected["improvement_pct"])


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("psd-07", Decision.PROMOTE),
        ("psd-08", Decision.REJECT),
        ("psd-09", Decision.INCONCLUSIVE),
    ],
)
def test_the_automatic_mode_decides_as_published_on_clear_data(name, decision):
    """psd-07, -08, -09: 20% better, 12% worse, 8% better, all significant."""
    inputs, expected = CASES.case(name)
    assert expected["action"] in ("promote", "rollback", "inconclusive")
    treated = 100.0 * (1 - inputs["improvement"] / 100)
    made = trials(control=arm(40, 100.0, 4.0), b=arm(40, treated, 4.0))
    assert look(plan(), made).decision is decision


def test_too_few_units_go_on():
    """psd-11: short of the sample after three days, nothing is decided."""
    inputs, expected = CASES.case("psd-11")
    assert (inputs["n_ok"], expected["action"]) == (False, "monitor")
    made = trials("cost_usd", control=arm(5, 100.0, 4.0), b=arm(5, 95.0, 4.0))
    found = look(plan(primary=COST), made, days=inputs["days"])
    assert (found.decision, found.reason_code) == (
        Decision.EXTEND,
        ReasonCode.INSUFFICIENT_SAMPLES,
    )


def failing(control, b):
    """Return a hundred trials an arm of which so many fail, at costs that hardly differ."""
    return [
        trial(
            name,
            2 * i + j,
            status=TrialStatus.ERROR if i < errors else TrialStatus.OK,
            metrics={"cost_usd": 1 + 0.01 * (i % 7)},
        )
        for i in range(100)
        for j, (name, errors) in enumerate([("control", control), ("b", b)])
    ]


def test_alerts_do_not_roll_back_on_their_own():
    """psd-13 rolls back at an error rate of 2.1 times the baseline; here it only notifies."""
    inputs, _ = CASES.case("psd-13")
    found = look(plan(primary=COST), failing(10, round(10 * inputs["error_rate_ratio"])))
    assert AlertKind.ERROR_RATE in {item.kind for item in found.alerts}
    assert found.decision is not Decision.REJECT


def test_twice_the_error_rate_is_no_alert_yet():
    """psd-14: a ratio of 2.0 is not over the limit."""
    inputs, expected = CASES.case("psd-14")
    found = look(plan(primary=COST), failing(10, round(10 * inputs["error_rate_ratio"])))
    assert (AlertKind.ERROR_RATE in {item.kind for item in found.alerts}) is expected["alert"]


def test_satisfaction_under_a_half_alerts():
    """psd-15: 0.49 does."""
    inputs, expected = CASES.case("psd-15")
    made = trials("user_satisfaction", control=[0.8] * 6, b=[inputs["satisfaction"]] * 6)
    kinds = {item.kind for item in look(plan(), made).alerts}
    assert (AlertKind.SATISFACTION in kinds) is expected["alert"]


def test_several_treatments_are_decided_upon():
    """gh-aw-68 gives up on three variants; here the better of two treatments wins."""
    inputs, expected = CASES.case("gh-aw-68")
    assert expected["reason_code"] == "unsupported_multi_variant"
    n = inputs["control_n"]
    made = trials(control=arm(n, 100.0, 4.0), b=arm(n, 70.0, 4.0), c=arm(n, 99.0, 4.0))
    found = look(plan("b", "c", sample_size=inputs["min_samples"]), made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
