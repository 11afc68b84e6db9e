"""Agents: who does the task of a case, behind one small protocol.

`AGENTS` names those that have an adapter of their own, `JUDGES` those that only answer a
question; everything else is a command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from meta_experiment.runs.agents.agent import Agent, AgentOptions
from meta_experiment.runs.agents.command_line import CommandLine
from meta_experiment.table import entry

__all__ = ["AGENTS", "JUDGES", "Agent", "AgentOptions", "agent_of"]

AGENTS = {"claude": "meta_experiment.runs.agents.claude:Claude"}
JUDGES = {"claude": "meta_experiment.runs.agents.claude_judge:ClaudeJudge"}


class _Made(Protocol):
    def __call__(self, options: AgentOptions, environment: Mapping[str, str]) -> Agent: ...


def agent_of(
    words: str,
    options: AgentOptions,
    environment: Mapping[str, str],
    known: Mapping[str, str] = AGENTS,
) -> Agent:
    """Return the agent that a user means by a name or a command line.

    Raises:
        UsageError: the command line cannot be read, or has no word.
    """
    if words in known:
        made: _Made = entry(known[words])
        return made(options, environment)
    return CommandLine(words, options, environment)
