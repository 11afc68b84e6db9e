"""The effect and the evidence over time, and the units themselves."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render.findings import (
    cases_finding,
    course_finding,
    distribution_finding,
    evidence_finding,
    is_worse,
)
from meta_experiment.render.html.metrics_part import arm_number
from meta_experiment.render.html.page import figure, folded, own, owned, section, table
from meta_experiment.render.markup import Markup, element, joined
from meta_experiment.render.pictures.bars import gains
from meta_experiment.render.pictures.course import (
    FEWEST,
    CourseFrame,
    CourseLine,
    course,
)
from meta_experiment.render.pictures.spread import spread
from meta_experiment.render.report_tables import case_rows, look_rows, ordered_cases
from meta_experiment.render.report_words import (
    evidence_bar,
    listed,
    name,
    planned,
    value,
)
from meta_experiment.render.words import capital
from meta_experiment.types.results.report import CaseComparison, EvidenceSeries, ReportDocument
from meta_experiment.types.results.report_metrics import ReportResult


def course_part(report: ReportDocument) -> Markup | None:
    """Write the effect and its evidence as units arrived, where there is something to draw."""
    drawn = [item for item in report.series if len(item.points) >= FEWEST]
    drawn.sort(key=lambda item: item.treatment != report.verdict.leading)
    if not drawn:
        return None
    first, *others = (_course(report, drawn, place) for place in range(len(drawn)))
    heading = course_finding(report, drawn[0])
    return section("course", heading, first, *others)


def _course(report: ReportDocument, drawn: Sequence[EvidenceSeries], place: int) -> Markup:
    series = drawn[place]
    frame = CourseFrame(
        report.readiness.needed_per_arm,
        report.plan.improvement_threshold,
        report.verdict.by_e_values,
        report.unit.value,
        report.verdict.bar_worse,
        len(drawn) > 1,
    )
    title = course_finding(report, series)
    least = evidence_bar(series.bar, odds=report.verdict.by_e_values)
    sides = ("worse", "better") if is_worse(report, series) else ("better", "worse")
    told = (
        "Above: the estimate and its interval, which may be looked at after every one. Below: "
        f"what a bet against “no better” would have grown to, for {sides[0]} (solid) and for "
        f"{sides[1]} (dashed). With no difference at most {planned(report.plan.alpha)} of "
        f"experiments ever reach {least}."
    )
    if not report.verdict.any_look:
        told = (
            "Above: the estimate and its interval. Below: the evidence against chance alone. "
            "The plan looks once, at its end; what is drawn before was not to be decided on."
        )
    shown, *others = (
        CourseLine(it, arm_number(report, it.treatment))
        for it in (series, *(drawn[1:] if not place else ()))
    )
    if others:
        told += " Thin lines: the estimates of the other arms."
    heading = element("h3", title) if place else None
    return joined(
        heading,
        element("p", evidence_finding(report, series), class_="lede"),
        figure(
            course(shown, frame, f"c{place}", title, others),
            told,
            folded("The numbers of this picture", _looks(report, series)),
        ),
    )


def _looks(report: ReportDocument, series: EvidenceSeries) -> Markup:
    return table(
        f"{name(series.treatment, 40)}: the effect and its evidence, look by look",
        ("Control", "Treatment", "Change", "Interval", "For better", "For worse"),
        look_rows(report, series),
        numbers=(1, 2, 3, 4, 5),
    )


def distribution_part(report: ReportDocument) -> Markup | None:
    """Write the values of the units; those of the metric that decides stand open."""
    parts = [
        (result, drawn)
        for place, result in enumerate(report.results)
        if (drawn := spread(result, f"d{place}", distribution_finding(result))) is not None
    ]
    if not parts:
        return None
    unit = report.unit.value
    (first, drawn), *others = parts
    return section(
        "distributions",
        distribution_finding(first),
        figure(
            drawn, _dots(first, unit), folded("The numbers of this picture", _quantiles(first))
        ),
        *(
            folded(
                distribution_finding(result),
                figure(picture, _dots(result, unit), _quantiles(result)),
            )
            for result, picture in others
        ),
    )


def _dots(result: ReportResult, unit: str) -> str:
    if result.edges:
        return (
            f"How many {unit}s have which value. Upright line: {result.metric.statistic}. "
            "Below: thick the middle half, thin nine of ten."
        )
    if any(arm.counts for arm in result.arms.values()) or all(
        len(set(arm.values)) <= 8 for arm in result.arms.values()
    ):
        return f"The part of an arm’s {unit}s that has each value."
    return (
        f"Every dot is one {unit}. Upright line: {result.metric.statistic}. Below: thick the "
        "middle half, thin nine of ten."
    )


def _quantiles(result: ReportResult) -> Markup:
    keys = ("0", "5", "25", "50", "75", "95", "100")
    return table(
        f"Quantiles of {name(result.metric.label, 60)}",
        ("Arm", "Units", "Least", "5%", "25%", "Median", "75%", "95%", "Largest"),
        (
            (
                own(name(who, 40)),
                f"{arm.n:,}",
                *(value(arm.quantiles.get(key), result.metric) for key in keys),
            )
            for who, arm in result.arms.items()
        ),
        numbers=range(1, 9),
    )


def cases_part(report: ReportDocument) -> Markup | None:
    """Write each case with its value in both arms."""
    if not report.pairs:
        return None
    ordered = ordered_cases(report)
    return section(
        "cases",
        cases_finding(ordered[0]),
        *(_cases(report, item, place) for place, item in enumerate(ordered)),
    )


def _cases(report: ReportDocument, cases: CaseComparison, place: int) -> Markup:
    metric = report.results[0].metric
    title = cases_finding(cases)
    silent = None
    if cases.no_signal:
        named = listed([name(case, 40) for case in cases.no_signal[:12]])
        more = cases.same - min(12, len(cases.no_signal))
        rest = f", and {more:,} more" if more > 0 else ""
        silent = element(
            "p", f"Without a signal, the same in both arms: {named}{rest}.", class_="soft"
        )
    heading = element("h3", f"{name(capital(cases.treatment), 40)}: {title}") if place else None
    return joined(
        heading,
        figure(
            gains(cases, metric, arm_number(report, cases.treatment), f"p{place}", title),
            "Every bar is one case, by how much it changed; up is better.",
            silent,
            folded("Every case", _case_table(report, cases)),
        ),
    )


def _case_table(report: ReportDocument, cases: CaseComparison) -> Markup:
    return table(
        f"Cases, control against {name(cases.treatment, 40)}",
        ("Case", "Control", "Treatment", "Runs"),
        owned(case_rows(report, cases)),
        numbers=(1, 2, 3),
    )
