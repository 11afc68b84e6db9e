"""One run as it is told: how it ended, what it took, how it was judged."""

from __future__ import annotations

import math

from meta_experiment.runs.criteria.judging import final_score
from meta_experiment.types import Metric, TrialStatus
from meta_experiment.types.cases import CriterionResult
from meta_experiment.types.results.run_summary import (
    CriterionEvaluation,
    RunMetrics,
    RunState,
    RunView,
)
from meta_experiment.types.runs import CellOutcome, CellRecord

SUCCESS = "success"
_PREVIEW = 500  # characters


def value_of(outcome: CellOutcome, metric: Metric) -> float | None:
    """Return a run's value of a metric, of a ratio that of its own parts."""
    values = [outcome.report.metrics.get(name) for name in metric.recorded]
    if len(values) == 1 or values[0] is None:
        return values[0]
    return values[0] / values[1] if values[1] else None


def _metrics(outcome: CellOutcome) -> RunMetrics:
    """Return what a run took and did, under the names in which it is told."""
    known = outcome.report.metrics
    calls, failures = known.get("tool_calls"), known.get("tool_errors")
    seconds = known.get("duration_seconds")
    parts = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
    read = [known[name] for name in parts if name in known]
    return RunMetrics(
        duration_ms=None if seconds is None else 1000 * seconds,
        prompt_tokens=math.fsum(read) if read else None,
        completion_tokens=known.get("output_tokens"),
        total_tokens=known.get("total_tokens"),
        total_cost=outcome.report.spent.usd,
        tool_calls=calls,
        tool_successes=None if calls is None or failures is None else calls - failures,
        tool_failures=failures,
        files_modified=known.get("files_touched"),
        lines_changed=known.get("lines_changed"),
    )


def view_of(record: CellRecord, state: RunState, metric: Metric) -> RunView:
    """Return all that is told of one run; `metric` is the primary one."""
    cell, outcome = record.cell, record.outcome
    failure = outcome.report.failure if outcome else record.failure
    known = outcome.report.metrics if outcome else {}
    return RunView(
        case=cell.case_id,
        repeat=cell.repeat,
        variant=cell.variant,
        state=state,
        status=outcome.report.status if outcome else None,
        error=failure.reason if failure else None,
        success=bool(known[SUCCESS]) if SUCCESS in known else None,
        score=final_score(outcome.criteria) if outcome else None,
        value=value_of(outcome, metric) if outcome else None,
        metrics=_metrics(outcome) if outcome else None,
        evaluations=tuple(map(_evaluation, outcome.criteria)) if outcome else (),
        output=outcome.report.output[:_PREVIEW] if outcome else "",
        attempts=record.attempts,
        started_at=outcome.started if outcome else None,
        completed_at=outcome.ended if outcome else None,
    )


def _evaluation(result: CriterionResult) -> CriterionEvaluation:
    return CriterionEvaluation(
        criterion=result.name,
        kind=result.kind,
        passed=result.passed,
        score=None if result.passed is None else float(result.passed),
        weight=result.weight,
        details=result.detail,
        answers=result.answers,
        person=result.person,
    )


def succeeded(outcome: CellOutcome) -> bool | None:
    """Tell whether a run ended well with every criterion passed; None while that is open."""
    if outcome.report.status is not TrialStatus.OK:
        return False
    if not outcome.criteria:
        return True
    known = outcome.report.metrics.get(SUCCESS)
    return None if known is None else known == 1.0
