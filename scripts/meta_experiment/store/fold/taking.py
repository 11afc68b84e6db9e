"""Blocks of a log's lines taken into a fold, wherever the log is kept."""

from __future__ import annotations

from meta_experiment.protocol.log_head import HEAD
from meta_experiment.protocol.sequence import (
    draw_of,
    is_assignment_file,
    parse_assignment,
    place,
)
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.lines import Block, UnusableLine, decoded
from meta_experiment.store.fold.own_lines import OwnLines

_HEAD = HEAD.decode()
NOT_ASSIGNMENT = "not a line of the assignment sequence"


class BlockTaking:
    """Takes the blocks of one log into a fold, in their order."""

    def __init__(self, fold: Fold, log: str) -> None:
        self._fold = fold
        self._log = log
        self.own = OwnLines(fold)
        self.assigns = is_assignment_file(log)

    def take(self, lines_before: int, block: Block) -> None:
        """Take in a block that follows so many lines."""
        if self.assigns:
            self._take_assignments(lines_before, block)
        else:
            self._take_events(lines_before, block)

    def _take_events(self, lines_before: int, block: Block) -> None:
        text = block.text()
        if text is None:
            self._fold.take(self._log, lines_before, decoded(block.lines()))
        else:
            self.own.take(self._log, lines_before, text, block.total)

    def _take_assignments(self, lines_before: int, block: Block) -> None:
        text = block.text()
        if text is None or not self.own.take_assignments(lines_before, text, block.total):
            for number, line in enumerate(block.lines(), start=lines_before + 1):
                self._take_assignment(number, line)

    def _take_assignment(self, number: int, line: str | UnusableLine) -> None:
        if not line or (isinstance(line, str) and line.startswith(_HEAD)):
            return  # two processes may have begun a file at once
        parsed = parse_assignment(line) if isinstance(line, str) else None
        if parsed is None or not isinstance(line, str):
            self._fold.refuse(self._log, number, NOT_ASSIGNMENT)
        else:
            count, trial = parsed
            self._fold.assign(place(count, number), trial, draw_of(line))
