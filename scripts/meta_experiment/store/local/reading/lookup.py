"""Looking up single trials in the logs, without folding what else they hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import origin
from meta_experiment.protocol.sequence import is_assignment_file, parse_assignment
from meta_experiment.store.fold.code_runs import UNKNOWN
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.lines import UnusableLine, decoded
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
    wanted = [spelled for trial_id in trial_ids for spelled in _spelled(trial_id)]
    folder = layout.trials(experiment_id)
    logs = counting.logs(folder)
    for name, log in sorted(logs.items(), key=lambda item: origin(item[0])[1]):
        if not log.counts:
            continue
        lines = _lines_with(folder / name, Cursor(log.begin), wanted)
        if not is_assignment_file(name):
            fold.take(name, 0, decoded([*lines]))
            continue
        for parsed in filter(None, map(parse_assignment, lines)):
            fold.assign(UNKNOWN, parsed[1])
    return fold


def _lines_with(path: Path, begin: Cursor, wanted: Collection[bytes]) -> Iterator[str]:
    for block in read_blocks(path, begin):
        if any(spelled in block.data for spelled in wanted):
            for line in block.lines():
                if not isinstance(line, UnusableLine):
                    data = line.encode()
                    if any(spelled in data for spelled in wanted):
                        yield line


def _spelled(trial_id: str) -> set[bytes]:
    """Return the ways in which a line may hold an id: as it is, and as JSON writes it."""
    texts = {
        trial_id,
        json.dumps(trial_id)[1:-1],
        json.dumps(trial_id, ensure_ascii=False)[1:-1],
    }
    return {text.encode() for text in texts}
