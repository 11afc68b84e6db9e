"""What would decide a plan sooner, from past uses of its prompt file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide.covariate_rows import covariate_rows
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.telling.outlook import spread_of
from meta_experiment.decide.telling.sooner import Way, days_to_find, sooner
from meta_experiment.model.metrics import describe
from meta_experiment.services.planning.past import Past, sample_of_uses
from meta_experiment.stats.adjusted import explained
from meta_experiment.types import Metric, Plan, Unit
from meta_experiment.types.covariates import DERIVED_COVARIATES, MOST_COLUMNS, columns_of

# metrics that ask the same question of a prompt
_KIN = (
    ("active_seconds", "duration_seconds", "turn_duration_seconds"),
    ("output_tokens", "total_tokens", "cost_usd", "turn_output_tokens", "turn_total_tokens"),
)
_FEWEST = 20  # past units from which on anything is said to be better than what is planned
_SMALLEST = 0.05  # an improvement worth having, where the plan asks for none


def sooner_by(plan: Plan, past: Past, units_per_day: float | None) -> str | None:
    """Say what would decide the plan sooner, by the past; None where that tells nothing."""
    if units_per_day is None or len(past.values) < _FEWEST:
        return None
    improvement = max(_SMALLEST, plan.improvement_threshold)
    known = explained_before(plan, past, plan.primary, plan.covariates)
    spread = spread_of(plan.primary, past.values)
    days = days_to_find(plan, spread, improvement, units_per_day, known)
    if days is None:
        return None
    ways = [way for way in _ways(plan, past, improvement, units_per_day) if way is not None]
    return sooner(plan, improvement, days, ways)


def _ways(plan: Plan, past: Past, improvement: float, rate: float) -> Iterator[Way | None]:
    for name in _others(plan, past):
        if columns_of((*plan.covariates, name)) <= MOST_COLUMNS:
            yield _by_covariate(plan, past, improvement, rate, name)
    for name in _kin(plan.primary):
        yield _by_metric(plan, past, improvement, rate, name)
    if plan.unit is Unit.SESSION:
        yield _by_invocation(plan, past, improvement)


def _by_covariate(
    plan: Plan, past: Past, improvement: float, rate: float, name: str
) -> Way | None:
    part = explained_before(plan, past, plan.primary, (*plan.covariates, name))
    days = days_to_find(plan, spread_of(plan.primary, past.values), improvement, rate, part)
    words = f"--covariate {name}, which explains {part:.0%} of the past variance"
    return None if days is None else Way(words, days)


def _by_metric(
    plan: Plan, past: Past, improvement: float, rate: float, name: str
) -> Way | None:
    metric = describe(name)
    values = sample_of_uses(past.uses, metric, plan.unit).raw
    if len(values) < _FEWEST:
        return None
    part = explained_before(plan, past, metric, plan.covariates)
    other = replace(plan, primary=metric)
    days = days_to_find(other, spread_of(metric, values), improvement, rate, part)
    return None if days is None else Way(f"--primary-metric {name}", days)


def _by_invocation(plan: Plan, past: Past, improvement: float) -> Way | None:
    if past.uses_per_day is None:
        return None
    other = replace(plan, unit=Unit.INVOCATION)
    values = sample_of_uses(past.uses, plan.primary, other.unit).raw
    if len(values) < _FEWEST:
        return None
    part = explained_before(other, past, plan.primary, plan.covariates)
    spread = spread_of(plan.primary, values)
    days = days_to_find(other, spread, improvement, past.uses_per_day, part)
    words = "--unit invocation, where both texts may meet in one session"
    return None if days is None else Way(words, days)


def _others(plan: Plan, past: Past) -> Sequence[str]:
    """Return the covariates that the plan does without and the past may tell of."""
    told = sorted({name for unit in past.units(plan.unit).units for name in unit.covariates})
    return [
        name
        for name in dict.fromkeys(("argument_length", *DERIVED_COVARIATES, *told))
        if name not in plan.covariates
    ]


def _kin(metric: Metric) -> Sequence[str]:
    group: Sequence[str] = next((names for names in _KIN if metric.name in names), ())
    return [name for name in group if name != metric.name]


def explained_before(plan: Plan, past: Past, metric: Metric, names: Sequence[str]) -> float:
    """Return what part of the past variance covariates of these names explain together."""
    if not (names and family_of(metric).takes_covariates):
        return 0.0
    arm = past.units(plan.unit)
    sample = sample_of(arm, metric)
    if len(sample) < _FEWEST:
        return 0.0
    (known,) = covariate_rows(names, metric, [(arm, sample)])
    return explained(sample.values, list(zip(*known.rows, strict=True)))
