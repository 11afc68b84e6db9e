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
from meta_experiment.types import Interval, Metric, OutcomeImpact, Unit, UseSaving
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
    """Say what 30 days of uses would save of time, tokens and money; `known` are metrics."""
    if treatment is None:
        return None
    found = use_impact(basis, known, treatment, days)
    uses = found.uses
    return ExpectedImpact(treatment, uses, () if uses is None else tuple(_items(found, uses)))


def use_impact(
    basis: Basis, known: Sequence[Metric], treatment: str, days: float | None
) -> OutcomeImpact:
    """Say what a use saves of time, tokens and money, and how many uses 30 days have.

    The rate is that of the trials in the `days` that they were collected, of all uses where
    only a share takes part. Eval cases are no uses, so that nothing is known of a rate.
    """
    uses = None
    if basis.plan.unit is not Unit.CASE and days is not None:
        trials = sum(
            len(unit.trials) for arm in basis.samples.arms.values() for unit in arm.units
        )
        if days >= _SHORTEST and basis.plan.share_of_units > 0:
            uses = trials / days * MONTH / basis.plan.share_of_units
    savings = dict(_savings(basis, known, treatment))
    return OutcomeImpact(uses or None, 1 - 2 * basis.plan.alpha, savings)


def _savings(
    basis: Basis, known: Sequence[Metric], treatment: str
) -> Iterator[tuple[str, UseSaving]]:
    by_name = {metric.name: metric for metric in known}
    for names in _SPENT:
        metric = next((by_name[name] for name in names if name in by_name), None)
        found = _saved(basis, metric, treatment) if metric else None
        if metric is None or found is None:
            continue
        before, change, interval = found
        low, high = (
            None if part is None else part * before for part in (interval.low, interval.high)
        )
        yield metric.name, UseSaving(metric.unit, before, change * before, low, high)


def _items(found: OutcomeImpact, uses: float) -> Iterator[ImpactItem]:
    for name, one in found.per_use.items():
        low, high = (None if end is None else end * uses for end in (one.low, one.high))
        yield ImpactItem(name, label(name), one.unit, one.before, one.saved * uses, low, high)


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
