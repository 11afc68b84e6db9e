"""Ending an arm on record: its units get the control from then on, the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.errors import InvalidStateError, NotFoundError, cite
from meta_experiment.files.interruption import held
from meta_experiment.model.fields import suggestion
from meta_experiment.services.acting.lifecycle import noted
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.serving.reconciliation import serving_lock
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, EndedArm, Experiment, Status
from meta_experiment.types.results.action import ActionResult

_GOING = (Status.RUNNING, Status.PAUSED)


def end_arms(workspace: Workspace, name: str, arms: Sequence[EndedArm]) -> Sequence[str]:
    """Put arms that have ended on record and serve them no more; return what went wrong.

    Raises:
        InvalidStateError: it is neither running nor paused, or none would be left.
        ConflictError, StorageError: it could not be stored.
    """
    now = workspace.clock()

    def ended(before: Experiment) -> Experiment:
        require_status(before, _GOING, "relieved of an arm")
        known = {item.treatment for item in before.ended_arms}
        new = [replace(item, at=now) for item in arms if item.treatment not in known]
        if len(known) + len(new) >= len(before.plan.treatments):
            raise InvalidStateError(
                f"{before.experiment_id} has no other arm that goes on.",
                hint=f"End it as a whole: meta-experiment stop {before.experiment_id}",
            )
        return replace(before, ended_arms=(*before.ended_arms, *new))

    with serving_lock(workspace) as reconcile, held("The arm was ended first."):
        _, after = workspace.store.change(name, ended)
        notes = list(reconcile().notes)
        for arm in arms:
            sentence = f"{arm.treatment} has ended: {arm.reason}"
            notes += noted(workspace, after, "stop", after.status, sentence)
    return notes


def stop_arm(
    workspace: Workspace, selector: str, variant: str, reason: str, *, dry_run: bool
) -> ActionResult:
    """End one treatment by hand.

    Raises:
        NotFoundError: there is no such treatment.
        InvalidStateError: it has ended already, or as `end_arms`.
    """
    found = find_in(workspace.store, selector)
    treatments = [item.name for item in found.plan.treatments]
    if variant not in treatments:
        raise NotFoundError(
            f"{found.experiment_id} has no treatment {cite(variant)}.",
            hint=suggestion(variant, treatments) or f"Treatments: {', '.join(treatments)}.",
        )
    if variant in {item.treatment for item in found.ended_arms}:
        raise InvalidStateError(
            f"{variant} of {found.experiment_id} has ended already.",
            hint=f"meta-experiment status {found.experiment_id}",
        )
    notes: Sequence[str] = ()
    if not dry_run:
        arm = EndedArm(variant, None, None, reason)
        notes = end_arms(workspace, found.experiment_id, [arm])
    return ActionResult(
        experiment_id=found.experiment_id,
        action=Action.EXPIRE,
        status=found.status,
        dry_run=dry_run,
        message=f"{variant} has ended; its units get the control, and the others go on.",
        files=(),
        notes=tuple(notes),
    )
