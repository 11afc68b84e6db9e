"""The registry's part in an action, also when a later process has to finish it."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.deploy import Outcome as Ending
from meta_experiment.deploy import Recovered, Settled
from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.model.registry import outcome_from_document
from meta_experiment.services.find import find
from meta_experiment.services.instrumenting import reconcile_quietly, stale
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment, Status

AFTER = {
    Action.PROMOTE: Status.PROMOTED,
    Action.ROLLBACK: Status.ROLLED_BACK,
    Action.EXPIRE: Status.EXPIRED,
}
_WORDS = {
    Ending.FINISHED: "was cut off and is now finished",
    Ending.UNDONE: "was cut off and is undone; everything is as it was before it",
    Ending.DISCARDED: "had hardly begun and is discarded",
}


def register(workspace: Workspace, done: Settled) -> None:
    """Write into the registry what an action did; doing it twice is doing it once."""
    outcome = replace(
        outcome_from_document(done.payload), commit=done.commit, change_id=done.change_id
    )

    def apply(experiments: list[Experiment]) -> list[Experiment]:
        before = find(experiments, done.experiment_id)
        if any(item.change_id == done.change_id for item in before.outcomes):
            return experiments
        after = replace(
            before,
            status=AFTER[outcome.action],
            ended=outcome.at,
            outcomes=(*before.outcomes, outcome),
        )
        return [after if item is before else item for item in experiments]

    try:
        workspace.store.update(apply)
    except StorageError:
        # The disk may refuse after the new registry took its place; then it is done.
        if not _registered(workspace, done):
            raise


def _registered(workspace: Workspace, done: Settled) -> bool:
    experiment = find(workspace.store.experiments(), done.experiment_id)
    return any(item.change_id == done.change_id for item in experiment.outcomes)


def settle(workspace: Workspace) -> list[str]:
    """Finish or undo what a crash left half done, and say so; else it lists one folder.

    What is served here is brought up to date where the registry has changed, as by a pull.
    """
    recovered = workspace.deployer.recover(lambda done: register(workspace, done))
    notes = [_sentence(item) for item in recovered]
    if stale(workspace.layout):
        notes += _brought_up_to_date(workspace)
    return notes


def _brought_up_to_date(workspace: Workspace) -> list[str]:
    try:
        workspace.store.experiments()
    except CorruptStoreError:
        return []  # the verb itself will read it and say so, once
    return reconcile_quietly(workspace)


def _sentence(item: Recovered) -> str:
    what = f"{item.action.value} of {item.experiment_id}" if item.action else item.change_id
    sentence = f"{what} {_WORDS[item.outcome]}."
    if item.left:
        sentence += f" Left alone because edited since: {', '.join(item.left)}."
    return f"{sentence} {item.note}".rstrip()
