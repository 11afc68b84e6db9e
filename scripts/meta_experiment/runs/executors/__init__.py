"""Executors: who makes attempts for the runner, a line each in a table.

An executor begins attempts in slots and hands over what came of them (`Team`). Whichever it
is, the runner asks for the same cells in the same order and counts them as the schedule has
them.
"""

from __future__ import annotations

from typing import Protocol

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.crew import Make
from meta_experiment.runs.runner import Team
from meta_experiment.runs.workplace import Workplace
from meta_experiment.table import entry

LOCAL, DASK = "local", "dask"
EXECUTORS = {
    LOCAL: "meta_experiment.runs.executors.local:hire",
    DASK: "meta_experiment.runs.executors.dask_team:hire",
}


@dataclass(frozen=True, slots=True)
class Employment:
    """The terms of a team: which executor, reached where, which agents it is to start.

    Of `agent` and `judge` other machines make their own; without them only this one can.
    """

    executor: str = LOCAL
    scheduler: str = ""
    agent: NamedAgent | None = None
    judge: NamedAgent | None = None


@dataclass(frozen=True, slots=True)
class TeamWork:
    """The work of a team: how an attempt is made here, where elsewhere, so many at a time."""

    make: Make
    place: Workplace
    at_once: int


class HiredTeam(Team, Protocol):
    """A team that says whether a fence holds all of its agents."""

    @property
    def fenced(self) -> bool:
        """Whether no agent reaches what is outside of its checkout."""


class _Hiring(Protocol):
    def __call__(
        self, employment: Employment, work: TeamWork, *, fenced: bool
    ) -> HiredTeam: ...


def require_executor(employment: Employment) -> None:
    """Refuse terms that make no sense.

    Raises:
        UsageError: says which.
    """
    if employment.scheduler and employment.executor != DASK:
        raise UsageError(
            "--scheduler is the address of Dask's scheduler; expected --executor dask with it.",
        )


def hire(employment: Employment, work: TeamWork, *, fenced: bool) -> HiredTeam:
    """Return the team that an executor makes; `fenced` says whether this machine's agents are.

    Raises:
        DependencyError: what the executor needs is missing, or cannot be reached.
        RefusedError: its workers cannot make these runs.
    """
    hiring: _Hiring = entry(EXECUTORS[employment.executor])
    return hiring(employment, work, fenced=fenced)
