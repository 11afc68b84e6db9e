"""Runs as trials: one of each cell, under a name that says which it is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from meta_experiment.errors import ConflictError, as_word
from meta_experiment.model.metrics import known_metric
from meta_experiment.runs.criteria.judging import VERDICTS
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Plan, Trial
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import CellOutcome, RunBlock, RunCell

_CASE = "case"  # in a fingerprint: the first digits of the case's SHA-256
_DIGITS = 12


def trial_id(cell: RunCell) -> str:
    """Return the name of a cell's trial, the same whenever it is recorded."""
    return cell.name


def events_of(outcome: CellOutcome, case: Case, plan: Plan) -> tuple[TrialEvent, ...]:
    """Return what is recorded of a run: when it began, and what it came to."""
    cell, report = outcome.cell, outcome.report
    about = (trial_id(cell), cell.variant, cell.case_id)
    unknown = unknown_metrics([outcome], plan)
    return (
        TrialEvent(EventKind.ASSIGNED, outcome.started, *about),
        TrialEvent(EventKind.EXPOSED, outcome.started, *about),
        TrialEvent(
            EventKind.RECORDED,
            outcome.ended,
            *about,
            status=report.status,
            metrics={
                name: value for name, value in report.metrics.items() if name not in unknown
            },
            fingerprint={**report.fingerprint, _CASE: case.sha256[:_DIGITS]},
        ),
    )


def unknown_metrics(outcomes: Iterable[CellOutcome], plan: Plan) -> list[str]:
    """Return what agents measured that neither the plan names nor everybody knows."""
    planned = {name for metric in plan.metrics for name in metric.recorded}
    measured = {name for outcome in outcomes for name in outcome.report.metrics}
    return sorted(name for name in measured - planned if known_metric(name) is None)


def rests_on_verdicts(plan: Plan) -> bool:
    """Whether a metric of a plan is made of what criteria say."""
    return any(name in VERDICTS for item in plan.metrics for name in item.recorded)


def blocks_left(blocks: Sequence[RunBlock], recorded: Container[str]) -> tuple[RunBlock, ...]:
    """Return the blocks that are not recorded yet; what is recorded comes first for ever."""
    return tuple(
        block for block in blocks if not all(trial_id(cell) in recorded for cell in block.cells)
    )


def require_same_cases(trials: Iterable[Trial], cases: Mapping[str, Case]) -> None:
    """Refuse a case that says something else than when it was run.

    Raises:
        ConflictError: names the case.
    """
    for trial in trials:
        case, ran = cases.get(trial.unit), trial.fingerprint.get(_CASE)
        if case is not None and ran is not None and ran != case.sha256[:_DIGITS]:
            raise ConflictError(
                f"The case {as_word(trial.unit)} is not what it was when it was run: trials of "
                "two tasks would count as one.",
                hint="Give the changed case another id, or bring the old one back.",
            )
