"""The experiments of a project as a page: each with its effect, and prompts by generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from meta_experiment.render.html.page import axis, own, page, pill, section
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.pictures import forest
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import between, day, moment, name, per_cent
from meta_experiment.render.words import counted
from meta_experiment.types import Decision, Status
from meta_experiment.types.results.project_report import (
    ProjectExperiment,
    ProjectReport,
    PromptGenerations,
)

STATES = {
    Status.RUNNING: ("◆", "Running", "open"),
    Status.PAUSED: ("◆", "Paused", "open"),
    Status.DRAFT: ("◇", "Draft", "plain"),
    Status.PROMOTED: ("▲", "Promoted", "good"),
    Status.ROLLED_BACK: ("▼", "Rolled back", "bad"),
    Status.EXPIRED: ("■", "Ended", "plain"),
    Status.ARCHIVED: ("■", "Put away", "plain"),
}
_MOST_PROMPTS = 60
_ALL = "all"


def project_page(report: ProjectReport, pages: Collection[str]) -> str:
    """Write the index; `pages` are the ids of experiments that have a page beside it."""
    known = Counter(item.status for item in report.experiments)
    heading = headline(report)
    return page(
        heading,
        element("header", element("h1", heading), _filters(known, len(report.experiments))),
        _table(report, pages),
        _generations(report, pages),
        element("footer", f"Made by meta-experiment, as of {moment(report.as_of)}."),
        style=_filter_style(known),
    )


def headline(report: ProjectReport) -> str:
    """Say how many there are, and how many were worth it."""
    many = counted(len(report.experiments), "experiment")
    if not report.decided:
        return f"{many}, none decided yet"
    return f"{many}: {report.promoted:,} of {report.decided:,} that ended were promoted"


def _filters(known: Counter[Status], total: int) -> Markup:
    """Write what picks experiments by their state, without any script."""
    choices: list[tuple[str, str]] = [(_ALL, f"All {total:,}")]
    choices += [(it.value, f"{STATES[it][1]} {known[it]:,}") for it in STATES if known[it]]
    return element(
        "fieldset",
        element("legend", "Show (to search, use the browser’s own: Ctrl+F)"),
        *(
            element(
                "label",
                element(
                    "input",
                    type="radio",
                    name="state",
                    id=f"f-{value}",
                    checked=value == _ALL or None,
                ),
                said,
            )
            for value, said in choices
        ),
        class_="filters",
    )


def _filter_style(known: Counter[Status]) -> str:
    return "".join(
        f"body:has(#f-{it.value}:checked) tr[data-status]:not([data-status={it.value}])"
        "{display:none}"
        for it in STATES
        if known[it]
    )


def _table(report: ProjectReport, pages: Collection[str]) -> Markup:
    ends = [
        end
        for item in report.experiments
        for end in (
            item.improvement,
            *((item.interval.low, item.interval.high) if item.interval else ()),
        )
        if end is not None
    ]
    scale = forest.reaching(ends, ())
    titles = element(
        "tr",
        element("th", "Experiment", scope="col"),
        element("th", axis(scale), scope="col", class_="plot"),
        element("th", "Change", scope="col", class_="n"),
        element("th", "State", scope="col"),
    )
    return section(
        "experiments",
        "Wins and losses alike, on one axis",
        element("div", axis(scale), class_="narrow-axis soft", aria_hidden="true"),
        element(
            "table",
            element("thead", titles, role="rowgroup"),
            element(
                "tbody",
                *(_row(item, scale, pages) for item in report.experiments),
                role="rowgroup",
            ),
            class_="forest stack",
            role="table",
            aria_labelledby="experiments-h",
        ),
    )


def _row(item: ProjectExperiment, scale: PictureScale, pages: Collection[str]) -> Markup:
    drawn = forest.row(scale, item.improvement, item.interval, arm=1)
    about = ", ".join(name(path, 80) for path in item.files[:2])
    when = day(item.ended if item.ended is not None else item.created)
    since = "ended" if item.ended is not None else "since"
    told = f"{counted(item.trials, 'trial')}, {since} {when}"
    return element(
        "tr",
        element(
            "th",
            _linked(item, pages),
            element("small", own(about)),
            element("small", told),
            scope="row",
            role="rowheader",
        ),
        element("td", drawn, class_="plot", role="cell"),
        element("td", *_change(item), class_="n", role="cell"),
        element("td", pill(*STATES[item.status]), role="cell"),
        role="row",
        data_status=item.status.value,
    )


def _change(item: ProjectExperiment) -> Iterator[Content]:
    if item.improvement is None:
        yield "–"
        yield element("small", own(name(item.label, 40)))
        return
    yield per_cent(item.improvement, signed=True)
    if item.interval is not None:
        yield element("small", between(item.interval))
    yield element("small", own(name(item.label, 40)))


def _linked(item: ProjectExperiment, pages: Collection[str]) -> Markup:
    said = own(name(item.name, 90))
    if item.experiment_id not in pages:
        return said
    return element("a", said, href=f"{item.experiment_id}.html")


def _generations(report: ProjectReport, pages: Collection[str]) -> Markup | None:
    known = {item.experiment_id: item for item in report.experiments}
    several = [it for it in report.generations if len(it.experiments) > 1][:_MOST_PROMPTS]
    if not several:
        return None
    return section(
        "generations",
        "The generations of each prompt",
        *(_line(it, known, pages) for it in several),
    )


def _line(
    found: PromptGenerations, known: dict[str, ProjectExperiment], pages: Collection[str]
) -> Markup:
    steps = [known[experiment] for experiment in found.experiments]
    return joined(
        element("h3", own(name(found.path))),
        element("ol", *(element("li", _step(item, pages)) for item in steps), class_="line"),
    )


def _step(item: ProjectExperiment, pages: Collection[str]) -> Markup:
    sign, word, tone = STATES[item.status]
    effect = "" if item.improvement is None else f" {per_cent(item.improvement, signed=True)}"
    won = item.decision is Decision.PROMOTE
    return joined(
        pill(sign, f"{word}{effect}", tone),
        " ",
        _linked(item, pages),
        element("small", f"{day(item.created)}{', decided for it' if won else ''}"),
    )
