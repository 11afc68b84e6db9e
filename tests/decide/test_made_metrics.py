"""Ratios of sums and quantiles: metrics that are made of what trials have."""

import math
import random
from dataclasses import replace
from functools import partial
from statistics import fmean

import numpy as np
import pytest
from tests.decide.making import look, plan, trial, trials

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.noise import noise_floor
from meta_experiment.decide.telling.outlook import (
    equivalence_units,
    smallest_improvement,
    spread_of,
)
from meta_experiment.decide.telling.progress import progress
from meta_experiment.decide.units import arms_of
from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import describe
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.types import (
    AnalysisType,
    Assignment,
    Decision,
    Direction,
    Guardrail,
    GuardrailState,
    MetricKind,
    ReasonCode,
    Scale,
    Stopping,
    TrialStatus,
    Unit,
    Variant,
)

PER_SUCCESS = describe("cost_usd.per.success")
NINE_OF_TEN = describe("duration_seconds.p90")


def priced(variant, *pairs, start=0):
    """Return a trial with each cost and outcome; None leaves it out."""
    made = []
    for order, pair in enumerate(pairs):
        metrics = {
            name: value
            for name, value in zip(("cost_usd", "success"), pair, strict=True)
            if value is not None
        }
        made.append(trial(variant, start + 2 * order, metrics=metrics))
    return made


def sample(metric, made, variant="control", stretch=1.0):
    return family_of(metric).sample(arms_of(plan(), made)[variant], metric, stretch)


def test_a_ratio_is_of_sums():
    """Not a mean of ratios, which a unit without a success would not have."""
    found = sample(PER_SUCCESS, priced("control", (2.0, 1.0), (3.0, 0.0), (1.0, 1.0)))
    assert found.centre == pytest.approx(6.0 / 2.0)
    assert len(found) == 3
    assert found.summary(PER_SUCCESS).mean == pytest.approx(3.0)


def test_turns_of_a_unit_are_added_up():
    made = [
        trial("control", 0, unit="u", metrics={"cost_usd": 2.0, "success": 0.0}),
        trial("control", 1, unit="u", metrics={"cost_usd": 4.0, "success": 1.0}),
        trial("control", 2, unit="v", metrics={"cost_usd": 3.0, "success": 1.0}),
    ]
    found = sample(PER_SUCCESS, made)
    assert found.units == ("u", "v")
    assert found.centre == pytest.approx(9.0 / 2.0)


def test_a_trial_without_a_part_is_left_out_and_missing_is_not_zero():
    made = priced("control", (2.0, 1.0), (5.0, None), (None, 1.0), (4.0, 1.0))
    assert sample(PER_SUCCESS, made).centre == pytest.approx(3.0)
    seen = look(plan(primary=PER_SUCCESS), made + priced("b", (1.0, 1.0), start=1))
    assert seen.checks.attrition.lost["control"] == 2


def test_what_was_cut_short_costs_more_than_so_far():
    made = [
        trial("control", 0, metrics={"cost_usd": 2.0, "success": 1.0}),
        trial(
            "control",
            1,
            status=TrialStatus.INTERRUPTED,
            metrics={"cost_usd": 1.0, "success": 1.0},
        ),
    ]
    assert sample(PER_SUCCESS, made, stretch=4.0).centre == pytest.approx(3.0)


def test_nothing_over_nothing_is_no_number():
    """Without a single success cost per success does not exist, and nothing is decided."""
    made = priced("control", *[(2.0, 0.0), (3.0, 0.0)] * 8)
    made += priced("b", *[(1.0, 1.0), (1.5, 1.0)] * 8, start=1)
    found = sample(PER_SUCCESS, made)
    assert (len(found), found.skipped) == (0, {"zero_denominator": 16})
    seen = look(plan(primary=PER_SUCCESS), made)
    assert seen.decision is Decision.EXTEND
    assert seen.samples["control"].exclusions == {"zero_denominator": 16}


