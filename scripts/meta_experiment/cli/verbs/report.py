"""`report`: all that is known of an experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import clock, layout, workspace
from meta_experiment.errors import UsageError, as_word
from meta_experiment.model.instants import from_text
from meta_experiment.render.blocks import Commands, Heading, Paragraph, Section, lines
from meta_experiment.render.report_summary import summary
from meta_experiment.render.words import counted, harmless
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.serving import observing

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace
    from meta_experiment.types.results.project_report import ProjectReport
    from meta_experiment.types.results.report import ReportDocument

_STDOUT = "-"
_FEW = 30  # pages that are made unasked: some seconds


@verb(example="meta-experiment report exp-2026-01-31-review --html review.html")
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--html",
    metavar="FILE",
    help="Write it as one page that needs nothing else; of all, the folder for the index.",
)
@click.option(
    "--markdown",
    metavar="FILE",
    help="Write it as a comment or a step summary, in at most 60,000 characters; - prints it.",
)
@click.option(
    "--svg",
    metavar="FILE",
    help="Draw its metrics for a README: NAME.svg makes NAME.light.svg and NAME.dark.svg.",
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
    markdown: str | None,
    svg: str | None,
    every: bool,
    as_of: str | None,
    diff: bool,
    units: bool,
    pages: bool | None,
) -> Result:
    """Tell all that is known of an experiment, to show it or to keep it."""
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
    if every and svg is not None:
        raise UsageError(
            "A picture is of one experiment.", hint="meta-experiment report ID --svg FILE"
        )
    if markdown == _STDOUT and screen.as_json:
        raise UsageError(
            "Markdown and JSON cannot both be printed.", hint="--markdown FILE, beside --json"
        )
    if pages is not None and (html is None or not every):
        raise UsageError(
            "The pages of all experiments lie beside their index, in a folder.",
            hint="meta-experiment report --all --html DIR --pages",
        )
    if experiment_id is None:
        return _all(place, screen, html, markdown, pages=pages, diff=diff)
    opened = workspace(place)
    observing.sweep(opened.layout, opened.clock())
    moment = None if as_of is None else from_text(as_of)
    found = report(opened, experiment_id, as_of=moment, diff=diff, units=units)
    told = [*lines("--json and --html tell the units by their keys.")] if units else []
    told += _written(place, opened, found, {"html": html, "markdown": markdown, "svg": svg})
    if markdown == _STDOUT:
        _print_alone(_markdown(found))
    return Result(found, (*summary(found), *told))


def _written(
    place: Place, opened: Workspace, found: ReportDocument, asked: Mapping[str, str | None]
) -> Iterator[Section]:
    """Write the files that are asked for, all or none, and say where they are."""
    pages: dict[Path, str] = {}
    snippet: tuple[str, ...] = ()
    if (named := asked["html"]) is not None:
        from meta_experiment.render.html.report_page import report_page

        pages[_file(place, named)] = report_page(found)
    if (named := asked["markdown"]) is not None and named != _STDOUT:
        pages[_file(place, named)] = _markdown(found)
    if (named := asked["svg"]) is not None:
        from meta_experiment.render.report_picture import report_picture

        drawn = report_picture(found, named)
        pages |= {_file(place, path): text for path, text in drawn.files.items()}
        snippet = drawn.snippet
    if not pages:
        return
    from meta_experiment.services.reporting.report_files import write_pages

    write_pages(opened.files, pages)
    yield (Paragraph(tuple(f"Written: {path}" for path in pages)),)
    if snippet:
        yield Heading("To show it in a README:"), Commands(snippet)


def _file(place: Place, named: str) -> Path:
    return place.directory / Path(named).expanduser()


def _markdown(found: ReportDocument) -> str:
    from meta_experiment.render.report_markdown import report_markdown

    return report_markdown(found)


def _print_alone(text: str) -> NoReturn:
    """Print a text without anything else, so that it can be passed on as it is."""
    click.echo(harmless(text), nl=False)
    raise click.exceptions.Exit(0)


def _all(
    place: Place,
    screen: Screen,
    html: str | None,
    markdown: str | None,
    *,
    pages: bool | None,
    diff: bool,
) -> Result:
    """Tell of every experiment; in a folder, beside the pages that stand there or are made."""
    from meta_experiment.render.project_list import project_list
    from meta_experiment.services.reporting.project import project_report

    opened, where = cache(lambda: workspace(place)), layout(place)
    found = project_report(where, clock, opened)
    told, files = project_list(found), dict[Path, str]()
    said: list[str] = []
    text = ""
    if markdown is not None:
        from meta_experiment.render.report_markdown import page_markdown

        text = page_markdown(None, told)
        if markdown != _STDOUT:
            files[_file(place, markdown)] = text
    if html is not None:
        from meta_experiment.render.html.project_page import project_page
        from meta_experiment.services.reporting.report_files import pages_in, require_folder

        folder = _file(place, html)
        require_folder(folder)
        said = _pages(opened(), screen, found, folder, wanted=pages, diff=diff)
        known = pages_in(folder, (item.experiment_id for item in found.experiments))
        files[folder / "index.html"] = project_page(found, known)
    if files:
        from meta_experiment.services.reporting.report_files import write_pages

        write_pages(opened().files, files)
    if markdown == _STDOUT:
        _print_alone(text)
    if not files:
        return Result(found, told)
    return Result(found, (*told, *lines(*(f"Written: {path}" for path in files), *said)))


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
    from meta_experiment.cli.moving import MovingBar  # long to load

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
