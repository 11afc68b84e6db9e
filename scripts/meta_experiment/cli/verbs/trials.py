"""`trials`: what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.table_files import (
    csv_option,
    jsonl_option,
    parquet_option,
    write_table,
)
from meta_experiment.render.blocks import lines
from meta_experiment.render.trial_page import table
from meta_experiment.services.board import listing

if TYPE_CHECKING:
    from meta_experiment.types.tidy_table import TidyTable


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
@csv_option
@jsonl_option
@parquet_option
def trials_verb(
    place: Place,
    experiment_id: str,
    limit: int,
    variant: str | None,
    everything: bool,
    csv: str | None,
    jsonl: str | None,
    parquet: str | None,
) -> Result:
    """List the newest trials of an experiment, and what was set aside and why.

    As a table for other programs all of them are written, a trial a row.
    """
    found = listing.find_trials(workspace(place), experiment_id, variant)

    def whole() -> TidyTable:
        from meta_experiment.services.board.tidy import tidy_trials

        return tidy_trials(found.trials, found.experiment.plan)

    written = write_table(place, whole, csv=csv, jsonl=jsonl, parquet=parquet)
    page = listing.newest(found, limit)
    return Result(
        page,
        table(page, everything=everything) if written is None else lines(*written),
        narration=(
            *(f"Apart: {item}" for item in page.apart),
            *(f"Set aside: {item}" for item in page.set_aside),
            *(f"Conflict: {item}" for item in page.conflicts),
        ),
    )


command = trials_verb
