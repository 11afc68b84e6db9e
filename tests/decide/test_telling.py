"""What is told beside the decision: what is missing, what to expect, what to mind."""

from __future__ import annotations

import math
import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from tests.decide.making import (
    COST,
    DURATION,
    SUCCESS,
    TOKENS,
    guardrail,
    look,
    plan,
    spread,
    trial,
    trials,
)

from meta_experiment.decide.effect_drift import drift_note
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.noise import false_alarm_rate, noise_floor
from meta_experiment.decide.rules.e_value_projection import units_needed
from meta_experiment.decide.telling.explain import explain
from meta_experiment.decide.telling.outlook import outlook
from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.types import (
    AlertKind,
    Claim,
    Decision,
    Direction,
    ReasonCode,
    Stopping,
    TrialStatus,
    Unit,
)


def noisy(control=60.0, b=50.0, n=15):
    return trials(control=spread(control, n, 2.5), b=spread(b, n, 2.5))


def told(chosen, made, **more):
    return explain(chosen, look(chosen, made, **more))


def needed_of(chosen, arms):
    expected = family_of(chosen.primary).expected
    return units_needed(chosen, expected, arms["control"], arms["b"])


def test_explain_says_what_each_arm_still_needs():
    """Readiness comes first, in numbers."""
    assert "3 more in control (has 7)" in told(plan(), noisy(n=7))


def test_explain_projects_how_many_more_units_would_decide():
    """The projected number of units decides when the same data come again and again."""
    chosen = plan(improvement_threshold=0.05)
    found = look(chosen, noisy())
    assert found.decision is Decision.EXTEND
    arms = found.primary.variants
    needed = needed_of(chosen, arms)
    sentence = explain(chosen, found)
    assert "more units per arm would decide" in sentence
    copies = math.ceil(needed / 15)
    longer = trials(control=spread(60, 15, 2.5) * copies, b=spread(50, 15, 2.5) * copies)
    assert look(chosen, longer).decision is Decision.PROMOTE
    shorter = trials(
        control=spread(60, 15, 2.5) * (copies - 2), b=spread(50, 15, 2.5) * (copies - 2)
    )
    assert look(chosen, shorter).decision is not Decision.PROMOTE


def test_explain_projects_rates_by_the_rule_that_decides_them():
    """Copies of the same outcomes decide where it says, which the t would reach far earlier."""
    chosen = plan(primary=SUCCESS, improvement_threshold=0.05)
    control, b = [1, 0, 1, 1, 0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1, 0, 1, 1, 1]
    found = look(chosen, trials("success", control=control * 2, b=b * 2))
    arms = found.primary.variants
    copies = math.ceil(needed_of(chosen, arms) / 10)

    def decided(copies):
        made = trials("success", control=control * copies, b=b * copies)
        return look(chosen, made).decision is Decision.PROMOTE

    assert decided(copies)
    assert not decided(copies - 1)


def test_explain_promises_nothing_where_nothing_is_to_be_found():
    """A treatment that looks worse is not shown to be better by more units."""
    assert "would not show it to be better" in told(plan(), noisy(b=62.0))


def test_explain_gives_the_reason_of_a_decision():
    """After a decision there is nothing to wait for."""
    sentence = told(plan(), trials(control=spread(60, 20), b=spread(30, 20)))
    assert sentence.startswith("PROMOTE: b is 50% better")


