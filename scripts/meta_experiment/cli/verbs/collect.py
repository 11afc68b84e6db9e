"""`collect`: sums of an experiment, computed where its data lie."""

from __future__ import annotations

import os

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render import collection as render
from meta_experiment.services.importing.drafting import draft, find_mapping, table_places
from meta_experiment.services.importing.sum_collection import (
    collect_sums,
    collection_queries,
)
from meta_experiment.sources.warehouse.assumed import DIALECTS

ENGINE = "META_EXPERIMENT_ENGINE"


@verb(
    example=(
        "meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml\n"
        "  meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml "
        "--engine postgresql://reader@db.example/events\n"
        "  meta-experiment collect exp-2026-01-31-review --mapping mapping.yaml "
        "--sql bigquery\n"
        "  meta-experiment collect exp-2026-01-31-review --draft --table events.parquet "
        "> mapping.yaml\n"
        "  meta-experiment collect exp-2026-01-31-review --mapping claude-code "
        "--table exposures=exposures.jsonl --table events='otel/*.jsonl'"
    )
)
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--mapping",
    metavar="FILE",
    help="Where exposures and values lie: YAML or JSON, as docs/collect.md describes; or "
    "claude-code, which is ready for the client's own telemetry.",
)
@click.option(
    "--draft",
    "drafted",
    is_flag=True,
    help="Print a mapping as far as names, types and values let it be guessed, of the tables "
    "of the engine or the files here; keep nothing.",
)
@click.option(
    "--table",
    "tables",
    metavar="NAME=PLACE",
    multiple=True,
    help="Where a table of the mapping lies, instead: a file, a pattern, a table of the "
    "engine; with --draft what to look at. Repeatable.",
)
@click.option(
    "--served-as",
    metavar="TEXT",
    help="What the exposures of claude-code call the experiment  [its ID].",
)
@click.option(
    "--engine",
    metavar="URL",
    help="What computes: postgresql://…, spark://local, duckdb://FILE, sqlite:///FILE … "
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
    experiment_id: str | None,
    mapping: str | None,
    drafted: bool,
    tables: tuple[str, ...],
    served_as: str | None,
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
    address = engine or os.environ.get(ENGINE) or None
    places = table_places(tables)
    if drafted:
        if mapping or dialect or start_over or served_as:
            raise UsageError("--draft makes a mapping; expected none of the other options.")
        made = draft(workspace(place), experiment_id, places, address, place.directory)
        return Result(made, render.drafted(made))
    if experiment_id is None or mapping is None:
        raise UsageError(
            "Expected the ID of an experiment, and --mapping FILE.",
            hint="Or see what there is: meta-experiment collect --draft",
        )
    path = place.directory / mapping
    read = find_mapping(workspace(place), experiment_id, path, places, served_as)
    if dialect is not None:
        found = collection_queries(workspace(place), experiment_id, read, engine, dialect)
        return Result(found, render.asked(found))
    done = collect_sums(workspace(place), experiment_id, read, address, start_over=start_over)
    return Result(done, render.collected(done))


command = collect_verb
