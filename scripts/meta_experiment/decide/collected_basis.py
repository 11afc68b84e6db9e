"""Basis of a decision on collected sums: the same gates as of trials, fed by days.

A day enters when the windows of all its units are over, all of them at once. What is seen at
any look are thus all units that came until some day, so that nothing about their values decides
which are seen, and evidence that is valid at every look of units in their order is valid here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.collected import ArmDay, CollectedSums, SumsOfDays, together
from meta_experiment.decide.lateness import lateness
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.order import OrderedTotals
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.rules.rule import Look
from meta_experiment.decide.samples import Samples, covariates_of, match_of
from meta_experiment.decide.units import ERROR_RATE, TWO_VARIANTS, Arm
from meta_experiment.types import Metric, Plan

_DAY = 86400.0


def basis_of_sums(
    plan: Plan,
    collected: CollectedSums,
    as_of: float,
    through: int | None = None,
    settles: float = 0.0,
) -> Basis:
    """Return what a decision on collected sums rests on.

    `through` is the last day of them, which came in `settles` seconds after its end.

    The plan's days are over when they have come in: until then more of them is to come.

    A rule that looks at the first units of every arm looks at the first days that hold these,
    the same of every arm: what one more day has of its own would be taken for an effect.
    """
    plan, rule = plan.as_compared, rule_of(plan)
    of_arm = {item.name: _days_of(collected, item.name) for item in plan.variants}
    complete = True
    if not rule.extendable:
        reached = [_reached(days, plan.sample_size) for days in of_arm.values()]
        last = max((place for place in reached if place is not None), default=0)
        complete = None not in reached
        if complete:
            of_arm = {
                name: [day for day in days if _place(day) <= last]
                for name, days in of_arm.items()
            }
    metrics = {metric.name: metric for metric in (*plan.metrics, ERROR_RATE)}
    compared_by = covariates_of(plan)
    columns = {
        name: _varying(name, of_arm.values())
        for name, metric in metrics.items()
        if compared_by(metric) and name in collected.covariates
    }
    summaries = {
        variant: {
            name: _sample(
                metric, days, collected.covariates.get(name, ()), columns.get(name, ())
            )
            for name, metric in metrics.items()
            if any(name in day.metrics for day in days)
        }
        for variant, days in of_arm.items()
    }
    arms = {name: _arm(name, days, metrics) for name, days in of_arm.items()}
    samples = Samples(arms, match_of(plan), summaries, covariates=covariates_of(plan))
    heard = None if through is None else (through + 1) * _DAY
    late = lateness(plan, collected)
    return Basis(plan, rule, Look((), complete=complete), samples, as_of, heard, settles, late)


def _days_of(collected: CollectedSums, variant: str) -> list[ArmDay]:
    found = [day for day in collected.days if day.variant == variant]
    return sorted(found, key=_place)


def _seen(day: ArmDay) -> int:
    return day.units + day.tainted


def _place(day: ArmDay) -> int:
    return day.day or 0


def _reached(days: Sequence[ArmDay], units: int) -> int | None:
    """Return the day with which there are so many units; None while there are fewer."""
    for day in days:
        units -= _seen(day)
        if units <= 0:
            return _place(day)
    return None


def _arm(variant: str, days: Sequence[ArmDay], metrics: Iterable[str]) -> Arm:
    tainted = sum(day.tainted for day in days)
    told = {
        name: [day for day in days if name in day.metrics and day.units] for name in metrics
    }
    missing = {
        name: OrderedTotals(
            tuple((day.units, float(day.units - day.metrics[name].joint.n)) for day in found),
            tuple(day.day for day in found),
        )
        for name, found in told.items()
    }
    return Arm(
        variant,
        (),
        {TWO_VARIANTS: tainted} if tainted else {},
        counted=sum(map(_seen, days)),
        missing=missing,
        by_day={day.day: _seen(day) for day in days if day.day is not None},
        tainted=tainted,
    )


def _sample(
    metric: Metric, days: Sequence[ArmDay], names: Sequence[str], kept: tuple[int, ...]
) -> Sample:
    """Return what the days of one arm show of a metric."""
    told = [day for day in days if metric.name in day.metrics]
    found = [day.metrics[metric.name] for day in told]
    columns = tuple(names[place] for place in kept)
    sums = SumsOfDays(found, [day.day for day in told], columns, kept)
    return family_of(metric).sample_of_sums(sums, metric)


def _varying(name: str, arms: Iterable[Sequence[ArmDay]]) -> tuple[int, ...]:
    """Return the places of the covariates' columns that are not zero throughout.

    Such a column says where a covariate is missing, and none is.
    """
    found = [
        together(day.metrics[name].joint for day in days if name in day.metrics)
        for days in arms
    ]
    found = [item for item in found if item.n]
    width = len(found[0].centres) - 1 if found else 0
    return tuple(
        place
        for place in range(width)
        if any(item.centres[place + 1] or item.among[place + 1][place + 1] for item in found)
    )
