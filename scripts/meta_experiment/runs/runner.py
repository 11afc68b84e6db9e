"""The runner: starts runs in the order of the schedule and tells what becomes of them.

It decides nothing about variants. Whoever takes its events may stop taking them at any time:
then what is under way is stopped, and what has ended stays.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import field
from typing import Protocol

from meta_experiment.errors import RefusedError, as_word
from meta_experiment.records import dataclass
from meta_experiment.runs.budget import Budget
from meta_experiment.runs.frontier import Frontier
from meta_experiment.runs.hearing import Hearing
from meta_experiment.runs.scope import may_run_with
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import (
    CellOutcome,
    Contest,
    ContestOutcome,
    Failure,
    FailureKind,
    RunBlock,
    RunCell,
)

MOST_ATTEMPTS = 3
UNSEEN = "the text of its variant did not reach the agent"
_JUDGE = ""  # in the place of a variant
_VAIN = 3  # failures before anything has worked, or runs of a variant that are set aside


@dataclass(frozen=True, slots=True)
class EndedRun:
    """Event: a run has ended and is judged."""

    outcome: CellOutcome


@dataclass(frozen=True, slots=True)
class CountedBlock:
    """Event: a block is complete, as is all before it: it may be looked at."""

    outcomes: tuple[CellOutcome, ...]
    contest: ContestOutcome | None = None


@dataclass(frozen=True, slots=True)
class BlockSetAside:
    """Event: a run failed through no fault of its variant; its block does not count."""

    cell: RunCell | Contest
    reason: str


@dataclass(frozen=True, slots=True)
class ReachedCap:
    """Event: a cap lets no further run start."""

    reason: str


Event = EndedRun | CountedBlock | BlockSetAside | ReachedCap


class Team(Protocol):
    """Whoever makes attempts (`Crew`, but in simulations)."""

    def begin(self, cell: RunCell | Contest, slot: int) -> None:
        """Begin an attempt in a free slot."""

    def next(self) -> Sequence[CellOutcome | ContestOutcome]:
        """Return those that ended, at least one where any is under way."""

    def close(self) -> None:
        """Stop all."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from before: outcomes by cell, slots of runs that go on, contests.

    `aside` are runs that came to nothing so often that they are not made again.
    """

    outcomes: Mapping[RunCell, CellOutcome]
    under_way: Mapping[RunCell, int]
    contests: Mapping[Contest, ContestOutcome] = field(default_factory=dict)
    aside: Mapping[RunCell, str] = field(default_factory=dict)


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
        self._waiting = deque[RunCell | Contest](
            cell for cell in cells if cell not in known.outcomes
        )
        self._running: dict[RunCell | Contest, int] = {}
        self._free = set(range(slots))
        self._attempts: dict[RunCell | Contest, int] = {}
        self._failures: list[tuple[RunCell | Contest, Failure]] = []
        self._ended = {cell.variant for cell in known.outcomes}
        self._vain = Counter[str]()
        self._most_vain = max(_VAIN, slots)  # those side by side may fail for one reason
        self._worked = bool(known.outcomes)
        self._judge = Hearing()

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
            for contest in self._known.contests.values():
                self._end(contest)
            for run in self._known.outcomes.values():
                self._end(run)
            for cell, reason in self._known.aside.items():
                yield from self._aside(cell, reason)
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

    def _end(self, outcome: CellOutcome | ContestOutcome) -> None:
        """Take an outcome; the last one of its block may begin a contest."""
        self._frontier.end(outcome)
        if isinstance(outcome, CellOutcome):
            contest = self._frontier.open_contest(outcome.cell)
            if contest is not None:
                self._waiting.appendleft(contest)

    def _next(self) -> RunCell | Contest | None:
        """Return the first that waits and shares nothing with what is under way."""
        busy = [
            self._cases[cell.case_id] for cell in self._running if isinstance(cell, RunCell)
        ]
        for cell in self._waiting:
            if isinstance(cell, Contest) or may_run_with(self._cases[cell.case_id], busy):
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

    def _begin(self, cell: RunCell | Contest, slot: int) -> None:
        self._free.discard(slot)
        self._running[cell] = slot
        self._team.begin(cell, slot)

    def _taken(self, outcome: CellOutcome | ContestOutcome) -> Iterator[Event]:
        cell, failure = outcome.cell, outcome.failure
        self._free.add(self._running.pop(cell))
        self._budget.spend(outcome.bill)
        if failure is not None and failure.kind is FailureKind.SETUP:
            raise RefusedError(
                f"No run can succeed as it is: {failure.reason} ({_named(cell)}).",
                hint="Put that right, then run this again: what has ended is not run twice.",
            )
        if failure is not None and not failure.kind.counts:
            yield from self._failed(cell, failure)
        elif isinstance(outcome, ContestOutcome):
            self._judge.hear(outcome)
            self._end(outcome)
            self._ended.add(_JUDGE)
        elif outcome.report.received is False:
            yield from self._aside(cell, UNSEEN)
        else:
            self._judge.hear(outcome)
            self._worked = True
            self._end(outcome)
            self._ended.add(outcome.cell.variant)
            yield EndedRun(outcome)
        yield from self._complete()

    def _failed(self, cell: RunCell | Contest, failure: Failure) -> Iterator[Event]:
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

    def _aside(self, cell: RunCell | Contest, reason: str) -> Iterator[Event]:
        self._frontier.set_aside(cell, reason)
        partners = [item for item in self._waiting if self._frontier.is_aside(item)]
        for item in partners:
            self._waiting.remove(item)
        yield BlockSetAside(cell, reason)
        who = cell.variant if isinstance(cell, RunCell) else _JUDGE
        self._vain[who] += 1
        vain, what = self._vain[who], "runs of this variant" if who else "verdicts of the judge"
        if who not in self._ended and vain >= self._most_vain:
            raise RefusedError(
                f"None of the first {vain} {what} counts: {reason} ({_named(cell)}).",
                hint="Try one by hand; the folder of its attempt holds what the agent said.",
            )

    def _complete(self) -> Iterator[Event]:
        for outcomes, contest in self._frontier.complete():
            yield CountedBlock(outcomes, contest)


def _named(cell: RunCell | Contest) -> str:
    who = as_word(cell.variant) if isinstance(cell, RunCell) else "its judge"
    return f"case {as_word(cell.case_id)}, {who}"
