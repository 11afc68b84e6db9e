"""Reading trials again and again in one process: what is new alone is folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from meta_experiment.errors import StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.reading.summaries import (
    DoubtError,
    covered,
    load_reading,
    require_same_logs,
    whole_blocks,
)
from meta_experiment.store.local.reading.trials import Reading
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import Metric


class Following:
    """What was read of an experiment's logs; it stays read while these only grow."""

    def __init__(self, layout: Layout, files: FileSystem, experiment_id: str) -> None:
        """Begin with nothing read."""
        self._layout, self._files, self._experiment_id = layout, files, experiment_id
        self._reading: Reading | None = None
        self._known: dict[str, Any] = {}

    def log(self, counting: Counting, named: Iterable[Metric]) -> TrialLog:
        """Return all trials, as `load_trials` does.

        Raises:
            CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
        """
        folder = self._layout.trials(self._experiment_id)
        reading, self._reading = self._reading, None  # what fails halfway is not gone on with
        if reading is not None:
            logs = counting.logs(folder)
            try:
                require_same_logs(self._known, folder, logs)
            except (DoubtError, OSError):
                reading = None
            else:
                reading.bytes_read = 0
                reading.read(folder, logs, named)
                reading = reading if reading.settled else None
        if reading is None:
            reading = load_reading(
                self._layout, self._files, counting, self._experiment_id, named
            )
        try:
            self._known = covered(folder, reading)
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be read: {error.strerror}.") from error
        reading.checksums = whole_blocks(self._known)
        self._reading = reading
        found = reading.log()
        return replace(found, trials=tuple(found.trials))  # the columns go on growing
