"""The events of an experiment, from its trials and outcomes as they are on record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meta_experiment.assign.uniform import sha256
from meta_experiment.types import Experiment, Outcome, Trial
from meta_experiment.types.telemetry import TelemetryEvent, TelemetryKind
from meta_experiment.types.vocabulary import Unit

_DRAWN_BY_CLIENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def recorded_events(experiment: Experiment, trials: Iterable[Trial]) -> list[TelemetryEvent]:
    """Return all events in the order of their times."""
    found = [event for trial in trials for event in _of_trial(experiment, trial)]
    found += [
        _of_outcome(experiment, number, outcome)
        for number, outcome in enumerate(experiment.outcomes)
    ]
    return sorted(found, key=lambda event: event.at)


def _of_trial(experiment: Experiment, trial: Trial) -> Iterator[TelemetryEvent]:
    """Yield what is known of a trial: its assignment, its exposure, its end.

    When it was exposed is not on record by itself: it follows its assignment at once.
    """
    began = trial.assigned_at
    if began is not None:
        yield _event(experiment, trial, TelemetryKind.ASSIGNED, began)
        if trial.exposed:
            yield _event(experiment, trial, TelemetryKind.EXPOSED, began)
    if trial.status is not None and trial.closed_at is not None:
        yield _event(experiment, trial, TelemetryKind.TRIAL, trial.closed_at)


def _event(
    experiment: Experiment, trial: Trial, kind: TelemetryKind, at: float
) -> TelemetryEvent:
    ended = kind is TelemetryKind.TRIAL
    name = experiment.experiment_id
    return TelemetryEvent(
        kind=kind,
        identity=_digest(name, kind, trial.trial_id),
        at=at,
        experiment_id=name,
        plan_version=_version(experiment),
        variant=trial.variant,
        trial_id=trial.trial_id,
        trial_identity=_digest(name, "trial", trial.trial_id),
        began=trial.assigned_at if ended else None,
        unit=_digest(name, "unit", trial.unit)[:16],
        session_id=_own_id(experiment, trial, Unit.SESSION),
        prompt_id=_own_id(experiment, trial, Unit.INVOCATION),
        run_count=trial.order + 1,
        status=trial.status.value if ended and trial.status else None,
        excluded=True if ended and trial.excluded else None,
        model=trial.fingerprint.get("model") if ended else None,
        metrics=dict(trial.metrics) if ended else {},
    )


def _of_outcome(experiment: Experiment, number: int, outcome: Outcome) -> TelemetryEvent:
    name = experiment.experiment_id
    return TelemetryEvent(
        kind=TelemetryKind.DECIDED,
        identity=_digest(name, TelemetryKind.DECIDED, str(number)),
        at=outcome.at,
        experiment_id=name,
        plan_version=_version(experiment),
        variant=outcome.winner,
        decision=outcome.decision.value if outcome.decision else None,
        reason_code=outcome.reason_code.value if outcome.reason_code else None,
        action=outcome.action.value,
        improvement=outcome.improvement,
        e_value=outcome.e_value,
    )


def _own_id(experiment: Experiment, trial: Trial, unit: Unit) -> str | None:
    """Return the client's own id of a unit of that kind; it names nobody, a text might."""
    drawn = experiment.plan.unit is unit and _DRAWN_BY_CLIENT.fullmatch(trial.unit)
    return trial.unit if drawn else None


def _version(experiment: Experiment) -> str:
    return experiment.plan_sha256[:12]


def _digest(*parts: str) -> str:
    return str(sha256("\x1f".join(parts).encode()).hexdigest()[:48])
