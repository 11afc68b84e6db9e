"""`trials`: what was recorded."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.trial_page import table
from meta_experiment.services.board import listing


@verb(example="meta-experiment trials exp-2026-01-31-review --limit 50 --json")
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many, newest last.",
)
@click.option("--variant", metavar="VARIANT", help="Only of this arm.")
@click.option("--all", "everything", is_flag=True, help="Every metric, not those of the plan.")
def trials_verb(
    place: Place,
    experiment_id: str,
    limit: int,
    variant: str | None,
    everything: bool,
) -> Result:
    """List the newest trials of an experiment, and what was set aside and why."""
    page = listing.trials(workspace(place), experiment_id, limit, variant)
    return Result(
        page,
        table(page, everything=everything),
        narration=(
            *(f"Apart: {item}" for item in page.apart),
            *(f"Set aside: {item}" for item in page.set_aside),
            *(f"Conflict: {item}" for item in page.conflicts),
        ),
    )


command = trials_verb
