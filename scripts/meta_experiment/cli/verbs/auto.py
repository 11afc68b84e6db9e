"""`auto`: look at every running experiment and do what its evidence says."""

from __future__ import annotations

from functools import partial

import click

from meta_experiment.cli.frame import Place, Result, commit_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.auto import steps as shown
from meta_experiment.services.acting import autopilot
from meta_experiment.services.board import notice
from meta_experiment.services.board.standing_steps import standing_steps
from meta_experiment.services.notifying.telling_apart import tell_apart
from meta_experiment.services.serving import observing
from meta_experiment.services.teams.shipping_apart import ship_apart
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.services.telemetry.exporting_apart import export_apart
from meta_experiment.types.results.auto import AutoResult


@verb(example="meta-experiment auto --dry-run", changes=True)
@commit_option
@click.option(
    "--background", is_flag=True, help="As a session starts it: what is done is said later."
)
def auto_verb(place: Place, commit: bool, background: bool, dry_run: bool, yes: bool) -> Result:
    """Promote, roll back or expire every running experiment whose plan allows it (--auto).

    Experiments without that leave are reported, not touched. One line each. Nobody is
    asked: the plan's --auto is the leave. Look first with --dry-run.

    A team's experiment is decided once for all machines, by one that may, over the team's
    store; a promotion goes to the team's branch, as the plan says.
    """
    del yes  # the plan's own `auto` is the leave; nobody is asked
    opened = workspace(place, settled=not dry_run)
    observing.sweep(opened.layout, opened.clock())
    steps = autopilot.auto(
        opened,
        commit=commit,
        dry_run=dry_run,
        known=standing_steps(opened),
        open_team=partial(opened_member, opened),
    )
    if not dry_run:
        notice.from_steps(opened.layout, steps)
        if background:
            notice.add_news(opened.layout, steps)
        tell_apart(opened.layout)
        export_apart(opened.layout, opened.machine.environment)
        ship_apart(opened.layout, opened.clock())
    done = AutoResult(tuple(steps), dry_run)
    return Result(
        done,
        shown(done),
        exit_code=1 if any(step.error for step in steps) else 0,
    )


command = auto_verb
