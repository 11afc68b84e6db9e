"""Bytes that are named by their SHA-256: whether they are there, and where else they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from meta_experiment.deploy import Backups
from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.confine import Content, read_confined
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status

_DIGEST = re.compile(r"[0-9a-f]{64}")


def missing_originals(
    workspace: Workspace, experiment: Experiment
) -> Iterator[tuple[str, str]]:
    """Yield files whose text before the promotion cannot be had, and the text's SHA-256."""
    if experiment.status is not Status.PROMOTED or experiment.outcome is None:
        return
    for path, pair in experiment.outcome.files.items():
        if pair.before is None:
            continue
        try:
            workspace.stored(experiment, path, pair.before)
        except (MetaExperimentError, OSError):
            yield path, pair.before.sha256


def damaged_backups(workspace: Workspace) -> Iterator[str]:
    """Yield the names of backups that do not hold what their name promises."""
    backups = Backups(workspace.files, workspace.layout.backups)
    for name in backup_names(workspace):
        try:
            backups.load(name)
        except (MetaExperimentError, OSError):
            yield name


def backup_names(workspace: Workspace) -> list[str]:
    """Return the names of all backups that are named by their content."""
    folder = workspace.layout.backups
    names = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    return [name for name in names if _DIGEST.fullmatch(name)]


class Copies:
    """The places where texts of experiments are found once more, by their SHA-256.

    All experiments are gone through once, so that looking for many texts takes no longer.
    """

    def __init__(self, workspace: Workspace, experiments: Iterable[Experiment]) -> None:
        self._backups = workspace.layout.backups
        self._places: dict[str, list[tuple[Path, str]]] = {}
        for experiment in experiments:
            for path, arms in experiment.versions.items():
                for name, version in arms.items():
                    if version is None:
                        continue
                    stored = workspace.layout.variants(experiment.experiment_id, name)
                    places = self._places.setdefault(version.sha256, [])
                    places += [(stored, path), (workspace.root, path)]

    def find(self, wanted: str) -> bytes | None:
        """Return bytes with this SHA-256 from a backup, an arm of a plan or a prompt file."""
        for base, relative in [(self._backups, wanted), *self._places.get(wanted, ())]:
            try:
                content = read_confined(base, relative)
            except MetaExperimentError:
                continue
            if content.sha256 == wanted:
                return content.data
        return None


def present(workspace: Workspace, path: str) -> Content | None:
    """Return what stands at a prompt file's path, None where it cannot be read."""
    try:
        return read_confined(workspace.root, path)
    except MetaExperimentError:
        return None
