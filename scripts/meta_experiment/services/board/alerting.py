"""What is worth a person's look: alerts of running experiments."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Alert, Status


@dataclass(frozen=True, slots=True)
class Watched:
    """The alerts of one running experiment."""

    experiment_id: str
    alerts: tuple[Alert, ...]


def monitor(workspace: Workspace, given: str | None) -> list[Watched]:
    """Return the alerts of one experiment, or of all that run; they notify, they do not act."""
    if given is not None:
        chosen = [find_in(workspace.store, given)]
    else:
        experiments = workspace.store.experiments()
        chosen = [item for item in experiments if item.status is Status.RUNNING]
    return [
        Watched(item.experiment_id, examine(workspace, item).analysis.alerts) for item in chosen
    ]
