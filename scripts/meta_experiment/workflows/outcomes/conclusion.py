"""How a run ended and how long its agent worked, by the first of its sources that says it."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.types import TrialStatus
from meta_experiment.workflows.outcomes.documents import (
    Document,
    amount,
    listed,
    part,
    whole,
    words,
)
from meta_experiment.workflows.state.parsing import BadStateError, moment

# of a word that is not here nobody knows what it is to an outcome
_STATUS = {
    "success": TrialStatus.OK,
    "failure": TrialStatus.ERROR,
    "startup_failure": TrialStatus.ERROR,
    "timed_out": TrialStatus.TIMEOUT,
    "cancelled": TrialStatus.INTERRUPTED,
    "skipped": TrialStatus.INTERRUPTED,
    "stale": TrialStatus.INTERRUPTED,
    "action_required": TrialStatus.INTERRUPTED,
    "neutral": TrialStatus.INTERRUPTED,
}
_SUCCEEDED = {TrialStatus.OK: 1.0, TrialStatus.ERROR: 0.0, TrialStatus.TIMEOUT: 0.0}
_AGENT = "agent"  # the job that does the work
_NAMES = {  # of fields in what the API says, and as its client spells them
    "id": ("id", "databaseId", "run_id"),
    "attempt": ("run_attempt", "attempt"),
    "began": ("run_started_at", "startedAt", "created_at", "createdAt"),
    "path": ("path", "workflow_path"),
    "job_began": ("started_at", "startedAt"),
    "job_ended": ("completed_at", "completedAt"),
}


@dataclass(frozen=True, slots=True)
class RunConclusion:
    """How a run ended: GitHub's `word` for it, and success and duration as far as known."""

    word: str | None
    run_id: str | None
    attempt: int | None
    began: float | None
    workflow: str | None
    metrics: Mapping[str, float]


def status_of(word: str | None) -> TrialStatus | None:
    """Return how a trial ended whose run ended so; None where nobody knows."""
    return _STATUS.get(word or "")


def conclusion_of(
    run: Document, jobs: Document, logged: Document, execution: Document
) -> RunConclusion:
    """Read how a run ended.

    Args:
        run: as the API describes it.
        jobs: its jobs, likewise.
        logged: what `gh aw logs` keeps of it.
        execution: what the run itself says of its agent.
    """
    about = run or part(logged, "run")
    agent = next(
        (
            job
            for job in listed(jobs.get("jobs") or run.get("jobs"))
            if job.get("name") == _AGENT
        ),
        {},
    )
    word = words(about.get("conclusion")) or words(execution.get("outcome"))
    word = word.lower() if word else None
    metrics = {}
    status = status_of(word)
    if status in _SUCCEEDED:
        metrics["success"] = _SUCCEEDED[status]
    seconds = _seconds(agent, execution)
    if seconds is not None:
        metrics["duration_seconds"] = seconds
    return RunConclusion(
        word,
        words(_field(about, "id")) or words(logged.get("run_id")),
        whole(_field(about, "attempt")),
        _moment(_field(about, "began")),
        words(_field(about, "path")),
        metrics,
    )


def _seconds(agent: Document, execution: Document) -> float | None:
    """Return how long the agent worked: its job, which waits for nothing, or as it says."""
    began = _moment(_field(agent, "job_began"))
    ended = _moment(_field(agent, "job_ended"))
    if began is not None and ended is not None and ended >= began:
        return ended - began
    milliseconds = amount(execution.get("duration_ms"))
    return None if milliseconds is None else milliseconds / 1000.0


def _field(document: Document, meant: str) -> object:
    known = (document.get(name) for name in _NAMES[meant])
    return next((value for value in known if value not in (None, "")), None)


def _moment(value: object) -> float | None:
    try:
        return moment(value) if isinstance(value, str) else None
    except BadStateError:
        return None
