"""Where a team's change goes, and what others may say of where it went.

A note in the store is somebody else's text: of the branch that it names there are two that can
be meant, and an address is shown to people alone, where it looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from meta_experiment.errors import UsageError
from meta_experiment.types import Experiment

_OWN_BRANCHES = "meta-experiment"
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?/[A-Za-z0-9._~/-]{0,500}")


def own_branch(experiment_id: str) -> str:
    """Return the branch on which a change of an experiment waits to be merged."""
    return f"{_OWN_BRANCHES}/{experiment_id}"


def told_branch(experiment: Experiment, document: Mapping[str, object]) -> str:
    """Return the branch that a note names.

    Raises:
        UsageError: it is neither the team's nor the change's own.
    """
    branch, team = document.get("branch"), experiment.plan.team
    if team is None or branch not in (team.branch, own_branch(experiment.experiment_id)):
        raise UsageError("a note names a branch that no change goes to")
    return str(branch)


def told_address(document: Mapping[str, object]) -> str:
    """Return the address that a note names, for people; empty where it is none of the web's."""
    url = document.get("url")
    return url if isinstance(url, str) and _ADDRESS.fullmatch(url) else ""
