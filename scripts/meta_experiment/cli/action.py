"""The result of a verb that acts on prompt files: a person on a terminal is asked first."""

from __future__ import annotations

from collections.abc import Callable

import click

from meta_experiment.cli.frame import Result, Screen, narrated
from meta_experiment.errors import RefusedError
from meta_experiment.files.roots import Layout
from meta_experiment.render.action import action
from meta_experiment.services.notifying.telling_apart import tell_apart
from meta_experiment.types.results.action import ActionResult


def confirm_and_act(
    screen: Screen,
    layout: Layout,
    act: Callable[[bool], ActionResult],
    *,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Act, and where a person is there to ask, only after they have agreed; then tell of it.

    Raises:
        RefusedError: the person said no.
    """
    if screen.interactive and not (dry_run or yes):
        rehearsal = act(True)
        if rehearsal.changed:
            screen.write(action(rehearsal), err=True)
            if not click.confirm("Go on?", err=True):
                raise RefusedError("Nothing was changed.")
    done = act(dry_run)
    if not dry_run:
        tell_apart(layout)
    return Result(done, action(done), narration=narrated(done.notes))
