"""Single trials out of lines that were looked up, without all others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from meta_experiment.protocol.sequence import is_assignment_file, parse_assignment
from meta_experiment.store.fold.code_runs import UNKNOWN
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.lines import UnusableLine, decoded


def spellings(trial_ids: Iterable[str]) -> set[str]:
    """Return the ways in which lines may hold ids: as they are, and as JSON writes them."""
    return {
        text
        for trial_id in trial_ids
        for text in (
            trial_id,
            json.dumps(trial_id)[1:-1],
            json.dumps(trial_id, ensure_ascii=False)[1:-1],
        )
    }


def take_single(fold: Fold, log: str, lines: Sequence[str | UnusableLine]) -> None:
    """Take lines of a log that were looked up into a fold; places in the sequence stay open."""
    if not is_assignment_file(log):
        fold.take(log, 0, decoded([*lines]))
        return
    texts = (line for line in lines if isinstance(line, str))
    for parsed in filter(None, map(parse_assignment, texts)):
        fold.assign(UNKNOWN, parsed[1])
