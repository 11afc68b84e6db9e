"""Prospect of two rates: by the counts on which the rule itself would decide.

Of the same cases in both arms what decides is how many only one arm masters. How alike the arms
do on a case nobody knows before data: they are taken to do so by chance alone.
"""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import sign
from meta_experiment.stats.rate_power import (
    Boundary,
    boundary_of,
    boundary_of_pairs,
    paired_rate_power,
    rate_power,
)
from meta_experiment.stats.root_finding import root


def of_rates(prospect: Prospect) -> float | None:
    """Return the smallest relative improvement of a rate; None where none is found."""
    higher = sign(prospect.metric) > 0
    rate = prospect.centre if higher else 1.0 - prospect.centre
    if not 0 < prospect.centre < 1:
        return None
    decides = prospect.decides_on_pairs
    if decides is None or prospect.at:
        boundary, power = _boundary(prospect, rate, higher=higher), rate_power
    else:
        boundary = _boundary_of_pairs(prospect, rate, decides, higher=higher)
        power = paired_rate_power

    def excess(treated: float) -> float:
        return power(boundary, rate, treated, prospect.looks_from) - prospect.power

    if excess(1.0) < 0:
        return None
    return (root(excess, rate, 1.0) - rate) / prospect.centre


def _boundary(prospect: Prospect, rate: float, *, higher: bool) -> Boundary:
    """Find the fewest good outcomes of a treatment on which the rule promotes it."""
    units = prospect.units

    def outcomes(successes: int) -> Sample:
        return _sample([True] * successes + [False] * (units - successes), higher=higher)

    return boundary_of(
        units,
        rate,
        lambda control, treated: prospect.decides(*map(outcomes, (control, treated))),
    )


def _boundary_of_pairs(
    prospect: Prospect, rate: float, decides: Callable[[Sample, Sample], bool], *, higher: bool
) -> Boundary:
    """Find the fewest cases that a treatment alone masters on which the rule promotes it."""
    units = prospect.units

    def decided(control: int, treated: int) -> bool:
        rest = [False] * (units - control - treated)
        first = [True] * control + [False] * treated + rest
        second = [False] * control + [True] * treated + rest
        return decides(_sample(first, higher=higher), _sample(second, higher=higher))

    return boundary_of_pairs(units, rate, decided)


def _sample(good: list[bool], *, higher: bool) -> Sample:
    values = tuple(float(one is higher) for one in good)
    return Sample(values, values, {}, tuple(map(str, range(len(good)))))
