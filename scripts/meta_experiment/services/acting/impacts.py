"""What a treatment saves in each use, from the trials that were read to decide on it."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.decide.reporting.impact import use_impact
from meta_experiment.model.instants import DAY
from meta_experiment.model.metrics import known_metric
from meta_experiment.services.acting.analysing import Study
from meta_experiment.types import Analysis, Experiment, Metric, OutcomeImpact, Trial

_SPENT = ("active_seconds", "duration_seconds", "total_tokens", "output_tokens", "cost_usd")


def measured_impact(studied: Study, treatment: str) -> OutcomeImpact | None:
    """Return what a use saves with a treatment; None where none of it was recorded."""
    examined = studied.examination
    found = use_impact(
        studied.basis,
        spent_metrics(studied.basis.plan.metrics, studied.trials),
        treatment,
        days_of_use(examined.experiment, examined.analysis),
    )
    return found if found.per_use else None


def spent_metrics(planned: Sequence[Metric], trials: Sequence[Trial]) -> tuple[Metric, ...]:
    """Return the metrics of the plan, and those of time, tokens and money on record."""
    recorded = set[str]().union(*[trial.metrics for trial in trials])
    by_name = {metric.name: metric for metric in planned}
    beside = (known_metric(name) for name in _SPENT if name in recorded - set(by_name))
    return (*by_name.values(), *filter(None, beside))


def days_of_use(experiment: Experiment, analysis: Analysis) -> float | None:
    """Return in how many days the trials were collected; None before any could be."""
    began = experiment.began
    if began is None:
        return None
    end = analysis.as_of if experiment.closed is None else experiment.closed
    return (min(end, analysis.as_of) - began) / DAY
