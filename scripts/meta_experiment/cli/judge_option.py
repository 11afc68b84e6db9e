"""The judge that a user names."""

from __future__ import annotations

import os

from meta_experiment.runs.agents import JUDGES, Agent, AgentOptions, agent_of

_LONGEST_VERDICT = 300.0
_MOST_SAID = 4 * 1024 * 1024  # bytes that a judge may print about one question


def judge_named(words: str, model: str | None) -> Agent:
    """Return a judge by its name or its command line. Raises UsageError."""
    return agent_of(
        words, AgentOptions(_LONGEST_VERDICT, _MOST_SAID, model), os.environ, JUDGES
    )
