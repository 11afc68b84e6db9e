"""The figures that a verdict rests on, in one line each, for forms that are text."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render.arm_words import ended_fact
from meta_experiment.render.findings import interval_words, lead, not_before, since_when
from meta_experiment.render.report_words import between, evidence, evidence_bar
from meta_experiment.render.words import sparkline
from meta_experiment.types.results.report import EvidenceSeries, ReportDocument

_CELLS = 44  # of a course
_FEWEST = 3  # looks that have a course


def true_change(report: ReportDocument) -> tuple[str, str] | None:
    """Return where the true change lies, and of what kind that interval is."""
    found = lead(report)
    if found is None:
        return None
    interval = found[1].interval
    return between(interval), interval_words(report, interval)


def strength(report: ReportDocument) -> tuple[str, str] | None:
    """Return how strong the evidence is, and what it has to reach since when."""
    found = lead(report)
    if found is None:
        return None
    odds, known = report.verdict.by_e_values, found[1].evidence
    told = f"{evidence_bar(report.verdict.bar, odds=odds)} needed{not_before(report)}"
    course = leading_series(report)
    if course is not None and report.verdict.any_look and course.enough_since is not None:
        told += f", “no change” {since_when(report, course)}"
    if len(report.series) > 1:
        told += f"; corrected for {len(report.series)} treatments"
    if known is None:
        return "none yet", told
    return evidence(known.log_better_adjusted, odds=odds, bar=report.verdict.bar), told


def evidence_course(report: ReportDocument) -> str | None:
    """Draw how the evidence went from look to look, from its least to its most."""
    series = leading_series(report)
    if series is None or len(series.points) < _FEWEST:
        return None
    logs = [it.log_better_adjusted for it in series.points]
    many = min(_CELLS, len(logs))
    return sparkline([logs[round(at * (len(logs) - 1) / (many - 1))] for at in range(many)])


def leading_series(report: ReportDocument) -> EvidenceSeries | None:
    """Return the looks at the treatment that is spoken of."""
    known = (it for it in report.series if it.treatment == report.verdict.leading)
    return next(known, None)


def figures(report: ReportDocument) -> Iterator[tuple[str, str]]:
    """Yield each figure with what it is called and what is to be known of it."""
    for label, told in (
        ("true change", true_change(report)),
        ("evidence", strength(report)),
    ):
        if told is not None:
            yield label, "  ".join(told)
    if (ended := ended_fact(report)) is not None:
        about, seen, bar = ended
        yield "against it", f"{seen}  {about[:1].lower()}{about[1:]}; {bar}"
    course = evidence_course(report)
    if course is not None:
        yield "its course", course
