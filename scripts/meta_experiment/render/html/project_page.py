"""The experiments of a project as a page: each with its effect, and prompts by generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from meta_experiment.render import project_words
from meta_experiment.render.html.page import axis, own, page, pill, section
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.pictures import forest
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.project_chance import project_chance
from meta_experiment.render.project_impact import (
    impact_basis,
    impact_headline,
    impact_rows,
)
from meta_experiment.render.project_words import VERDICT_WORDS
from meta_experiment.render.report_words import between, moment, name
from meta_experiment.render.standing_words import STATES
from meta_experiment.render.words import counted
from meta_experiment.types.results.project_report import (
    FalseDiscoveries,
    ProjectExperiment,
    ProjectImpact,
    ProjectReport,
    PromptGenerations,
)

_MOST_PROMPTS, _MOST_STEPS = 60, 12
_ALL = "all"

Choices = Sequence[tuple[str, str]]


def project_page(report: ProjectReport, pages: Collection[str]) -> str:
    """Write the index; `pages` are the ids of experiments that have a page beside it."""
    heading = project_words.headline(report)
    choices = _choices(report)
    return page(
        heading,
        element("header", element("h1", heading), element("p", _urgent(report), class_="lede")),
        _worth(report.impact),
        _chance(report.false_discoveries),
        _filters(choices),
        _table(report, pages),
        _generations(report, pages),
        element("footer", f"Made by meta-experiment, as of {moment(report.as_of)}."),
        style=_part("index.css") + _filter_style(choices),
        script=_part("index.js"),
    )


@cache
def _part(named: str) -> str:
    return Path(__file__).with_name(named).read_text("utf-8").replace("\n", "")


def _urgent(report: ProjectReport) -> str:
    return f"{project_words.urgent_finding(report.experiments)}."


def _worth(impact: ProjectImpact | None) -> Markup | None:
    if impact is None:
        return None
    facts = [
        element(
            "div",
            element("dt", label),
            element("dd", element("b", month), *_spans(ends, f"{so_far} so far")),
        )
        for label, month, ends, so_far in impact_rows(impact)
    ]
    return section(
        "worth",
        impact_headline(impact),
        element("dl", *facts, class_="facts") if facts else None,
        element("p", " ".join(impact_basis(impact)), class_="soft"),
    )


def _chance(found: FalseDiscoveries | None) -> Markup | None:
    told = project_chance(found)
    if not told:
        return None
    basis = element("p", " ".join(told[1:]), class_="soft")
    return section("chance", told[0].removesuffix("."), basis)


def _spans(*texts: str) -> Iterator[Markup]:
    yield from (element("span", text) for text in texts)


def _choices(report: ProjectReport) -> Mapping[str, Choices]:
    """Return what there is to choose from, by what it is called; the values are our own."""
    states = Counter(map(project_words.state_key, report.experiments))
    verdicts = Counter(map(_verdict_key, report.experiments))
    return {
        "state": [(it.value, f"{STATES[it][1]} {states[it]:,}") for it in STATES if states[it]],
        "verdict": [
            (key, f"{said} {verdicts[key]:,}")
            for key, said in VERDICT_WORDS.items()
            if verdicts[key]
        ],
        "prompt": [
            (str(place), f"{name(it.path, 60)} {len(it.experiments):,}")
            for place, it in enumerate(report.generations[:_MOST_PROMPTS])
        ],
    }


def _verdict_key(item: ProjectExperiment) -> str:
    return project_words.verdict_key(item)


def _filters(choices: Mapping[str, Choices]) -> Markup:
    """Write what picks experiments: without the script all but the search works as well."""
    search = element(
        "label",
        "Search",
        element("input", type="search", id="q", autocomplete="off", spellcheck="false"),
        hidden=True,
    )
    return element(
        "div",
        search,
        *(_select(key, found) for key, found in choices.items() if len(found) > 1),
        element("output", id="n"),
        class_="filters",
        role="search",
    )


def _select(key: str, found: Choices) -> Markup:
    options = [element("option", "All")]
    options += [element("option", said, id=f"{key}-{value}") for value, said in found]
    return element("label", key.capitalize(), element("select", *options, autocomplete="off"))


def _filter_style(choices: Mapping[str, Choices]) -> str:
    return "".join(
        f"body:has(#{key}-{value}:checked) tr[data-state]:not([data-{key}={value}])"
        "{display:none}".replace(f"={value}]", f'="{value}"]')
        for key, found in choices.items()
        for value, _ in found
    )


def _table(report: ProjectReport, pages: Collection[str]) -> Markup:
    seen = [it.improvement for it in report.experiments if it.improvement is not None]
    intervals = [it.interval for it in report.experiments if it.interval is not None]
    ends = [end for it in intervals for end in (it.low, it.high) if end is not None]
    scale = forest.reaching([*seen, *ends], seen)
    places = {
        experiment: place
        for place, it in enumerate(report.generations[:_MOST_PROMPTS])
        for experiment in it.experiments
    }
    titles = element(
        "tr",
        element("th", "Experiment", scope="col"),
        element("th", axis(scale), scope="col", class_="plot"),
        element("th", "Change", scope="col", class_="n"),
        element("th", "Evidence", scope="col"),
        element("th", "Now", scope="col"),
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
                *(
                    _row(item, scale, pages, places.get(item.experiment_id))
                    for item in report.experiments
                ),
                role="rowgroup",
            ),
            class_="forest stack index",
            role="table",
            aria_labelledby="experiments-h",
        ),
    )


def _row(
    item: ProjectExperiment, scale: PictureScale, pages: Collection[str], prompt: int | None
) -> Markup:
    drawn = forest.row(scale, item.improvement, item.interval, arm=1)
    about = ", ".join(name(path, 80) for path in item.files[:2])
    due = project_words.due(item)
    return element(
        "tr",
        element(
            "th",
            _linked(item, pages),
            element("small", own(about)),
            element("small", own(name(due, 400)), class_="due") if due else None,
            scope="row",
            role="rowheader",
        ),
        element("td", drawn, class_="plot", role="cell"),
        element("td", *_change(item), class_="n", role="cell"),
        element(
            "td",
            pill(*project_words.verdict(item)),
            element("small", counted(item.trials, "trial")),
            role="cell",
        ),
        element("td", *_state(item), role="cell"),
        role="row",
        data_state=project_words.state_key(item).value,
        data_verdict=_verdict_key(item),
        data_prompt=None if prompt is None else str(prompt),
    )


def _change(item: ProjectExperiment) -> Iterator[Content]:
    yield project_words.change(item)
    if item.interval is not None:
        yield element("small", between(item.interval))
    yield element("small", own(name(item.label, 40)))


def _state(item: ProjectExperiment) -> Iterator[Markup]:
    yield pill(*project_words.state(item))
    for said in project_words.done(item):
        yield element("small", said)


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
        "The generations of each prompt, from the first to the last",
        *(_line(it, known, pages) for it in several),
    )


def _line(
    found: PromptGenerations, known: Mapping[str, ProjectExperiment], pages: Collection[str]
) -> Markup:
    steps = [known[experiment] for experiment in found.experiments[-_MOST_STEPS:]]
    before = len(found.experiments) - len(steps)
    return joined(
        element("h3", own(name(found.path))),
        element("p", f"The last {_MOST_STEPS}; {before:,} before", class_="soft")
        if before
        else None,
        element("ol", *(element("li", _step(item, pages)) for item in steps), class_="line"),
    )


def _step(item: ProjectExperiment, pages: Collection[str]) -> Markup:
    sign, word, tone = project_words.state(item)
    effect = "" if item.improvement is None else f" {project_words.change(item)}"
    return element(
        "div",
        pill(sign, word, tone),
        element("div", _linked(item, pages), effect),
        *(element("small", said) for said in project_words.done(item)),
        class_="step",
    )
