"""Files of a holdout: whether they are the texts that it compares."""

from __future__ import annotations

from meta_experiment.decide.holdout import PROMOTED
from meta_experiment.deploy.apply import observe
from meta_experiment.errors import as_word
from meta_experiment.services.serving.placed import stand_in_version
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment


def waits_for(workspace: Workspace, holdout: Experiment) -> str | None:
    """Say which file is not the promoted text now, as on another branch; None while all are."""
    for path, arms in holdout.versions.items():
        if stand_in_version(workspace, holdout, path) is not None:
            continue
        found, promoted = observe(workspace.root, path), arms[PROMOTED]
        if (found and found.sha256) != (promoted and promoted.sha256):
            return (
                f"{as_word(path)} is not the promoted text now, so that nothing is compared; "
                "it goes on once that is back. To end it: meta-experiment stop "
                f"{holdout.experiment_id}"
            )
    return None
