"""`start`: begin to serve the variants of a prompt file; it must still be the control."""

from __future__ import annotations

from dataclasses import replace

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.status_change import change_result
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.acting.team_sharing import begin_sharing


@verb(example="meta-experiment start exp-2026-01-31-review")
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--manual",
    is_flag=True,
    help="Serve and record by your own means (assign, record); nothing is put on disk.",
)
def start_verb(place: Place, experiment_id: str, manual: bool) -> Result:
    """Begin to assign units and to serve the variants; the file must still be the control.

    From then on the command, skill or agent gives each unit its variant by itself, here and
    in no other checkout: what a colleague started is joined by this verb. git sees no change,
    and every end brings back the exact bytes.
    """
    opened = workspace(place)
    done = lifecycle.start(opened, experiment_id, manual=manual)
    shared = begin_sharing(opened, done.experiment)
    return change_result(replace(done, notes=(*done.notes, *shared)))


command = start_verb
