"""This machine as the executor: threads that wait for programs."""

from __future__ import annotations

from meta_experiment.runs.crew import Crew
from meta_experiment.runs.executors import Employment, TeamWork


class LocalTeam(Crew):
    """A crew of this process."""

    fenced = True


def hire(employment: Employment, work: TeamWork, *, fenced: bool) -> LocalTeam:
    """Return a crew of so many threads."""
    del employment
    team = LocalTeam(work.make, work.at_once)
    team.fenced = fenced
    return team
