"""`create`: plan an experiment and register it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import client_folder
from meta_experiment.cli.plan_options import plan_options, requested
from meta_experiment.errors import GitError, LockedError, MetaExperimentError, StorageError
from meta_experiment.protocol import index
from meta_experiment.render.creation import creation
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.acting.team_sharing import begin_sharing
from meta_experiment.services.planning import creating
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.creation import Creation
from meta_experiment.types.results.status_change import StatusChange


@verb(
    example=(
        "meta-experiment create --file .claude/commands/review.md=review-v2.md \\\n"
        "      --primary-metric active_seconds --guardrail output_tokens:20% --start"
    )
)
@plan_options
@click.option("--start", is_flag=True, help="Start it at once.")
@click.option("--manual", is_flag=True, help="With --start: see start --manual.")
def create_verb(place: Place, start: bool, manual: bool, **flags: Any) -> Result:
    """Plan an experiment: one or more prompt files, a control, one or more treatments.

    Nothing is written that does not check out. Prompt files stay as they are; with --start a
    skill's text is exchanged while it runs, and git sees the original.
    """
    opened, request = requested(place, flags)
    made = creating.create(
        opened,
        request,
        client_folder(),
        manual=start and manual,
        check=partial(lifecycle.require_startable, opened) if start and not manual else None,
    )
    if start:
        made = creating.begun(made, _started(opened, made, manual=manual))
    served = index.find_entry(str(opened.root), made.experiment_id) is not None
    made = replace(made, served=served)
    return Result(
        made,
        creation(made),
        narration=narrated(made.notes),
    )


def _started(opened: Workspace, made: Creation, *, manual: bool) -> StatusChange:
    name = made.experiment_id
    try:
        done = lifecycle.start(opened, name, manual=manual, how=made.how)
    except MetaExperimentError as error:
        message = f"{error.message} {name} is planned and was not started."
        passing = isinstance(error, LockedError | StorageError | GitError)
        hint = f"When that is over: meta-experiment start {name}" if passing else error.hint
        raise type(error)(message, hint=hint) from error
    return replace(done, notes=(*done.notes, *begin_sharing(opened, done.experiment)))


command = create_verb
