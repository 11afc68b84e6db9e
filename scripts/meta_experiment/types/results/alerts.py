"""Alerts of running experiments: what is worth a person's look."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Alert


@dataclass(frozen=True, slots=True)
class ExperimentAlerts:
    """The alerts of one running experiment, or the error that kept it from being looked at."""

    experiment_id: str
    alerts: tuple[Alert, ...]
    error: str | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class AlertReport:
    """The experiments that were looked at, each with its alerts, if any."""

    experiments: tuple[ExperimentAlerts, ...]
