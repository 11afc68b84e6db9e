"""Prospect of two rates: by the counts on which the rule itself would decide."""

from __future__ import annotations

from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import sign
from meta_experiment.stats.rate_power import Boundary, boundary_of, rate_power
from meta_experiment.stats.root_finding import root


def of_rates(prospect: Prospect) -> float | None:
    """Return the smallest relative improvement of a rate; None where none is found."""
    higher = sign(prospect.metric) > 0
    rate = prospect.centre if higher else 1.0 - prospect.centre
    if not 0 < prospect.centre < 1:
        return None
    boundary = _boundary(prospect, rate, higher=higher)

    def excess(treated: float) -> float:
        found = rate_power(boundary, rate, treated, prospect.looks_from)
        return found - prospect.power

    if excess(1.0) < 0:
        return None
    return (root(excess, rate, 1.0) - rate) / prospect.centre


def _boundary(prospect: Prospect, rate: float, *, higher: bool) -> Boundary:
    """Find the fewest good outcomes of a treatment on which the rule promotes it."""
    units = prospect.units
    good, bad = (1.0, 0.0) if higher else (0.0, 1.0)

    def outcomes(successes: int) -> Sample:
        values = (good,) * successes + (bad,) * (units - successes)
        return Sample(values, values, {}, tuple(map(str, range(units))))

    return boundary_of(
        units,
        rate,
        lambda control, treated: prospect.decides(*map(outcomes, (control, treated))),
    )
