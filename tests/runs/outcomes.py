"""Outcomes of runs, made up."""

from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import AgentReport, CellOutcome, Failure, FailureKind, Spent


def outcome_of(cell, *, seconds=1.0, usd=0.01, tokens=100.0, failure=None, received=True):
    """Return the end of a run; `failure` is the word of its kind."""
    found = failure and Failure(FailureKind(failure), "scripted")
    report = AgentReport(
        status=TrialStatus.ERROR if found else TrialStatus.OK,
        output="done",
        metrics={"duration_seconds": seconds, "cost_usd": usd or 0.0},
        spent=Spent(usd, tokens),
        received=received,
        failure=found,
    )
    return CellOutcome(cell, report, (), started=0.0, ended=seconds)
