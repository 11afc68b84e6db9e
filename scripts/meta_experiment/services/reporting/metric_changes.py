"""The change of every metric of what was examined, as a report of it has them."""

from __future__ import annotations

from meta_experiment.decide.reporting.results import results
from meta_experiment.services.acting.analysing import Study
from meta_experiment.types.results.report_metrics import ReportResult


def metric_changes(studied: Study) -> tuple[ReportResult, ...]:
    """Return all metrics with what the plan's rule says of each."""
    return tuple(results(studied.basis, studied.examination.analysis))
