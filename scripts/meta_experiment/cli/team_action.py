"""An action that a person asks for on a team's experiment: it is done for all its machines."""

from __future__ import annotations

from functools import partial

from meta_experiment.services.acting.promotion import ActionOptions
from meta_experiment.services.acting.team_by_hand import act_with_team
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment
from meta_experiment.types.results.action import ActionResult


def team_action(
    opened: Workspace, experiment: Experiment, options: ActionOptions, wanted: Action
) -> partial[ActionResult]:
    """Return what does an action over the team's store; the store is opened when it is done."""
    open_team = partial(opened_member, opened)
    return partial(act_with_team, opened, open_team, experiment, options, wanted)
