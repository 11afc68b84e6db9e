"""Marks of a checkout: what it started, whom it admits to it, and what it measured itself."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head, seal
from meta_experiment.records import dataclass
from meta_experiment.store.local.sealing import checkout_seal, refusals, write_sealed

_MEASURED = "measured"  # the purpose of the seal
_MANUAL, _SERVED = "manual", "served"


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a start in this checkout: how it was, and which plan with which texts."""

    manual: bool
    digest: str


def mark_started(layout: Layout, files: FileSystem, experiment_id: str, mark: Mark) -> None:
    """Remember that this checkout started an experiment itself. Raises StorageError."""
    words = f"{_MANUAL if mark.manual else _SERVED} {mark.digest}\n"
    place = layout.started(experiment_id)
    write_sealed(layout, files, place, _purpose(experiment_id), words.encode())


def unmark_started(layout: Layout, files: FileSystem, experiment_id: str) -> None:
    """Forget that this checkout started an experiment. Raises StorageError."""
    path = layout.started(experiment_id)
    with refusals(path):
        if path.parent.exists():
            files.remove(path)
            files.sync_directory(path.parent)


def read_mark(layout: Layout, experiment_id: str) -> Mark | None:
    """Return how this checkout started an experiment; None when it did not.

    What is not under this machine's seal came with a commit, and says nothing.
    """
    path = layout.started(experiment_id)
    with refusals(path):
        words = seal.read_sealed(str(layout.root), str(path), _purpose(experiment_id))
    how, _, digest = words.decode("ascii", "replace").strip().partition(" ")
    if how not in (_MANUAL, _SERVED) or not digest:
        return None
    return Mark(how == _MANUAL, digest)


def admit(
    layout: Layout, files: FileSystem, experiment_id: str, writers: Collection[str]
) -> None:
    """Remember who is admitted to an experiment, and nobody else. Raises StorageError."""
    path, own = (
        Path(log_head.admitted_file(os.fspath(layout.root))),
        checkout_seal(layout, files),
    )
    with FileLock(layout.lock("local"), verb="admit a writer"), refusals(path):
        known = log_head.admitted(os.fspath(layout.root), own)
        known[experiment_id] = set(writers)
        ensure_directory(files, path.parent)
        write_atomically(files, path, log_head.admitted_lines(known, own))


def impact_digest(experiment_id: str, at: str, impact: Mapping[str, Any]) -> str:
    """Return what no other impact, of another outcome or moment, has."""
    told = json.dumps([experiment_id, at, impact], sort_keys=True)
    return str(sha256(told.encode()).hexdigest())


def mark_measured(layout: Layout, files: FileSystem, digest: str) -> None:
    """Remember an impact that was measured here. Raises StorageError."""
    with FileLock(layout.lock("local"), verb="remember what was measured"):
        known = measured_here(layout)
        if digest not in known:
            lines = "".join(f"{it}\n" for it in sorted({*known, digest}))
            write_sealed(layout, files, layout.measured, _MEASURED, lines.encode())


def measured_here(layout: Layout) -> frozenset[str]:
    """Return the digests of impacts that were measured here; what a commit brought is none."""
    with refusals(layout.measured):
        lines = seal.read_sealed(str(layout.root), str(layout.measured), _MEASURED)
    return frozenset(lines.decode("ascii", "replace").split())


def _purpose(experiment_id: str) -> str:
    return f"started {experiment_id}"
