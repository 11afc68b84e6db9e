"""The registry's part in an action, also when a later process has to finish it."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.deploy import Outcome as Ending
from meta_experiment.deploy import Recovered, Settled
from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    LockedError,
    StorageError,
)
from meta_experiment.model.registry import outcome_from_document
from meta_experiment.services.serving.freshness import stale
from meta_experiment.services.serving.reconciliation import GLANCE, reconcile_quietly
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
}


def require_unchanged(present: Experiment, seen: Experiment) -> None:
    """Refuse to act on an experiment that is not any more what the action was worked out for.

    Raises:
        ConflictError: names the status that it has now.
    """
    if present != seen:
        name = seen.experiment_id
        raise ConflictError(
            f"Another command changed {name} while this one was at work; it is "
            f"{present.status.value} now. Nothing was changed by this one.",
            hint=f"See where it stands: meta-experiment status {name}",
        )


def register(workspace: Workspace, done: Settled, seen: Experiment | None = None) -> None:
    """Write into the registry what an action did; doing it twice is doing it once.

    `seen` is what the action was worked out for. Of one that a crash cut off nobody knows it,
    but files and git hold what it did, and the registry has to say so.

    Raises:
        ConflictError: the experiment is not what was seen. StorageError: it cannot be written.
    """
    outcome = replace(
        outcome_from_document(done.payload), commit=done.commit, change_id=done.change_id
    )

    # one that was put away meanwhile is taken out again: that it ended so is to be seen
    def ended(before: Experiment) -> Experiment:
        if _holds(before, done):
            return before
        if seen is not None:
            require_unchanged(before, seen)
        return replace(
            before,
            status=AFTER[outcome.action],
            ended=outcome.at,
            outcomes=(*before.outcomes, outcome),
        )

    try:
        workspace.store.change(done.experiment_id, ended)
    except StorageError:
        # The disk may refuse after the new registry took its place; then it is done.
        if not _holds(workspace.store.experiment(done.experiment_id), done):
            raise


def _holds(experiment: Experiment, done: Settled) -> bool:
    return any(item.change_id == done.change_id for item in experiment.outcomes)


def settle(workspace: Workspace) -> list[str]:
    """Do the same as `finish`, but leave a change to the process that is still at work on it.

    That process brings up to date what is served here as well.
    """
    try:
        return finish(workspace, within=GLANCE)
    except LockedError as error:
        return [f"A change of prompt files is under way and is left alone: {error.message}"]


def finish(workspace: Workspace, *, within: float | None = None) -> list[str]:
    """Finish or undo what a crash left half done, and say so; else it lists one folder.

    What is served here is brought up to date where the registry has changed, as by a pull, or
    where a stand-in may be back.

    Raises:
        LockedError: another process is at work on a change for longer than `within` seconds.
    """
    recovered = workspace.deployer.recover(
        lambda done: register(workspace, done), within=within
    )
    notes = [_sentence(item) for item in recovered]
    if recovered or stale(workspace.layout):
        notes += _brought_up_to_date(workspace)
    return notes


def _brought_up_to_date(workspace: Workspace) -> list[str]:
    try:
        workspace.store.experiments()
    except CorruptStoreError:
        return []  # the verb itself will read it and say so, once
    return reconcile_quietly(workspace, within=GLANCE)


def _sentence(item: Recovered) -> str:
    if item.action is None:
        return item.note
    sentence = f"{item.action.value} of {item.experiment_id} {_WORDS[item.outcome]}."
    if item.left:
        sentence += f" Left alone because edited since: {', '.join(item.left)}."
    return sentence