def test_cost_per_success_finds_what_neither_part_shows():
    """The treatment costs as much and succeeds twice as often."""
    rng = np.random.default_rng(1)

    def arm(variant, rate, start):
        outcomes = (rng.random(300) < rate).astype(float).tolist()
        pairs = zip(rng.uniform(0.8, 1.2, 300).tolist(), outcomes, strict=True)
        return priced(variant, *pairs, start=start)

    made = arm("control", 0.4, 0) + arm("b", 0.8, 1)
    seen = look(plan(primary=PER_SUCCESS), made)
    (comparison,) = seen.primary.comparisons
    assert (seen.decision, seen.winner) == (Decision.PROMOTE, "b")
    assert comparison.effect.relative == pytest.approx(0.5, abs=0.1)
    assert comparison.test == "welch_t"
    assert comparison.effect_size.cohens_d is None
    dear = look(plan(primary=describe("cost_usd")), made)
    assert dear.decision is not Decision.PROMOTE


def tails(rng, n=400, ratio=0.6, digits=4):
    """Return the values of two arms of which the treatment takes a part of the time."""
    return {
        name: np.round(rng.lognormal(3, 0.4, n) * part, digits).tolist()
        for name, part in (("control", 1.0), ("b", ratio))
    }


@pytest.mark.parametrize("scale", [Scale.LOG, Scale.RAW])
@pytest.mark.parametrize("stopping", Stopping)
def test_a_quantile_decides(scale, stopping):
    """By its sample quantiles, and counts: promoted exactly when the interval says so."""
    arms = tails(np.random.default_rng(2))
    primary = replace(NINE_OF_TEN, scale=scale)
    seen = look(plan(primary=primary, stopping=stopping, sample_size=400), trials(**arms))
    (comparison,) = seen.primary.comparisons
    ends = [sample_quantile(arm, 0.9) for arm in arms.values()]
    assert (seen.decision, seen.winner) == (Decision.PROMOTE, "b")
    assert comparison.effect.relative == pytest.approx(1 - ends[1] / ends[0], rel=1e-3)
    for interval in (comparison.interval, comparison.sequential.interval):
        assert 0 < interval.low < comparison.effect.relative < interval.high
    assert comparison.test == "quantile_exact"
    assert comparison.sequential.e_promote > 20 > comparison.sequential.e_reject
    control = seen.primary.variants["control"]
    mean = math.exp(control.log_mean) if scale is Scale.LOG else control.mean
    assert mean == pytest.approx(ends[0], rel=1e-3)


@pytest.mark.parametrize("scale", [Scale.LOG, Scale.RAW])
@pytest.mark.parametrize("weigh", ["always", "once"])
def test_an_interval_of_a_quantile_ends_where_the_evidence_does(scale, weigh):
    """Just inside its ends nothing is ruled out, just outside it is."""
    metric = replace(NINE_OF_TEN, scale=scale)
    arms = tails(np.random.default_rng(3), ratio=0.8, digits=0)
    seen = [
        sample(metric, trials(**{name: values}), name, 1.0) for name, values in arms.items()
    ]
    design = family_of(metric).separate
    if weigh == "always":
        ends, evidence = design.interval_always(*seen, metric, 0.05), design.evidence
    else:
        ends = design.interval_once(*seen, metric, 0.9)
        evidence = partial(design.evidence_once, AnalysisType.AUTO)
    low, high = (math.expm1(end) if scale is Scale.LOG else end for end in ends)
    bar = math.log(20)
    for step, told in ((1e-9, False), (-1e-9, True)):
        assert (evidence(*seen, metric, -low - step).worse >= bar) == told
        assert (evidence(*seen, metric, -high + step).better >= bar) == told


def test_a_margin_holds_a_quantile_too():
    """A guardrail passes, and fails, by the same counts against its margin."""
    guard = Guardrail(NINE_OF_TEN, margin=0.1)
    rng = np.random.default_rng(4)
    for ratio, state in ((0.6, GuardrailState.PASS), (1.8, GuardrailState.FAIL)):
        (rail,) = look(
            plan(primary=describe("duration_seconds.p50"), guardrails=(guard,)),
            trials(**tails(rng, ratio=ratio)),
        ).guardrails
        assert rail.state is state


def test_a_quantile_is_not_told_from_few_units():
    """Where no arms, however far apart, would be told apart there is a reason, no number."""
    primary = NINE_OF_TEN
    few = look(plan(primary=primary), trials(control=range(60, 123), b=range(1, 64)))
    assert few.reason_code is ReasonCode.DEGENERATE_DATA
    assert "expected at least 64" in few.reason
    more = look(plan(primary=primary), trials(control=range(60, 124), b=[1.0] * 64))
    assert more.decision is Decision.PROMOTE  # without any spread in an arm as well


