"""`stop`: end an experiment without a decision."""

from __future__ import annotations

import click

from meta_experiment.cli.action import confirm_and_act
from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.services.acting import promotion


@verb(example="meta-experiment stop exp-2026-01-31-review --reason 'wrong metric'")
@click.argument("experiment_id", metavar="ID")
@click.option("--reason", default="by hand", help="Stays on the record.")
def stop_verb(place: Place, screen: Screen, experiment_id: str, reason: str) -> Result:
    """End an experiment without a decision; the control stays, the data stay."""
    return confirm_and_act(
        screen,
        lambda dry: promotion.stop(workspace(place), experiment_id, reason, dry_run=dry),
        dry_run=False,
        yes=True,
    )


command = stop_verb
