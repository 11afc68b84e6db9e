"""`workflows darwin`: the next generation of a workflow's experiment."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.workflow_generation import generation_page
from meta_experiment.services.workflows.draw_terms import ARCHIVE
from meta_experiment.services.workflows.generation import (
    GenerationRequest,
    plan_generation,
)


@verb(example="meta-experiment workflows darwin daily-report tone --variant cool --apply")
@click.argument("workflow", metavar="WORKFLOW")
@click.argument("experiment", metavar="EXPERIMENT")
@click.option("--winner", metavar="NAME", help="The variant that wins, decided or not.")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="NAME",
    help="One that is to beat the winner, commas and all; repeatable. [the others, by rank]",
)
@click.option(
    "--archive-dir",
    default=ARCHIVE,
    metavar="DIR",
    help=f"Where generations are kept, below the root [{ARCHIVE}].",
)
@click.option(
    "--state", metavar="FILE", help="A ledger, where the branch that keeps it is not here."
)
@click.option("--apply", is_flag=True, help="Archive this generation and rewrite the workflow.")
def darwin_verb(
    place: Place,
    workflow: str,
    experiment: str,
    winner: str | None,
    variants: tuple[str, ...],
    archive_dir: str,
    state: str | None,
    apply: bool,
) -> Result:
    """Rank an experiment's variants by evidence, and make the winner the next control.

    Without --apply nothing is written. With it, this generation is archived with its ranking,
    analysis and state, and the variants in the workflow are replaced, both or neither; not
    a byte else changes. How often a variant was drawn says nothing of how it did: counts break
    ties alone.
    """
    request = GenerationRequest(workflow, experiment, winner, variants, archive_dir, state)
    found = plan_generation(workspace(place), request, place.directory, apply=apply)
    return Result(found, generation_page(found))


command = darwin_verb
