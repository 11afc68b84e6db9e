"""Small experiments and events to store, and the functions of the store under our own seal."""

from __future__ import annotations

import json

from tests import logs
from tests.sealing import own_seal

from meta_experiment.protocol.log_head import LENGTH
from meta_experiment.store.local import assignments, writer
from meta_experiment.store.local.reading import lookup, summaries, trials
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import (
    Direction,
    Experiment,
    FileVersion,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Status,
    TrialStatus,
    Variant,
)


def experiment(
    experiment_id: str = "exp-1",
    name: str = "Parallel review",
    status: Status = Status.DRAFT,
) -> Experiment:
    metric = Metric("duration_seconds", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG, "s")
    version = FileVersion("0" * 64, 0o644)
    return Experiment(
        experiment_id=experiment_id,
        plan=Plan(
            name=name,
            hypothesis="Two agents at once save time.",
            files=("a.md",),
            variants=(Variant("control"), Variant("treatment")),
            primary=metric,
        ),
        plan_sha256="1" * 64,
        status=status,
        created=1.7e9,
        versions={"a.md": {"control": version, "treatment": version}},
    )


def recorded(trial_id="t1", at=1000.0, variant="control", unit=None, **more):
    metrics = more.pop("metrics", {"duration_seconds": 1.5})
    status = more.pop("status", TrialStatus.OK)
    return TrialEvent(
        EventKind.RECORDED, at, trial_id, variant, unit, status=status, metrics=metrics, **more
    )


def line(**fields):
    """One raw line of a log, with whatever fields are wanted."""
    base = {
        "event": "recorded",
        "at": 1000.0,
        "trial_id": "t1",
        "variant": "control",
        "unit": "u1",
        "status": "ok",
        "metrics": {"m": 1.0},
    }
    return json.dumps(base | fields) + "\n"


def write_log(layout, text, writer="host-0", experiment_id="e"):
    """Write a log of our own; its first line is number 1."""
    return logs.own_log(layout.root, experiment_id, f"{writer}.jsonl", text)


def body(path):
    """Return how many bytes of a log are there to be read."""
    return path.stat().st_size - LENGTH


def sequence(layout, experiment_id="e"):
    return logs.sequence(layout.root, experiment_id)


def read_trials(layout, experiment_id, named=()):
    return trials.read_trials(layout, logs.counting(layout.root), experiment_id, named)


def load_trials(layout, files, experiment_id, named=()):
    counting = logs.counting(layout.root)
    return summaries.load_trials(layout, files, counting, experiment_id, named)


def log_checksums(layout, experiment_id):
    return summaries.log_checksums(layout, own_seal(layout.root), experiment_id)


def fold_of(layout, experiment_id, trial_ids):
    return lookup.fold_of(layout, logs.counting(layout.root), experiment_id, trial_ids)


def append_events(layout, files, name, experiment_id, events):
    append_batches(layout, files, name, {experiment_id: events})


def append_batches(layout, files, name, batches):
    writer.append_batches(layout, files, own_seal(layout.root), name, batches)


def assign(layout, files, *given, **more):
    return assignments.assign(layout, files, own_seal(layout.root), *given, **more)


def assign_apart(layout, files, *given, **more):
    return assignments.assign_apart(layout, files, own_seal(layout.root), *given, **more)
