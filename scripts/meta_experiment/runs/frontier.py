"""The complete beginning of the schedule: the only runs that evidence may rest on.

Of runs side by side the quick ones end first, so that a look at whatever is complete would
prefer a variant for being slow now and then. Blocks therefore count in the order of the
schedule, each once all runs before it have ended or were set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.types.runs import CellOutcome, RunBlock, RunCell


class Frontier:
    """The border between blocks that count and those that wait for one before them."""

    def __init__(self, blocks: Sequence[RunBlock]) -> None:
        """Begin before the first block."""
        self._blocks = blocks
        self._outcomes: dict[RunCell, CellOutcome] = {}
        self._aside: dict[tuple[str, int], str] = {}
        self._next = 0

    @property
    def waiting(self) -> int:
        """How many runs have ended and wait for one before them."""
        return len(self._outcomes)

    @property
    def aside(self) -> tuple[tuple[str, int, str], ...]:
        """The blocks that were set aside: case, repeat, reason."""
        return tuple((case, repeat, why) for (case, repeat), why in self._aside.items())

    def is_aside(self, cell: RunCell) -> bool:
        """Tell whether the block of a run was set aside."""
        return (cell.case_id, cell.repeat) in self._aside

    def end(self, outcome: CellOutcome) -> None:
        """Take the outcome of a run; one of a block that was set aside is dropped."""
        if not self.is_aside(outcome.cell):
            self._outcomes[outcome.cell] = outcome

    def set_aside(self, cell: RunCell, reason: str) -> None:
        """Leave out a run, and its partners of the other variants with it."""
        self._aside.setdefault((cell.case_id, cell.repeat), reason)
        for other in [item for item in self._outcomes if self.is_aside(item)]:
            del self._outcomes[other]

    def complete(self) -> Iterator[tuple[CellOutcome, ...]]:
        """Yield the outcomes of every block that counts from now on, in order."""
        while self._next < len(self._blocks):
            cells = self._blocks[self._next].cells
            if not self.is_aside(cells[0]):
                if any(cell not in self._outcomes for cell in cells):
                    return
                yield tuple(self._outcomes.pop(cell) for cell in cells)
            self._next += 1
