"""The complete beginning of the schedule: the only runs that evidence may rest on.

Of runs side by side the quick ones end first, so that a look at whatever is complete would
prefer a variant for being slow now and then. Blocks therefore count in the order of the
schedule, each once all runs before it have ended or were set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.types.runs import CellOutcome, Contest, ContestOutcome, RunBlock, RunCell


class Frontier:
    """The border between blocks that count and those that wait for one before them."""

    def __init__(self, blocks: Sequence[RunBlock]) -> None:
        """Begin before the first block."""
        self._blocks = blocks
        self._outcomes: dict[RunCell, CellOutcome] = {}
        self._contests: dict[Contest, ContestOutcome] = {}
        self._of_contest = {block.contest: block for block in blocks if block.contested}
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

    def is_aside(self, cell: RunCell | Contest) -> bool:
        """Tell whether the block of a run was set aside."""
        return (cell.case_id, cell.repeat) in self._aside

    def end(self, outcome: CellOutcome | ContestOutcome) -> None:
        """Take the outcome of a run or a contest; one that was set aside is dropped."""
        if isinstance(outcome, ContestOutcome):
            self._contests[outcome.cell] = outcome
        elif not self.is_aside(outcome.cell):
            self._outcomes[outcome.cell] = outcome

    def open_contest(self, cell: RunCell) -> Contest | None:
        """Return the contest that a run was the last to be waited for; None where none is."""
        block = self._of_contest.get(Contest(cell.case_id, cell.repeat))
        if block is None or block.contest in self._contests:
            return None
        return block.contest if all(one in self._outcomes for one in block.cells) else None

    def set_aside(self, cell: RunCell | Contest, reason: str) -> None:
        """Leave out a run, and its partners of the other variants with it."""
        self._aside.setdefault((cell.case_id, cell.repeat), reason)
        for other in [item for item in self._outcomes if self.is_aside(item)]:
            del self._outcomes[other]

    def complete(self) -> Iterator[tuple[tuple[CellOutcome, ...], ContestOutcome | None]]:
        """Yield the outcomes of every block that counts from now on, in order."""
        while self._next < len(self._blocks):
            block = self._blocks[self._next]
            if not self.is_aside(block.contest):
                if any(cell not in self._outcomes for cell in block.cells):
                    return
                if block.contested and block.contest not in self._contests:
                    return
                runs = tuple(self._outcomes.pop(cell) for cell in block.cells)
                yield runs, self._contests.pop(block.contest, None)
            self._next += 1
