"""The soundness of a store's files, by their own words and by checksums.

Looking changes nothing. What is derived can be made anew; evidence is copied, never touched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from meta_experiment.errors import MetaExperimentError, NotFoundError, StorageError, cite
from meta_experiment.files.confine import Content, read_confined
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.read_only import ReadOnlyFileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.records import dataclass
from meta_experiment.store.local import aside
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.reading.summaries import load_trials, log_checksums
from meta_experiment.store.local.reading.trials import read_trials
from meta_experiment.store.local.variants import save_variant
from meta_experiment.store.trial_log import DamagedLine, TrialLog
from meta_experiment.types import Experiment, FileVersion


@dataclass(frozen=True, slots=True)
class MissingText:
    """The text of a path in a variant that is gone or another one, and how that is said."""

    path: str
    variant: str
    version: FileVersion
    error: MetaExperimentError


def missing_texts(layout: Layout, experiment: Experiment) -> Iterator[MissingText]:
    """Find every stored text that is not what the plan names."""
    for path, arms in experiment.versions.items():
        for name, version in arms.items():
            if version is None:
                continue
            error = _why_missing(layout, experiment.experiment_id, name, path, version)
            if error is not None:
                yield MissingText(path, name, version, error)


def _why_missing(
    layout: Layout, experiment_id: str, variant: str, path: str, version: FileVersion
) -> MetaExperimentError | None:
    text = f"The stored text of {cite(path)} in variant {cite(variant)}"
    try:
        stored = read_confined(layout.variants(experiment_id, variant), path)
    except NotFoundError:
        return NotFoundError(f"{text} is gone.")
    except MetaExperimentError as refusal:
        return refusal
    if stored.sha256 == version.sha256:
        return None
    return NotFoundError(
        f"{text} is not the one that the plan names (SHA-256 {version.sha256[:12]}…)."
    )


def restore_text(
    layout: Layout, files: FileSystem, experiment_id: str, missing: MissingText, data: bytes
) -> None:
    """Store a text again. Raises as `save_variant`."""
    content = Content(data, missing.version.mode)
    save_variant(layout, files, experiment_id, missing.variant, {missing.path: content})


def trials_in_logs(layout: Layout, counting: Counting, experiment: Experiment) -> TrialLog:
    """Read the trials from the logs alone, whatever is remembered of them."""
    return read_trials(layout, counting, experiment.experiment_id, experiment.plan.metrics)


def new_damage(layout: Layout, experiment: Experiment, log: TrialLog) -> Iterator[DamagedLine]:
    """Find the damaged lines of logs of which there is no copy yet."""
    found = aside.unknown_lines(layout, experiment.experiment_id, log.set_aside)
    return (item for item, _ in found)


def copy_damage(
    layout: Layout, files: FileSystem, counting: Counting, experiment: Experiment
) -> tuple[int, Path] | None:
    """Copy damaged lines aside, and say how many and where; None when there is none."""
    name = experiment.experiment_id
    log = trials_in_logs(layout, counting, experiment)
    found = list(aside.unknown_lines(layout, name, log.set_aside))
    return (len(found), aside.put_aside(layout, files, name, found)) if found else None


def edited_logs(
    layout: Layout, counting: Counting, experiment: Experiment
) -> Iterator[tuple[str, int]]:
    """Find the logs that are not any more what was read of them, and from which byte on."""
    changed = log_checksums(layout, counting.seal, experiment.experiment_id)
    return ((file, place) for file, place in changed.items() if place is not None)


def summary_is_sound(layout: Layout, counting: Counting, experiment: Experiment) -> bool:
    """Tell whether the summary of an experiment is equal to its logs; none is."""
    name, metrics = experiment.experiment_id, experiment.plan.metrics
    if not layout.summaries(name).exists():
        return True
    kept = load_trials(layout, ReadOnlyFileSystem(), counting, name, metrics)
    return same_trials(kept, trials_in_logs(layout, counting, experiment))


def remake_summary(
    layout: Layout, files: FileSystem, counting: Counting, experiment: Experiment
) -> None:
    """Fold the logs of an experiment anew, from their beginning. Raises StorageError."""
    name = experiment.experiment_id
    remove(files, layout.summaries(name))
    load_trials(layout, files, counting, name, experiment.plan.metrics)


def remove(files: FileSystem, path: Path) -> None:
    """Remove what is derived. Raises StorageError."""
    try:
        files.remove(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be removed: {error.strerror}.") from error


def same_trials(one: TrialLog, other: TrialLog) -> bool:
    """Tell whether two readings of the same logs came to the same."""
    return (
        len(one.trials) == len(other.trials)
        and one.set_aside_count == other.set_aside_count
        and one.conflict_count == other.conflict_count
        and all(a == b for a, b in zip(one.trials, other.trials, strict=True))
    )


def unsafe(layout: Layout) -> Iterator[tuple[Path, str, str]]:
    """Find what nobody should find below the folder: where, what it is, how it is mended."""
    for path in _walk(layout.meta):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield path, "is a symbolic link; this tool makes none", "rm"
        elif mode & stat.S_IWOTH:
            yield path, "can be changed by everybody", "chmod o-w"


def _walk(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        yield folder
        return
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            yield Path(place, name)
