"""The registry's part in an action, also when a later process has to finish it."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.due_actions import AFTER
from meta_experiment.deploy import LandedChange
from meta_experiment.errors import ConflictError, StorageError
from meta_experiment.model.experiment_document import outcome_from_document
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment

OF_A_WORKFLOW = "workflow"  # in the payload of a change of which the registry knows nothing


class RegistryCommit:
    """Writes an outcome into the registry, as the last step of a change of files.

    `seen` is what the action was worked out for. Of one that a crash cut off nobody knows it,
    but files and git hold what it did, and the registry has to say so.
    """

    def __init__(self, workspace: Workspace, seen: Experiment | None = None) -> None:
        self.workspace = workspace
        self.seen = seen

    def check(self) -> None:
        """Refuse when the experiment is not any more what was seen. Raises ConflictError."""
        if self.seen is not None:
            present = self.workspace.store.experiment(self.seen.experiment_id)
            require_unchanged(present, self.seen)

    def record(self, landed: LandedChange) -> None:
        """Write down what was done; doing it twice is doing it once.

        Raises:
            ConflictError: the experiment is not what was seen. StorageError: it cannot be
                written.
        """
        if OF_A_WORKFLOW in landed.payload:
            return
        outcome = outcome_from_document(landed.payload)
        commit = landed.commit or outcome.commit
        outcome = replace(outcome, commit=commit, change_id=landed.change_id)

        # one that was put away meanwhile is taken out again: that it ended so is to be seen
        def ended(before: Experiment) -> Experiment:
            if _holds(before, landed):
                return before
            if self.seen is not None:
                require_unchanged(before, self.seen)
            return replace(
                before,
                status=AFTER[outcome.action],
                ended=outcome.at,
                outcomes=(*before.outcomes, outcome),
            )

        store = self.workspace.store
        try:
            store.change(landed.experiment_id, ended)
        except StorageError:
            # The disk may refuse after the new registry took its place; then it is landed.
            if not _holds(store.experiment(landed.experiment_id), landed):
                raise


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


def _holds(experiment: Experiment, landed: LandedChange) -> bool:
    return any(item.change_id == landed.change_id for item in experiment.outcomes)