def test_explain_names_the_obstacle():
    """A guardrail in the way is what is told, not a number of units."""
    made = [
        replace(
            item,
            metrics=item.metrics
            | {
                "output_tokens": 3.0 ** (item.order // 2 % 7)
                * (1 + 0.3 * (item.variant == "b"))
            },
        )
        for item in trials(control=spread(60, 28), b=spread(30, 28))
    ]
    assert "output_tokens looks" in told(plan(guardrails=(guardrail(),)), made)


def test_the_outlook_names_the_smallest_improvement_found_in_most_runs():
    """Within simulated reach at the minimum, at 50 and at 200 units an arm.

    With a log standard deviation of 0.5, 40% is found in 19% of runs by 10 units and in
    99% by 50, and 15% in 75% by 200 (10,000 simulated runs each).
    """
    reach = {item.units: item.improvement for item in outlook(plan()).reach}
    assert set(reach) == {10, 50, 200}
    assert reach[10] > 0.40
    assert 0.25 < reach[50] < 0.40
    assert 0.15 < reach[200] < 0.17


@pytest.mark.long
@pytest.mark.parametrize("units", [50, 200])
def test_the_outlook_holds_in_simulation(units):
    """The improvement it names is decided in 80% of runs, within three points."""
    from tests.sim import scenarios, shadow

    improvement = next(r.improvement for r in outlook(plan()).reach if r.units == units)
    world = scenarios.shifted(math.log1p(-improvement) / 0.5)
    crossed = shadow.decide(**world(np.random.default_rng(5), 2000, 2 * units))
    assert crossed.rate("promote") == pytest.approx(0.80, abs=0.035)


def test_the_outlook_of_a_fixed_plan_is_that_of_its_one_look():
    """A fixed plan reaches what a one-sided t-test of its size reaches."""
    from scipy import stats

    found = outlook(plan(stopping=Stopping.FIXED, sample_size=30))
    (reach,) = found.reach
    d = -math.log1p(-reach.improvement) / 0.5
    power = stats.nct.sf(stats.t.isf(0.05, 58), 58, d * math.sqrt(15))
    assert power == pytest.approx(0.8, abs=1e-6)


def test_the_outlook_uses_past_values_and_the_rate_of_the_user():
    """Twice the spread needs a larger effect; ten units a day make five pairs."""
    rng = np.random.default_rng(2)
    past = rng.lognormal(4, 1.0, 500).tolist()
    found = outlook(plan(), past=past, units_per_day=10)
    assert not found.spread.assumed
    assert found.spread.sd == pytest.approx(1.0, abs=0.1)
    assert [item.days for item in found.reach] == [2, 10, 14]
    assert found.reach[1].improvement > outlook(plan()).reach[1].improvement
    assert "past values" in found.sentence
    half = outlook(plan(traffic=0.5, max_duration_days=30.0), past=past, units_per_day=10)
    assert [item.days for item in half.reach] == [4, 20, 30]


def test_the_outlook_says_when_there_is_no_room():
    """From a success rate of 95% no improvement can be found by 10 units."""
    found = outlook(plan(primary=SUCCESS), past=[1] * 95 + [0] * 5)
    assert found.reach[0].improvement is None
    nothing = (
        "detects no improvement of success, however large, with 10, 50 or 200 units per arm"
    )
    assert nothing in found.sentence
    small = outlook(plan(sample_size=4)).sentence
    assert small.startswith("With 4 units per arm nothing is found in 80% of runs, however")
    assert (
        "this plan detects an improvement of duration_seconds of 28% with 50, 16% with 200"
        in small
    )


def test_the_outlook_goes_to_the_plans_end_and_no_further():
    """Milestones beyond the last unit or the last day are not held out."""
    assert [item.units for item in outlook(plan(max_sample=120)).reach] == [10, 50, 120]
    short = outlook(plan(), units_per_day=5)
    assert [(item.units, item.days) for item in short.reach] == [(10, 4), (35, 14)]
    never = outlook(plan(), units_per_day=1)
    assert [item.units for item in never.reach] == [10]
    (once,) = outlook(plan(stopping=Stopping.FIXED, sample_size=30), units_per_day=50).reach
    assert once.units == 30


def test_the_outlook_of_cases_is_that_of_pairs():
    """What it names is found in 80% of simulated series, of arms that are apart it is not."""
    cases, most = replace(plan(primary=SUCCESS), unit=Unit.CASE), 20
    found = outlook(replace(cases, max_sample=most))
    assert "with 20 cases" in found.sentence
    treated = 0.5 * (1 + found.reach[-1].improvement)
    apart = outlook(plan(primary=SUCCESS, max_sample=most)).reach[-1].improvement
    assert found.reach[-1].improvement < apart - 0.05
    rng, bar = np.random.default_rng(9), -math.log(0.05)
    evidence, units = design_of(cases, SUCCESS).evidence, tuple(map(str, range(most)))
    promoted = 0
    for _ in range(400):
        control, treatment = (rng.random(most) < rate for rate in (0.5, treated))
        for looked in range(10, most + 1):
            arms = (tuple(arm[:looked].astype(float)) for arm in (control, treatment))
            samples = [Sample(values, values, {}, units[:looked]) for values in arms]
            with suppress(DegenerateDataError):
                if evidence(*samples, SUCCESS, 0.0).better >= bar:
                    promoted += 1
                    break
    assert promoted / 400 == pytest.approx(0.8, abs=0.06)


@pytest.mark.long
def test_the_outlook_of_a_rate_is_that_of_the_rule_on_its_counts():
    """From 50% by 35 pairs: what it names is found in 80% of simulated runs."""
    from tests.sim.rates import crossings

    found = outlook(plan(primary=SUCCESS, max_sample=35))
    improvement = found.reach[-1].improvement
    assert improvement < 0.9
    assert "assuming a rate of 50%" in found.sentence
    up, _ = crossings(
        np.random.default_rng(8), 0.5, 0.5 * (1 + improvement), experiments=4000, last=35
    )
    assert (up > 0).mean() == pytest.approx(0.80, abs=0.035)


@pytest.mark.long
def test_the_outlook_of_a_rate_holds_where_lower_is_better():
    """Errors from 30%, several arms at once and a fixed look pass the same counts."""
    errors = replace(SUCCESS, name="error_rate", direction=Direction.LOWER)
    past = [1] * 30 + [0] * 70
    one = outlook(plan(primary=errors, max_sample=100), past=past).reach[-1]
    assert 0.5 < one.improvement < 0.8
    two = outlook(plan("b", "c", primary=errors, max_sample=100), past=past).reach[-1]
    assert two.improvement > one.improvement
    (once,) = outlook(
        plan(primary=errors, stopping=Stopping.FIXED, sample_size=100), past=past
    ).reach
    assert once.improvement < one.improvement


@pytest.mark.long
def test_the_outlook_of_a_threshold_is_that_of_what_it_claims():
    """To show more than 15% takes more than to show anything."""
    for metric in (DURATION, COST, SUCCESS):
        better = outlook(plan(primary=metric, max_sample=200)).reach[-1].improvement
        more = outlook(plan(primary=metric, max_sample=200, claim=Claim.THRESHOLD)).reach[-1]
        assert more.improvement > better + 0.1


def test_counts_are_not_taken_to_be_as_even_as_times():
    """Without a past a count is assumed to spread over twice its mean, and that is said."""
    found = outlook(plan(primary=replace(TOKENS, name="tool_errors")))
    assert found.spread.sd == 2 * found.spread.centre
    assert "assuming a standard deviation of 200% of the mean" in found.sentence


def test_the_outlook_refuses_a_rate_of_nothing():
    """No units per day make no plan."""
    with pytest.raises(UsageError, match="units per day"):
        outlook(plan(), units_per_day=0)


def chance(seed):
    return random.Random(seed)  # noqa: S311


def test_the_noise_floor_is_the_spread_of_identical_arms():
    """At 50 units with a log spread of 0.5 one in twenty A/A pairs differs by over 18%."""
    rng = np.random.default_rng(1)
    past = rng.lognormal(4, 0.5, 2000).tolist()
    found = noise_floor(past, DURATION, units=50, chance=chance(3))
    assert found == noise_floor(past, DURATION, units=50, chance=chance(3))
    assert found.large == pytest.approx(1.96 * 0.5 * math.sqrt(2 / 50), abs=0.03)
    assert found.typical == pytest.approx(0.674 * 0.5 * math.sqrt(2 / 50), abs=0.015)


@pytest.mark.long
@pytest.mark.parametrize("units", [1000, 1001, 100_000])
def test_the_noise_floor_of_many_units_takes_no_longer(units):
    """The mean of a thousand draws is as good as normal, and is then drawn as such."""
    past = np.random.default_rng(1).lognormal(4, 0.5, 500).tolist()
    found = noise_floor(past, DURATION, units=units, chance=chance(3))
    spread = float(np.log(past).std()) * math.sqrt(2 / units)
    assert found.large == pytest.approx(1.96 * spread, rel=0.1)
    assert found.typical == pytest.approx(0.674 * spread, rel=0.1)


def test_the_noise_floor_needs_values():
    """Four values tell nothing of a spread, and zero has no logarithm."""
    with pytest.raises(DegenerateDataError, match="4 past values"):
        noise_floor([1, 2, 3, 4], DURATION, units=10, chance=chance(1))
    with pytest.raises(DegenerateDataError, match="no logarithm"):
        noise_floor([1, 2, 3, 4, 0], DURATION, units=10, chance=chance(1))


@pytest.mark.long
def test_alerts_as_rules_would_often_roll_back_identical_arms():
    """The point estimate over 10% worse comes up in most A/A runs of 50 pairs, the same
    for errors over twice the baseline: simulated elsewhere at 67% and 52%."""
    rng = np.random.default_rng(1)
    past = rng.lognormal(4, 0.5, 500).tolist()
    regression = false_alarm_rate(
        plan(), AlertKind.REGRESSION, past, units=50, chance=chance(1), runs=300
    )
    assert regression == pytest.approx(0.67, abs=0.08)
    errors = [1.0] * 5 + [0.0] * 95
    rate = false_alarm_rate(
        plan(), AlertKind.ERROR_RATE, errors, units=50, chance=chance(1), runs=300
    )
    assert rate == pytest.approx(0.52, abs=0.08)


def test_age_is_not_a_matter_of_chance():
    """There is no false alarm rate of a calendar."""
    with pytest.raises(UsageError, match="over_age"):
        false_alarm_rate(plan(), AlertKind.OVER_AGE, [1.0] * 9, units=5, chance=chance(1))


def notes(made, chosen=None, **more):
    return " ".join(look(chosen or plan(), made, **more).notes)


def test_a_fading_advantage_is_noted():
    """Twice as fast in the first half, the same in the second."""
    fading = spread(30, 30) + spread(60, 30)
    assert "clearly smaller after the first 40 units" in notes(
        trials(control=spread(60, 60), b=fading)
    )
    assert "clearly" not in notes(trials(control=spread(60, 60), b=spread(30, 60)))
    slightly = [0.97 * x for x in spread(60, 30)] + spread(60, 30)
    assert "clearly" not in notes(trials(control=spread(60, 60), b=slightly))


@pytest.mark.long
def test_a_drift_is_seldom_noted_where_nothing_changes():
    """After every fourth pair to the 160th: in at most 5% of runs, as the note says."""
    rng, noted, runs = np.random.default_rng(6), 0, 60
    for _ in range(runs):
        arms = [
            Sample(tuple(row), tuple(row), {}, tuple(map(str, range(160))))
            for row in rng.normal(size=(2, 160)).tolist()
        ]
        noted += any(
            drift_note(*(arm.picked(range(n)) for arm in arms), DURATION, "b", (1.0, 1.0))
            for n in range(20, 161, 4)
        )
    assert noted <= 0.05 * runs


def test_a_drift_along_an_uneven_run_is_cut_at_the_same_time_in_both_arms():
    """Both arms slow down alike early on; nine units of the control come with one of b."""
    control, b = (spread(30, 50 * n) + spread(60, 250 * n) for n in (9, 1))
    arms = [
        Sample(tuple(map(math.log, row)), tuple(row), {}, tuple(map(str, range(len(row)))))
        for row in (control, b)
    ]
    assert drift_note(*arms, DURATION, "b", (9.0, 1.0)) is None
    assert drift_note(*arms, DURATION, "b", (1.0, 1.0)) is not None


def test_constant_arms_say_what_is_seen_and_what_would_decide():
    """Two arms of 60 and 30 seconds without any spread: in numbers, with a way on."""
    found = look(plan(), trials(control=[60.0] * 12, b=[30.0] * 12))
    assert found.reason_code is ReasonCode.DEGENERATE_DATA
    assert "all 12 values of control are 60 s and all 12 of b 30 s" in found.reason
    assert "a plan with `robust: true` decides" in found.reason
    assert "values that are rounded less" in found.reason
    alike = look(plan(), trials(control=[60.0] * 12, b=[60.0] * 12))
    assert "as it looks they are alike" in alike.reason


def test_models_are_strata_of_the_report():
    """Two models in the run: the effect is shown by model, the evidence stays valid."""
    made = [
        replace(item, fingerprint={"model": "big" if item.order < 40 else "small"})
        for item in trials(control=spread(60, 40), b=spread(30, 40))
    ]
    found = look(plan(), made)
    assert found.decision is Decision.PROMOTE
    assert found.checks.fingerprint.models == {"big": 40, "small": 40}
    said = " ".join(found.notes)
    assert "big 50% better (20 and 20 units)" in said
    assert "small 50% better (20 and 20 units)" in said


def test_cut_short_trials_are_noted():
    """How many, and what is done about it."""
    made = [
        *trials(control=spread(60, 12), b=spread(60, 12)),
        trial("b", 90, status=TrialStatus.TIMEOUT, metrics={"duration_seconds": 9.0}),
    ]
    assert "1 of 25 trials were cut short" in notes(made)


def test_values_without_logarithm_are_noted_and_counted():
    """Zero seconds are left out, counted and told."""
    made = [
        *trials(control=spread(60, 12), b=spread(60, 12)),
        trial("b", 90, metrics={"duration_seconds": 0.0}),
    ]
    found = look(plan(), made)
    assert found.samples["b"].exclusions == {"not_positive": 1}
    assert found.samples["b"].excluded == 1
    assert "zero or negative" in " ".join(found.notes)


@pytest.mark.parametrize(("wins", "test"), [(2, "Fisher's exact"), (20, "z-test of two rates")])
def test_rates_say_which_test_was_chosen_and_what_stands_beside_the_exact_rule(wins, test):
    """The choice of `auto` and the Welch form of the evidence are told for rates alone."""
    control = [1] * wins + [0] * (40 - wins)
    made = trials("success", control=control, b=control[4:] + [1] * 4)
    said = notes(made, plan(primary=SUCCESS))
    assert f"b: success is compared by {test if test[0] == 'F' else 'the ' + test}" in said
    assert "the anytime-valid Welch t beside it has e-values" in said
    assert "is compared by" not in notes(trials(control=spread(60, 12), b=spread(60, 12)))


def test_no_t_is_shown_beside_an_arm_that_does_not_vary():
    """Ten of ten against half: a t finds 3e11 where the exact rule finds 8.6."""
    made = trials("success", control=[0, 1] * 50, b=[1] * 10)
    assert not any("Welch t" in note for note in look(plan(primary=SUCCESS), made).notes)


def test_a_threshold_out_of_reach_is_noted():
    """From 95% no success rate gets 15% better."""
    made = trials("success", control=[1] * 19 + [0], b=[1] * 20)
    assert "cannot be reached" in notes(made, plan(primary=SUCCESS))


def test_a_promotion_says_what_it_does_not_know():
    """An unproven guardrail and the lean of the estimate are told with the promotion."""
    made = [
        replace(item, metrics=item.metrics | {"output_tokens": 3.0 ** (item.order // 2 % 7)})
        for item in trials(control=spread(60, 28), b=spread(30, 28))
    ]
    said = notes(made, plan(guardrails=(guardrail(),)))
    assert "Not proven harmless: output_tokens" in said
    assert "leans high" in said


def test_unknown_names_in_a_plan_are_told():
    """A safety metric or an acting alert that does not exist is not passed over in silence."""
    said = notes([], plan(safety_metrics=("happiness",), acting_alerts=("doom",)))
    assert "happiness is no metric of the plan" in said
    assert "no alert named doom" in said


def test_trials_of_unknown_variants_are_told():
    """Left out, and named."""
    assert "left out: old" in notes([trial("old", 1)])


def test_samples_count_every_stage():
    """Assigned, exposed, completed and excluded, by arm."""
    made = [
        trial("b", 0, metrics={"cost_usd": 1.0}),
        trial("b", 1, status=None),
        trial("b", 2, exposed=False, status=None),
        trial("b", 3, excluded="by_hand"),
    ]
    counts = look(plan(primary=COST), made).samples["b"]
    assert (counts.assigned, counts.exposed, counts.completed, counts.excluded) == (4, 3, 1, 1)
    assert counts.exclusions == {"by_hand": 1}
