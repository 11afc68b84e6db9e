"""`import`: results that were measured elsewhere become trials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.render import import_result as render
from meta_experiment.render.workflow_import import workflow_import_page
from meta_experiment.services.importing import importing, summing
from meta_experiment.services.importing.import_plan import ImportOverrides
from meta_experiment.services.importing.recomputing import recompute
from meta_experiment.services.workflows.metric_choice import MetricWishes
from meta_experiment.services.workflows.run_import import (
    WorkflowImportRequest,
    import_workflow,
)
from meta_experiment.sources.results.reading import read_sums
from meta_experiment.sources.results.result_words import snake
from meta_experiment.sources.results.run_table import RowOptions
from meta_experiment.sources.results.sums import parse_sums
from meta_experiment.sources.results.values import Decimal
from meta_experiment.types import Direction

_FETCHING = 600.0  # seconds for all that is asked of GitHub; what is left comes the next time


@verb(
    example=(
        "meta-experiment import evals/iteration-2\n"
        "  meta-experiment import control=old/benchmark.json:with_skill "
        "treatment=new/benchmark.json:with_skill\n"
        "  meta-experiment import runs.csv --map variant=arm --map duration_seconds=secs\n"
        "  meta-experiment import --sums control=40,22 --sums treatment=40,31\n"
        "  meta-experiment import downloads --workflow daily-report"
    )
)
@click.argument("paths", metavar="[NAME=]PATH[:ARM]", nargs=-1)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="NAME=COLUMN",
    help="Of rows: the column of variant, case, status, time or a metric. Of workflows: what a "
    "metric is among those of runs, or where it stands, FILE.json#/NAME. Repeatable.",
)
@click.option(
    "--covariate",
    "covariates",
    multiple=True,
    metavar="[NAME=]COLUMN",
    help="Of rows: a number that was known before the run, as the task's size. Repeatable.",
)
@click.option(
    "--decimal",
    type=click.Choice([item.name.lower() for item in Decimal]),
    help="The sign before decimals in texts [as the numbers show it].",
)
@click.option(
    "--sums",
    multiple=True,
    metavar="NAME=N,K",
    help="Instead of files: K successes of N, or N,MEAN,SD; once for each of two arms.",
)
@click.option("--control", metavar="NAME", help="The arm that is the control.")
@click.option(
    "--treatment",
    "treatments",
    multiple=True,
    metavar="NAME",
    help="An arm that is a treatment [all but the control]. Repeatable.",
)
@click.option(
    "--metric",
    metavar="METRIC",
    help="What must get better [how good the work was, else time, cost, tokens].",
)
@click.option(
    "--direction",
    type=click.Choice([item.value for item in Direction]),
    help="Which way is better, for a metric of your own.",
)
@click.option(
    "--workflow",
    metavar="WORKFLOW",
    help="The folder holds downloaded runs of this agentic workflow, by its file or name.",
)
@click.option("--experiment", metavar="NAME", help="Of a workflow: this experiment alone.")
@click.option(
    "--github",
    metavar="OWNER/NAME",
    help="Of a workflow: fetch its runs from GitHub into the folder first, by gh or a token.",
)
@click.option("--since", metavar="DAY", help="Fetch runs from this day on, as 2026-01-31.")
@click.option("--into", metavar="ID", help="Add to this experiment instead of a new one.")
@click.option("--name", metavar="NAME", help="What to call the new experiment.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported; write nothing.")
def import_verb(
    place: Place,
    paths: tuple[str, ...],
    sums: tuple[str, ...],
    mapping: tuple[str, ...],
    covariates: tuple[str, ...],
    decimal: str | None,
    dry_run: bool,
    control: str | None,
    treatments: tuple[str, ...],
    into: str | None,
    workflow: str | None,
    experiment: str | None,
    github: str | None,
    since: str | None,
    **described: Any,
) -> Result:
    """Read results of other harnesses, CSV or JSON lines as trials.

    Of skill-creator, claude plugin eval, promptfoo (eval -o results.json), Inspect (.eval or
    JSON), Harbor (a job's folder) and JUnit XML. Sources are only read. Every assumption is
    said, and all that is left out is counted. Sums and results of feature-flag experiments
    (input_data, analysis_result) are computed anew, and nothing of them is recorded. With
    --workflow the folder has a folder for each run, with the artifacts that gh-aw leaves.
    """
    if since is not None and github is None:
        raise UsageError("--since is of runs that are fetched; expected --github beside it.")
    if github is not None and dry_run:
        raise UsageError("--github fetches runs, and --dry-run writes nothing; leave one out.")
    if workflow is not None or experiment is not None or github is not None:
        others = (*sums, *covariates, decimal, into, described["name"], *treatments)
        if any(others) or workflow is None or len(paths) != 1:
            raise UsageError(
                "--workflow takes one folder of downloads, with --experiment, --map, --metric, "
                "--direction and --control beside it and no other flags.",
                hint="meta-experiment import FOLDER --workflow NAME",
            )
        direction = described["direction"] and Direction(described["direction"])
        wishes = MetricWishes(described["metric"], direction, _mapping(mapping))
        asked = WorkflowImportRequest(workflow, paths[0], experiment, control, wishes)
        return _of_workflow(place, asked, github, since, dry_run=dry_run)
    if sums:
        if paths or mapping or covariates or decimal or into:
            raise UsageError("--sums stands for itself; leave files and other flags out.")
        return _sums(sums, control, described)
    if not paths:
        raise UsageError(
            "There is nothing to import.",
            hint="Name a file or folder of results, or give --sums twice.",
        )
    known = read_sums(place.directory / paths[0], paths[0]) if len(paths) == 1 else None
    if known is not None:
        if mapping or covariates or decimal or into:
            raise UsageError(
                f"{paths[0]} holds sums, which are no trials: leave --map, --covariate, "
                "--decimal and --into out."
            )
        found = recompute(
            known,
            paths[0],
            metric=described["metric"],
            direction=described["direction"],
            control=control,
            treatments=treatments,
            as_of=workspace(place).clock(),
        )
        return Result(found, render.recomputed(found), narration=narrated(found.notes))
    reading = RowOptions(
        _mapping(mapping),
        Decimal[decimal.upper()] if decimal else None,
        covariates=_covariates(covariates),
    )
    overrides = ImportOverrides(**described)
    request = importing.ImportRequest(paths, reading, control, treatments, into, overrides)
    done = importing.import_results(workspace(place), request, place.directory, dry_run=dry_run)
    return Result(done, render.imported(done))


def _of_workflow(
    place: Place,
    request: WorkflowImportRequest,
    github: str | None,
    since: str | None,
    *,
    dry_run: bool,
) -> Result:
    opened, fetch = workspace(place), None
    if github is not None:
        from meta_experiment.outbound.github.client import GitHub
        from meta_experiment.services.workflows.run_downloads import FetchedRuns, fetch_runs

        host = GitHub.at(os.environ, within=_FETCHING)

        def fetch(name: str, folder: Path) -> FetchedRuns:
            return fetch_runs(host, opened.files, github, name, folder, since)

    done = import_workflow(opened, request, place.directory, dry_run=dry_run, fetch=fetch)
    return Result(done, workflow_import_page(done))


def _sums(sums: tuple[str, ...], control: str | None, described: dict[str, Any]) -> Result:
    metric = KNOWN_METRICS.get(described["metric"] or "")
    direction = described["direction"] or (metric and metric.direction)
    result = summing.compare_sums(
        parse_sums(sums, control),
        Direction(direction) if direction else None,
        metric.unit if metric else "",
    )
    return Result(result, render.summed(result))


def _covariates(options: tuple[str, ...]) -> dict[str, str]:
    """Return the column of each covariate; one that has no other name is called by its own."""
    pairs = [item.rpartition("=") for item in options]
    named = [(name.strip() or snake(column), column.strip()) for name, _, column in pairs]
    for name, column in named:
        if not name or not column or [one for one, _ in named].count(name) > 1:
            raise UsageError(
                f"--covariate names '{name}' twice or not at all, expected COLUMN or "
                "NAME=COLUMN, each once."
            )
    return dict(named)


def _mapping(options: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for item in options:
        name, separator, column = item.partition("=")
        if not separator or not name.strip() or not column.strip():
            raise UsageError(
                f"--map '{item}': expected NAME=COLUMN, for example variant=arm.",
                hint="NAME is variant, case, status, time, or a metric.",
            )
        if name.strip() in mapping:
            raise UsageError(f"--map names two columns for {name.strip()}; expected one.")
        mapping[name.strip()] = column.strip()
    return mapping


command = import_verb
