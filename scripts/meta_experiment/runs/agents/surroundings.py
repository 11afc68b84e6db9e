"""The environment in which every agent runs: what would let it out of its checkout is cut."""

from __future__ import annotations

import os
from collections.abc import Mapping

from meta_experiment.runs.agents.agent import Task

_STEERING = ("CLAUDE", "META_", "GIT_")  # of a client or a git that we may be run by

# No hook of the user's, and no push: also for all that an agent starts.
_GIT = (("core.hooksPath", os.devnull), ("url./dev/null/.pushInsteadOf", ""))


def surroundings(task: Task, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a run: those inherited, without what steers, and its own."""
    kept = {key: value for key, value in inherited.items() if not key.startswith(_STEERING)}
    settings = {"GIT_CONFIG_COUNT": str(len(_GIT)), "GIT_TERMINAL_PROMPT": "0"}
    for number, (key, value) in enumerate(_GIT):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **kept,
        **settings,
        "TMPDIR": str(task.attempt / "tmp"),
    }
