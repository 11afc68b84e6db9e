"""The trials of an experiment, read from those of its logs that count."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from meta_experiment.files.headway import tell
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import origin
from meta_experiment.store.fold.fold import OWN_METRICS, Fold
from meta_experiment.store.fold.lines import Block
from meta_experiment.store.fold.taking import BlockTaking
from meta_experiment.store.fold.trial_columns import Trials
from meta_experiment.store.local.counting import Counting, Log, apart
from meta_experiment.store.local.line_files import Cursor, read_blocks
from meta_experiment.store.local.logs import NO_LOG
from meta_experiment.store.local.reading.ahead import read_ahead
from meta_experiment.store.trial_log import WHOLE_SOURCE, DamagedLine, TrialLog, UncountedLog
from meta_experiment.types import Metric

_MANY = 8  # blocks
NOT_REGULAR = "no regular file"


class Reading:
    """A fold with how far each file has entered it; can go on where an earlier one ended."""

    def __init__(
        self,
        fold: Fold | None = None,
        cursors: dict[str, Cursor] | None = None,
        checksums: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.fold = Fold() if fold is None else fold
        self.cursors = {} if cursors is None else cursors
        self._whole = True
        self.checksums = {} if checksums is None else checksums
        self.logs: dict[str, Log] = {}
        self.apart: tuple[UncountedLog, ...] = ()
        self.bytes_read = 0
        self._passed = self._left = 0  # bytes

    @property
    def settled(self) -> bool:
        """Whether it is what a reading from the beginning would be."""
        return self._whole or not self.fold.unsettled

    def read(self, folder: Path, logs: dict[str, Log], named: Iterable[Metric] = ()) -> None:
        """Fold what is new in those files of a folder that count.

        `named` are the metrics of the plan, for which there is always room.

        Raises:
            CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
        """
        self.fold.unsettled = False
        self.fold.expected = OWN_METRICS.union(metric.name for metric in named)
        self._whole = not self.cursors
        self.logs = logs
        self.apart = apart(folder, logs)
        collecting = gc.isenabled()
        gc.disable()  # nothing that is made here refers to itself
        try:
            self._read_files(folder)
        finally:
            if collecting:
                gc.enable()

    def _read_files(self, folder: Path) -> None:
        ordered = sorted(self.logs.items(), key=lambda item: origin(item[0])[1])
        counted = [(name, log) for name, log in ordered if log.counts]
        for name, log in counted:
            cursor = self.cursors.setdefault(name, Cursor(log.begin, bool(log.begin)))
            self._left += max(log.size - cursor.offset, 0)
        for name, log in counted:
            cursor = self.cursors[name]
            before = cursor.offset
            if log.size > before:
                self._read_file(folder / name, cursor)
            self.bytes_read += cursor.offset - before

    def log(self) -> TrialLog:
        """Give out what was folded so far."""
        fold = self.fold
        strange = [
            DamagedLine(name, WHOLE_SOURCE, NOT_REGULAR)
            for name, log in sorted(self.logs.items())
            if log.size == NO_LOG
        ]
        return TrialLog(
            trials=Trials(fold.columns),
            set_aside=(*strange, *fold.set_aside),
            set_aside_count=len(strange) + fold.set_aside_count,
            conflicts=tuple(fold.conflicts),
            conflict_count=fold.conflict_count,
            apart=self.apart,
            sources={name: log.size for name, log in self.logs.items()},
            bytes_read=self.bytes_read,
        )

    def _read_file(self, path: Path, cursor: Cursor) -> None:
        taking = BlockTaking(self.fold, path.name)
        if taking.assigns:
            for block in self._blocks(path, cursor):
                taking.take(cursor.lines, block)
            return
        with read_ahead(path, cursor, self.logs[path.name].size) as ahead:
            for block in self._blocks(path, cursor):
                parsed = ahead.outcomes(cursor, block)
                if parsed is None or not taking.own.take_outcomes(parsed):
                    taking.take(cursor.lines, block)

    def _blocks(self, path: Path, cursor: Cursor) -> Iterator[Block]:
        """Yield the new blocks, making room at once for what a large file will hold."""
        pools = self.fold.columns.trials, self.fold.columns.units
        begin, before = cursor.offset, [pool.singles for pool in pools]
        for block in read_blocks(path, cursor):
            yield block
            self._passed += len(block.data)
            tell("reading trials", self._passed, self._left)
            left = (self.logs[path.name].size - begin) / len(block.data) - 1
            if cursor.offset == begin and left > _MANY:
                for pool, singles in zip(pools, before, strict=True):
                    pool.reserve(int(left * (pool.singles - singles)))


def read_trials(
    layout: Layout, counting: Counting, experiment_id: str, named: Iterable[Metric] = ()
) -> TrialLog:
    """Read all trials of an experiment from its logs alone; no log is no trial.

    `named` are the metrics of its plan, for which there is always room.

    Raises:
        CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
    """
    reading, folder = Reading(), layout.trials(experiment_id)
    reading.read(folder, counting.logs(folder), named)
    return reading.log()
