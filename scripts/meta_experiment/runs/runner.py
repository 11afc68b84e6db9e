"""The runner: starts runs in the order of the schedule and tells what becomes of them.

It decides nothing about variants. Whoever takes its events may stop taking them at any time:
then what is under way is stopped, and what has ended stays.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Protocol

from meta_experiment.errors import RefusedError, as_word
from meta_experiment.records import dataclass
from meta_experiment.runs.budget import Budget
from meta_experiment.runs.frontier import Frontier
from meta_experiment.runs.scope import may_run_with
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import CellOutcome, Failure, FailureKind, RunBlock, RunCell

MOST_ATTEMPTS = 3
UNSEEN = "the text of its variant did not reach the agent"
_VAIN = 3  # failures before anything has worked, or runs of a variant that are set aside


@dataclass(frozen=True, slots=True)
class EndedRun:
    """Event: a run has ended and is judged."""

    outcome: CellOutcome


@dataclass(frozen=True, slots=True)
class CountedBlock:
    """Event: a block is complete, as is all before it: it may be looked at."""

    outcomes: tuple[CellOutcome, ...]


@dataclass(frozen=True, slots=True)
class BlockSetAside:
    """Event: a run failed through no fault of its variant; its block does not count."""

    cell: RunCell
    reason: str


@dataclass(frozen=True, slots=True)
class ReachedCap:
    """Event: a cap lets no further run start."""

    reason: str


Event = EndedRun | CountedBlock | BlockSetAside | ReachedCap


class Team(Protocol):
    """Whoever makes attempts (`Crew`, but in simulations)."""

    def begin(self, cell: RunCell, slot: int) -> None:
        """Begin an attempt in a free slot."""

    def next(self) -> Sequence[CellOutcome]:
        """Return those that ended, at least one where any is under way."""

    def close(self) -> None:
        """Stop all."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of runs from before: outcomes by cell, slots of those that go on."""

    outcomes: Mapping[RunCell, CellOutcome]
    under_way: Mapping[RunCell, int]


class Runner:
    """Runs of all blocks, so many at a time."""

    def __init__(
        self,
        blocks: Sequence[RunBlock],
        cases: Mapping[str, Case],
        known: Known,
        budget: Budget,
        team: Team,
        *,
        slots: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin where the outcomes that are known leave off."""
        self._cases, self._team, self._budget, self._clock = cases, team, budget, clock
        self._frontier = Frontier(blocks)
        self._known = known
        cells = [cell for block in blocks for cell in block.cells]
        self._waiting = deque(cell for cell in cells if cell not in known.outcomes)
        self._running: dict[RunCell, int] = {}
        self._free = set(range(slots))
        self._attempts: dict[RunCell, int] = {}
        self._failures: list[tuple[RunCell, Failure]] = []
        self._ended = {cell.variant for cell in known.outcomes}
        self._vain = Counter[str]()
        self._most_vain = max(_VAIN, slots)  # those side by side may fail for one reason
        self._worked = bool(known.outcomes)

    @property
    def waiting(self) -> int:
        """How many runs have ended and wait for one before them."""
        return self._frontier.waiting

    def events(self) -> Generator[Event]:
        """Yield what happens, until every run has ended, a cap is reached or nothing works.

        Raises:
            RefusedError: no run can succeed as things are set up; the message says why.
        """
        began = self._clock()
        with closing(self._team):
            for outcome in self._known.outcomes.values():
                self._frontier.end(outcome)
            yield from self._complete()
            for cell, slot in self._known.under_way.items():
                self._waiting.remove(cell)
                self._begin(cell, slot)
            while True:
                refusal = self._fill(began)
                if refusal:
                    yield ReachedCap(refusal)
                if not self._running:
                    return
                for outcome in self._team.next():
                    yield from self._taken(outcome)

    def _fill(self, began: float) -> str | None:
        """Start what may; say which cap forbids more, once nothing is under way."""
        while self._free and not self._is_in_doubt():
            cell = self._next()
            if cell is None:
                return None
            refusal = self._budget.refusal(len(self._running), self._clock() - began)
            if refusal:
                return None if self._running else refusal
            self._waiting.remove(cell)
            self._begin(cell, min(self._free))
        return None

    def _next(self) -> RunCell | None:
        """Return the first that waits and shares nothing with what is under way."""
        busy = [self._cases[cell.case_id] for cell in self._running]
        for cell in self._waiting:
            if may_run_with(self._cases[cell.case_id], busy):
                return cell
        return None

    def _is_in_doubt(self) -> bool:
        """Whether so much failed and nothing worked that what is under way must tell first.

        Raises:
            RefusedError: nothing is under way any more.
        """
        if self._worked or len(self._failures) < _VAIN:
            return False
        if self._running:
            return True
        cell, failure = self._failures[-1]
        raise RefusedError(
            f"Nothing has run so far: {failure.reason} ({_named(cell)}).",
            hint="When that is over, run this again: what has ended is not run twice.",
        )

    def _begin(self, cell: RunCell, slot: int) -> None:
        self._free.discard(slot)
        self._running[cell] = slot
        self._team.begin(cell, slot)

    def _taken(self, outcome: CellOutcome) -> Iterator[Event]:
        cell, report = outcome.cell, outcome.report
        self._free.add(self._running.pop(cell))
        self._budget.spend(outcome.spent)
        failure = report.failure
        if failure is not None and failure.kind is FailureKind.SETUP:
            raise RefusedError(
                f"No run can succeed as it is: {failure.reason} ({_named(cell)}).",
                hint="Put that right, then run this again: what has ended is not run twice.",
            )
        if failure is not None and not failure.kind.counts:
            yield from self._failed(cell, failure)
        elif report.received is False:
            yield from self._aside(cell, UNSEEN)
        else:
            self._worked = True
            self._frontier.end(outcome)
            self._ended.add(cell.variant)
            yield EndedRun(outcome)
        yield from self._complete()

    def _failed(self, cell: RunCell, failure: Failure) -> Iterator[Event]:
        """Run a cell again, or set its block aside when that was tried often enough.

        Raises:
            RefusedError: nothing has worked so far.
        """
        self._failures.append((cell, failure))
        self._is_in_doubt()
        self._attempts[cell] = self._attempts.get(cell, 0) + 1
        if self._attempts[cell] < MOST_ATTEMPTS:
            self._waiting.appendleft(cell)
        else:
            yield from self._aside(cell, failure.reason)

    def _aside(self, cell: RunCell, reason: str) -> Iterator[Event]:
        self._frontier.set_aside(cell, reason)
        partners = [item for item in self._waiting if self._frontier.is_aside(item)]
        for item in partners:
            self._waiting.remove(item)
        yield BlockSetAside(cell, reason)
        self._vain[cell.variant] += 1
        vain = self._vain[cell.variant]
        if cell.variant not in self._ended and vain >= self._most_vain:
            raise RefusedError(
                f"None of the first {vain} runs of this variant counts: {reason} "
                f"({_named(cell)}).",
                hint="Try one by hand; the folder of its attempt holds what the agent said.",
            )

    def _complete(self) -> Iterator[Event]:
        for outcomes in self._frontier.complete():
            yield CountedBlock(outcomes)


def _named(cell: RunCell) -> str:
    return f"case {as_word(cell.case_id)}, {as_word(cell.variant)}"
