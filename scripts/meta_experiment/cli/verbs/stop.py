"""`stop`: end an experiment without a decision."""

from __future__ import annotations

import click

from meta_experiment.cli.action import confirm_and_act
from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.ending_arms import stop_arm
from meta_experiment.types.results.action import ActionResult


@verb(example="meta-experiment stop exp-2026-01-31-review --reason 'wrong metric'")
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--reason", "--why", metavar="TEXT", default="by hand", help="Stays on the record."
)
@click.option(
    "--variant", metavar="VARIANT", help="End this treatment alone; the others go on."
)
def stop_verb(
    place: Place, screen: Screen, experiment_id: str, reason: str, variant: str | None
) -> Result:
    """End an experiment without a decision; the control stays, the data stay."""
    opened = workspace(place)

    def act(dry: bool) -> ActionResult:
        if variant is not None:
            return stop_arm(opened, experiment_id, variant, reason, dry_run=dry)
        return promotion.stop(opened, experiment_id, reason, dry_run=dry)

    return confirm_and_act(screen, opened.layout, act, dry_run=False, yes=True)


command = stop_verb
