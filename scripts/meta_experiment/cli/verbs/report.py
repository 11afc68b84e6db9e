"""`report`: all that is known of an experiment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import clock, layout, workspace
from meta_experiment.errors import UsageError, as_word
from meta_experiment.model.instants import from_text
from meta_experiment.render.blocks import lines
from meta_experiment.render.report_summary import summary
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.serving import observing


@verb(example="meta-experiment report exp-2026-01-31-review --html review.html")
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--html",
    metavar="FILE",
    help="Write it as one page that needs nothing else; of all, the folder for the index.",
)
@click.option("--all", "every", is_flag=True, help="All experiments side by side.")
@click.option(
    "--as-of",
    metavar="TIME",
    help="One as it was then, such as 2026-01-31T09:30:00Z; its plan is today's.",
)
@click.option(
    "--diff/--no-diff", default=True, help="With the words of the prompts that change [diff]."
)
@click.option(
    "--units",
    is_flag=True,
    help="With the keys of the units, in the document and on the page: at most 500.",
)
def report_verb(
    place: Place,
    experiment_id: str | None,
    html: str | None,
    every: bool,
    as_of: str | None,
    diff: bool,
    units: bool,
) -> Result:
    """Tell all that is known of an experiment, to show it or to keep it."""
    target = None if html is None else place.directory / Path(html).expanduser()
    if every is (experiment_id is not None):
        raise UsageError(
            "Which experiment is to be reported: one, or all of them?",
            hint="meta-experiment report ID, or meta-experiment report --all",
        )
    if every and as_of is not None:
        raise UsageError(
            "The index of all experiments tells of today: --as-of is for the report of one.",
            hint="meta-experiment report ID --as-of TIME",
        )
    if every and units:
        raise UsageError(
            "The index of all experiments names no unit: --units is for the report of one.",
            hint="meta-experiment report ID --units --json",
        )
    if experiment_id is None:
        return _all(place, target)
    opened = workspace(place)
    observing.sweep(opened.layout, opened.clock())
    moment = None if as_of is None else from_text(as_of)
    found = report(opened, experiment_id, as_of=moment, diff=diff, units=units)
    if target is None:
        told = lines("--json and --html tell the units by their keys.") if units else ()
        return Result(found, (*summary(found), *told))
    from meta_experiment.render.html.report_page import report_page
    from meta_experiment.services.reporting.report_files import write_pages

    write_pages(opened.files, {target: report_page(found)})
    return Result(found, (*summary(found), *lines(f"Written: {target}")))


def _all(place: Place, target: Path | None) -> Result:
    """Tell of every experiment; in a folder, link the pages that stand there already."""
    from meta_experiment.render.html.project_page import project_page
    from meta_experiment.render.project_list import project_list
    from meta_experiment.services.reporting.project import project_report
    from meta_experiment.services.reporting.report_files import pages_in, write_pages

    opened, where = cache(lambda: workspace(place)), layout(place)
    found = project_report(where, clock, opened)
    if target is None:
        return Result(found, project_list(found))
    known = pages_in(target, (item.experiment_id for item in found.experiments))
    index = target / "index.html"
    write_pages(opened().files, {index: project_page(found, known)})
    more = f"A page for one: meta-experiment report ID --html {as_word(str(target))}/ID.html"
    return Result(found, (*project_list(found), *lines(f"Written: {index}", more)))


command = report_verb
