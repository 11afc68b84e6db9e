"""`report`: all that is known of an experiment."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.moving import MovingBar
from meta_experiment.cli.open import clock, layout, workspace
from meta_experiment.errors import UsageError, as_word
from meta_experiment.model.instants import from_text
from meta_experiment.render.blocks import lines
from meta_experiment.render.report_summary import summary
from meta_experiment.render.words import counted
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.serving import observing

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace
    from meta_experiment.types.results.project_report import ProjectReport

_FEW = 30  # pages that are made unasked: some seconds


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
@click.option(
    "--pages/--no-pages",
    default=None,
    help="With the index also the page of each experiment; without either, where few changed.",
)
def report_verb(
    place: Place,
    screen: Screen,
    experiment_id: str | None,
    html: str | None,
    every: bool,
    as_of: str | None,
    diff: bool,
    units: bool,
    pages: bool | None,
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
    if pages is not None and (target is None or not every):
        raise UsageError(
            "The pages of all experiments lie beside their index, in a folder.",
            hint="meta-experiment report --all --html DIR --pages",
        )
    if experiment_id is None:
        return _all(place, screen, target, pages=pages, diff=diff)
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


def _all(
    place: Place, screen: Screen, folder: Path | None, *, pages: bool | None, diff: bool
) -> Result:
    """Tell of every experiment; in a folder, beside the pages that stand there or are made."""
    from meta_experiment.render.project_list import project_list
    from meta_experiment.services.reporting.project import project_report

    opened, where = cache(lambda: workspace(place)), layout(place)
    found = project_report(where, clock, opened)
    if folder is None:
        return Result(found, project_list(found))
    from meta_experiment.render.html.project_page import project_page
    from meta_experiment.services.reporting.report_files import (
        pages_in,
        require_folder,
        write_pages,
    )

    require_folder(folder)
    told = _pages(opened(), screen, found, folder, wanted=pages, diff=diff)
    known = pages_in(folder, (item.experiment_id for item in found.experiments))
    index = folder / "index.html"
    write_pages(opened().files, {index: project_page(found, known)})
    return Result(found, (*project_list(found), *lines(f"Written: {index}", *told)))


def _pages(
    opened: Workspace,
    screen: Screen,
    found: ProjectReport,
    folder: Path,
    *,
    wanted: bool | None,
    diff: bool,
) -> list[str]:
    """Make the pages that changed, where they are few or asked for; say what was done."""
    if wanted is False:
        return []
    from meta_experiment.render.html.report_page import report_page
    from meta_experiment.services.reporting.project_pages import make_pages, page_tasks

    tasks = tuple(page_tasks(opened, found, folder, diff=diff))
    if not tasks:
        return []
    if wanted is None and len(tasks) > _FEW:
        anew = f"meta-experiment report --all --html {as_word(str(folder))} --pages"
        return [f"{counted(len(tasks), 'page')} beside it would be new: {anew}"]
    with MovingBar(screen) as bar:
        problems = make_pages(
            opened,
            found,
            tasks,
            report_page,
            diff=diff,
            done=lambda number, name: bar.fill(number, len(tasks), name),
        )
    return [f"{counted(len(tasks) - len(problems), 'page')} beside it", *problems]


command = report_verb
