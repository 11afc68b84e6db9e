"""Days that were taken stay; new ones are added where those are still what they were."""

from dataclasses import replace

import pytest

from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums
from meta_experiment.decide.collected_days import LostUnits, joined
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.stats.moments import Moments


def sums(*days, factor=1.0, rounded=False):
    """Return sums of days: of each arm so many units, each with a value of its own."""
    return CollectedSums(
        tuple(
            ArmDay(variant, day, units, 0, {"seconds": values_of(units, factor, rounded)})
            for day, counts in enumerate(days)
            for variant, units in zip(("control", "treatment"), counts, strict=True)
            if units
        ),
        {},
    )


def values_of(units, factor, rounded):
    exact = sorted(factor * (1_000 + 7.3 * place) for place in range(units))
    moments = Moments.of(exact)
    joint = JointMoments(moments.n, (moments.mean,), (moments.residual,), ((moments.m2,),))
    if not rounded:
        return MetricSums(joint, None, False, {}, tuple((value, 1) for value in exact))
    counts = {}
    for value in exact:
        size = 2.0 ** (len(f"{int(value):b}") - 11)
        near = round(value / size) * size
        counts[near] = counts.get(near, 0) + 1
    return MetricSums(joint, None, False, {}, tuple(sorted(counts.items())))


@pytest.mark.parametrize(
    ("again", "lost"),
    [
        ([(5, 5), (4, 5), (3, 3)], None),
        ([(5, 6), (4, 5), (3, 3)], None),  # one more is late
        ([(6, 5), (3, 5), (3, 3)], None),  # one was seen a day before, as is known now
        ([(4, 5), (4, 5), (3, 3)], LostUnits("control", 0, 1)),
        ([(4, 5), (5, 5), (3, 3)], LostUnits("control", 0, 1)),  # its first row is gone
        ([(5, 5), (4, 4), (3, 3)], LostUnits("treatment", 1, 1)),
        ([(0, 0), (0, 0), (3, 3)], LostUnits("control", 0, 5)),
        ([(6, 5), (4, 4), (3, 3)], LostUnits("treatment", 1, 1)),  # another arm's hides none
    ],
)
def test_units_that_are_gone_are_told_from_those_that_are_late(again, lost):
    found = joined(sums((5, 5), (4, 5)), sums(*again), through=1)
    assert found.lost == lost
    assert found.added == 1


def test_values_that_differ_on_every_day_are_no_late_ones():
    before = sums((5, 5), (4, 5), (6, 6))
    assert joined(before, sums((5, 5), (4, 5), (6, 6), factor=1e3), 2).otherwise == ("seconds",)
    assert joined(before, sums((5, 5), (4, 5), (6, 7)), 2).otherwise == ()
    assert joined(sums((5, 5)), sums((5, 5), factor=1e3), 0).otherwise == ()


def test_rounded_values_of_the_same_units_are_not_late():
    days = (300, 200), (250, 300)
    assert joined(sums(*days), sums(*days, rounded=True), 1).late == ()
    assert joined(sums(*days, rounded=True), sums(*days), 1).late == ()
    assert joined(sums(*days, rounded=True), sums(*days, rounded=True), 1).late == ()


@pytest.mark.parametrize("rounded", [False, True])
def test_other_values_are_late_also_where_they_were_rounded(rounded):
    """Their mean is taken to be the same, so that the values alone tell."""
    (control, *others) = sums((300, 200)).days
    own = control.metrics["seconds"]
    moved = replace(own, values=values_of(300, 1.01, rounded).values)
    found = CollectedSums((replace(control, metrics={"seconds": moved}), *others), {})
    assert [item.day for item in joined(sums((300, 200)), found, 0).late] == [0]