def test_a_tail_can_differ_where_the_middle_does_not():
    rng = np.random.default_rng(3)
    steady, spread = rng.normal(60, 3, 300), abs(rng.normal(60, 25, 300))
    made = trials(control=spread.tolist(), b=steady.tolist())
    assert look(plan(primary=NINE_OF_TEN), made).winner == "b"
    middle = look(plan(primary=describe("duration_seconds.p50")), made)
    assert middle.winner is None
    assert middle.primary.comparisons[0].sequential.e_promote < 1
    assert abs(fmean(steady) / fmean(spread) - 1) < 0.05


def test_many_equal_values_are_no_evidence_of_their_own():
    """Half of all values are the same one, at the quantile itself."""
    values = [1.0] * 40 + [5.0] * 100 + [9.0] * 60
    metric = describe("output_tokens.p50")
    arms = {"control": values, "b": values[::-1]}
    made = trials("output_tokens", **arms)
    (comparison,) = look(plan(primary=metric), made).primary.comparisons
    assert max(comparison.sequential.e_promote, comparison.sequential.e_reject) < 1
    assert comparison.sequential.interval.low <= 0 <= comparison.sequential.interval.high


def test_zeros_bound_no_ratio():
    """Where the quantile may be zero in the control nothing is small beside it."""
    metric = describe("output_tokens.p50")
    made = trials("output_tokens", control=[0.0, 3.0, 4.0] * 40, b=[0.0, 0.0, 3.0] * 40)
    (comparison,) = look(plan(primary=metric), made).primary.comparisons
    bounded = comparison.sequential.interval
    assert comparison.effect.relative == 1.0
    assert bounded.low is None
    assert comparison.sequential.e_promote < 20


def test_cases_are_not_taken_for_independent():
    """Of the same cases each arm speaks for itself: weaker than of arms drawn apart."""
    arms = tails(np.random.default_rng(2), n=200, ratio=0.7)
    apart = look(plan(primary=NINE_OF_TEN), trials(**arms))
    made = [replace(one, unit=f"case{place // 2}") for place, one in enumerate(trials(**arms))]
    paired = look(plan(primary=NINE_OF_TEN, unit=Unit.CASE), made)
    e_values = [item.primary.comparisons[0].sequential.e_promote for item in (apart, paired)]
    assert 1 < e_values[1] < math.sqrt(e_values[0]) * 10 < e_values[0]
    assert any("taken as dependent" in note for note in paired.notes)
    assert not any("one difference per case" in note for note in paired.notes)


def test_a_quantile_stands_what_other_metrics_must():
    """Doubts, forecasts and alike are of the quantile, not of the mean beside it."""
    arms = tails(np.random.default_rng(2))
    arms["b"] = [value * 60 if place < 8 else value for place, value in enumerate(arms["b"])]
    made = trials(**arms)
    assert look(plan(), made).reason_code is ReasonCode.MEANS_DISAGREE
    assert look(plan(primary=NINE_OF_TEN), made).decision is Decision.PROMOTE
    many = look(plan(primary=NINE_OF_TEN), [*made, *[trial("b", 2000 + n) for n in range(80)]])
    assert many.reason_code is ReasonCode.MISSING_UNCERTAIN


def test_of_a_quantile_no_more_is_foretold_than_is_known():
    arms = tails(np.random.default_rng(7), n=80, ratio=0.85)
    planned = plan(primary=NINE_OF_TEN)
    seen = look(planned, trials(**arms))
    assert seen.reason_code is ReasonCode.EVIDENCE_INSUFFICIENT
    found = progress(planned, seen)
    assert (found.units_to_go, found.days_to_go) == (None, None)
    assert 0 <= found.fraction < 1
    equal = replace(planned, equivalence_margin=0.1)
    assert equivalence_units(equal, spread_of(NINE_OF_TEN, ())) is None


@pytest.mark.parametrize("name", ["duration_seconds.p90", "output_tokens.p50"])
def test_a_plan_knows_what_quantiles_it_finds(name):
    """Nothing with too few units; then the less the more there are, as one over their root."""
    planned = plan(primary=describe(name))
    spread = spread_of(planned.primary, ())
    found = [smallest_improvement(planned, spread, units) for units in (5, 200, 800, 3200)]
    assert found[0] is None
    assert 0.15 < found[1] < 0.4
    sizes = [-math.log1p(-size) for size in found[1:]]
    assert sizes[0] / sizes[1] == pytest.approx(2, rel=0.15)
    assert sizes[1] / sizes[2] == pytest.approx(2, rel=0.15)


