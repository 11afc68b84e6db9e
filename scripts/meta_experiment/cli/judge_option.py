"""The judge that a user names."""

from __future__ import annotations

import os

from meta_experiment.runs.agents import Agent, AgentOptions
from meta_experiment.runs.agents.named_agent import NamedAgent

_LONGEST_VERDICT = 300.0
_MOST_SAID = 4 * 1024 * 1024  # bytes that a judge may print about one question


def named_judge(words: str, model: str | None) -> NamedAgent:
    """Return a judge as it was named."""
    return NamedAgent(words, AgentOptions(_LONGEST_VERDICT, _MOST_SAID, model))


def judge_named(words: str, model: str | None) -> Agent:
    """Return a judge by its name or its command line. Raises UsageError."""
    return named_judge(words, model).judge(os.environ)
