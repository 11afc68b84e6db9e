"""Rules that others published: what this product does in the same situation.

The tests name the case they rest on; inputs and figures stand in `published_rules.json`.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, t
from tests.decide.making import COST, SCORE, SUCCESS, guardrail, look, plan, trial, trials
from tests.everyday import some
from tests.published import Cases

from meta_experiment.assign.adaptive import top_two
from meta_experiment.assign.draw import arm_for
from meta_experiment.decide.holdout import PREVIOUS, PROMOTED
from meta_experiment.stats.best_arm import best_mean
from meta_experiment.stats.lift_posterior import NormalPrior, normal_lift
from meta_experiment.stats.moments import Moments
from meta_experiment.types import (
    AnalysisType,
    Assignment,
    Decision,
    Direction,
    GuardrailState,
    Holdout,
    Metric,
    MetricKind,
    ReasonCode,
    Scale,
    Stopping,
    TrialStatus,
    Variant,
)

CASES = Cases(Path(__file__).with_name("published_rules.json"))
LATENCY = Metric("latency_ms", MetricKind.CONTINUOUS, Direction.LOWER, Scale.RAW)
ERROR_RATE = Metric("error_rate", MetricKind.PROPORTION, Direction.LOWER, Scale.RAW)


def arm(n, mean, sd):
    """Return n values with exactly this mean and standard deviation (ddof 1)."""
    shape = np.linspace(-1, 1, n)
    return (mean + sd * (shape - shape.mean()) / shape.std(ddof=1)).tolist()


# guardrails


def test_a_guardrail_without_variance_does_not_stand_in_the_way():
    """gh-aw-69 passes two constant arms; here they prove nothing, and block nothing either."""
    inputs, _ = CASES.case("gh-aw-69")
    score, constant = {"control": 1.0, "b": 2.0}, {"control": "control", "b": "candidate"}
    made = [
        trial(
            name,
            2 * i + j,
            metrics={"score": score[name] + 0.01 * i, "success": inputs[constant[name]][0]},
        )
        for i in range(12)
        for j, name in enumerate(score)
    ]
    found = look(plan(primary=SCORE, guardrails=(guardrail(SUCCESS),)), made)
    assert found.guardrails[0].state is GuardrailState.UNDETERMINED
    assert found.decision is Decision.PROMOTE


def test_one_chance_in_five_of_harm_is_undetermined():
    """featbit-35: such a guardrail is neither cleared nor broken."""
    inputs, expected = CASES.case("featbit-35")
    assert expected == {"verdict": "borderline"}
    n, sd = 20, 50.0
    gain = t.isf(inputs["guardrail_p_harm"], 2 * n - 2) * sd * math.sqrt(2 / n)
    names = ("control", "b")
    latency = {"control": arm(n, 100.0, sd), "b": arm(n, 100.0 - gain, sd)}
    made = [
        trial(name, 2 * i + j, metrics={"score": 1 + j + 0.01 * i, "latency_ms": values[i]})
        for j, (name, values) in enumerate((name, latency[name]) for name in names)
        for i in range(n)
    ]
    judged = look(plan(primary=SCORE, guardrails=(guardrail(LATENCY),)), made).guardrails[0]
    assert judged.comparison.p_value / 2 == pytest.approx(inputs["guardrail_p_harm"])
    assert judged.state is GuardrailState.UNDETERMINED


# several treatments, and bandits


@pytest.mark.parametrize(
    ("name", "chance", "decision"),
    [
        ("featbit-23", 0.955, Decision.PROMOTE),
        ("featbit-23", 0.945, Decision.INCONCLUSIVE),
        ("featbit-25", 0.988, Decision.PROMOTE),
        ("featbit-25", 0.987, Decision.INCONCLUSIVE),
    ],
)
def test_the_chance_a_promotion_needs_grows_with_the_treatments(name, chance, decision):
    """97.5% of two arms and 99% of five were asked for; here 95% and 98.75% by step-down."""
    inputs, expected = CASES.case(name)
    assert expected["p_win_threshold"] == pytest.approx(1 - 0.05 / inputs["arms"])
    n, sd = 20, 0.1
    gain = norm.ppf(chance) * sd * math.sqrt(2 / n)
    treatments = [f"b{k}" for k in range(1, inputs["arms"])]
    values = {name: arm(n, 1.0, sd) for name in ("control", *treatments)}
    values["b1"] = arm(n, 1.0 + gain, sd)
    chosen = plan(
        *treatments,
        primary=SCORE,
        stopping=Stopping.FIXED,
        sample_size=n,
        analysis_type=AnalysisType.BAYESIAN_AB,
        improvement_threshold=0.0,
    )
    found = look(chosen, trials("score", **values))
    assert found.primary.comparisons[0].statistic == pytest.approx(chance)
    assert found.decision is decision
    assert found.winner == ("b1" if decision is Decision.PROMOTE else None)


@pytest.mark.parametrize("name", ["featbit-37", "featbit-38"])
def test_shares_of_best_draws_are_no_shares_of_traffic(name):
    """The chances to be best follow from the draws; the arms stay equal here all the same."""
    inputs, expected = CASES.case(name)
    draws = inputs["samples"]
    best = Counter(row.index(max(row)) for row in draws)
    arms = range(len(draws[0]))
    assert [best[k] / len(draws) for k in arms] == pytest.approx(expected["p_best"])
    chosen = plan(*(f"b{k}" for k in arms[1:]))
    for method in (Assignment.BLOCK, Assignment.LEAST_USED):
        again = plan(variants=chosen.variants, assignment=method)
        drawn = Counter(arm_for(again, "seed", f"u{k}", k) for k in range(10 * len(arms)))
        assert list(drawn.values()) == [10] * len(arms)


def test_two_arms_are_decided_where_a_bandit_would_split_for_ever():
    """featbit-37: weights of two arms are 50/50 whatever they do; 5% against 20% is decided."""
    assert CASES.case("featbit-37")[1]["weights"] == [0.5, 0.5]
    made = trials(
        "success",
        control=[i % 20 < 1 for i in range(5000)],
        b=[i % 20 < 4 for i in range(5000)],
    )
    found = look(plan(primary=SUCCESS), made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")


def test_shares_that_a_plan_gives_sum_to_one():
    """featbit-47: the printed weights sum to 1.01; shares of a plan, or a bandit, to one."""
    _, expected = CASES.case("featbit-47")
    weights = expected["published_weights"]
    assert sum(weights) == pytest.approx(1.01)
    names = ("control", "b", "c")
    found = look(plan(variants=tuple(map(Variant, names, weights))), [])
    drawn = top_two(CASES.case("featbit-47")[0]["p_best"])
    assert math.fsum(drawn) == pytest.approx(1.0, abs=1e-12)
    assert drawn == pytest.approx([0.485, 0.423, 0.092], abs=0.001)
    shares = found.checks.srm.expected
    assert math.fsum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert shares["c"] == pytest.approx(weights[2] / 1.01)


def test_the_fastest_of_three_arms_wins():
    """featbit-42: chances and shares are reproduced, and the decision is the arm itself."""
    inputs, expected = CASES.case("featbit-42")
    slow, fast, middle = (Moments.from_summary(n, mean, sd) for mean, sd, n in inputs["arms"])
    chances = best_mean([slow, fast, middle], lower=inputs["inverse"])
    assert chances == pytest.approx(expected["p_best"], abs=0.003)
    assert top_two(chances, floor=0.01) == pytest.approx(expected["weights"], abs=0.003)
    over_middle = 1 - normal_lift(fast, middle).chance_better
    assert 1 - over_middle == pytest.approx(expected["p_best"][1], abs=0.003)
    assert 1 - normal_lift(slow, fast).chance_better > 0.9999
    values = [arm(n, mean, sd) for mean, sd, n in inputs["arms"]]
    made = trials("latency_ms", **dict(zip(("control", "b", "c"), values, strict=True)))
    found = look(plan("b", "c", primary=LATENCY, improvement_threshold=0.02), made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")


def test_a_prior_on_the_lift_never_makes_the_worst_arm_the_winner():
    """featbit-44: a prior laid on raw means picks the worst arm, one on the lift cannot."""
    inputs, expected = CASES.case("featbit-44")
    arms, prior = inputs["arms"], inputs["prior"]
    misplaced = [
        (mean * n / sd**2 + prior["mean"] / prior["variance"])
        / (n / sd**2 + 1 / prior["variance"])
        for mean, sd, n in arms
    ]
    assert misplaced == pytest.approx(expected["posterior_means"], abs=0.002)
    worst = min(range(4), key=lambda k: arms[k][0])
    assert misplaced.index(max(misplaced)) == worst

    control, *treatments = (Moments.from_summary(n, mean, sd) for mean, sd, n in arms)
    belief = NormalPrior(prior["mean"], prior["variance"])
    chances = [normal_lift(control, item, prior=belief).chance_better for item in treatments]
    assert chances.index(min(chances)) == worst - 1
    assert chances[worst - 1] < 0.5
    assert chances[2] > 0.999

    values = [arm(n, mean, sd) for mean, sd, n in arms]
    made = trials("score", **dict(zip(("control", "b", "c", "d"), values, strict=True)))
    found = look(plan("b", "c", "d", primary=SCORE, improvement_threshold=0.05), made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "d")


def test_the_least_size_counts_the_smallest_arm():
    """featbit-45: of 90 units, 80 and 95 decide nothing, however clear it looks."""
    inputs, expected = CASES.case("featbit-45")
    n, m = inputs["arms_n"]
    made = trials("score", control=arm(n, 1.0, 1.0), b=arm(m, 3.0, 1.0))
    found = look(plan(primary=SCORE, sample_size=90), made)
    assert found.readiness.ready is expected["enough_units"]
    assert found.readiness.smallest_arm == expected["minimum"]
    assert found.decision is Decision.EXTEND
    assert look(plan(primary=SCORE, sample_size=n), made).decision is Decision.PROMOTE


# time


@pytest.mark.parametrize(("later", "noted"), [(None, False), ([0.4, 0.4, 0.0, 0.0], True)])
def test_an_effect_that_holds_is_not_called_a_change(later, noted):
    """featbit-52: lifts of 8, 7.5, 7 and 6.8% hold; lifts that vanish are noted."""
    inputs, expected = CASES.case("featbit-52")
    assert expected == {"pattern": "holds"}
    stretch = arm(50, 0.0, 0.2)
    lifts = later or inputs["rel"]
    made = trials(
        "score",
        control=[1 + noise for _ in lifts for noise in stretch],
        b=[1 + lift + noise for lift in lifts for noise in stretch],
    )
    found = look(plan(primary=SCORE), made)
    assert any("The advantage of" in note for note in found.notes) is noted


@pytest.mark.parametrize(
    ("units", "left", "code"),
    [
        (50, 1.0, ReasonCode.EVIDENCE_INSUFFICIENT),
        (500, 1.0, ReasonCode.STILL_BETTER),
        (1000, 0.0, ReasonCode.DECAYED),
        (500, -1.0, ReasonCode.REVERSED),
    ],
)
def test_a_checkpoint_that_holds_is_never_called_decayed(units, left, code):
    """featbit-52: chances of 97 to 93% on lifts of 8 to 6.8%, of 4% that were to be kept.

    They are recomputed; they hold as soon as there is proof, and prove nothing by themselves.
    """
    inputs, _ = CASES.case("featbit-52")
    arms, watch = (Variant(PROMOTED), Variant(PREVIOUS)), Holdout("x", decayed_below=0.04)
    watched, few = plan(primary=SCORE, variants=arms, holdout=watch), 50
    for chance, lift in zip(inputs["p_win"], inputs["rel"], strict=True):
        spread = lift / norm.ppf(chance) * math.sqrt(few / (1 + (1 + lift) ** 2))
        before, after = (arm(units, mean, spread) for mean in (1.0, 1.0 + left * lift))
        if units == few:
            shown = normal_lift(Moments.of(before), Moments.of(after))
            assert shown.mean == pytest.approx(lift)
            assert shown.chance_better == pytest.approx(chance, abs=0.001)
        found = look(watched, trials("score", **{PROMOTED: after, PREVIOUS: before}))
        assert found.reason_code is code


def test_an_experiment_is_open_for_its_days_and_no_longer():
    """gh-aw-17 to gh-aw-23 open and close by calendar dates; here days since the start do."""
    names = ["gh-aw-17", "gh-aw-18", "gh-aw-19", "gh-aw-20", "gh-aw-21", "gh-aw-23"]
    active = [CASES.case(name)[1]["active"] for name in names]
    assert active == [True, False, True, False, True, False]
    made = trials("score", control=arm(12, 1.0, 0.2), b=arm(12, 1.0, 0.2))
    chosen = plan(primary=SCORE, max_duration_days=30.0)
    assert look(chosen, made, days=29.9).decision is Decision.EXTEND
    closed = look(chosen, made, days=30.0)
    assert (closed.decision, closed.reason_code) == (
        Decision.INCONCLUSIVE,
        ReasonCode.HORIZON_REACHED,
    )


# crashes


def with_crashes(n, every):
    """Return n cheap trials per arm; in b every so many-th crashes at a cost of zero."""
    return [
        trial(
            name,
            2 * i + j,
            status=TrialStatus.ERROR if crashed else TrialStatus.OK,
            metrics={"cost_usd": 0.0 if crashed else 0.01 + 0.001 * (i % 5)},
        )
        for i in range(n)
        for j, name in enumerate(("control", "b"))
        for crashed in [name == "b" and i % every == 0]
    ]


def test_a_crash_at_no_cost_does_not_win():
    """buckley-36: an arm that fails and therefore costs nothing wins at no look."""
    inputs, expected = CASES.case("buckley-36")
    assert expected["winner_by_code"] != expected["should_be"] == inputs["runs"][0]["id"]
    for n in range(1, 31):
        assert look(plan(primary=COST, sample_size=2), with_crashes(n, 1)).winner is None
    found = look(plan(primary=COST), with_crashes(30, 1))
    assert found.primary.comparisons[0].effect.relative == pytest.approx(1.0)
    assert (found.decision, found.reason_code) == (Decision.REJECT, ReasonCode.SAFETY_HARM)


@pytest.mark.parametrize("stopping", Stopping)
@pytest.mark.parametrize("every", [2, 3, 4])
def test_a_crashing_arm_does_not_win_while_its_errors_stand(stopping, every):
    """buckley-36: no guardrail is needed: more errors than chance explains hold it back."""
    for n in range(5 * every, 60, 2):
        chosen = plan(primary=COST, stopping=stopping, sample_size=max(10, n))
        found = look(chosen, with_crashes(max(10, n), every))
        assert found.winner is None
        assert found.decision is not Decision.PROMOTE


@pytest.mark.long
@pytest.mark.parametrize("stopping", Stopping)
@pytest.mark.parametrize("every", some([1, 2, 4], 1))
def test_a_guardrail_on_errors_keeps_a_crashing_arm_from_winning(stopping, every):
    """buckley-36: with such a guardrail even some crashes never win, under either rule."""
    for n in range(2, 50, 3):
        chosen = plan(
            primary=COST,
            stopping=stopping,
            sample_size=n,
            guardrails=(guardrail(ERROR_RATE),),
        )
        assert look(chosen, with_crashes(n, every)).winner is None
