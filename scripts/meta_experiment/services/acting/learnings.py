"""File of what experiments taught: read with all that is odd in it, changed under a lock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from meta_experiment.decide.telling.hypotheses import are_alike
from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.model import instants
from meta_experiment.model.learnings import LearningsText, read_learnings, with_entry
from meta_experiment.protocol.disk import PRIVATE_FILE
from meta_experiment.services.acting.holdouts import later_findings
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.learning import Learning

_LARGEST = 8 * 1024 * 1024  # bytes
_WAIT = 10.0  # seconds


def learnings_in(layout: Layout) -> LearningsText:
    """Read what stands in the file; nothing where there is none.

    Raises:
        CorruptStoreError, StorageError: it cannot be read as a text.
    """
    path = layout.learnings
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return LearningsText("", [])
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _LARGEST:
        raise StorageError(f"{path} is larger than 8 MB; expected entries of a page at most.")
    return read_learnings(data)


def change_learnings(
    workspace: Workspace, change: Callable[[LearningsText], Learning]
) -> Learning:
    """Write the entry that a function makes of what stands there; return it.

    Raises:
        ConflictError: a merge of the file was not finished. LockedError: another process
            writes. StorageError, CorruptStoreError: the disk, or the file.
    """
    layout, files = workspace.layout, workspace.files
    path = layout.learnings
    with FileLock(layout.lock("learnings"), timeout=_WAIT, verb="learn"):
        found = learnings_in(layout)
        entry = change(found)
        data = with_entry(found, entry)
        try:
            mode = files.mode(path) if path.exists() else PRIVATE_FILE
            ensure_directory(files, path.parent)
            write_atomically(files, path, data, mode)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
    return entry


def followed(entries: Iterable[Learning], experiments: Iterable[Experiment]) -> list[Learning]:
    """Say of each entry which later experiment took up what it left open, if one did.

    It is one on a file of the entry whose hypothesis speaks of the same.
    """
    known = sorted(experiments, key=lambda item: item.created)
    return [replace(entry, taken_up_by=_follower(entry, known)) for entry in entries]


def _follower(entry: Learning, experiments: Iterable[Experiment]) -> str | None:
    for other in experiments:
        if (
            other.experiment_id != entry.experiment_id
            and instants.day(other.created) >= entry.date
            and set(other.plan.files) & set(entry.files)
            and are_alike(entry.next, other.plan.hypothesis)
        ):
            return other.experiment_id
    return None


def learned_ids(entries: Iterable[Learning], experiments: Collection[Experiment]) -> set[str]:
    """Return the experiments that have an entry of how they stand now, holdouts included."""
    known = list(entries)
    written = {it.experiment_id: it.happened and it.happened.status for it in known}
    told, found = {it.experiment_id: it.later for it in known}, later_findings(experiments)
    return {
        item.experiment_id
        for item in experiments
        if item.experiment_id in written
        and set(found.get(item.experiment_id, ())) <= set(told[item.experiment_id])
        and (
            item.status is Status.ARCHIVED or written[item.experiment_id] in (None, item.status)
        )
    }
