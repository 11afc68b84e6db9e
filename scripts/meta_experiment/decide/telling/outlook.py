"""Outlook of a plan before any data: what it can find, and how long that takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from meta_experiment.decide.horizon import longest_days
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules import rule_of
from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.figures import chosen
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import fewest
from meta_experiment.types import Claim, Metric, Plan, Scale, Unit
from meta_experiment.types.results.forecast import Outlook, Reach, Spread

POWER = 0.8
FEWEST_PAST = 5
_MOST_UNITS = 1_000_000


def outlook(
    plan: Plan,
    *,
    past: Sequence[float] = (),
    units_per_day: float | None = None,
    explained: float = 0.0,
    stated: Spread | None = None,
) -> Outlook:
    """Say what the plan decides in 80% of runs: at its minimum, at 50, at 200 and at its end.

    Args:
        plan: what is to be run.
        past: values of the primary metric from before, in its unit, one per unit.
        units_per_day: units of all arms together that arrive in a day.
        explained: the part of the past variance that the plan's covariates explain.
        stated: what the user says of the control, in the place of past values.

    Sizes beyond the plan's end, as far as that is known, are left out. The smallest
    improvement is that of the rule alone: the threshold of the plan, if larger, comes first.
    Without past values a usual spread is assumed, and said to be.

    Raises:
        UsageError: the rate is not above zero.
    """
    if units_per_day is not None and not 0 < units_per_day < math.inf:
        raise UsageError(f"{units_per_day!r} units per day, expected a number above zero")
    spread = stated or spread_of(plan.primary, past)
    daily = None if units_per_day is None else per_arm_a_day(plan, units_per_day)
    left = replace(spread, sd=spread.sd * math.sqrt(1.0 - explained))
    reach = tuple(
        Reach(
            units=units,
            improvement=smallest_improvement(plan, left, units),
            days=None if daily is None else units / daily,
        )
        for units in _sizes(plan, units_at_end(plan, units_per_day))
    )
    return Outlook(spread, reach, _sentence(plan, spread, reach, explained))


def units_at_end(plan: Plan, units_per_day: float | None) -> int | None:
    """Return the units of the smallest arm when the plan ends; None where nobody knows."""
    ends = [] if plan.max_sample is None else [plan.max_sample]
    if units_per_day is not None:
        ends.append(int(per_arm_a_day(plan, units_per_day) * longest_days(plan)))
    return min(ends, default=None)


def _sizes(plan: Plan, end: int | None) -> list[int]:
    """Return the sizes worth a look; one that the plan does not reach only if it must."""
    milestones = rule_of(plan).milestones
    if milestones and end is not None:
        milestones = (*(units for units in milestones if units < end), end)
    first = opens_at(plan) if rule_of(plan).by_e_values else plan.sample_size
    return sorted({first, *(n for n in milestones if n > first)})


def spread_of(metric: Metric, past: Sequence[float]) -> Spread:
    """Take a metric's spread from past values, or assume a usual one.

    Assumed are a standard deviation of 0.5 of the logarithm (a factor of 1.65), on the raw
    scale of half the mean, of counts twice the mean, and a rate of a half.
    """
    log = metric.scale is Scale.LOG
    usable = [value for value in past if math.isfinite(value) and (value > 0 or not log)]
    if len(usable) >= FEWEST_PAST:
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

    With the means alike and this spread, by the plan's rule. None without a margin, when a
    million units are not enough, or for what is no mean, of which that is not known.
    """
    margin = plan.equivalence_margin
    if margin is None or not family_of(plan.primary).compares_means:
        return None
    log = plan.primary.scale is Scale.LOG
    within = -math.log1p(-margin) if log else margin * abs(spread.centre)
    shows = rule_of(plan).shows_equivalence

    def shown(units: int) -> bool:
        return shows(plan, Moments.from_summary(units, spread.centre, spread.sd), within)

    return fewest(shown, 2, _MOST_UNITS) if within > 0 else None


def smallest_improvement(plan: Plan, spread: Spread, units: int) -> float | None:
    """Return the smallest relative improvement that so many units per arm mostly promote.

    None where there is none, or no room for it.
    """
    rule, metric, among = rule_of(plan), plan.primary, len(plan.treatments)
    family, bar = family_of(metric), rule.bar(plan.alpha, among)
    at = plan.improvement_threshold if plan.claim is Claim.THRESHOLD else 0.0
    paired = replace(plan, bandit=None, ramp=None)
    apart = replace(paired, unit=Unit.SESSION)

    def decides(by: Plan, control: Sample, treatment: Sample) -> bool:
        try:
            return rule.evidence(by, control, treatment, metric, at).better >= bar
        except DegenerateDataError:
            return False

    prospect = Prospect(
        metric=metric,
        centre=spread.centre,
        sd=spread.sd,
        units=units,
        looks_from=rule.looks_from(plan, units),
        power=POWER,
        at=at,
        decides=partial(decides, apart),
        decides_on_pairs=partial(decides, paired) if plan.unit is Unit.CASE else None,
        standardised=lambda: rule.detectable(plan, units, POWER, plan.alpha / among),
    )
    try:
        found = family.smallest_improvement(prospect)
    except UsageError:
        return None
    room = family.largest_improvement(spread.centre, metric.direction)
    if metric.scale is Scale.LOG:
        room = math.inf
    return found if found is not None and found <= room else None


def per_arm_a_day(plan: Plan, units_per_day: float) -> float:
    """Return the units of the smallest arm in a day, of so many units of all arms."""
    weights = [item.weight for item in plan.variants]
    return units_per_day * plan.share_of_units * min(weights) / math.fsum(weights)


def _sentence(plan: Plan, spread: Spread, reach: Sequence[Reach], explained: float) -> str:
    found = [item for item in reach if item.improvement is not None]
    parts = ", ".join(_part(item) for item in found)
    words = family_of(plan.primary).spread_words(spread.centre, spread.sd, plan.primary)
    basis = f"as past values have it, {words}"
    if spread.assumed:
        basis = f"assuming {words}, as no past values are known"
    elif spread.stated:
        basis = f"as stated ({spread.stated}), {words}"
    if explained:
        more = 1.0 / (1.0 - explained)
        basis += (
            f", of whose variance covariates explain {explained:.0%}; without them it would "
            f"take {more:.2g} times the units"
        )
    elif plan.covariates and family_of(plan.primary).takes_covariates:
        basis += ", before covariates explain any of it"
    begin = "In 80% of runs this plan detects"
    units = "cases" if plan.unit is Unit.CASE else "units per arm"
    what = f"an improvement of {plan.primary.name} of {parts} {units}"
    if not found:
        none = f"{_listed(reach)} {units}"
        what = f"no improvement of {plan.primary.name}, however large, with {none}"
    elif len(found) < len(reach):
        nothing = _listed([item for item in reach if item.improvement is None])
        begin = (
            f"With {nothing} {units} nothing is found in 80% of runs, however large it is; "
            "in 80% of runs this plan detects"
        )
    needs = ""
    if plan.improvement_threshold:
        least = chosen(plan.improvement_threshold)
        needs = f"; a promotion also needs an estimate of at least {least}"
    return f"{begin} {what} ({basis}){needs}."


def _part(item: Reach) -> str:
    days = "" if item.days is None else f" (about {_days(item.days)} days)"
    return f"{item.improvement:.0%} with {item.units}{days}"


def _days(days: float) -> str:
    return f"{days:,.0f}" if days >= 10 else f"{days:.2g}"


def _listed(reach: Sequence[Reach]) -> str:
    *most, last = [str(item.units) for item in reach]
    return f"{', '.join(most)} or {last}" if most else last
