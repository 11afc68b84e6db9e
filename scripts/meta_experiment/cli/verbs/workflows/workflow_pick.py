"""`workflows pick`: the variants of a run, in the place of gh-aw's own picker."""

from __future__ import annotations

import os

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import clock
from meta_experiment.errors import MetaExperimentError, NotFoundError, StorageError, UsageError
from meta_experiment.render.blocks import lines
from meta_experiment.workflows.picking.picked_run import LockBusyError
from meta_experiment.workflows.picking.program import (
    PickProblem,
    lines_of,
    picked_for,
    tell_runner,
)

_ERRORS: dict[str, type[MetaExperimentError]] = {
    "usage": UsageError,
    "not_found": NotFoundError,
    "storage": StorageError,
}


@verb(example="meta-experiment workflows pick daily-report --state state.jsonl --run-id 901")
@click.argument("workflow", metavar="WORKFLOW")
@click.option("--run-id", metavar="RUN", help="The run [GITHUB_RUN_ID].")
@click.option("--state", metavar="FILE", help="The ledger [GH_AW_EXPERIMENT_STATE_FILE].")
@click.option(
    "--outcomes",
    metavar="FILE",
    help="JSON with the decision and samples of experiments, by name: a ramp looks at them.",
)
def pick_verb(
    place: Place,
    workflow: str,
    run_id: str | None,
    state: str | None,
    outcomes: str | None,
) -> Result:
    """Pick the variants of a run as gh-aw does, and tell the run.

    WORKFLOW is a file, compiled or not, or a name in .github/workflows. The ledger is written
    by one run after the other; a run that is made again keeps its variants. GITHUB_OUTPUT,
    GITHUB_ENV and GITHUB_STEP_SUMMARY are written where they are set.
    """
    options = {"run_id": run_id, "state": state, "outcomes": outcomes, "root": place.root}
    try:
        picked, kept = picked_for(workflow, os.environ, clock(), **options)
        told = tell_runner(picked, os.environ)
    except PickProblem as problem:
        raise _ERRORS[problem.kind](problem.message, hint=problem.hint) from problem
    except LockBusyError as error:
        raise StorageError(f"{error.filename}: {error.strerror}.") from error
    text = lines_of(picked, with_summary=not told).rstrip("\n")
    return Result(picked.answer(kept), lines(*text.split("\n")))


command = pick_verb
