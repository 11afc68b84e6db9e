"""What a treatment would save in everyday use, and what its trials took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.compare import estimate
from meta_experiment.decide.reporting.metric_words import label
from meta_experiment.decide.reporting.results import rule_interval
from meta_experiment.decide.units import mean
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import Interval, Metric, Unit
from meta_experiment.types.results.report import CostReport, ExpectedImpact, ImpactItem

COST = "cost_usd"
MONTH = 30.0  # days
_SHORTEST = 0.5  # days; a rate from less than half a day says little
# of each kind the first that was recorded: time, tokens, money
_SPENT = (
    ("active_seconds", "duration_seconds"),
    ("total_tokens", "output_tokens"),
    (COST,),
)


def impact(
    basis: Basis, known: Sequence[Metric], treatment: str | None, days: float | None
) -> ExpectedImpact | None:
    """Say what 30 days of uses would save of time, tokens and money; `known` are metrics.

    The rate is that of the trials in the `days` that they were collected, of all uses where
    only a share takes part. Eval cases are no uses, so that nothing is known of a rate.
    """
    if treatment is None:
        return None
    uses = None
    if basis.plan.unit is not Unit.CASE and days is not None:
        trials = sum(
            len(unit.trials) for arm in basis.samples.arms.values() for unit in arm.units
        )
        if days >= _SHORTEST and basis.plan.share_of_units > 0:
            uses = trials / days * MONTH / basis.plan.share_of_units
    items = tuple(_items(basis, known, treatment, 1.0 if uses is None else uses))
    return ExpectedImpact(treatment, uses, items if uses else ())


def _items(
    basis: Basis, known: Sequence[Metric], treatment: str, uses: float
) -> Iterator[ImpactItem]:
    by_name = {metric.name: metric for metric in known}
    for names in _SPENT:
        metric = next((by_name[name] for name in names if name in by_name), None)
        found = _saved(basis, metric, treatment) if metric else None
        if metric is None or found is None:
            continue
        per_use, change, interval = found
        low, high = (
            None if part is None else part * per_use * uses
            for part in (interval.low, interval.high)
        )
        said, saved = label(metric.name), change * per_use * uses
        yield ImpactItem(metric.name, said, metric.unit, per_use, saved, low, high)


def _saved(
    basis: Basis, metric: Metric, treatment: str
) -> tuple[float, float, Interval] | None:
    """Return what a use takes now, the part that is saved of it, and its interval."""
    control, treated = basis.samples.compared(treatment, metric)
    if min(len(control), len(treated)) < 2:
        return None
    try:
        change = estimate(basis.plan, metric, control, treated).relative
    except DegenerateDataError:
        return None
    if change is None or not control.has_values:
        return None
    return mean(control.raw), change, rule_interval(basis.plan, basis, metric, control, treated)


def cost(basis: Basis, known: Sequence[Metric], treatment: str | None) -> CostReport:
    """Say what the trials of every arm took, and what 1,000 uses would save."""
    spent = {}
    for name, arm in basis.samples.arms.items():
        values = [
            value for trial in arm.trials if (value := trial.metrics.get(COST)) is not None
        ]
        spent[name] = math.fsum(values) if values else None
    metric = next((metric for metric in known if metric.name == COST), None)
    found = _saved(basis, metric, treatment) if metric and treatment else None
    if found is None:
        return CostReport(spent, None, None)
    per_use, change, interval = found
    low, high = (
        None if end is None else 1000 * per_use * end for end in (interval.low, interval.high)
    )
    return CostReport(spent, 1000 * per_use * change, Interval(interval.level, low, high))
