"""The logs that git tracks, or once did: it replaces them without asking.

Asking git costs a process. Its answer holds until the index is another one, and is remembered
under this machine's seal. A log that is tracked no more still holds what a commit put there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout, git_top
from meta_experiment.protocol.places import read_bytes, try_read
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass

_PURPOSE = "tracked"
_GITDIR = b"gitdir: "
_NO_INDEX = [0, 0, 0]  # of a repository in which nothing was ever added

Stamp = list[object]  # of an index: where it is, size, time of change, inode


@dataclass(frozen=True, slots=True)
class TrackedLogs:
    """The logs that git tracks, or once did, as `ID/FILE`.

    `unknown` says why git cannot tell, and `remedy` what to do: then any log may be tracked.
    """

    names: frozenset[str] = frozenset()
    unknown: str = ""
    remedy: str | None = None


Asking = Callable[[Path], list[str]]  # git, in a folder; raises GitError, DependencyError


def index_stamp(layout: Layout) -> Stamp:
    """Return what changes whenever git tracks other files; empty where there is no repository.

    Raises OSError.
    """
    top = git_top(layout.all_trials)
    if top is None:
        return []
    folder = top / ".git"
    if folder.is_file():  # of a linked worktree or a submodule
        said = read_bytes(os.fspath(folder)).removeprefix(_GITDIR).strip()
        folder = top / os.fsdecode(said)
    try:
        status = (folder / "index").stat()
    except FileNotFoundError:
        return [os.fspath(folder), *_NO_INDEX]
    return [os.fspath(folder), status.st_size, status.st_mtime_ns, status.st_ino]


def tracked_logs(
    layout: Layout, files: FileSystem | None, seal: Seal, ask: Asking
) -> TrackedLogs:
    """Return what git tracks of all logs; it is asked where the index is another one.

    Without `files` its answer is not remembered.
    """
    try:
        stamp = index_stamp(layout)
        if not stamp or not layout.all_trials.is_dir():
            return TrackedLogs()
        known, before = _remembered(layout, seal)
        if known == stamp:
            return TrackedLogs(frozenset(before))
        names = sorted({*before, *ask(layout.all_trials)})
    except MetaExperimentError as error:
        return TrackedLogs(unknown=error.message, remedy=error.hint)
    except OSError as error:
        return TrackedLogs(unknown=f"{error.filename}: {error.strerror}")
    if files is not None:
        _remember(layout, files, seal, stamp, names)
    return TrackedLogs(frozenset(names))


def _remember(
    layout: Layout, files: FileSystem, seal: Seal, stamp: Stamp, names: list[str]
) -> None:
    with suppress(OSError):  # then it is asked again
        document = json.dumps([stamp, names], separators=(",", ":"))
        ensure_directory(files, layout.local)
        write_atomically(files, _place(layout), seal.wrap(_PURPOSE, document.encode()))


def _remembered(layout: Layout, seal: Seal) -> tuple[Stamp | None, list[str]]:
    data = seal.unwrap(_PURPOSE, try_read(_place(layout)) or b"")
    if data is None:
        return None, []
    stamp, names = json.loads(data)
    return stamp, names


def _place(layout: Layout) -> Path:
    return layout.local / "tracked"
