"""`store show`: which store is in use, who counts in it, what waits."""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.team_store import view_page
from meta_experiment.services.teams.viewing import view


@verb(example="meta-experiment store show")
def show_verb(place: Place) -> Result:
    """Show the team's store in use: its owner, its machines, what waits, what was left outside.

    Where the store does not answer, it shows what is known here.
    """
    found = view(workspace(place, settled=False))
    return Result(found, view_page(found))


command = show_verb
