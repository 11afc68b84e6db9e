"""Runs of a workflow as trials: one of each attempt, under a name that says which it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from meta_experiment.records import dataclass
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Trial, TrialStatus
from meta_experiment.workflows.joining import JoinedRun, JoinedRuns

LATER_ATTEMPT = "superseded by a later attempt"
_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class RunNews:
    """What is new of runs: events in the order of time, and how many trials they are of.

    `lost` trials are new and without any outcome. `withdrawn` counts trials on record that are
    left out from now on, by the reason.
    """

    events: tuple[TrialEvent, ...]
    added: int
    completed: int
    already: int
    lost: int
    withdrawn: Mapping[str, int]


def trial_id(run_id: str, attempt: int) -> str:
    """Return the name of the trial of an attempt, the same whenever it is recorded."""
    return f"workflow-run-{run_id}-{attempt}"


def news_of(
    joined: JoinedRuns, names: Mapping[str, str], recorded: Iterable[Trial], now: float
) -> RunNews:
    """Return what is to be recorded of runs beyond what was recorded of them.

    Args:
        joined: the runs that count, those of which it is known that they do not, and those
            that are lost: not to have them on record would hide which variant loses more.
        names: of the variants in the plan.
        recorded: the trials that there are.
        now: seconds since the epoch, for runs whose time nobody knows.
    """
    present = {item.trial_id: item for item in recorded}
    events: list[TrialEvent] = []
    added = completed = already = 0
    for run in joined.runs:
        known = present.get(trial_id(run.run_id, run.attempt))
        found = list(_events(run, names[run.variant], known, now))
        events += found
        added += known is None
        completed += known is not None and bool(found)
        already += known is not None and not found
    units = {item.unit for item in present.values()}
    lost = [run for run in joined.lost if run.run_id not in units]
    for run in lost:
        events += _events(run, names[run.variant], None, now)
    latest = {run.run_id: trial_id(run.run_id, run.attempt) for run in joined.runs}
    withdrawn: Counter[str] = Counter()
    for item in present.values():
        if item.excluded is not None:
            continue
        reason = joined.ruled_out.get(item.unit)
        if reason is None and latest.get(item.unit, item.trial_id) != item.trial_id:
            reason = LATER_ATTEMPT
        if reason is not None:
            about = (now, item.trial_id, item.variant, item.unit)
            events.append(TrialEvent(EventKind.EXCLUDED, *about, reason=reason))
            withdrawn[reason] += 1
    events.sort(key=lambda event: event.at)
    return RunNews(tuple(events), added, completed, already, len(lost), dict(withdrawn))


def trials_after(recorded: Iterable[Trial], events: Iterable[TrialEvent]) -> tuple[Trial, ...]:
    """Return the trials as they will be once the events of runs are on record."""
    found = {item.trial_id: item for item in recorded}
    for event in events:
        known = found.get(event.trial_id)
        if known is None:
            unit = event.unit or event.trial_id
            known = Trial(event.trial_id, event.variant, unit, len(found))
        if event.kind is EventKind.EXCLUDED:
            known = replace(known, excluded=event.reason)
        elif event.kind is EventKind.RECORDED:
            metrics = {**known.metrics, **event.metrics}
            known = replace(known, status=event.status, metrics=metrics)
        found[event.trial_id] = known
    return tuple(found.values())


def _events(
    run: JoinedRun, variant: str, known: Trial | None, now: float
) -> Iterator[TrialEvent]:
    began = min(now if run.at is None else run.at, now)
    about = (trial_id(run.run_id, run.attempt), variant, run.run_id)
    if known is None:
        yield TrialEvent(EventKind.ASSIGNED, began, *about)
        yield TrialEvent(EventKind.EXPOSED, began, *about)
    outcome = run.outcome
    if outcome is None:
        return
    before = known.metrics if known is not None else {}
    metrics = {name: value for name, value in outcome.metrics.items() if name not in before}
    if known is not None and known.status is not None and not metrics:
        return
    on = {
        "model": outcome.model,
        "client": outcome.engine,
        "harness": run.harness and run.harness[:_VERSION_DIGITS],
    }
    yield TrialEvent(
        EventKind.RECORDED,
        min(began + outcome.metrics.get("duration_seconds", 0.0), now),
        *about,
        status=outcome.status or TrialStatus.OK,
        metrics=metrics,
        fingerprint={name: value for name, value in on.items() if value},
    )
