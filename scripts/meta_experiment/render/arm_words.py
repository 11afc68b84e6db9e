"""Further treatments in one line each: how they did, and what ended them."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render.findings import (
    endings_of,
    is_shown,
    what_speaks_against,
)
from meta_experiment.render.report_words import change, evidence, evidence_bar, name, planned
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_metrics import ReportComparison, ResultState
from meta_experiment.types.results.report_standing import EndingEvidence


def further_arms(report: ReportDocument) -> Iterator[tuple[str, str]]:
    """Yield each treatment beside the one that is spoken of, with what came of it."""
    compared = report.results[0].comparisons
    for item in compared if len(compared) > 1 else ():
        if item.treatment != report.verdict.leading:
            yield name(item.treatment, 40), _told(report, item)


def ended_fact(report: ReportDocument) -> tuple[str, str, str] | None:
    """Return what ended the treatment that is spoken of: of what, how much, and its bar."""
    for ending in endings_of(report, report.verdict.leading):
        strength = _strength(ending)
        if strength is None:
            how = "a person" if ending.reason_code is None else "an alert"
            return "Ended by", how, name(ending.reason, 120)
        allowed = ending.beyond
        margin = "" if allowed is None else f" than its margin of {planned(allowed)}"
        seen, needed = strength
        return f"Evidence that {ending.label} is worse{margin}", seen, f"{needed} ends it"
    return None


def _strength(ending: EndingEvidence) -> tuple[str, str] | None:
    """Say how strong the evidence is that ended a treatment, and what it took."""
    if ending.seen is None or ending.needed is None:
        return None
    odds = ending.by_e_values
    return evidence(ending.seen, odds=odds), evidence_bar(ending.needed, odds=odds)


def _told(report: ReportDocument, item: ReportComparison) -> str:
    seen = change(report.results[0].metric, item)
    if item.state is ResultState.EARLY:
        seen = "too early to tell"
    elif not is_shown(report, item):
        seen = f"{seen}, which may still be chance"
    against = what_speaks_against(report, item.treatment)
    told = f"{seen}, but {against}" if against else seen
    for ending in endings_of(report, item.treatment):
        gone = "has ended" if ending.at is not None else "is to be ended"
        if ending.reason_code is None:
            gone = "was ended by hand"
        strength = _strength(ending)
        shown = f" (evidence {strength[0]}, {strength[1]} needed)" if strength else ""
        told += f"; it {gone}{shown}"
    return told
