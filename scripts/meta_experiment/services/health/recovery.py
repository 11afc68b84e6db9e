"""Recovery after a crash, and panic in an emergency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from meta_experiment.deploy import Ending, RecoveredChange
from meta_experiment.errors import CorruptStoreError, LockedError, NewerVersionError
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, abandoned
from meta_experiment.files.interruption import held
from meta_experiment.services.acting.registry_commit import RegistryCommit
from meta_experiment.services.health.merged_branches import bring_back, merge_open
from meta_experiment.services.left_out import unregistered
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.services.running.replay_folders import clear_replays
from meta_experiment.services.serving.freshness import stale
from meta_experiment.services.serving.reconciliation import (
    GLANCE,
    reconcile,
    reconcile_quietly,
    served_here,
    withdraw,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.registry import restore_registry
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.recovery import PanicResult

_WORDS = {
    Ending.FINISHED: "was cut off and is now finished",
    Ending.UNDONE: "was cut off and is undone; everything is as it was before it",
}


def recover(workspace: Workspace) -> tuple[str, ...]:
    """Bring the registry back, finish or undo changes cut off, sweep left-over files.

    What two branches both changed is merged, and what a merge left out is brought back.

    Raises:
        ConflictError: two branches made an experiment of one id.
        LockedError: another process is still at work on a change; the message names it.
    """
    done = (
        *merge_open(workspace),
        *_registry(workspace),
        *bring_back(workspace),
        *finish_interrupted(workspace),
        *reconcile_quietly(workspace),
        *_swept(workspace),
        *_forgotten(workspace),
        *clear_runs(workspace),
        *clear_replays(workspace),
    )
    return tuple(dict.fromkeys(done))  # two of these may find the same


def finish_unless_busy(workspace: Workspace) -> list[str]:
    """Do the same as `finish_interrupted`, but leave a change to whom is at work on it.

    That process brings up to date what is served here as well.
    """
    try:
        return finish_interrupted(workspace, within=GLANCE)
    except LockedError as error:
        return [f"A change of prompt files is under way and is left alone: {error.message}"]


def finish_interrupted(workspace: Workspace, *, within: float | None = None) -> list[str]:
    """Finish or undo what a crash left half done, and say so; else it lists one folder.

    What is served here is brought up to date where the registry has changed, as by a pull, or
    where a stand-in may be back.

    Raises:
        LockedError: another process is at work on a change for longer than `within` seconds.
    """
    recovered = workspace.deployer.recover(RegistryCommit(workspace), within=within)
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


def _sentence(item: RecoveredChange) -> str:
    if item.action is None:
        return item.note
    sentence = f"{item.action.value} of {item.experiment_id} {_WORDS[item.outcome]}."
    if item.left:
        sentence += f" Left alone because edited since: {', '.join(item.left)}."
    return sentence


def panic(workspace: Workspace) -> PanicResult:
    """Pause every running experiment; what stood in for a prompt file is taken away.

    What the registry does not list, as on another branch, is served no more either.

    Raises:
        CorruptStoreError, NewerVersionError: the registry cannot be read. All is taken away
            all the same, and nothing is served until it is started again.
    """
    lines = list[str]()

    def halted(experiment: Experiment) -> Experiment:
        runs = experiment.status is Status.RUNNING
        return replace(experiment, status=Status.PAUSED) if runs else experiment

    with held("Every experiment was paused first."):
        try:
            changed = workspace.store.change_all(halted)
        except (CorruptStoreError, NewerVersionError) as error:
            _forgo(workspace, ())
            withdraw(workspace)
            error.message = f"Nothing stands in for a prompt file any more. {error.message}"
            raise
        lines += _forgo(workspace, [before for before, _ in changed])
        lines += reconcile(workspace)
        paused = [before for before, after in changed if after is not before]
        for item in paused:
            workspace.note(item, "panic", Status.RUNNING, "panic", after=Status.PAUSED)
            lines.append(f"{item.experiment_id} is paused; its files hold the control.")
    return PanicResult(tuple(item.experiment_id for item in paused), tuple(lines))


def _forgo(workspace: Workspace, listed: Sequence[Experiment]) -> list[str]:
    """Forget that what is served here and not listed was ever started; name it."""
    known = {item.experiment_id for item in listed}
    entries = served_here(str(workspace.root)).values()
    served = {item.id for item in entries if item.running or item.missing}
    unlisted = sorted(served - known)
    for name in unlisted:
        workspace.checkout.unmark_started(name)
    return [
        f"{name} is not listed on this branch; where it is, nothing is served any more until: "
        f"meta-experiment start {name}"
        for name in unlisted
    ]


def _registry(workspace: Workspace) -> Iterator[str]:
    aside = restore_registry(workspace.layout, workspace.files)
    if aside == workspace.layout.registry_backup:
        yield f"The registry was gone; the newest copy of it is back: {aside}"
    elif aside is not None:
        yield f"The registry was damaged; the newest good one is back. The damaged one: {aside}"


def _swept(workspace: Workspace) -> Iterator[str]:
    """Remove what a crash left of files being written; nothing else has this ending."""
    for path in sorted(workspace.layout.meta.rglob(f".*{TEMPORARY_SUFFIX}")):
        if abandoned(path):
            workspace.files.remove(path)
            yield f"Removed a file that was never finished: {_shown(workspace, path)}"


def _forgotten(workspace: Workspace) -> Iterator[str]:
    """Name stored variants of experiments that were never registered, as after a crash."""
    with suppress(CorruptStoreError):
        for name in sorted(unregistered(workspace)):
            path = workspace.layout.meta / "variants" / name
            if path.is_dir():
                yield f"Kept, but of no registered experiment: {_shown(workspace, path)}"


def _shown(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix()
