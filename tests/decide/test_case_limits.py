"""What a number of cases can and cannot show."""

import math
import re

import pytest
from scipy import stats
from tests.decide.making import DURATION, SCORE, plan, trial

from meta_experiment.decide.case_limits import limits_of, paired_values
from meta_experiment.decide.units import arms_of
from meta_experiment.types import Direction, Metric, MetricKind, Scale, Unit

RATE = Metric("pass_rate", MetricKind.CONTINUOUS, Direction.HIGHER, Scale.RAW)


def cases(control, treatment, name="score", arm="b"):
    """Return one trial per case and arm; None was not measured."""
    made = []
    for variant, values in (("control", control), (arm, treatment)):
        for order, value in enumerate(values):
            metrics = {} if value is None else {name: value}
            made.append(trial(variant, order, unit=f"case {order}", metrics=metrics))
    return made


def by_case(*treatments, primary=SCORE, **changes):
    return plan(*treatments, primary=primary, unit=Unit.CASE, **changes)


def test_only_cases_measured_in_both_arms_are_pairs():
    """A case that one arm lost, or never ran, is no pair; repeats are one value."""
    trials = cases([1.0, 2.0, None, 4.0], [3.0, None, 5.0])
    trials.append(trial("b", 9, unit="case 0", metrics={"score": 5.0}))
    arms = arms_of(by_case(), trials)
    assert paired_values(arms["control"], arms["b"], SCORE) == ((1.0, 4.0),)


@pytest.mark.parametrize(("n", "settles"), [(1, False), (3, False), (4, False), (5, True)])
def test_too_few_cases_cannot_settle_anything(n, settles):
    """Chance alone wins all of n cases in 1 of 2ⁿ; five are the first below 5%."""
    first = limits_of(
        by_case(), cases([1.0 + i for i in range(n)], [2.0 + i * i for i in range(n)])
    )[0]
    assert f"1 of {2**n}" in first
    assert ("not even that would settle it" not in first) is settles


def test_several_treatments_share_the_error_rate():
    """Five cases settle one treatment, and not one of two."""
    trials = cases([1.0] * 5, [2.0, 3.0, 2.5, 2.0, 2.2], arm="b")
    trials += cases([], [2.0, 3.0, 2.5, 2.0, 2.2], arm="c")
    said = limits_of(by_case("b", "c"), trials)
    assert said[0].startswith("b: ")
    assert "not even that" in said[0]
    assert any(sentence.startswith("c: ") for sentence in said)


@pytest.mark.parametrize("n", [2, 3, 8, 25])
def test_the_smallest_difference_is_that_of_the_paired_t(n):
    """At the difference named, a one-sided paired t-test at 5% has a power of 80%."""
    control = [10.0 + i for i in range(n)]
    treatment = [value + 2.0 * (-1) ** i + 0.3 * i for i, value in enumerate(control)]
    said = limits_of(by_case(), cases(control, treatment))[1]
    named = float(re.search(r"improvement of score of ([\d.]+) or more", said)[1])
    differences = [b - a for a, b in zip(control, treatment, strict=True)]
    shift = named / (stats.tstd(differences) / math.sqrt(n))
    power = stats.nct.sf(stats.t.isf(0.05, n - 1), n - 1, shift)
    assert power == pytest.approx(0.8, abs=0.01)


def test_what_there_is_no_room_for_is_said():
    """A pass rate of 0.9 cannot get better by 0.5."""
    trials = cases([1.0, 0.8, 0.9], [0.2, 1.0, 0.9], "pass_rate")
    said = limits_of(by_case(primary=RATE), trials)[1]
    assert "not even the largest there is room for (0.1)" in said
    assert "of the control's mean" not in said


def test_ratios_are_said_as_ratios():
    """On the log scale the smallest difference is a share of the time."""
    trials = cases([40.0, 50.0, 60.0], [30.0, 52.0, 41.0], "duration_seconds")
    said = limits_of(by_case(primary=DURATION), trials)[1]
    assert re.search(r"duration_seconds of \d+% or more", said)


def test_equal_differences_have_no_spread():
    """Where nothing varies, nothing is claimed."""
    said = limits_of(by_case(), cases([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]))[1]
    assert "no spread is known" in said


def test_no_pairs_and_enough_pairs():
    """Without a common case nothing can be compared; from the minimum on nothing is missing."""
    assert "nothing can be compared" in limits_of(by_case(), cases([1.0, None], [None, 2.0]))[0]
    many = cases([1.0 + i for i in range(10)], [2.0 + i * i for i in range(10)])
    assert not any("A decision is open" in sentence for sentence in limits_of(by_case(), many))
    assert any("A decision is open from 10" in item for item in limits_of(by_case(), many[:-1]))


def test_rows_without_cases_get_the_outlook_of_two_arms():
    """Unpaired units are promised what two independent arms can find."""
    trials = [trial("control", i, metrics={"score": 1.0 + i}) for i in range(6)]
    (said,) = limits_of(plan(primary=SCORE, unit=Unit.INVOCATION), trials)
    assert "80%" in said
