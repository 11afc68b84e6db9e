"""`report`: all that is known of an experiment."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.model.instants import from_text
from meta_experiment.render.report_summary import summary
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.serving import observing


@verb(example="meta-experiment report exp-2026-01-31-review --json")
@click.argument("experiment_id", metavar="ID")
@click.option("--as-of", metavar="TIME", help="As it was then, such as 2026-01-31T09:30:00Z.")
@click.option(
    "--diff/--no-diff", default=True, help="With the words of the prompts that change [diff]."
)
def report_verb(place: Place, experiment_id: str, as_of: str | None, diff: bool) -> Result:
    """Tell all that is known of an experiment, as one document; changes nothing."""
    opened = workspace(place)
    observing.sweep(opened.layout, opened.clock())
    moment = None if as_of is None else from_text(as_of)
    found = report(opened, experiment_id, as_of=moment, diff=diff)
    return Result(found, summary(found))


command = report_verb
