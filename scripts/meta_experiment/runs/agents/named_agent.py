"""An agent as a user names it: words and options, from which any machine makes its own."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.runs.agents import AGENTS, JUDGES, Agent, AgentOptions, agent_of


@dataclass(frozen=True, slots=True)
class NamedAgent:
    """A name or a command line, and how it is to run; nothing of an environment."""

    words: str
    options: AgentOptions = AgentOptions()

    def agent(self, environment: Mapping[str, str]) -> Agent:
        """Return who does tasks where this environment is. Raises UsageError."""
        return agent_of(self.words, self.options, environment, AGENTS)

    def judge(self, environment: Mapping[str, str]) -> Agent:
        """Return who answers questions there. Raises UsageError."""
        return agent_of(self.words, self.options, environment, JUDGES)
