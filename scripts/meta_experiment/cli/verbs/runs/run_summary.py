"""`runs show`: what the runs of an experiment came to."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, markdown_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_summary import compact_page, run_summary_page
from meta_experiment.services.running.run_summary import summary


@verb(
    example=(
        "meta-experiment runs show exp-2026-01-31-review\n"
        "  meta-experiment runs show exp-2026-01-31-review --case slow-query\n"
        "  meta-experiment runs show exp-2026-01-31-review --markdown > runs.md"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--case", metavar="NAME", help="Each run of this case, with its verdicts.")
@click.option("--compact", is_flag=True, help="A line for each variant.")
@markdown_option
def show_verb(place: Place, experiment_id: str, case: str | None, compact: bool) -> Result:
    """Show what every variant came to on every case, and how sure that is.

    Repeats of a case are folded, with their spread. Variants are ranked by score, then cost,
    then time; beside each place stands what is known of the variant's effect.
    """
    found = summary(workspace(place), experiment_id, case)
    return Result(found, compact_page(found) if compact else run_summary_page(found, case))


command = show_verb