def test_the_noise_of_a_quantile_is_its_own():
    """Alike arms differ more at their upper end than in the mean."""
    values = np.random.default_rng(8).lognormal(3, 0.5, 200).tolist()
    chance = random.Random(1)  # noqa: S311 - nothing here is a secret
    floors = [
        noise_floor(values, metric, units=50, chance=chance, runs=200)
        for metric in (describe("duration_seconds"), NINE_OF_TEN)
    ]
    assert floors[1].typical > 1.3 * floors[0].typical


@pytest.mark.parametrize(
    ("name", "kind", "recorded", "direction", "scale"),
    [
        ("cost_usd.per.success", "ratio", ("cost_usd", "success"), "lower", "raw"),
        ("success.per.cost_usd", "ratio", ("success", "cost_usd"), "higher", "raw"),
        ("duration_seconds.p90", "quantile", ("duration_seconds",), "lower", "log"),
        ("output_tokens.p50", "quantile", ("output_tokens",), "lower", "raw"),
        ("tool_calls.Bash.p90", "quantile", ("tool_calls.Bash",), "lower", "raw"),
        ("tool_calls.Bash", "count", ("tool_calls.Bash",), "lower", "raw"),
    ],
)
def test_a_name_says_what_a_metric_is_made_of(name, kind, recorded, direction, scale):
    metric = describe(name)
    assert (metric.kind, metric.recorded) == (kind, recorded)
    assert (metric.direction, metric.scale) == (direction, scale)
    assert metric.is_recorded == (kind == "count")


def read(primary, **changes):
    document = plan_to_document(plan(**changes))
    document["metrics"]["primary"] = primary
    return plan_from_document(document)


def test_a_plan_keeps_what_a_metric_is_made_of():
    made = read("cost_usd.per.lines_changed")
    assert made.primary.kind is MetricKind.RATIO
    assert plan_from_document(plan_to_document(made)) == made


@pytest.mark.parametrize(
    ("primary", "said"),
    [
        ("steps.p90", "is not known"),
        ("steps.per.success:lower", "'steps'"),
        ({"name": "cost_usd", "kind": "ratio"}, "cannot be a ratio"),
        ({"name": "cost_usd.per.success", "kind": "count"}, "cannot be a count"),
        ({"name": "cost_usd.per.success", "scale": "log"}, "compared as it is"),
        ("duration_seconds.p100", "is not known"),
    ],
)
def test_what_is_made_of_nothing_that_is_recorded_is_refused(primary, said):
    with pytest.raises(UsageError, match=said):
        read(primary)


def test_quantiles_and_ratios_may_decide():
    """As primary metric, as guardrail, as what is watched for harm, of unequal arms too."""
    document = plan_to_document(plan())
    document["metrics"] |= {
        "primary": "duration_seconds.p90",
        "guardrails": ["cost_usd.p90:10%"],
        "secondary": ["output_tokens.p50"],
    }
    document["safety"]["metrics"] = ["output_tokens.p50"]
    read_back = plan_from_document(document)
    assert {metric.kind for metric in read_back.metrics} == {MetricKind.QUANTILE}
    assert read("cost_usd.per.success", unit=Unit.CASE).primary.direction is Direction.LOWER
    unequal = (Variant("control", weight=9.0), Variant("b"))
    weighted = {"variants": unequal, "assignment": Assignment.WEIGHTED}
    assert read("cost_usd.p50", **weighted).primary.kind is MetricKind.QUANTILE
    with pytest.raises(UsageError, match="equal weight"):
        read("cost_usd", **weighted)


@pytest.mark.parametrize("metric", [PER_SUCCESS, describe("cost_usd.p50")])
def test_units_keep_their_places(metric):
    """What was recorded at once shares a place, also where it makes a ratio or a quantile."""
    made = priced("control", *[(2.0, 1.0)] * 4)
    assert list(sample(metric, made).order) == [0, 2, 4, 6]
    at_once = [replace(item, assigned_at=None) for item in made]
    assert len(set(sample(metric, at_once).order)) == 1
