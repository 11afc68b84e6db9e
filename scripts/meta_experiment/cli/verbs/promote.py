"""`promote`: put a treatment in the place of the control."""

from __future__ import annotations

import os
from functools import partial

import click

from meta_experiment.cli.action import confirm_and_act
from meta_experiment.cli.frame import (
    Place,
    Result,
    Screen,
    commit_option,
    current_option,
    pairs,
    verb,
)
from meta_experiment.cli.open import workspace
from meta_experiment.cli.team_action import team_action
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.confirming import require_override_typed
from meta_experiment.services.find import find_in
from meta_experiment.types import Action


@verb(example="meta-experiment promote exp-2026-01-31-review --dry-run", changes=True)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--variant",
    metavar="VARIANT",
    help="Which treatment, with --override (default: the winner).",
)
@click.option(
    "--override",
    metavar="TEXT",
    help="Promote without evidence; the reason stays on the record.",
)
@click.option(
    "--merge", is_flag=True, help="Merge the treatment into files that were edited meanwhile."
)
@current_option
@commit_option
def promote_verb(
    place: Place,
    screen: Screen,
    experiment_id: str,
    variant: str | None,
    override: str | None,
    merge: bool,
    current: tuple[str, ...],
    commit: bool,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Put the winning treatment in the place of the control, if the evidence says so.

    On a terminal it asks before files change; without one (scripts, Claude Code) it acts at
    once: look first with --dry-run, which shows the change also before there is a decision.
    What a team decides is promoted for all machines, by a commit on its branch or a pull
    request as the plan says, and without --override.
    Inside Claude Code --override needs the user's own word: /meta_experiment promote ID
    --override 'reason', typed by them.
    """
    opened = workspace(place, settled=not dry_run)
    if override is not None and not dry_run:
        require_override_typed(opened, experiment_id, override, os.environ)
    options = promotion.ActionOptions(
        override=override,
        variant=variant,
        merge=merge,
        commit=commit,
        current=pairs("--current", current),
    )
    found = find_in(opened.store, experiment_id)
    if found.plan.team is None:
        promote = partial(promotion.promote, opened, experiment_id, options)
    else:
        promote = team_action(opened, found, options, Action.PROMOTE)
    return confirm_and_act(
        screen,
        opened.layout,
        lambda dry: promote(dry_run=dry),
        dry_run=dry_run,
        yes=yes,
    )


command = promote_verb
