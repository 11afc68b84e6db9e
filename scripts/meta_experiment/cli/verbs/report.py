"""`report`: all that is known of an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.model.instants import from_text
from meta_experiment.render.blocks import lines
from meta_experiment.render.report_summary import summary
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.serving import observing


@verb(example="meta-experiment report exp-2026-01-31-review --html review.html")
@click.argument("experiment_id", metavar="ID")
@click.option("--html", metavar="FILE", help="Write it as one page that needs nothing else.")
@click.option("--as-of", metavar="TIME", help="As it was then, such as 2026-01-31T09:30:00Z.")
@click.option(
    "--diff/--no-diff", default=True, help="With the words of the prompts that change [diff]."
)
def report_verb(
    place: Place, experiment_id: str, html: str | None, as_of: str | None, diff: bool
) -> Result:
    """Tell all that is known of an experiment, to show it or to keep it."""
    opened = workspace(place)
    observing.sweep(opened.layout, opened.clock())
    moment = None if as_of is None else from_text(as_of)
    found = report(opened, experiment_id, as_of=moment, diff=diff)
    if html is None:
        return Result(found, summary(found))
    from meta_experiment.render.html.report_page import report_page
    from meta_experiment.services.reporting.report_files import write_pages

    target = place.directory / Path(html).expanduser()
    write_pages(opened.files, {target: report_page(found)})
    return Result(found, (*summary(found), *lines(f"Written: {target}")))


command = report_verb
