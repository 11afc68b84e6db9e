"""A line about runs under way: a bar on a terminal, else what is worth a line of its own."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from meta_experiment.cli.frame import Screen
from meta_experiment.cli.moving import MovingBar
from meta_experiment.files.headway import heard_by
from meta_experiment.render.run import progress_line
from meta_experiment.render.words import one_line
from meta_experiment.runs.budget import Budget
from meta_experiment.runs.runner import BlockSetAside, CountedBlock, EndedRun, Event, ReachedCap
from meta_experiment.services.running.run_outlook import first_seen
from meta_experiment.services.running.run_plan import RunPlan
from meta_experiment.types.runs import RunCell


class RunProgress:
    """Tells on stderr how far runs are, and which were set aside."""

    def __init__(
        self, screen: Screen, planned: RunPlan, at_once: int, *, silent: bool = False
    ) -> None:
        """Begin with the runs that were recorded before; `silent` where all is said already."""
        self._bar, self._begun = MovingBar(screen), ExitStack()
        self._began = time.monotonic()
        self._ended = 0
        self._planned, self._at_once = planned, at_once
        self._silent, self._is_first = silent, not planned.trials

    def __enter__(self) -> Self:
        """Say first what the runs can show and cost."""
        with ExitStack() as stack:
            stack.enter_context(heard_by(None))  # one bar is enough
            stack.enter_context(self._bar)
            for sentence in () if self._silent else self._planned.outlook:
                self._say(sentence)
            self._begun = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bar."""
        self._begun.__exit__(kind, error, trace)

    def tell(self, planned: RunPlan, event: Event, budget: Budget) -> None:
        """Say what an event means for the whole."""
        match event:
            case EndedRun():
                self._ended += 1
                self._draw(planned, budget)
            case BlockSetAside(cell, reason):
                who = cell.variant if isinstance(cell, RunCell) else "its judge"
                self._say(f"Set aside: {cell.case_id}, {who}: {reason}")
            case CountedBlock(outcomes) if self._is_first:
                self._is_first = False
                left = planned.runs_left - len(outcomes)
                for sentence in first_seen(outcomes, left, self._at_once):
                    self._say(sentence)
            case CountedBlock() | ReachedCap():
                pass

    def _say(self, sentence: str) -> None:
        self._bar.say(one_line(sentence))

    def _draw(self, planned: RunPlan, budget: Budget) -> None:
        seconds = time.monotonic() - self._began
        runs = planned.runs_left
        line = progress_line(self._ended, runs, seconds, budget.usd, budget.tokens)
        self._bar.fill(self._ended, runs, line)
