"""`runs merge`: the work of one run, on a branch of its own."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_merge import run_merge_page
from meta_experiment.services.running.run_merge import MergeRequest, merge


@verb(
    example=(
        "meta-experiment runs merge exp-2026-01-31-review --case slow-query --dry-run\n"
        "  meta-experiment runs merge exp-2026-01-31-review --case slow-query "
        "--branch faster-query"
    ),
    changes=True,
)
@click.argument("experiment_id", metavar="ID")
@click.option("--case", required=True, metavar="NAME", help="The case.")
@click.option(
    "--repeat", metavar="N", type=click.IntRange(1), help="Which [the first that ended well]."
)
@click.option("--variant", metavar="VARIANT", help="Whose work [the winner's].")
@click.option("--override", metavar="TEXT", help="Why the work of one that did not win.")
@click.option("--branch", metavar="NAME", help="The new branch [ID/CASE-…].")
def merge_verb(
    place: Place,
    screen: Screen,
    experiment_id: str,
    case: str,
    repeat: int | None,
    variant: str | None,
    override: str | None,
    branch: str | None,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Take over what a run of the winning variant changed: as a new branch, merged onto HEAD.

    The merge is tried beside your repository. Your files, your index, HEAD and your branches
    stay as they are; where both sides changed the same, it names the files and makes nothing.
    No hook and no filter runs. Merge the branch yourself: git merge BRANCH.
    """
    del screen, yes  # a new branch is taken away as easily as it is made
    request = MergeRequest(case, repeat, variant, override, branch)
    done = merge(workspace(place), experiment_id, request, dry_run=dry_run)
    return Result(done, run_merge_page(done), exit_code=1 if done.conflicts else 0)


command = merge_verb
