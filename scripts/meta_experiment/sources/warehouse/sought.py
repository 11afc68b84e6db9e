"""What is asked for: the metrics of a plan in the words of a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide.metrics.sample import MISSING
from meta_experiment.decide.samples import covariates_of
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.errors import UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.types import Metric, MetricKind, Plan, Scale, Unit
from meta_experiment.types.covariates import MOST_COLUMNS, SERVED_COVARIATES
from meta_experiment.types.mapping import EventMapping, UnitAggregate, WarehouseMapping

_SIZES = ("argument_length", "diff_size")  # which spread over orders of magnitude
_OWN_PAST = "own_past"


@dataclass(frozen=True, slots=True)
class SoughtCovariate:
    """Covariate of a metric: its events, and whether it is read as a size or on a log scale."""

    name: str
    events: EventMapping
    size: bool
    log: bool


@dataclass(frozen=True, slots=True)
class SoughtMetric:
    """Metric to be summed: of one kind of events, or of a ratio's two.

    `outcome` says that each event is 0 or 1, `values` that each unit's value is asked for.
    """

    name: str
    parts: tuple[EventMapping, ...]
    log: bool
    outcome: bool
    values: bool
    covariates: tuple[SoughtCovariate, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns beside the value: covariates, and where one is missing."""
        names = [item.name for item in self.covariates]
        gaps = [
            f"{item.name}{MISSING}"
            for item in self.covariates
            if not item.events.zero or item.log or item.size
        ]
        return tuple([*names, *gaps][:MOST_COLUMNS])


def sought(plan: Plan, mapping: WarehouseMapping) -> tuple[SoughtMetric, ...]:
    """Return what is to be collected for a plan.

    Raises:
        UsageError: the mapping lacks what the plan names, or the plan needs single units.
    """
    _check_plan(plan)
    _check_variants(plan, mapping)
    names = covariates_of(plan)
    found = {
        metric.name: _sought(metric, mapping, names(metric))
        for metric in _wanted(plan, mapping)
    }
    return tuple(found.values())


def told_while_serving(plan: Plan) -> tuple[str, ...]:
    """Return a plan's covariates that come with what is served, and with nothing else."""
    return tuple(name for name in SERVED_COVARIATES if name in plan.covariates)


def longest_window(wanted: Sequence[SoughtMetric]) -> float:
    """Return the seconds after an exposure until nothing more is measured of a unit."""
    return max(part.window or 0.0 for metric in wanted for part in metric.parts)


def _wanted(plan: Plan, mapping: WarehouseMapping) -> Iterator[Metric]:
    """Yield the plan's metrics, and errors; those that are only reported may be missing."""
    needed = (plan.primary, *(item.metric for item in plan.guardrails))
    for metric in plan.metrics:
        lacking = [name for name in metric.recorded if name not in mapping.metrics]
        if not lacking:
            yield metric
        elif metric in needed:
            raise UsageError(
                f"The plan decides on {metric.name}, and the mapping's metrics have no "
                f"{cite(lacking[0])}; it has {', '.join(mapping.metrics)}.",
                hint=suggestion(lacking[0], mapping.metrics) or "Add it below metrics.",
            )
    used = {name for metric in plan.metrics for name in metric.recorded}
    if ERROR_RATE.name in mapping.metrics and ERROR_RATE.name not in used:
        yield ERROR_RATE


def _sought(
    metric: Metric, mapping: WarehouseMapping, covariates: Sequence[str]
) -> SoughtMetric:
    parts = tuple(mapping.metrics[name] for name in metric.recorded)
    ratio = metric.kind is MetricKind.RATIO
    if ratio:  # a sum over a sum, whatever its parts are when they stand alone
        parts = tuple(map(_summed, parts))
    log = metric.scale is Scale.LOG
    covariates = [
        name
        for name in covariates
        if name in mapping.covariates or name not in SERVED_COVARIATES
    ]
    for name in covariates:
        if name not in mapping.covariates:
            raise UsageError(
                f"The plan has the covariate {cite(name)}, and the mapping has none such.",
                hint=suggestion(name, mapping.covariates) or "Add it below covariates.",
            )
    return SoughtMetric(
        name=metric.name,
        parts=parts,
        log=log and not ratio,
        outcome=metric.kind is MetricKind.PROPORTION,
        values=metric.kind is MetricKind.QUANTILE,
        covariates=tuple(
            SoughtCovariate(
                name, mapping.covariates[name], name in _SIZES, log and name == _OWN_PAST
            )
            for name in covariates
        ),
    )


def _summed(events: EventMapping) -> EventMapping:
    if events.aggregate is not UnitAggregate.MEAN:
        return events
    return replace(events, aggregate=UnitAggregate.SUM)


def _check_plan(plan: Plan) -> None:
    """Refuse what is told of single units alone."""
    reasons = {
        "eval cases are compared one by one": plan.unit is Unit.CASE,
        "its shares move with what is seen": plan.moves_shares,
        "robust evidence asks how each unit was drawn": plan.robust,
        "a rating is of two outputs": plan.primary.kind is MetricKind.PREFERENCE,
        "a holdout watches what is served here": plan.holdout is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            raise UsageError(
                f"Sums cannot decide this plan: {reason}.",
                hint="Import the single values instead: meta-experiment import FILE --into ID",
            )


def _check_variants(plan: Plan, mapping: WarehouseMapping) -> None:
    planned = {item.name for item in plan.variants}
    named = set(mapping.exposure.variants.values())
    for name in sorted(named - planned):
        raise UsageError(
            f"exposure.variants: the plan has no variant {cite(name)}; it has "
            f"{', '.join(sorted(planned))}.",
            hint=suggestion(name, planned),
        )
    for name in sorted(planned - named):
        raise UsageError(
            f"exposure.variants: nothing stands for {cite(name)}.",
            hint=f"Add what the column has for it: VALUE: {name}",
        )
