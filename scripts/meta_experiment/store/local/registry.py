"""experiments.json: read as it stands, changed under a lock, never overwritten when damaged.

What was archived moves out of it with its next change, into files of its own (`archive`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    NewerVersionError,
    NotFoundError,
    StorageError,
    UnsafePathError,
    UsageError,
    cite,
)
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import Content
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import (
    as_stored,
    decode_one,
    decode_registry,
    decode_whole,
    encode_registry,
    strange_entries,
)
from meta_experiment.protocol.disk import PRIVATE_FILE
from meta_experiment.store.local.archive import put_away, read_archived
from meta_experiment.store.local.own_states import (
    as_they_stand,
    parted,
    read_states,
    write_states,
)
from meta_experiment.store.ports import Change, Changed
from meta_experiment.types import Experiment, Status

WAIT = 10.0  # seconds
_TRIES = 3
_LARGEST = 16 * 1024 * 1024  # bytes; a thousand experiments need five million
_FEWER = "Archive experiments that have ended: meta-experiment archive ID"
_RESTORE = "Bring the last good one back: meta-experiment recover"

Found = TypeVar("Found")


def read_registry(layout: Layout) -> list[Experiment]:
    """Return all experiments; a missing file is an empty registry.

    Raises:
        CorruptStoreError: the file is damaged, or of a later version.
        UnsafePathError: it is a symbolic link. StorageError: it cannot be read.
    """
    data = _read(layout.registry)
    if data is None:
        return []
    registered = _decoded(decode_registry, layout.registry, data)
    return as_they_stand(registered, read_states(layout))


def read_one(layout: Layout, experiment_id: str) -> Experiment | None:
    """Return one experiment of a registry that is known to be sound; None as `decode_one`."""
    data = _read(layout.registry)
    found = None if data is None else decode_one(data, experiment_id)
    return None if found is None else as_they_stand([found], read_states(layout))[0]


def add_experiment(
    layout: Layout, files: FileSystem, make: Callable[[Sequence[Experiment]], Experiment]
) -> Experiment:
    """Register what a function makes, given all others, and return it as it is stored.

    When that is one of them, nothing is added. Called and raising as `update_registry`.
    """
    made = list[Experiment]()

    def add(experiments: list[Experiment]) -> list[Experiment]:
        made.append(as_stored(make(experiments)))
        known = {item.experiment_id for item in experiments}
        return experiments if made[-1].experiment_id in known else [*experiments, made[-1]]

    update_registry(layout, files, add)
    return made[-1]


def change_experiment(
    layout: Layout, files: FileSystem, experiment_id: str, change: Change
) -> Changed:
    """Replace one experiment by what a function makes of it; return both as they are stored.

    One that was put away is given as it was then; changed, it is taken out again.

    Raises:
        NotFoundError: there is none. Else as `update_registry`.
    """
    changed = list[Changed]()

    def apply(experiments: list[Experiment]) -> list[Experiment]:
        before = experiment_in(layout, experiments, experiment_id)
        changed.append((before, _changed(before, change)))
        after = changed[-1][1]
        if after is before:
            return experiments
        if before not in experiments:
            return [*experiments, after]
        return [after if item is before else item for item in experiments]

    update_registry(layout, files, apply)
    return changed[-1]


def change_experiments(layout: Layout, files: FileSystem, change: Change) -> list[Changed]:
    """Replace every experiment by what a function makes of it; return all, changed or not.

    Those that were put away are left as they are. Raises as `update_registry`.
    """
    changed = list[Changed]()

    def apply(experiments: list[Experiment]) -> list[Experiment]:
        changed[:] = [(item, _changed(item, change)) for item in experiments]
        return [after for _, after in changed]

    update_registry(layout, files, apply)
    return changed


def experiment_in(
    layout: Layout, experiments: Sequence[Experiment], experiment_id: str
) -> Experiment:
    """Return the experiment with exactly this id, of these or of those that were put away.

    Raises:
        NotFoundError: there is none. CorruptStoreError, StorageError: as `read_archived`.
    """
    for item in experiments:
        if item.experiment_id == experiment_id:
            return item
    if experiment_id in layout.archived_ids():
        return read_archived(layout, experiment_id)
    raise NotFoundError(
        f"There is no experiment {cite(experiment_id)}.",
        hint="List them with: meta-experiment status",
    )


def _changed(before: Experiment, change: Change) -> Experiment:
    after = change(before)
    return before if after == before else as_stored(after)


def update_registry(
    layout: Layout,
    files: FileSystem,
    change: Callable[[list[Experiment]], Sequence[Experiment]],
    *,
    wait: float = WAIT,
) -> list[Experiment]:
    """Replace the registry by what a function makes of it; all or nothing, durable on return.

    The function is called under the registry's lock, and again if another program (an
    editor, git) replaced the file meanwhile. What it raises leaves the registry as it was.
    What is of this checkout alone of its result goes to `own_states`.
    A copy of the newest good registry is kept in `backups/`.

    Raises:
        LockedError: another command changes it for too long.
        ConflictError: other programs keep replacing the file.
        CorruptStoreError, UnsafePathError: as for reading.
        StorageError: it cannot be read or written.
    """
    with FileLock(layout.lock("registry"), timeout=wait, verb="change the registry"):
        for _ in range(_TRIES):
            before = _read(layout.registry)
            known, strange = list[Experiment](), list[Any]()
            if before is not None:
                known, strange = _decoded(decode_whole, layout.registry, before)
            states = read_states(layout)
            stand = as_they_stand(known, states)
            after = list(change(list(stand)))
            if after == stand:
                return stand
            shared, own = parted(known, states, after)
            if own != states:
                write_states(layout, files, own)
            if shared == known:
                return after
            kept = [item for item in shared if item.status is not Status.ARCHIVED]
            data = encode_registry(kept, strange)
            _require_readable(data)
            _put_away(layout, files, after)
            if _write(layout, files, before, data, anew=encode_registry(known, strange)):
                return after
    raise ConflictError(
        f"{layout.registry} was replaced by another program while it was being changed.",
        hint="Close what edits it, then run this command again.",
    )


def _put_away(layout: Layout, files: FileSystem, experiments: Sequence[Experiment]) -> None:
    """Write the files of what was archived, durable before the registry forgets it."""
    for item in experiments:
        if item.status is Status.ARCHIVED:
            try:
                put_away(layout, files, item)
            except OSError as error:
                raise _unwritten(layout.archived(item.experiment_id), error) from error


def restore_registry(layout: Layout, files: FileSystem, *, wait: float = WAIT) -> Path | None:
    """Bring the newest good registry back where the present one is damaged or gone.

    Damaged bytes are kept: their new place is returned; the copy's place when the registry was
    gone. None when there is nothing to do.

    Raises:
        NewerVersionError: it is of a newer version, and no damage.
        CorruptStoreError: the kept copy is missing or damaged as well.
        LockedError, UnsafePathError, StorageError: as for changing it.
    """
    with FileLock(layout.lock("registry"), timeout=wait, verb="restore the registry"):
        present = _read(layout.registry)
        if present is None:
            return _bring_back(layout, files)
        try:
            decode_registry(present)
        except NewerVersionError as error:
            raise NewerVersionError(
                f"{layout.registry} is not damaged and is left as it is. {error.message}",
                hint=f"{error.hint} The newest copy kept here: {layout.registry_backup}",
            ) from error
        except CorruptStoreError as damage:
            good = _read(layout.registry_backup)
            if good is None:
                raise CorruptStoreError(
                    f"{layout.registry} is damaged, and no earlier copy was kept: "
                    f"{damage.message}",
                    hint="Restore it from version control or a backup of yours.",
                ) from damage
            _decoded(decode_registry, layout.registry_backup, good)
            return _replace_damaged(layout, files, present, good)
    return None


def resolve_registry(
    layout: Layout,
    files: FileSystem,
    resolve: Callable[[bytes], bytes | None],
    *,
    wait: float = WAIT,
) -> Path | None:
    """Put what a function makes of the registry's bytes in their place, and keep those.

    Returns where they are kept; None when it makes nothing of them, or there is no registry.

    Raises:
        UsageError: what it makes could not be read back. Else as for changing it.
    """
    with FileLock(layout.lock("registry"), timeout=wait, verb="merge the registry"):
        present = _read(layout.registry)
        made = None if present is None else resolve(present)
        if present is None or made is None:
            return None
        _require_readable(made)
        return _replace_damaged(layout, files, present, made)


def _replace_damaged(layout: Layout, files: FileSystem, present: bytes, good: bytes) -> Path:
    aside = _named_by_content(layout, "damaged", present)
    _store(files, aside, present, PRIVATE_FILE)
    _store(files, layout.registry, good, _mode(layout.registry))
    return aside


def _bring_back(layout: Layout, files: FileSystem) -> Path | None:
    good = _read(layout.registry_backup)
    if good is None:
        return None
    _decoded(decode_registry, layout.registry_backup, good)
    _store(files, layout.registry, good, PRIVATE_FILE)
    return layout.registry_backup


def read_strange(layout: Layout) -> list[int]:
    """Return the places of the entries that are passed over, as their ids are none.

    Raises:
        CorruptStoreError, UnsafePathError, StorageError: as for reading the registry.
    """
    data = _read(layout.registry)
    return [] if data is None else sorted(_decoded(strange_entries, layout.registry, data))


def _require_readable(data: bytes) -> None:
    """Refuse to store what the next command could not read."""
    if len(data) > _LARGEST:
        raise UsageError(
            f"The change cannot be stored: the registry would have {len(data):,} bytes; "
            f"expected at most {_LARGEST:,}.",
            hint=_FEWER,
        )
    try:
        same = encode_registry(*decode_whole(data)) == data
    except CorruptStoreError as error:
        raise UsageError(f"The change cannot be stored: {error.message}") from error
    if not same:
        raise UsageError("The change cannot be stored: it would read back differently.")


def _write(
    layout: Layout, files: FileSystem, before: bytes | None, data: bytes, *, anew: bytes
) -> bool:
    """Replace the registry unless it is no longer what it was; say whether that was done.

    `anew` is how this program would have written what was there before.
    """
    path = layout.registry
    mode = _mode(path)
    if not mode & stat.S_IWUSR:
        import shlex

        raise StorageError(
            f"{path} is read-only (mode {mode:04o}); expected to be allowed to change it.",
            hint=f"chmod u+w {shlex.quote(str(path))}",
        )
    if before is not None:
        if before != anew:
            # edited by hand or in an older form: that text is worth more than one generation
            _store(files, _named_by_content(layout, "earlier", before), before, PRIVATE_FILE)
        _keep_newer(layout, files, before)
        _store(files, layout.registry_backup, before, PRIVATE_FILE)
    if _read(path) != before:
        return False
    _store(files, path, data, mode)
    with suppress(StorageError):  # the change is done; the copy before it is still there
        _store(files, layout.registry_backup, data, PRIVATE_FILE)
    return True


def _keep_newer(layout: Layout, files: FileSystem, before: bytes) -> None:
    """Keep a copy for good that a newer version made, before this one makes its own."""
    kept = _read(layout.registry_backup)
    if kept in (None, before):
        return
    try:
        decode_registry(kept)
    except CorruptStoreError:
        _store(files, _named_by_content(layout, "earlier", kept), kept, PRIVATE_FILE)


def _named_by_content(layout: Layout, word: str, data: bytes) -> Path:
    return layout.backups / f"experiments.json.{word}-{Content(data, 0).sha256[:16]}"


def _store(files: FileSystem, path: Path, data: bytes, mode: int) -> None:
    try:
        ensure_directory(files, path.parent)
        write_atomically(files, path, data, mode)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror}.",
        hint=f"Check free space and the permissions of {path.parent}.",
    )


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except FileNotFoundError:
        return PRIVATE_FILE


def _read(path: Path) -> bytes | None:
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            raise UnsafePathError(
                f"{path} is a symbolic link; expected a regular file.",
                hint="Replace the link by the file that it points to.",
            )
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(
                f"{path} is no regular file.", hint="Move it away, then run recover."
            )
        if status.st_size > _LARGEST:
            raise CorruptStoreError(
                f"{path} has {status.st_size:,} bytes; expected at most {_LARGEST:,}.",
                hint=f"Restore it from version control. {_FEWER}",
            )
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from error


def _decoded(read: Callable[[bytes], Found], path: Path, data: bytes) -> Found:
    try:
        return read(data)
    except CorruptStoreError as error:
        raise type(error)(
            f"{path}: {error.message} Nothing was changed.", hint=error.hint or _RESTORE
        ) from error
