"""How a run ended and how long its agent worked, by the first of its sources that says it."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.types import TrialStatus
from meta_experiment.workflows.outcomes.documents import (
    Document,
    amount,
    instant,
    listed,
    part,
    whole,
    words,
)

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
_LONGEST = 35 * 86_400.0  # seconds; GitHub ends a run of a workflow after 35 days
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
    """Return how a trial ended whose run ended so; None where nothing says it.

    Of a word that is not known nobody knows what it is to an outcome, which is missing then.
    """
    return None if word is None else _STATUS.get(word, TrialStatus.INTERRUPTED)


def conclusion_of(
    run: Document,
    jobs: Document,
    logged: Document,
    execution: Document,
    left_out: list[str],
) -> RunConclusion:
    """Read how a run ended.

    Args:
        run: as the API describes it.
        jobs: its jobs, likewise.
        logged: what `gh aw logs` keeps of it.
        execution: what the run itself says of its agent.
        left_out: gets what of it is no conclusion, or no duration.
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
    if word is not None and word not in _STATUS:
        left_out.append(f"{word!r:.40} is no known conclusion: what it came to is missing")
    metrics = {}
    status = status_of(word)
    if status in _SUCCEEDED:
        metrics["success"] = _SUCCEEDED[status]
    seconds = _seconds(agent, execution, left_out)
    if seconds is not None:
        metrics["duration_seconds"] = seconds
    return RunConclusion(
        word,
        words(_field(about, "id")) or words(logged.get("run_id")),
        whole(_field(about, "attempt")),
        instant(_field(about, "began")),
        words(_field(about, "path")),
        metrics,
    )


def _seconds(agent: Document, execution: Document, left_out: list[str]) -> float | None:
    """Return how long the agent worked: its job, which waits for nothing, or as it says."""
    began = instant(_field(agent, "job_began"))
    ended = instant(_field(agent, "job_ended"))
    if began is not None and ended is not None and ended >= began:
        return ended - began
    told = execution.get("duration_ms")
    milliseconds = amount(told)
    if milliseconds is not None and milliseconds / 1000.0 <= _LONGEST:
        return milliseconds / 1000.0
    if told is not None:
        left_out.append(f"duration_ms {told!r:.20} is no duration of a run")
    return None


def _field(document: Document, meant: str) -> object:
    known = (document.get(name) for name in _NAMES[meant])
    return next((value for value in known if value not in (None, "")), None)
