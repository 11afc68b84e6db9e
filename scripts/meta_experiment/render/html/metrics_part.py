"""All metrics on one axis, on which right is better, and what each arm came to."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render.findings import STATES, metrics_finding
from meta_experiment.render.html.page import (
    axis,
    folded,
    marked,
    own,
    pill,
    section,
    table,
)
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.pictures import forest
from meta_experiment.render.pictures.drawing import arm_style
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_forest import ordered
from meta_experiment.render.report_words import between, name, per_cent, planned, value
from meta_experiment.render.words import capital
from meta_experiment.types import MetricKind
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_metrics import (
    MetricRole,
    ReportComparison,
    ReportResult,
)

_SHARES = (MetricKind.PROPORTION, MetricKind.PREFERENCE)
_LEGEND = (
    "Change against {control}; right is better. Point: estimate. Line: the interval of the "
    "plan’s rule, {looks}; arrows go on outside the picture.{outside}{goal}{guard}"
)

_OUTSIDE = " A filled arrow with its number: an estimate that lies outside."
_GUARDED = (
    " Red dots: how much worse a guardrail may get; it holds when the whole line lies to their "
    "right."
)


def arm_number(report: ReportDocument, arm: str) -> int:
    """Return by which colour an arm is drawn."""
    names = [item.name for item in report.arms]
    return arm_style(names.index(arm) if arm in names else 1)


def metrics_part(report: ReportDocument) -> Markup:
    """Write the table of metrics."""
    goal = report.plan.improvement_threshold
    scale = forest.axis(report.results, goal)
    any_guard = any(it.metric.role is MetricRole.GUARDRAIL for it in report.results)
    legend = _LEGEND.format(
        control=name(report.arms[0].name, 40),
        looks="valid at every look" if report.verdict.any_look else "valid at its one look",
        outside=_OUTSIDE if _beyond(report, scale) else "",
        goal=" Green dashes: the change worth having." if goal else "",
        guard=_GUARDED if any_guard else "",
    )
    titles = element(
        "tr",
        element("th", "Metric", scope="col", role="columnheader"),
        element("th", axis(scale), scope="col", class_="plot", role="columnheader"),
        element("th", "Change", scope="col", class_="n", role="columnheader"),
        element("th", "State", scope="col", role="columnheader"),
        role="row",
    )
    rows = [
        _row(report, scale, result, item)
        for result, item in ordered(report.results, report.verdict.leading)
    ]
    return section(
        "metrics",
        metrics_finding(report),
        _every_arm(report),
        element("p", legend, class_="lede"),
        element("div", axis(scale), class_="narrow-axis soft", aria_hidden="true"),
        element(
            "table",
            element("thead", titles, role="rowgroup"),
            element("tbody", *rows, role="rowgroup"),
            class_="forest stack",
            role="table",
            aria_labelledby="metrics-h",
        ),
        folded("Mean and spread of every arm", _arms(report)),
    )


def _every_arm(report: ReportDocument) -> Markup | None:
    """Say of each of several arms what it came to on the metric that decides."""
    deciding = report.results[0]
    if len(deciding.comparisons) < 2:
        return None
    told = [(report.arms[0].name, "")] + [
        (it.treatment, f" ({_change(it)}, {STATES[it.state][1]})")
        for _, it in ordered([deciding], report.verdict.leading)
    ]
    items = [
        element(
            "li",
            marked(arm, arm_number(report, arm)),
            " ",
            value(deciding.arms[arm].centre, deciding.metric) if arm in deciding.arms else "–",
            said,
        )
        for arm, said in told
    ]
    label = f"{capital(deciding.metric.label)} of every arm"
    return element("ul", *items, class_="arms", aria_label=label)


def _change(item: ReportComparison) -> str:
    relative = item.effect.relative
    return "–" if relative is None else per_cent(relative, signed=True)


def _beyond(report: ReportDocument, scale: PictureScale) -> bool:
    seen = [it.effect.relative for one in report.results for it in one.comparisons]
    return any(abs(one) > scale.high for one in seen if one is not None)


def _row(
    report: ReportDocument, scale: PictureScale, result: ReportResult, item: ReportComparison
) -> Markup:
    metric, primary = result.metric, result.metric.role is MetricRole.PRIMARY
    drawn = forest.row(
        scale,
        item.effect.relative,
        item.interval,
        arm=arm_number(report, item.treatment),
        margin=metric.margin,
        goal=report.plan.improvement_threshold if primary else None,
    )
    several = len(result.comparisons) > 1
    return element(
        "tr",
        element(
            "th",
            own(name(metric.label, 60)),
            marked(item.treatment, arm_number(report, item.treatment)) if several else None,
            element("small", _role(result)),
            scope="row",
            role="rowheader",
        ),
        element("td", drawn, class_="plot", role="cell"),
        element(
            "td",
            _change(item),
            element("small", between(item.interval)),
            class_="n",
            role="cell",
        ),
        element("td", pill(*STATES[item.state]), role="cell"),
        role="row",
        data_metric=name(metric.name),
        data_treatment=name(item.treatment),
        data_state=item.state.value,
    )


def _role(result: ReportResult) -> str:
    metric = result.metric
    return {
        MetricRole.PRIMARY: "decides",
        MetricRole.GUARDRAIL: f"guardrail, may worsen by {planned(metric.margin)}",
        MetricRole.SECONDARY: "beside, decides nothing",
        MetricRole.EXPLORED: "not in the plan, to explore",
    }[metric.role]


def _arms(report: ReportDocument) -> Markup:
    return table(
        "Mean and spread of every arm",
        ("Metric and arm", "Units", "Mean", "Std. dev.", "Compared", "Missing"),
        _arm_rows(report),
        numbers=range(1, 6),
    )


def _arm_rows(report: ReportDocument) -> Iterator[tuple[Content, ...]]:
    for result in report.results:
        metric = result.metric
        for who, arm in result.arms.items():
            centre = f"{value(arm.centre, metric)}"
            if metric.kind not in _SHARES:
                centre = f"{centre} ({metric.statistic})"
            yield (
                joined(own(name(metric.label, 60)), marked(who, arm_number(report, who))),
                f"{arm.n:,}",
                value(arm.mean, metric),
                value(arm.sd, metric),
                centre,
                f"{arm.missing:,}",
            )
