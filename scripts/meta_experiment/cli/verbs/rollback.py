"""`rollback`: bring the original files back."""

from __future__ import annotations

from functools import partial

import click

from meta_experiment.cli.action import confirm_and_act
from meta_experiment.cli.frame import Place, Result, Screen, commit_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.team_action import team_action
from meta_experiment.services.acting import promotion
from meta_experiment.services.find import find_in
from meta_experiment.types import Action


@verb(
    example="meta-experiment rollback exp-2026-01-31-review --reason 'users complain'",
    changes=True,
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--reason",
    "--why",
    metavar="TEXT",
    default="by hand",
    help="Stays on the record and in the commit.",
)
@click.option(
    "--merge", is_flag=True, help="Keep later edits: take only the treatment's changes back."
)
@commit_option
def rollback_verb(
    place: Place,
    screen: Screen,
    experiment_id: str,
    reason: str,
    merge: bool,
    commit: bool,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Restore the exact original bytes and modes; before a promotion, end the experiment.

    On a terminal it asks before files change; without one (scripts, Claude Code) it acts at
    once: look first with --dry-run.

    A team's experiment is rolled back for all machines, where their evidence says so; what it
    promoted is taken back on its branch, by git revert.
    """
    options = promotion.ActionOptions(reason=reason, merge=merge, commit=commit)
    opened = workspace(place, settled=not dry_run)
    found = find_in(opened.store, experiment_id)
    if found.plan.team is None or not found.status.is_open:
        roll_back = partial(promotion.rollback, opened, experiment_id, options)
    else:
        roll_back = team_action(opened, found, options, Action.ROLLBACK)
    return confirm_and_act(
        screen,
        opened.layout,
        lambda dry: roll_back(dry_run=dry),
        dry_run=dry_run,
        yes=yes,
    )


command = rollback_verb
