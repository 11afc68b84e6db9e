"""Clearing up after runs whose runner was killed: their checkouts, and who works there."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.errors import NotFoundError
from meta_experiment.files.lock import FileLock
from meta_experiment.runs import supervising
from meta_experiment.runs.checkouts import remove_slots
from meta_experiment.runs.run_folder import RunFolder, clear
from meta_experiment.services.kept_outside import RUNS, kept_outside
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.runs import Spent


def clear_runs(workspace: Workspace) -> Iterator[str]:
    """Remove the checkouts of runs that nobody makes any more, and say so.

    Runs that go on without their runner are left to the next `run`, which takes them over;
    those of an experiment that has ended are stopped. Raises StorageError.
    """
    root = kept_outside(workspace, RUNS)
    folders = sorted(root.iterdir()) if root is not None and root.is_dir() else ()
    for path in folders:
        folder = RunFolder(path, workspace.files)
        lock = FileLock(folder.lock, verb="recover")
        left = folder.slots.exists() or any(folder.unheard())
        if not left or not lock.try_acquire():
            continue
        try:
            yield from _cleared(workspace, folder)
        finally:
            lock.release()


def end_judges(folder: RunFolder) -> int:
    """End judges whose answer nobody waits for any more, and say how many there were.

    What they took is not known.
    """
    questions = [*folder.unheard()]
    for path in questions:
        supervising.end(path)
        folder.read_off(path, Spent(cut=True))
        clear(path)
    return len(questions)


def _cleared(workspace: Workspace, folder: RunFolder) -> Iterator[str]:
    name = folder.folder.name
    questions = end_judges(folder)
    if questions:
        yield f"Questions to a judge of {name} that were cut off are ended: {questions}."
    if not folder.slots.exists():
        return
    unread = [*folder.unread()]
    if unread and _is_open(workspace, name):
        yield (
            f"{len(unread)} runs of {name} go on, or ended, without their runner; "
            "meta-experiment run takes them over."
        )
        return
    for path in unread:
        supervising.end(path)
    remove_slots(folder.slots)
    yield f"The checkouts of runs of {name} that were cut off are removed."


def _is_open(workspace: Workspace, experiment_id: str) -> bool:
    try:
        return workspace.store.experiment(experiment_id).status.is_open
    except NotFoundError:
        return False
