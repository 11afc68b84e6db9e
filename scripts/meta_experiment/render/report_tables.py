"""The tables of a report, row by row, for every form that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meta_experiment.render.report_words import (
    amounts,
    between,
    day,
    evidence,
    name,
    per_cent,
    quantity,
    value,
)
from meta_experiment.types import Interval
from meta_experiment.types.results.report import (
    CaseComparison,
    EvidenceSeries,
    ExpectedImpact,
    ReportDocument,
)

Rows = Iterator[tuple[str, ...]]

_LOOKS = 24  # that are told one by one
_REASONS = 12


def flow_rows(report: ReportDocument) -> Rows:
    """Yield each arm with its units from the draw to the comparison, and what was left out."""
    for arm, it in report.flow.items():
        counts = (it.assigned, it.exposed, it.closed, it.compared, it.trials)
        left_out = _left_out(it.exclusions | it.cut_short, it.missing)
        yield name(arm, 40), *(f"{n:,}" for n in counts), left_out


def _left_out(trials: Mapping[str, int], missing: Mapping[str, int]) -> str:
    told = [f"{name(reason.replace('_', ' '), 60)} {n:,}" for reason, n in trials.items()]
    told += [f"no {name(metric, 60)} {n:,}" for metric, n in missing.items()]
    return ", ".join(told[:_REASONS]) or "none"


def version_rows(report: ReportDocument) -> Rows:
    """Yield each version by kind, when it was seen first and last, and its trials by arm."""
    for it in report.versions:
        counts = (f"{it.trials[arm]:,}" for arm in report.flow)
        yield name(it.kind, 40), name(it.version, 80), day(it.first), day(it.last), *counts


def strata_rows(report: ReportDocument) -> Rows:
    """Yield each part of the units with its effect, of several arms by its treatment too."""
    several = len(report.series) > 1
    for it in report.strata:
        yield (
            name(it.name, 60) + (f", {name(it.treatment, 40)}" if several else ""),
            f"{it.control_units:,} / {it.treatment_units:,}",
            per_cent(it.effect, signed=True),
            between(it.interval),
        )


def saving_rows(impact: ExpectedImpact) -> Rows:
    """Yield what a use takes now, and what is saved of it in 30 days."""
    for it in impact.items:
        yield (
            name(it.label, 60),
            quantity(it.per_use, it.unit),
            quantity(it.saved, it.unit),
            amounts(it.low, it.high, it.unit),
        )


def look_rows(report: ReportDocument, series: EvidenceSeries) -> Rows:
    """Yield looks evenly apart and the last: units of both arms, the effect, the evidence."""
    points, odds = series.points, report.verdict.by_e_values
    step = max(1, -(-len(points) // _LOOKS))
    for it in (*points[:-1][::step], points[-1]):
        yield (
            f"{it.control_units:,}",
            f"{it.treatment_units:,}",
            per_cent(it.effect, signed=True),
            between(Interval(0.0, it.low, it.high)),
            evidence(it.log_better_adjusted, odds=odds),
            evidence(it.log_worse, odds=odds),
        )


def ordered_cases(report: ReportDocument) -> list[CaseComparison]:
    """Return the comparisons of cases in the order of all forms: that of the leader first."""
    return sorted(report.pairs, key=lambda it: it.treatment != report.verdict.leading)


def case_rows(report: ReportDocument, cases: CaseComparison) -> Rows:
    """Yield each case with its value in both arms, and how often it was run there."""
    metric = report.results[0].metric
    for row in cases.rows:
        yield (
            name(row.case, 80),
            value(row.control, metric),
            value(row.treatment, metric),
            f"{row.control_runs} / {row.treatment_runs}",
        )
