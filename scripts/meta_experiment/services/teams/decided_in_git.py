"""That a team's experiment was decided, as git alone tells it to a checkout without the store.

The commit that promoted it names experiment and change. `status` passes here, and git is
asked for no more than what came since the experiment was created.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.roots import Layout

if TYPE_CHECKING:
    from meta_experiment.types.results.board import BoardRow

_DIGITS = 12  # of a commit, for people


def deciding_commit(layout: Layout, row: BoardRow) -> str:
    """Return the commit that promotes an experiment; empty where there is none, or no git.

    It may wait on the branch of its own to be merged.
    """
    from meta_experiment.deploy.message import CHANGE_TRAILER
    from meta_experiment.git import Git
    from meta_experiment.services.teams.change_places import own_branch

    git, team = Git.find(layout.root), row["team"]
    if git is None or team is None:
        return ""
    named = re.sub(r"[^\w-]", r"[\g<0>]", row["id"])
    greps = [f"^Experiment: {named}[[:space:]]*$", f"^{CHANGE_TRAILER}: [0-9a-f]"]
    with suppress(MetaExperimentError):
        found = git.run(
            "log", "-1", "--format=%H", "--basic-regexp", "--all-match",
            *(f"--grep={grep}" for grep in greps), f"--since={row['created']}",
            "HEAD", f"--glob=refs/remotes/*/{team['branch']}",
            f"--glob=refs/remotes/*/{own_branch(row['id'])}", "--",
        )  # fmt: skip
        return "" if found.code else found.output.decode("ascii", "replace").strip()[:_DIGITS]
    return ""
