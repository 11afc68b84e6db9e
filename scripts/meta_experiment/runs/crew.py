"""The crew: threads that each make one attempt at a time, and hand over what came of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

from meta_experiment.files.interruption import held
from meta_experiment.types.runs import CellOutcome, Contest, ContestOutcome, RunCell

Outcome = CellOutcome | ContestOutcome
Make = Callable[[RunCell | Contest, int, Event], Outcome]
_BRIEF = 0.2  # seconds, after which a signal is heard at the latest


class Crew:
    """So many attempts side by side, each in a slot of its own."""

    def __init__(self, make: Make, slots: int) -> None:
        """Hold back until the first `begin`; `make` makes one attempt."""
        self._make = make
        self._stopping = Event()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="run")
        self._running: dict[Future[Outcome], RunCell | Contest] = {}

    def begin(self, cell: RunCell | Contest, slot: int) -> None:
        """Make an attempt at a cell in a slot that is free, or hold a contest."""
        self._running[self._pool.submit(self._make, cell, slot, self._stopping)] = cell

    def next(self) -> list[Outcome]:
        """Wait for at least one attempt to end, and return those that did.

        What an attempt raises is raised here.
        """
        done: set[Future[Outcome]] = set()
        while self._running and not done:
            done, _ = wait(self._running, _BRIEF, FIRST_COMPLETED)
        for item in done:
            del self._running[item]
        return [item.result() for item in done]

    @held()
    def close(self) -> None:
        """Stop what is under way, and wait for it, also where a signal comes once more."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
