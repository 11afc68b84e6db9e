"""Outcomes as somebody reports them, turned into events of their trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.protocol.sequence import storable
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.identifiers import new_trial_ids
from meta_experiment.store.trial_log import (
    Acknowledgement,
    EventKind,
    OutcomeReport,
    TrialEvent,
)


def outcome_events(
    observations: Sequence[OutcomeReport], at: float, known: Mapping[str, Fold]
) -> tuple[Acknowledgement, dict[str, list[TrialEvent]]]:
    """Return what comes of each outcome, and the events by experiment.

    `known` says by experiment what stands of trials that are named: whatever the clock says,
    their events come after it.
    """
    at = storable(at)
    recorded = Acknowledgement([], set())
    events: dict[str, list[TrialEvent]] = {}
    for item, new_id in zip(observations, new_trial_ids(), strict=False):
        trial_id = item.trial_id or new_id
        fold = known.get(item.experiment_id)
        event = _recorded(item, trial_id, fold.after(trial_id, at) if fold else at)
        recorded.trial_ids.append(trial_id)
        if fold and fold.has_outcome(trial_id):
            recorded.known.add((item.experiment_id, trial_id))
        events.setdefault(item.experiment_id, []).append(event)
    return recorded, events


def _recorded(item: OutcomeReport, trial_id: str, at: float) -> TrialEvent:
    return TrialEvent(
        kind=EventKind.RECORDED,
        at=at,
        trial_id=trial_id,
        variant=item.variant,
        unit=item.unit,
        status=item.status,
        metrics=item.metrics,
        fingerprint=item.fingerprint,
        covariates=item.covariates,
    )
