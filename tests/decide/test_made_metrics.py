"""Ratios of sums and quantiles: metrics that are made of what trials have."""

import math
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from tests.decide.making import look, plan, trial, trials

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.quantiles import fewest
from meta_experiment.decide.units import arms_of
from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import describe
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.types import Decision, Direction, MetricKind, Scale, TrialStatus, Unit

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


def tail(metric, **arms):
    """Look at a quantile beside another metric of the same values."""
    seen = look(plan(secondary=(metric,)), trials(**arms))
    (shown,) = seen.secondary
    return shown


@pytest.mark.parametrize("scale", [Scale.LOG, Scale.RAW])
def test_a_quantile_is_shown_with_its_own_spread_at_one_look(scale):
    rng = np.random.default_rng(2)
    slow, fast = rng.lognormal(3, 0.4, 400), rng.lognormal(3, 0.4, 400) * 0.6
    shown = tail(replace(NINE_OF_TEN, scale=scale), control=slow, b=fast)
    (comparison,) = shown.comparisons
    ends = [sample_quantile(arm, 0.9) for arm in (slow, fast)]
    assert comparison.effect.relative == pytest.approx(1 - ends[1] / ends[0], rel=1e-3)
    assert comparison.interval.low < comparison.effect.relative < comparison.interval.high
    assert comparison.sequential is None
    control = shown.variants["control"]
    mean = math.exp(control.log_mean) if scale is Scale.LOG else control.mean
    assert mean == pytest.approx(ends[0], rel=1e-3)


def test_a_tail_is_not_told_from_few_units():
    """Below so many units nothing is compared, whatever the values look like."""
    assert [fewest(q) for q in (0.01, 0.5, 0.9, 0.95, 0.99)] == [200, 20, 20, 40, 200]
    few = tail(NINE_OF_TEN, control=[60.0 + n for n in range(19)], b=[10.0] * 19)
    assert "quantile" in few.comparisons[0].error
    more = tail(
        NINE_OF_TEN, control=[60.0 + n for n in range(20)], b=[10.0 + n for n in range(20)]
    )
    assert more.comparisons[0].error is None


def test_a_tail_can_differ_where_the_middle_does_not():
    rng = np.random.default_rng(3)
    steady, spread = rng.normal(60, 3, 300), rng.normal(60, 25, 300)
    (comparison,) = tail(NINE_OF_TEN, control=abs(spread), b=steady).comparisons
    assert comparison.effect.relative > 0.25
    assert comparison.p_value < 0.01
    assert abs(fmean(steady) / fmean(spread) - 1) < 0.05


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


def test_a_quantile_decides_nothing():
    """Between two heaps of values its error is not known at every look."""
    with pytest.raises(UsageError, match="decides nothing"):
        read("duration_seconds.p90")
    document = plan_to_document(plan())
    document["metrics"]["guardrails"] = ["cost_usd.p90:10%"]
    with pytest.raises(UsageError, match="decides nothing"):
        plan_from_document(document)
    document["metrics"] |= {"guardrails": [], "secondary": ["cost_usd.p90"]}
    document["safety"]["metrics"] = ["cost_usd.p90"]
    with pytest.raises(UsageError, match="decides nothing"):
        plan_from_document(document)
    document["safety"]["metrics"] = []
    assert plan_from_document(document).secondary[0].kind is MetricKind.QUANTILE
    assert read("cost_usd.per.success", unit=Unit.CASE).primary.direction is Direction.LOWER


@pytest.mark.parametrize("metric", [PER_SUCCESS, describe("cost_usd.p50")])
def test_units_keep_their_places(metric):
    """What was recorded at once shares a place, also where it makes a ratio or a quantile."""
    made = priced("control", *[(2.0, 1.0)] * 4)
    assert list(sample(metric, made).order) == [0, 2, 4, 6]
    at_once = [replace(item, assigned_at=None) for item in made]
    assert len(set(sample(metric, at_once).order)) == 1
