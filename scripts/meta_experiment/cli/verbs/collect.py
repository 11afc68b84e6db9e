"""`collect`: sums of an experiment, computed where its data lie."""

from __future__ import annotations

import os

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render import collection as render
from meta_experiment.services.importing.sum_collection import (
    collect_sums,
    collection_queries,
    read_mapping,
)
from meta_experiment.sources.warehouse.assumed import DIALECTS

ENGINE = "META_EXPERIMENT_ENGINE"


@verb(
    example=(
        "meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml\n"
        "  meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml "
        "--engine postgresql://reader@db.example/events\n"
        "  meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml --sql bigquery"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--mapping",
    metavar="FILE",
    required=True,
    help="Where exposures and values lie: YAML or JSON, as docs/collect.md describes.",
)
@click.option(
    "--engine",
    metavar="URL",
    help="What computes: postgresql://…, spark://local, duckdb://FILE … "
    f"[{ENGINE}, else the embedded one, which reads files].",
)
@click.option(
    "--sql",
    "dialect",
    type=click.Choice(DIALECTS),
    help="Print the queries in these words; ask nothing and keep nothing.",
)
@click.option(
    "--start-over",
    metavar="TEXT",
    help="Forget what was collected and read all by this mapping; the reason goes on record.",
)
def collect_verb(
    place: Place,
    experiment_id: str,
    mapping: str,
    engine: str | None,
    dialect: str | None,
    start_over: str | None,
) -> Result:
    """Collect the sums of an experiment from files or a warehouse, computed there.

    Of each variant, day and metric come a number, a mean and a spread, never a unit. Days
    count once the windows of all their units are over, and stay as they were decided on.
    """
    if start_over is not None and not start_over.strip():
        raise UsageError("--start-over: expected the reason, in words.")
    read = read_mapping(place.directory / mapping)
    address = engine or os.environ.get(ENGINE) or None
    if dialect is not None:
        found = collection_queries(workspace(place), experiment_id, read, engine, dialect)
        return Result(found, render.asked(found))
    done = collect_sums(workspace(place), experiment_id, read, address, start_over=start_over)
    return Result(done, render.collected(done))


command = collect_verb
