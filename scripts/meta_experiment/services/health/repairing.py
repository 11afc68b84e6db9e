"""Making anew what is derived; evidence is never touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from meta_experiment.errors import MetaExperimentError, StorageError, as_word
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import Content
from meta_experiment.services.board.refreshing import refresh
from meta_experiment.services.health import recovery, stored_bytes
from meta_experiment.services.health.stored_bytes import Copies
from meta_experiment.services.health.verifying import put_away, verify
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.history import last_statuses
from meta_experiment.store.local import health
from meta_experiment.store.local.board import Board
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.recovery import RepairResult


def repair(workspace: Workspace) -> RepairResult:
    """Finish what was cut off, then make anew whatever can be derived from what is sound.

    Raises:
        CorruptStoreError: the registry is damaged and no good copy of it was kept.
    """
    done = list(recovery.recover(workspace))
    experiments = workspace.store.experiments()
    experiments += put_away(workspace, experiments, [])
    if experiments:
        workspace.checkout.ensure_ignored()
    copies = Copies(workspace, experiments)
    done += _backups(workspace, copies)
    for experiment in experiments:
        with suppress(MetaExperimentError):  # what fails, verify names below
            for sentence in _experiment(workspace, experiment, copies):
                done.append(f"{experiment.experiment_id}: {sentence}")
    done += _board(workspace)
    left = tuple(item for item in verify(workspace).findings if not item.ok)
    return RepairResult(tuple(done), left)


def _experiment(workspace: Workspace, experiment: Experiment, copies: Copies) -> Iterator[str]:
    yield from _variants(workspace, experiment, copies)
    yield from _originals(workspace, experiment, copies)
    yield from _logs(workspace, experiment)
    yield from _summary(workspace, experiment)
    yield from _history(workspace, experiment)


def _variants(workspace: Workspace, experiment: Experiment, copies: Copies) -> Iterator[str]:
    layout, files, name = workspace.layout, workspace.files, experiment.experiment_id
    for missing in list(health.missing_texts(layout, experiment)):
        data = copies.find(missing.version.sha256)
        if data is None:
            continue
        with suppress(MetaExperimentError):
            health.restore_text(layout, files, name, missing, data)
            text = f"the text of {as_word(missing.path)} in variant '{missing.variant}'"
            yield f"{text} is back"


def _originals(workspace: Workspace, experiment: Experiment, copies: Copies) -> Iterator[str]:
    for path, digest in list(stored_bytes.missing_originals(workspace, experiment)):
        if _restored(workspace, copies, digest):
            yield f"the text of {as_word(path)} before the promotion is back"


def _backups(workspace: Workspace, copies: Copies) -> Iterator[str]:
    for name in list(stored_bytes.damaged_backups(workspace)):
        if _restored(workspace, copies, name):
            yield f"The backup {name[:16]}… is back."


def _restored(workspace: Workspace, copies: Copies, digest: str) -> bool:
    """Write a backup anew from the same bytes elsewhere; a damaged one is kept beside it."""
    data = copies.find(digest)
    if data is None:
        return False
    folder = workspace.layout.backups
    place = folder / digest
    try:
        if place.exists():
            kept = Content(workspace.files.read(place), 0).sha256[:16]
            workspace.files.replace(place, folder / f"damaged-{kept}-{digest[:16]}")
        workspace.files.make_directory(folder)
        write_atomically(workspace.files, place, data)
    except OSError as error:
        raise StorageError(f"{place} cannot be written: {error}.") from error
    return True


def _logs(workspace: Workspace, experiment: Experiment) -> Iterator[str]:
    counting = workspace.checkout.counting()
    copied = health.copy_damage(workspace.layout, workspace.files, counting, experiment)
    if copied is not None:
        count, place = copied
        shown = place.relative_to(workspace.root).as_posix()
        yield f"{count:,} damaged lines are copied to {shown}; the logs are as they were"


def _summary(workspace: Workspace, experiment: Experiment) -> Iterator[str]:
    layout, counting = workspace.layout, workspace.checkout.counting()
    if not health.summary_is_sound(layout, counting, experiment):
        health.remake_summary(layout, workspace.files, counting, experiment)
        yield "its summary is made anew from its logs"


def _history(workspace: Workspace, experiment: Experiment) -> Iterator[str]:
    """Add what the history lacks; a crash may fall between the registry and this line."""
    history = workspace.store.history(experiment.experiment_id)
    last = last_statuses(history.entries)
    if last and experiment.status.value not in last:
        before = Status(last[0]) if last[0] in list(Status) else None
        reason = "the registry says so; a crash kept it out of the history"
        workspace.note(experiment, "repair", before, reason)
        yield f"its history now ends at {experiment.status.value}, as the registry does"


def _board(workspace: Workspace) -> Iterator[str]:
    layout = workspace.layout
    if not layout.board.exists():
        return
    health.remove(workspace.files, layout.board)
    refresh(workspace, Board(), set(), [])
    yield "The board is made anew."
