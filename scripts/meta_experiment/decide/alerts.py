"""Alerts: cheap checks that ask for a person's look and, by themselves, decide nothing.

As deciding rules they would roll back up to 54% of identical arms when looked at after every
trial (simulated; `noise.false_alarm_rate` gives the figure for a plan's own case). A plan may
let one act all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial

from meta_experiment.decide.compare import estimate
from meta_experiment.decide.horizon import in_days
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.order import is_divided
from meta_experiment.decide.samples import Samples, match_of
from meta_experiment.decide.scale import effect
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import (
    Alert,
    AlertKind,
    Direction,
    Effect,
    Metric,
    MetricKind,
    Plan,
    Scale,
)

_FEWEST_UNITS = 5
_ERROR_RATIO = 2.0
_LOWEST_SATISFACTION = 0.5
_RECENT = 3
_FEWEST_BEFORE = 8
_FAR = 3.5  # robust standard deviations, after Iglewicz and Hoaglin (1993)
_MAD_TO_SD = 1.4826
SATISFACTION = Metric("user_satisfaction", MetricKind.CONTINUOUS, Direction.HIGHER, Scale.RAW)


@dataclass(frozen=True, slots=True)
class ApartFromTime:
    """What is left of a comparison once its arms are of the same times.

    `effect` is that at equal shares, where the means tell it; else the draw alone does, and
    `leans` says whether harm explains it better than no effect at all.
    """

    effect: Effect | None
    leans: bool


@dataclass(frozen=True, slots=True)
class Arms:
    """The samples the alerts look at, by variant; an absent sample is empty.

    `against` says in words how strongly the data speak against a treatment. Where shares move,
    `apart_from_time` tells what is left of a treatment's comparison on a metric.
    """

    primary: Mapping[str, Sample]
    error_rate: Mapping[str, Sample]
    satisfaction: Mapping[str, Sample]
    against: Mapping[str, str | None] = field(default_factory=dict)
    apart_from_time: Callable[[str, Metric], ApartFromTime | None] = lambda *_: None


Check = Callable[[Plan, Arms, str], str | None]


def watched(
    plan: Plan, samples: Samples, against: Mapping[str, str | None] | None = None
) -> Arms:
    """Pick the samples that the alerts look at."""
    primary, errors, ratings = (
        {item.name: samples.of(item.name, metric) for item in plan.variants}
        for metric in (plan.primary, ERROR_RATE, SATISFACTION)
    )
    return Arms(
        primary, errors, ratings, against or {}, partial(_apart_from_time, plan, samples)
    )


def _apart_from_time(
    plan: Plan, samples: Samples, treatment: str, metric: Metric
) -> ApartFromTime | None:
    """Compare as the evidence does; what cannot be told is left to a person's look.

    None where shares do not move, so that the arms are of the same times.
    """
    if not plan.moves_shares:
        return None
    control, treated = samples.compared(treatment, metric)
    try:
        if plan.ramp is not None and family_of(metric).takes_covariates:
            return ApartFromTime(estimate(plan, metric, control, treated), leans=True)
        found = design_of(plan, metric).evidence(control, treated, metric, 0.0)
    except DegenerateDataError:
        return ApartFromTime(None, leans=True)
    return ApartFromTime(None, leans=found.worse > 0)


def alerts(plan: Plan, arms: Arms, days: float | None) -> tuple[Alert, ...]:
    """Return what is worth a look, treatment by treatment, after so many days.

    `days` is None of what has ended, which gets no older.
    """
    found = [
        Alert(kind, message, item.name)
        for item in plan.treatments
        for kind, check in CHECKS.items()
        if (message := check(plan, arms, item.name)) is not None
    ]
    if days is not None and days > plan.max_duration_days:
        found.append(
            Alert(
                AlertKind.OVER_AGE,
                f"Running for {in_days(days)} days, "
                f"planned for at most {plan.max_duration_days:g}.",
            )
        )
    return tuple(found)


def acts(plan: Plan, alert: Alert) -> bool:
    """Say whether the plan lets an alert act."""
    return alert.kind.value in plan.acting_alerts


def acted(alert: Alert) -> str:
    """Say that an alert has acted."""
    return f"{alert.message} The plan lets this alert act."


def error_rate(plan: Plan, arms: Arms, treatment: str) -> str | None:
    """Alert when a treatment fails more than twice as often as the control."""
    control, treated = _compared(plan, arms.error_rate, treatment)
    if min(len(control), len(treated)) < _FEWEST_UNITS:
        return None
    base, rate = control.centre, treated.centre
    if rate <= _ERROR_RATIO * base:
        return None
    apart = arms.apart_from_time(treatment, ERROR_RATE)
    if apart is not None and not apart.leans:
        return None
    return (
        f"{treatment} ends in an error in {rate:.0%} of its units, the control in {base:.0%}."
    )


def satisfaction(plan: Plan, arms: Arms, treatment: str) -> str | None:
    """Alert when the mean satisfaction with a treatment, from 0 to 1, is under a half."""
    del plan
    treated = arms.satisfaction[treatment]
    if len(treated) < _FEWEST_UNITS or not treated.has_values or max(treated.raw) > 1:
        return None
    if treated.centre >= _LOWEST_SATISFACTION:
        return None
    return f"Satisfaction with {treatment} is {treated.centre:.0%} over {len(treated)} units."


def regression(plan: Plan, arms: Arms, treatment: str) -> str | None:
    """Alert when a treatment looks worse on the primary metric than the plan's limit."""
    control, treated = _compared(plan, arms.primary, treatment)
    if min(len(control), len(treated)) < _FEWEST_UNITS:
        return None
    found = effect(control.centre, treated.centre, plan.primary)
    apart = arms.apart_from_time(treatment, plan.primary)
    if apart is not None:
        if not apart.leans:
            return None
        found = apart.effect or found
    seen = found.relative
    if seen is None or -seen <= plan.max_regression:
        return None
    return (
        f"{treatment} looks {described(seen, plan.max_regression)} on {plan.primary.name} "
        f"(limit {chosen(plan.max_regression)}); "
        f"{arms.against.get(treatment) or 'that may be chance'}."
    )


def anomaly(plan: Plan, arms: Arms, treatment: str) -> str | None:
    """Alert when one of a treatment's last three units lies far from those before it.

    Where it is not known which are the last, nothing is said.
    """
    sample = arms.primary[treatment]
    values = sample.values if sample.has_values else ()
    if values and is_divided(sample.order, len(values) - _RECENT):
        return None
    before, recent = values[:-_RECENT], values[-_RECENT:]
    if len(before) < _FEWEST_BEFORE:
        return None
    centre = _median(before)
    spread = _MAD_TO_SD * _median([abs(value - centre) for value in before])
    if spread == 0 or max(abs(value - centre) for value in recent) <= _FAR * spread:
        return None
    return f"One of the last {_RECENT} units of {treatment} has an unusual {plan.primary.name}."


def _compared(plan: Plan, arms: Mapping[str, Sample], treatment: str) -> tuple[Sample, Sample]:
    return match_of(plan)(arms[plan.control.name], arms[treatment])


CHECKS: dict[AlertKind, Check] = {
    AlertKind.ERROR_RATE: error_rate,
    AlertKind.SATISFACTION: satisfaction,
    AlertKind.REGRESSION: regression,
    AlertKind.ANOMALY: anomaly,
}


def _median(values: Sequence[float]) -> float:
    """Return the median; the library's `statistics` takes longer to load than to decide."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
