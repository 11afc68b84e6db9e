"""`workflows audit`: which experiments of workflows draw, and how their runs ended."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, markdown_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.workflow_audit import workflow_audit_page
from meta_experiment.services.workflows.audit import audit


@verb(
    example=(
        "meta-experiment workflows audit\n"
        "  meta-experiment workflows audit --experiment daily-report/tone --variant warm\n"
        "  meta-experiment workflows audit daily-report --runs downloads --json"
    )
)
@click.argument("workflow", metavar="[WORKFLOW]", required=False)
@click.option(
    "--experiment", metavar="WORKFLOW/NAME", help="Show the runs of this one, and its failures."
)
@click.option("--variant", metavar="NAME", help="Only runs of this variant.")
@click.option(
    "--runs",
    "downloads",
    metavar="DIR",
    help="Look at downloaded runs besides recorded ones.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many runs to show.",
)
@markdown_option
def audit_verb(
    place: Place,
    workflow: str | None,
    experiment: str | None,
    variant: str | None,
    downloads: str | None,
    limit: int,
) -> Result:
    """Show the experiments of agentic workflows: counts, what each lacks, how runs ended.

    Counts are of the branch that keeps a workflow's state and of the runs that were imported,
    each run once. Changes nothing.
    """
    found = audit(
        workspace(place),
        place.directory,
        workflow,
        selected=experiment,
        variant=variant,
        downloads=downloads,
        limit=limit,
    )
    return Result(found, workflow_audit_page(found))


command = audit_verb
