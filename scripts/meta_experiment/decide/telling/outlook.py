"""Outlook of a plan before any data: what it can find, and how long that takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.scale import sign
from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Metric, Plan, Scale
from meta_experiment.types.results.forecast import Outlook, Reach, Spread

POWER = 0.8
_FEWEST_PAST = 5
_MOST_UNITS = 1_000_000
_FAR = 10.0  # standard deviations: more than any prompt moves a metric


def outlook(
    plan: Plan, *, past: Sequence[float] = (), units_per_day: float | None = None
) -> Outlook:
    """Say what the plan decides in 80% of runs, at its minimum, at 50 and at 200 units an arm.

    Args:
        plan: what is to be run.
        past: values of the primary metric from before, in its unit, one per unit.
        units_per_day: units of all arms together that arrive in a day.

    The smallest improvement is that of the rule alone: the threshold of the plan, if larger,
    comes first. Without past values a usual spread is assumed, and said to be.

    Raises:
        UsageError: the rate is not above zero.
    """
    if units_per_day is not None and not 0 < units_per_day < math.inf:
        raise UsageError(f"{units_per_day!r} units per day, expected a number above zero")
    spread = spread_of(plan.primary, past)
    sizes = {plan.sample_size, *rule_of(plan).milestones}
    per_arm_a_day = None if units_per_day is None else units_per_day * _smallest_share(plan)
    reach = tuple(
        Reach(
            units=units,
            improvement=_smallest_improvement(plan, spread, units),
            days=None if per_arm_a_day is None else units / per_arm_a_day,
        )
        for units in sorted(sizes)
        if units >= plan.sample_size
    )
    return Outlook(spread, reach, _sentence(plan, spread, reach))


def spread_of(metric: Metric, past: Sequence[float]) -> Spread:
    """Take a metric's spread from past values, or assume a usual one.

    Assumed are a standard deviation of 0.5 of the logarithm (a factor of 1.65), of half the
    mean on the raw scale, and a rate of a half.
    """
    log = metric.scale is Scale.LOG
    usable = [value for value in past if math.isfinite(value) and (value > 0 or not log)]
    if len(usable) >= _FEWEST_PAST:
        try:
            moments = Moments.of(map(math.log, usable) if log else usable)
            if moments.sd > 0:
                return Spread(moments.mean, moments.sd, assumed=False)
        except DegenerateDataError:
            pass
    if log:
        return Spread(0.0, 0.5, assumed=True)
    return Spread(*family_of(metric).assumed_moments, assumed=True)


def equivalence_units(plan: Plan, spread: Spread) -> int | None:
    """Return the units per arm at which two truly equal arms are shown to be equivalent.

    With the means alike and this spread, by the plan's rule. None without a margin, or when a
    million units are not enough.
    """
    margin = plan.equivalence_margin
    if margin is None:
        return None
    log = plan.primary.scale is Scale.LOG
    within = -math.log1p(-margin) if log else margin * abs(spread.centre)
    shows = rule_of(plan).shows_equivalence

    def shown(units: int) -> bool:
        return shows(plan, Moments.from_summary(units, spread.centre, spread.sd), within)

    if within <= 0 or not shown(_MOST_UNITS):
        return None
    low, high = 2, _MOST_UNITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _smallest_improvement(plan: Plan, spread: Spread, units: int) -> float | None:
    alpha = plan.alpha / len(plan.treatments)
    try:
        d = rule_of(plan).detectable(plan, units, POWER, alpha)
    except UsageError:
        return None
    return _as_improvement(d, spread, plan.primary) if d < _FAR else None


def _as_improvement(d: float, spread: Spread, metric: Metric) -> float | None:
    """Turn a standardised effect into a relative one; None where there is no such room."""
    if metric.scale is Scale.LOG:
        return abs(math.expm1(sign(metric) * d * spread.sd))
    if spread.centre == 0:
        return None
    relative = d * spread.sd / abs(spread.centre)
    room = family_of(metric).largest_improvement(spread.centre, metric.direction)
    return relative if relative < room else None


def _smallest_share(plan: Plan) -> float:
    weights = [item.weight for item in plan.variants]
    return plan.traffic * min(weights) / math.fsum(weights)


def _sentence(plan: Plan, spread: Spread, reach: Sequence[Reach]) -> str:
    found = [item for item in reach if item.improvement is not None]
    parts = ", ".join(_part(item) for item in found)
    basis = "assuming a usual spread" if spread.assumed else "with the spread of past values"
    basis += f", a standard deviation of {_spread(spread, plan.primary)}"
    begin = "In 80% of runs this plan detects"
    what = f"an improvement of {plan.primary.name} of {parts} units per arm"
    if not found:
        what = f"no improvement of {plan.primary.name}, however large, with {_sizes(reach)}"
    elif len(found) < len(reach):
        nothing = [item for item in reach if item.improvement is None]
        begin = f"With {_sizes(nothing)} this plan can find nothing; in 80% of runs it detects"
    return (
        f"{begin} {what} ({basis}); a promotion also needs an estimate of at least "
        f"{plan.improvement_threshold:.0%}."
    )


def _part(item: Reach) -> str:
    days = "" if item.days is None else f" (about {_days(item.days)} days)"
    return f"{item.improvement:.0%} with {item.units}{days}"


def _days(days: float) -> str:
    return f"{days:,.0f}" if days >= 10 else f"{days:.2g}"


def _sizes(reach: Sequence[Reach]) -> str:
    *most, last = [str(item.units) for item in reach]
    return f"{', '.join(most)} or {last} units per arm" if most else f"{last} units per arm"


def _spread(spread: Spread, metric: Metric) -> str:
    if metric.scale is Scale.LOG:
        return f"{spread.sd:.2g} of the logarithm"
    if spread.centre == 0:
        return f"{spread.sd:.3g}"
    return f"{spread.sd / abs(spread.centre):.0%} of the mean"
