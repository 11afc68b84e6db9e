"""Looking up single trials in the logs, without folding what else they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import origin
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.lines import UnusableLine
from meta_experiment.store.fold.single_trials import spellings, take_single
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.line_files import Cursor, read_blocks


def fold_of(
    layout: Layout, counting: Counting, experiment_id: str, trial_ids: Collection[str]
) -> Fold:
    """Return what the logs that count say of these trials.

    Only lines that hold one of the ids are decoded; finding them is a search for bytes.

    Raises:
        CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
    """
    fold = Fold()
    wanted = [text.encode() for text in spellings(trial_ids)]
    folder = layout.trials(experiment_id)
    logs = counting.logs(folder)
    for name, log in sorted(logs.items(), key=lambda item: origin(item[0])[1]):
        if not log.counts:
            continue
        lines = _lines_with(folder / name, Cursor(log.begin), wanted)
        take_single(fold, name, [*lines])
    return fold


def _lines_with(path: Path, begin: Cursor, wanted: Collection[bytes]) -> Iterator[str]:
    for block in read_blocks(path, begin):
        if any(spelled in block.data for spelled in wanted):
            for line in block.lines():
                if not isinstance(line, UnusableLine):
                    data = line.encode()
                    if any(spelled in data for spelled in wanted):
                        yield line
