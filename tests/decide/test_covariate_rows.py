"""Covariates of a plan in the decision: rows by unit, the adjusted evidence, when it stands."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decide.making import SUCCESS, plan

from meta_experiment.decide import analyze
from meta_experiment.decide.covariate_rows import covariate_rows
from meta_experiment.decide.metrics.sample import CovariateRows, Sample
from meta_experiment.decide.rules.e_value_projection import all_needed
from meta_experiment.decide.samples import covariates_of, sample_of
from meta_experiment.decide.telling.outlook import outlook, smallest_improvement
from meta_experiment.decide.units import arms_of
from meta_experiment.stats.figures import described
from meta_experiment.types import Scale, Stopping, Trial, TrialStatus, Unit, Variant

METRIC = "duration_seconds"
RAW = replace(plan().primary, scale=Scale.RAW)


def drawn(pairs, seed, *, effect=0.5, explained=0.5, known=1.0):
    """Pairs of trials of which the length of the arguments explains a share of the variance.

    `effect` is in standard deviations of the logarithms, `known` the share with a length.
    """
    rng = random.Random(seed)  # noqa: S311
    trials = []
    for number in range(2 * pairs):
        treated = 1 - trials[-1][0] if number % 2 else rng.randrange(2)
        length = rng.gauss(0, 1)
        noise = math.sqrt(explained) * length + math.sqrt(1 - explained) * rng.gauss(0, 1)
        brought = {"argument_length": math.expm1(6 + length)} if rng.random() < known else {}
        trials.append((treated, noise - effect * treated, brought))
    return [
        Trial(
            f"t{number:04}", ("control", "treatment")[treated], f"u{number:04}", number,
            status=TrialStatus.OK, metrics={METRIC: math.exp(4 + 0.5 * value)},
            assigned_at=1000.0 + 100 * number, closed_at=1050.0 + 100 * number,
            covariates=brought,
        )
        for number, (treated, value, brought) in enumerate(trials)
    ]  # fmt: skip


def analysis(trials, *names, **changes):
    chosen = replace(plan("treatment", **changes), covariates=names)
    return analyze(chosen, trials, experiment_id="e", as_of=1e6, started=0.0)


def compared(trials, *names, **changes):
    (found,) = analysis(trials, *names, **changes).primary.comparisons
    return found


def rows_of(trials, *names, scale=Scale.LOG):
    chosen = plan("treatment")
    metric = replace(chosen.primary, scale=scale)
    arms = arms_of(chosen, trials)
    found = covariate_rows(
        names, metric, [(arm, sample_of(arm, metric)) for arm in arms.values()]
    )
    return dict(zip(arms, found, strict=True))


def trial(number, arm, value=None, *, at=None, closed=None, unit=None, **brought):
    return Trial(
        f"t{number}", arm, unit or f"u{number}", number, status=value and TrialStatus.OK,
        metrics={METRIC: value} if value else {}, assigned_at=at, closed_at=closed,
        covariates=brought,
    )  # fmt: skip


def test_the_unit_before_is_the_one_that_had_closed():
    """The last to close before a unit began, in whichever arm; the mean while there is none."""
    trials = [
        trial(0, "control", math.exp(1), at=10, closed=40),
        trial(1, "treatment", math.exp(2), at=20, closed=30),
        trial(2, "control", math.exp(3), at=35, closed=36),
        trial(3, "treatment", math.exp(4), at=50, closed=60),
    ]
    found = rows_of(trials, "previous", "position")
    assert found["control"].names == ("previous value", "previous arm", "position")
    nothing = (1.5, 0.5)  # the mean of what stands before units 2 and 3
    assert found["control"].rows == ((*nothing, 0.0), (2.0, 1.0, 2.0))
    assert found["treatment"].rows == ((*nothing, 1.0), (1.0, 0.0, 3.0))


def test_units_that_closed_at_once_stand_with_their_mean():
    """As a stream that is recorded at once has no order in time."""
    trials = [
        trial(0, "control", math.exp(1), at=10, closed=10),
        trial(1, "treatment", math.exp(2), at=10, closed=10),
        trial(2, "control", math.exp(3), at=20, closed=20),
    ]
    assert rows_of(trials, "previous")["control"].rows[1] == (1.5, 0.5)


def test_a_unit_brings_along_what_its_first_trial_did():
    """What came later the arm may have moved; what is missing has the mean, and a column."""
    trials = [
        trial(0, "control", 5.0, at=30, unit="a", size=9.0),
        trial(1, "control", 5.0, at=10, unit="a", size=1.0),
        trial(2, "control", 5.0, at=20, unit="b", other=4.0),
        trial(3, "treatment", 5.0, at=20, unit="c", size=3.0),
    ]
    found = rows_of(trials, "size")
    assert found["control"].names == ("size", "size missing")
    assert found["control"].rows == ((1.0, 0.0), (2.0, 1.0))
    assert found["treatment"].rows == ((3.0, 0.0),)


@pytest.mark.parametrize(
    ("name", "scale", "value", "read"),
    [
        ("argument_length", Scale.LOG, math.expm1(2), 2.0),
        ("diff_size", Scale.RAW, 0.0, 0.0),
        ("own_past", Scale.LOG, math.exp(2), 2.0),
        ("own_past", Scale.RAW, -2.5, -2.5),
        ("size", Scale.LOG, -2.5, -2.5),
    ],
)
def test_each_is_read_on_a_scale_of_its_own(name, scale, value, read):
    trials = [
        trial(0, "control", 5.0, at=1, **{name: value}),
        trial(1, "treatment", 5.0, at=1, **{name: value}),
    ]
    assert rows_of(trials, name, scale=scale)["control"].rows[0][0] == pytest.approx(read)


@pytest.mark.long
def test_what_explains_half_of_the_variance_halves_the_pairs():
    needed = {(): 0, ("argument_length",): 0}
    for names in needed:
        for seed in range(12):
            trials = drawn(130, seed)
            looks = (
                pairs
                for pairs in range(10, 130, 8)
                if analysis(trials[: 2 * pairs], *names, improvement_threshold=0.0).decision
                == "PROMOTE"
            )
            needed[names] += next(looks, 130)
    assert needed["argument_length",] < 0.67 * needed[()]


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 100))
def test_the_order_in_which_trials_are_handed_over_changes_nothing(chance, seed):
    trials = drawn(15, seed, known=0.7)
    shuffled = chance.sample(trials, len(trials))
    names = ("argument_length", "previous", "position")
    assert analysis(shuffled, *names) == analysis(trials, *names)


def test_the_interval_excludes_what_the_evidence_does():
    """Both stand on the adjusted means, which are shown beside the plain ones."""
    found = compared(drawn(40, 3), "argument_length")
    plain = compared(drawn(40, 3))
    assert (found.effect, found.interval) == (plain.effect, plain.interval)
    assert found.sequential.rule != plain.sequential.rule
    assert found.sequential.interval != plain.sequential.interval
    interval, adjusted = found.sequential.interval, found.adjusted
    assert interval.low < adjusted.effect.relative < interval.high
    assert adjusted.explained == pytest.approx(0.5, abs=0.2)
    assert adjusted.units_saved == round(80 * adjusted.explained / (1 - adjusted.explained))
    assert adjusted.slopes.keys() == {"argument_length"}
    assert adjusted.dropped == ()


def test_a_covariate_that_never_varies_changes_nothing():
    trials = [replace(one, covariates={"argument_length": 7.0}) for one in drawn(30, 1)]
    same = analysis(trials, "argument_length")
    assert same.primary == analysis(trials).primary
    assert any("none of them varies" in note for note in same.notes)
    assert not any("none of them varies" in note for note in analysis(trials).notes)


def test_nothing_recorded_changes_nothing():
    trials = drawn(30, 1, known=0.0)
    assert analysis(trials, "argument_length").primary == analysis(trials).primary


def test_a_covariate_that_some_lack_still_explains():
    found = compared(drawn(60, 2, known=0.7), "argument_length").adjusted
    assert 0.1 < found.explained < 0.6
    assert found.slopes.keys() == {"argument_length", "argument_length missing"}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_one_that_is_no_number_is_missing(value):
    made = drawn(30, 7)
    without, with_none = (
        compared([replace(made[0], covariates=brought), *made[1:]], "argument_length")
        for brought in ({"argument_length": value}, {})
    )
    assert without == with_none
    assert without.error is None


def test_one_look_decides_by_the_adjusted_test():
    changes = {"stopping": Stopping.FIXED, "sample_size": 30, "improvement_threshold": 0.0}
    trials = drawn(30, 7)
    verdicts = [
        analysis(trials, *names, **changes).decision for names in ((), ("argument_length",))
    ]
    assert verdicts == ["INCONCLUSIVE", "PROMOTE"]


def test_cases_are_compared_with_themselves():
    trials = [
        replace(one, unit=f"case {number // 2}") for number, one in enumerate(drawn(20, 1))
    ]
    found = analysis(trials, "argument_length", unit=Unit.CASE)
    assert found.primary == analysis(trials, unit=Unit.CASE).primary
    assert any("eval cases are compared without" in note for note in found.notes)


def test_sums_are_adjusted_where_the_arms_are_alike():
    """A small arm of skewed values does not keep the error rate on the raw scale."""
    assert compared(drawn(30, 1), "argument_length", primary=RAW).adjusted is not None
    for weight, adjusted in ((3.0, False), (1.0, True)):
        arms = (Variant("control", weight), Variant("treatment"))
        chosen = plan(variants=arms, covariates=("argument_length",))
        assert bool(covariates_of(chosen)(RAW)) is adjusted
        assert covariates_of(chosen)(chosen.primary) == ("argument_length",)


@pytest.mark.parametrize("metric", [plan().primary, RAW])
@pytest.mark.parametrize("seed", range(12))
def test_a_promotion_is_when_the_interval_passes_the_null(metric, seed):
    """Evidence and interval stand on the same contrast."""
    found = compared(drawn(25, seed), "argument_length", primary=metric).sequential
    passes = found.interval.low is not None and found.interval.low > 0
    assert (found.e_promote >= 20) == passes


def test_units_that_are_thought_of_beside_are_of_the_usual_kind():
    """So that what may be missing is weighed as the rest is, not without covariates."""
    metric = plan("treatment").primary
    rows = CovariateRows(("size",), ((1.0,), (3.0,)))
    sample = Sample((1.0, 2.0), (2.7, 7.4), {}, ("a", "b"), covariates=rows)
    assert sample.joined(2.0, 2, metric).covariates.rows == ((1.0,), (3.0,), (2.0,), (2.0,))
    assert Sample((1.0,), (2.7,), {}, ("a",)).joined(2.0, 1, metric).covariates is None


def lengthened(pairs, *, seconds):
    """Return work that takes longer the more is asked, of which the treatment takes 30% off.

    By chance the treatment is asked for more, by so many seconds.
    """
    rng = random.Random(2)  # noqa: S311
    made = []
    for number in range(2 * pairs):
        treated = number % 2
        length = rng.uniform(0, 10) + seconds * treated
        value = (20 + length) * (0.7 if treated else 1.0) + rng.gauss(0, 1)
        made.append(
            trial(
                number, ("control", "treatment")[treated], value,
                at=1000.0 + 100 * number, closed=1050.0 + 100 * number, size=length,
            )
        )  # fmt: skip
    return made


def test_what_is_told_of_an_effect_is_what_is_decided_on():
    """Longer tasks in the treatment hide its gain from the plain means; the sentence tells."""
    found = analysis(lengthened(30, seconds=4.0), "size")
    (comparison,) = found.primary.comparisons
    assert comparison.effect.relative < 0.2 < comparison.adjusted.effect.relative
    assert comparison.estimate == comparison.adjusted.effect
    shown = described(comparison.adjusted.effect.relative)
    assert (found.decision, shown in found.reason) == ("PROMOTE", True)


def test_a_promotion_of_adjusted_means_stands_by_the_adjusted_effect():
    """The plain effect is below the threshold, and no doubt is cast by that alone."""
    chosen = {"primary": replace(RAW, name=METRIC), "improvement_threshold": 0.22}
    found = analysis(lengthened(60, seconds=4.0), "size", **chosen)
    (comparison,) = found.primary.comparisons
    assert comparison.effect.relative < 0.22 < comparison.adjusted.effect.relative
    assert found.decision == "PROMOTE", found.reason


def test_the_projection_takes_out_what_covariates_explain():
    """Of half the variance, about half the units."""
    made = drawn(24, 1, effect=0.35)
    chosen = replace(plan("treatment"), covariates=("argument_length",))
    found = analysis(made, "argument_length", improvement_threshold=0.0)
    (comparison,) = found.primary.comparisons
    (needed,) = all_needed(chosen, found)
    same = replace(comparison, adjusted=replace(comparison.adjusted, explained=0.0))
    (without,) = all_needed(
        chosen, replace(found, primary=replace(found.primary, comparisons=(same,)))
    )
    assert needed / without == pytest.approx(1 - comparison.adjusted.explained, abs=0.1)


def test_an_outlook_says_that_it_leaves_covariates_out():
    chosen = replace(plan(), covariates=("argument_length",))
    assert "before covariates explain any of it)" in outlook(chosen).sentence
    assert "covariates" not in outlook(replace(chosen, primary=SUCCESS)).sentence
    assert "covariates" not in outlook(plan()).sentence


def test_what_covariates_explained_before_is_taken_out_of_the_outlook():
    """Half of the variance: as if the spread were smaller, or the units twice as many."""
    past = np.exp(np.random.default_rng(2).normal(4, 0.6, 400)).tolist()
    plain, half = outlook(plan(), past=past), outlook(plan(), past=past, explained=0.5)
    assert "explain 50%; without them it would take 2 times the units" in half.sentence
    assert half.spread == plain.spread
    smaller = smallest_improvement(
        plan(), replace(plain.spread, sd=plain.spread.sd / math.sqrt(2)), 50
    )
    assert half.reach[1].improvement == pytest.approx(smaller)
    assert smaller < 0.9 * plain.reach[1].improvement
