"""The newest trials of an experiment, as documents."""

from __future__ import annotations

from typing import Any

from meta_experiment.errors import NotFoundError, cite
from meta_experiment.model import instants
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.recording.admitting import sentences
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Plan, Trial

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """Trials in the order in which they closed, then open ones, with the number of all.

    `apart` says which logs do not count; `planned` are the metrics a reader looks for: those
    that the plan weighs, and the rating.
    """

    experiment_id: str
    total: int
    documents: list[dict[str, Any]]
    apart: list[str]
    set_aside: list[str]
    conflicts: list[str]
    planned: frozenset[str]


def trials(workspace: Workspace, given: str, limit: int, variant: str | None) -> Listed:
    """Return the newest trials, of one variant or of all; open ones last.

    Raises:
        NotFoundError: no such experiment or variant.
    """
    experiment = find_in(workspace.store, given)
    names = [item.name for item in experiment.plan.variants]
    if variant is not None and variant not in names:
        raise NotFoundError(
            f"{experiment.experiment_id} has no variant {cite(variant)}.",
            hint=suggestion(variant, names) or f"Variants: {', '.join(names)}.",
        )
    log = workspace.store.trials(experiment)
    found = [item for item in log.trials if variant in (None, item.variant)]
    found.sort(key=_moment)
    return Listed(
        experiment.experiment_id,
        len(found),
        [_document(item) for item in found[-limit:]],
        list(sentences(experiment.experiment_id, log.apart)),
        [item.sentence for item in log.set_aside][:_MOST_PROBLEMS],
        list(log.conflicts)[:_MOST_PROBLEMS],
        _planned(experiment.plan),
    )


def _moment(trial: Trial) -> tuple[bool, float]:
    """Order trials by when they closed, or else began; what is open comes last."""
    is_open = trial.status is None and trial.excluded is None
    return is_open, trial.closed_at or trial.assigned_at or 0.0


def _planned(plan: Plan) -> frozenset[str]:
    return frozenset(metric.name for metric in plan.metrics) | {"rating"}


def _document(trial: Trial) -> dict[str, Any]:
    return {
        "trial_id": trial.trial_id,
        "variant": trial.variant,
        "unit": trial.unit,
        "order": trial.order,
        "exposed": trial.exposed,
        "status": trial.status,
        "metrics": dict(trial.metrics),
        "assigned_at": _instant(trial.assigned_at),
        "closed_at": _instant(trial.closed_at),
        "fingerprint": dict(trial.fingerprint),
        "excluded": trial.excluded,
    }


def _instant(value: float | None) -> str | None:
    return None if value is None else instants.to_text(value)
