"""Evidence on rates of arms that have unequal shares of the units: that of their draw.

The first so many units of a large arm came earlier than those of a small one. Where a rate
drifts in time, arms that are alike then differ in pairs: nearly all such experiments decide
wrongly in the end. A unit's chance to be treated is known here, so that the draw tells of it,
whatever the rates were at any time; an outcome of 0 or 1 has no shape beside its rate.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial

from meta_experiment.decide.evidence import Evidence, towards
from meta_experiment.decide.metrics import rates
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.moving_shares import DRAW
from meta_experiment.decide.metrics.robust import Drawn, alone, block_of, by_share
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.metrics.time_strata import within_time
from meta_experiment.decide.scale import sign
from meta_experiment.types import Metric, Plan

_MOSTLY = 0.5  # of the units have a place that is known


def unequal_design(plan: Plan, family: Family) -> Design:
    """Return the family's design of rates, which the draw tells from no difference."""
    of_none = partial(_drawn, plan)
    return replace(
        family.separate,
        evidence=partial(rates.evidence, of_none=of_none),
        interval_always=partial(rates.interval_always, of_none=of_none),
    )


def _drawn(plan: Plan, control: Sample, treatment: Sample, metric: Metric) -> Evidence:
    """Return the log e-values of the draw.

    Where too few places are known those of all counts take its place, which tell less. Samples
    that nobody drew, as a prospect makes them, drift in no time: pairs tell of them.
    """
    if not (control.has_values and treatment.has_values):  # sums do not say when each came
        return within_time(control, treatment, metric)
    weights = {variant.name: variant.weight for variant in plan.variants}
    sides = [weights[arm.drawn.variant] for arm in (control, treatment) if arm.drawn]
    if len(sides) < 2:
        return rates.pair_evidence(control, treatment, metric)
    found = _weighed(sides[1] / sum(sides), block_of(plan), control, treatment)
    if found is None:
        return rates.ratio_evidence(control, treatment, metric, 0.0)
    return towards(sign(metric), *found, DRAW)


@lru_cache(maxsize=64)  # an analysis asks for the same two samples again and again
def _weighed(
    share: float, block: int, control: Sample, treatment: Sample
) -> tuple[float, float] | None:
    """Return the log e-values for greater and for less; None where too few places are known.

    Units that were joined to an arm to its harm come last, drawn one by one like any other.
    """
    placed, joined = _units(control, treatment)
    if len(placed) + len(joined) < _MOSTLY * (len(control) + len(treatment)):
        return None
    weigh = by_share(share, 0 if joined else block)
    drawn = (*placed, *joined)
    return weigh(drawn, 1), weigh(drawn, -1)


def _units(control: Sample, treatment: Sample) -> tuple[list[Drawn], list[Drawn]]:
    """Return the units that have a place of their own, and those that were joined."""
    placed, joined = list[Drawn](), list[Drawn]()
    for treated, arm in enumerate((control, treatment)):
        places = arm.drawn.places if arm.drawn else ()
        values = zip(places, arm.values, strict=False)
        placed += [Drawn(place, treated, value) for place, value in values]
        joined += [Drawn(-1, treated, value) for value in arm.values[len(places) :]]
    return alone(placed), joined
