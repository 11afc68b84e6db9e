"""What one run came to, in numbers: each from the first of its places that can be read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from meta_experiment.records import dataclass
from meta_experiment.types import TrialStatus
from meta_experiment.workflows.outcomes import run_files as names
from meta_experiment.workflows.outcomes.conclusion import conclusion_of, status_of
from meta_experiment.workflows.outcomes.documents import (
    Document,
    RunDocuments,
    amount,
    instant,
    part,
    whole,
    words,
)
from meta_experiment.workflows.outcomes.field_places import FieldPlace
from meta_experiment.workflows.outcomes.grades import answers, grades
from meta_experiment.workflows.outcomes.run_files import RunArtifacts

_TOKENS = {  # by their names in usage
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_creation_tokens",
}
_USAGE = {**_TOKENS, "effective_tokens": "effective_tokens", "ai_credits": "ai_credits"}
_ENDED = "completed"  # the state of a run whose conclusion stands
_SCHEMA = "usage-activity-summary/"


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What one attempt of a run came to.

    A metric that is not known is absent, never zero. `conclusion` is GitHub's word for how it
    ended, None where nothing says it. `variants` are those that its own summary tells,
    `workflow` is the file of its workflow where that is told, `title` what that is called.
    `began` is in seconds since the epoch. `left_out` says why something was not read, and
    `contradiction` why it may be of another run than its folder is called by, or not yet be
    what the run comes to.
    """

    run_id: str | None
    attempt: int | None
    began: float | None
    conclusion: str | None
    metrics: Mapping[str, float]
    variants: Mapping[str, str]
    model: str | None
    engine: str | None
    workflow: str | None
    event: str | None
    left_out: tuple[str, ...]
    contradiction: str | None = None
    title: str | None = None

    @property
    def status(self) -> TrialStatus | None:
        """How its trial ended; None where nothing tells that it has ended."""
        return status_of(self.conclusion)


def measure(files: RunArtifacts, places: Mapping[str, FieldPlace] | None = None) -> RunOutcome:
    """Read what a run came to; what cannot be read is left out and told.

    `places` are numbers to be read beside the usual ones, by the names of their metrics.
    """
    read = RunDocuments(files)
    about = read.first(names.ABOUT) or next(iter(read.lines(names.ABOUT_LINES)), {})
    run, logged = read.first(names.RUN), read.first(names.RUN_SUMMARY)
    activity = read.first(names.SUMMARY, fits=_is_activity)
    ended = conclusion_of(
        run, read.first(names.JOBS), logged, read.first(names.EXECUTION), read.left_out
    )
    usage = [found] if (found := read.first(names.USAGE)) else read.lines(names.USAGE_LINES)
    usage = usage or read.lines(*names.REQUESTS)
    own_id = words(about.get("run_id"))
    run_id = files.run_id or ended.run_id or own_id
    metrics = {
        **_usage(usage),
        **_activity(activity),
        **ended.metrics,
        **grades(read.first(names.GRADES), read.left_out),
        **answers(read.lines(names.EVALS), run_id, read.left_out),
        **_pointed(read, places or {}),
    }
    return RunOutcome(
        run_id=run_id,
        attempt=files.attempt or ended.attempt or whole(about.get("run_attempt")),
        began=instant(about.get("created_at")) if ended.began is None else ended.began,
        conclusion=ended.word,
        metrics=metrics,
        variants=_variants(activity),
        model=_model(usage) or words(about.get("model")),
        engine=words(about.get("engine_id")),
        workflow=ended.workflow or words(about.get("workflow_path")),
        event=words(run.get("event")) or words(about.get("event_name")),
        left_out=tuple(dict.fromkeys(read.left_out)),
        contradiction=_contradiction(run_id, {ended.run_id, own_id})
        or _unfinished(run or part(logged, "run")),
        title=words(about.get("workflow_name")),
    )


def _contradiction(run_id: str | None, told: set[str | None]) -> str | None:
    others = sorted(told - {run_id, None}, key=str)
    return f"what lies in it is of the run {others[0]:.40}" if others else None


def _unfinished(run: Document) -> str | None:
    """Say that a run goes on: what it has left so far is a part of what it comes to."""
    state = words(run.get("status"))
    if state is None or state.lower() == _ENDED:
        return None
    return f"it has not ended ({state:.40}): fetch it again when it has"


def _pointed(read: RunDocuments, places: Mapping[str, FieldPlace]) -> dict[str, float]:
    """Return the numbers at places, each from the first file in which it is one."""
    found = {}
    for name, place in places.items():
        document = read.first(place.base, ends=place.file, fits=partial(_has, place))
        if (value := place.value(document)) is not None:
            found[name] = value
    return found


def _has(place: FieldPlace, document: Document) -> bool:
    return place.value(document) is not None


def _usage(entries: Sequence[Document]) -> dict[str, float]:
    """Return tokens and credits; of several requests, the sums of what all of them say."""
    found: dict[str, float] = {}
    for name, metric in _USAGE.items():
        values = [amount(entry.get(name)) for entry in entries]
        known = [value for value in values if value is not None]
        if known and len(known) == len(entries):
            found[metric] = math.fsum(known)
    if "input_tokens" in found and "output_tokens" in found:
        found["total_tokens"] = math.fsum(found.get(name, 0.0) for name in _TOKENS.values())
    return found


def _activity(activity: Document) -> dict[str, float]:
    session, gateway = part(activity, "session"), part(activity, "gateway")
    if session.get("total_events") == 0:  # of an engine whose events nobody counts
        session = {}
    items = amount(part(activity, "safe_outputs").get("total_items"))
    known = {
        "turns": amount(session.get("turns")),
        "tool_calls": _first(session.get("tool_execution_starts"), gateway.get("total_calls")),
        "tool_errors": _first(
            session.get("failed_tool_executions"), gateway.get("failed_calls")
        ),
        "created_items": items,
        "empty_output": None if items is None else float(items == 0),
        "rebuild_factor": amount(part(activity, "working_set").get("rebuild_factor")),
    }
    return {name: value for name, value in known.items() if value is not None}


def _first(*values: object) -> float | None:
    return next((found for value in values if (found := amount(value)) is not None), None)


def _variants(activity: Document) -> dict[str, str]:
    told = part(activity, "experiments", "assignments")
    return {name: variant for name, variant in told.items() if isinstance(variant, str)}


def _model(entries: Sequence[Document]) -> str | None:
    """Return the one model of all requests."""
    told = {words(entry.get("primary_model")) or words(entry.get("model")) for entry in entries}
    return told.pop() if len(told) == 1 else None


def _is_activity(document: Document) -> bool:
    return str(document.get("schema", "")).startswith(_SCHEMA)
