"""`runs diff`: what two variants made of the same case."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, markdown_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_difference import run_difference_page
from meta_experiment.services.running.run_difference import difference


@verb(
    example=(
        "meta-experiment runs diff exp-2026-01-31-review --case slow-query\n"
        "  meta-experiment runs diff exp-2026-01-31-review --case slow-query "
        "--variants control brief"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--case", required=True, metavar="NAME", help="The case.")
@click.option(
    "--repeat", metavar="N", type=click.IntRange(1), help="Which [the first that both have]."
)
@click.option(
    "--variants",
    nargs=2,
    metavar="VARIANT VARIANT",
    default=None,
    help="From which to which [the control and the first treatment].",
)
@click.option(
    "--max-output",
    metavar="N",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="Characters of each diff at most.",
)
@markdown_option
def diff_verb(
    place: Place,
    experiment_id: str,
    case: str,
    repeat: int | None,
    variants: tuple[str, str] | None,
    max_output: int,
) -> Result:
    """Show how two variants differ on a case: in what they answered, and what they changed."""
    found = difference(
        workspace(place), experiment_id, case, repeat, variants or (), max_output
    )
    return Result(found, run_difference_page(found))


command = diff_verb
