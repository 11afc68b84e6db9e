"""Where runs of an experiment are made: all that is fixed for them, as data.

It holds folders and words, no open file and no environment, so that another process, or
another machine that sees the same folders, can make the same runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from meta_experiment.files.confine import Content
from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.runs import supervising
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.attempts import Bench, attempt
from meta_experiment.runs.base import Base
from meta_experiment.runs.checkouts import Slots
from meta_experiment.runs.contests import contest
from meta_experiment.runs.fence import Fence, fence
from meta_experiment.runs.grading import run_command
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.stopping import StopSign
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import CellOutcome, Contest, ContestOutcome, RunCell


@dataclass(frozen=True, slots=True)
class Workplace:
    """A workplace: the project, this machine's data and the folder of the runs, and the tasks.

    `arms` are the files of each variant, the control first, `prompts` those that are put before
    the model.
    """

    root: Path
    data: Path
    folder: Path
    base: Base
    cases: Mapping[str, Case]
    arms: Mapping[str, Mapping[str, Content | None]]
    prompts: tuple[str, ...]

    def of_case(self, case_id: str) -> Workplace:
        """Return what it takes to run one case."""
        return replace(self, cases={case_id: self.cases[case_id]})

    def of_none(self) -> Workplace:
        """Return the folders alone."""
        return replace(self, cases={}, arms={})

    def fence(self, git: Git) -> Fence:
        """Return the fence around agents on this machine."""
        return fence(git, self.data, os.environ)

    def bench(
        self,
        folder: RunFolder,
        slots: Slots,
        around: Fence,
        agents: tuple[Agent, Agent | None],
        clock: Callable[[], float],
    ) -> Bench:
        """Return a bench for attempts here; `agents` are who does tasks and who judges."""
        return Bench(
            cases=self.cases,
            arms=self.arms,
            prompts=self.prompts,
            folder=folder,
            checkouts=slots,
            agent=agents[0],
            judge=agents[1],
            supervisor=supervising,
            command=run_command,
            clock=clock,
            fence=around,
        )


def made(
    bench: Bench, cell: RunCell | Contest, slot: int, stopping: StopSign
) -> CellOutcome | ContestOutcome:
    """Make a run, or hold those of a block against each other."""
    if isinstance(cell, Contest):
        return contest(bench, cell, stopping)
    return attempt(bench, cell, slot, stopping)
