"""`assign`: draw the variant of a unit."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.blocks import lines
from meta_experiment.services.recording import assigning


@verb(example="meta-experiment assign exp-2026-01-31-review --unit session-42 --json")
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--unit", metavar="KEY", help="Session, user or case; the same key, the same variant."
)
def assign_verb(place: Place, experiment_id: str, unit: str | None) -> Result:
    """Draw the variant that a unit gets and print its name.

    The same --unit gets the same variant; without one, each call is a unit of its own. Under
    --json also the trial_id to record the outcome with, and the files that hold the
    variant's text.
    """
    drawn = assigning.assign(workspace(place), experiment_id, unit)
    notes = () if drawn.reason is None else (drawn.reason,)
    return Result(drawn, lines(drawn.variant), narration=narrated(notes))


command = assign_verb
