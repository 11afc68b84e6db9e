"""Outcomes of a workflow's runs, as an import leaves them: an experiment that bears its tag."""

from collections.abc import Mapping
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.model.plan_document import plan_from_document, plan_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Experiment, Status, TrialStatus
from meta_experiment.workflows.workflow_names import experiment_tag

NAME = "exp-2026-09-01-tone"
_AN_HOUR = 3600.0


def imported(root: Path, at: float, means: Mapping[str, float], units: int = 30) -> None:
    """Register trials around so many seconds for each variant, the control first."""
    workspace = Workspace.open(Layout(root), lambda: at)
    document = {
        "name": "daily-report/tone",
        "hypothesis": "It is faster",
        "files": [],
        "variants": [{"name": name} for name in means],
        "metrics": {
            "primary": {"name": "duration_seconds", "direction": "lower", "scale": "log"}
        },
        "stopping": {"sample_size": 10, "max_duration_days": 3650},
        "unit": "invocation",
        "assignment": {"method": "external"},
        "tags": [experiment_tag("daily-report", "tone")],
    }
    plan = plan_from_document(document)
    began = at - units * len(means) * _AN_HOUR
    experiment = Experiment(
        NAME, plan, plan_sha256(plan, {}), Status.PAUSED, began, {}, started=began
    )
    events = []
    for number in range(units):
        for place, (name, mean) in enumerate(means.items()):
            trial = f"{number}-{name}"
            now = began + (number * len(means) + place) * _AN_HOUR
            seconds = mean * (1 + (number * 7 % 11 - 5) / 50)
            about = (trial, name, trial)
            events += [
                TrialEvent(EventKind.ASSIGNED, now, *about),
                TrialEvent(EventKind.EXPOSED, now, *about),
                TrialEvent(
                    EventKind.RECORDED,
                    now + seconds,
                    *about,
                    status=TrialStatus.OK,
                    metrics={"duration_seconds": seconds},
                ),
            ]
    workspace.checkout.ensure_ignored()
    workspace.store.append(NAME, events)
    workspace.store.add(lambda _: experiment)
