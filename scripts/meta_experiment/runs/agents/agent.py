"""The protocol of an agent: how it is started for a task, and what its run came to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from meta_experiment.records import dataclass
from meta_experiment.runs.supervising import Launch, ProgramEnding
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import AgentReport, Failure

Texts = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """Options that are the same for every run: the model, its effort, tools and limits.

    `within` is how long a run may take, in seconds, where its case says nothing else;
    `most_output` how many bytes it may print, `most_usd` what it may cost.
    """

    within: float = 600.0
    most_output: int = 32 * 1024 * 1024
    model: str | None = None
    effort: str | None = None
    tools: tuple[str, ...] = ()
    most_turns: int | None = None
    most_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task for an agent: one case in a checkout that has the texts of one variant.

    `texts` are those of this variant, by path, `others` those of variants that have
    others. `attempt` is the folder for what the run leaves beside the checkout.
    """

    case: Case
    checkout: Path
    attempt: Path
    texts: Texts
    others: tuple[Texts, ...] = ()

    @property
    def prompt(self) -> Path:
        """The file that holds what is said to the agent."""
        return self.attempt / "prompt"


class Agent(Protocol):
    """Anything that can be given a task."""

    @property
    def name(self) -> str:
        """What it is called in a fingerprint."""

    @property
    def identity(self) -> str:
        """What it is called where its model and its words matter."""

    @property
    def takes_history(self) -> bool:
        """Whether it can go on in a conversation."""

    def require(self) -> None:
        """Refuse to begin where it cannot run at all.

        Raises:
            DependencyError: a program is missing.
        """

    def launch(self, task: Task) -> Launch:
        """Say how it is started for a task."""

    def stuck(self, task: Task) -> Failure | None:
        """Say why a run goes on in vain; None while it may still come to an end."""

    def report(self, task: Task, ending: ProgramEnding) -> AgentReport:
        """Read what came of it."""
