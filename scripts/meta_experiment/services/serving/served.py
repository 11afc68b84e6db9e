"""Is a running experiment really served in this checkout, and does it yield trials?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import ConflictError, MetaExperimentError, RefusedError, as_word
from meta_experiment.protocol import index, places
from meta_experiment.protocol.sessions import list_sessions
from meta_experiment.services.serving.placed import is_ours, left_over, placed_by
from meta_experiment.services.serving.serving_plan import (
    manual_only_reason,
    plan_serving,
    require_servable,
)
from meta_experiment.services.serving.unserved import (
    ends_otherwise,
    holds_stand_in,
    untouched,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.checkout import Start
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.health import Finding

_OVERDUE = 86_400.0  # seconds after which an open trial will hardly close by itself
_REPAIR = "meta-experiment repair"
_ENOUGH = 3  # exposures of which one should have closed


def served(workspace: Workspace, experiment: Experiment, entry: index.Entry | None) -> Finding:
    """Say how a running experiment stands here, or what keeps it from being served."""
    name = experiment.experiment_id
    start = workspace.checkout.start_of(experiment)
    if start is None or not start.current:
        return _elsewhere(workspace, experiment, start)
    if start.manual:
        return Finding(name, True, "was started with --manual: assign and record feed it")
    reason = manual_only_reason(workspace, experiment)
    if reason:
        return Finding(name, True, f"is not served by itself: {reason}")
    if entry is None or not entry.running:
        return _broken(experiment, "should be served here and is not")
    return (
        _texts(workspace, experiment)
        or _drift(workspace, experiment, entry)
        or _trials(workspace, experiment)
    )


def _elsewhere(workspace: Workspace, experiment: Experiment, start: Start | None) -> Finding:
    """Say how an experiment stands that this checkout did not start as it is now."""
    name = experiment.experiment_id
    for path in experiment.plan.files:
        if holds_stand_in(places.try_read(workspace.root / path) or b"", name):
            return _broken(experiment, f"{as_word(path)} holds a stand-in that nothing serves")
    if start is None:
        return Finding(
            name,
            ok=True,
            detail="runs in another checkout; here the control is in place",
            hint=f"To take part: meta-experiment start {name}",
        )
    return Finding(
        name,
        ok=False,
        detail="its plan or its texts were changed elsewhere since the start here; the "
        "control is in place",
        hint=f"Look at it (meta-experiment explain {name}), then take part again: "
        f"meta-experiment start {name}",
    )


def orphans(
    workspace: Workspace,
    experiments: Sequence[Experiment],
    entries: Mapping[str, index.Entry],
) -> Iterator[Finding]:
    """Name what is served, or stands in for a command, though no such experiment runs."""
    begun = {
        item.experiment_id for item in experiments if workspace.checkout.started_here(item)
    }
    placed = {
        path
        for name in begun & entries.keys()
        for path, _ in placed_by(workspace.root, entries[name])
    }
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    for path, _ in left_over(workspace.root, begun, placed):
        file = Path(path)
        ours = is_ours(workspace, unseen, path)
        yield Finding(
            file.parent.name if file.name == "SKILL.md" else file.stem,
            ok=False,
            detail=f"{as_word(path)} was left by an experiment and stands before the user's own"
            if ours
            else f"{as_word(path)} stands in for a prompt file, and was not placed in this "
            "checkout",
            hint="meta-experiment recover" if ours else f"rm {shlex.quote(path)}",
        )
    running = {item.experiment_id for item in experiments if item.status is Status.RUNNING}
    for name, entry in entries.items():
        if entry.running and name not in running:
            yield Finding(
                name,
                ok=False,
                detail="is served here, but does not run",
                hint="meta-experiment repair",
            )


def _texts(workspace: Workspace, experiment: Experiment) -> Finding | None:
    """Compare every text that serving needs with what it should be."""
    name = experiment.experiment_id
    try:
        serving = plan_serving(workspace, experiment)
    except MetaExperimentError as error:
        return Finding(name, False, error.message, error.hint or _REPAIR)
    folder = Path(places.served_folder(str(workspace.root), name))
    wanted = {workspace.root / path: data for path, data in serving.placed.items()}
    wanted |= {folder / text: data for text, data in serving.texts.items()}
    for path, data in wanted.items():
        if places.try_read(path) != data:
            word = "is not as it should be" if path.exists() else "is gone"
            return _broken(experiment, f"{as_word(str(path), 4_096)} {word}")
    try:
        require_servable(workspace, serving)
    except ConflictError as error:
        return Finding(name, False, error.message, error.hint)
    except RefusedError:
        pass  # the client's settings have findings of their own
    return None


def _drift(workspace: Workspace, experiment: Experiment, entry: index.Entry) -> Finding | None:
    """Compare the file on disk with what may stand there while the experiment runs."""
    if untouched(str(workspace.root), entry):
        return None
    name = experiment.experiment_id
    detail = (
        f"{as_word(entry.path)} was changed since the start: it is used as it is, without "
        "trials"
    )
    ends = ends_otherwise(str(workspace.root), entry)
    hint = ends or f"Bring it back, or: meta-experiment stop {name}"
    return Finding(name, False, detail, hint)


def _trials(workspace: Workspace, experiment: Experiment) -> Finding:
    """Exposures must become trials."""
    name, now = experiment.experiment_id, workspace.clock()
    trials = workspace.store.trials(experiment).trials
    closed = sum(trial.status is not None or trial.excluded is not None for trial in trials)
    waiting = [
        trial
        for session in list_sessions(str(workspace.root))
        for trial in session.open_trials()
        if trial.experiment_id == name
    ]
    overdue = [trial for trial in waiting if now - trial.epoch_ms / 1000 > _OVERDUE]
    detail = f"served here; {len(trials):,} exposures, {closed:,} closed, {len(waiting):,} open"
    if len(overdue) >= _ENOUGH and not closed:
        return Finding(
            name,
            ok=False,
            detail=f"{detail}: none of them became a trial within a day",
            hint="meta-experiment status closes what can be closed; see the faults here",
        )
    return Finding(name, True, detail)


def _broken(experiment: Experiment, detail: str) -> Finding:
    return Finding(experiment.experiment_id, False, detail, _REPAIR)
