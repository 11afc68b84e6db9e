"""The checks of the data in words, for every form of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meta_experiment.render.report_words import name, planned
from meta_experiment.types import Checks
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_standing import CheckName, CheckState

CHECKS = {
    CheckState.PASSED: ("✓", "fine", "good"),
    CheckState.NOTED: ("!", "fine, with a note", "open"),
    CheckState.FAILED: ("✗", "not fine", "bad"),
    CheckState.NOTHING_YET: ("–", "nothing to check", "plain"),
}
_MOST_MODELS = 6


def check_rows(report: ReportDocument) -> Iterator[tuple[str, str, tuple[str, str, str]]]:
    """Yield each check by its name, with what was seen and how it stands."""
    for item in report.health:
        seen = _SEEN[item.check](report.checks)
        yield item.check.value.capitalize(), seen, CHECKS[item.state]


def _assignment(checks: Checks) -> str:
    counts = ", ".join(f"{name(arm, 40)} {n:,}" for arm, n in checks.srm.counts.items())
    shares = " : ".join(planned(round(share, 3)) for share in checks.srm.expected.values())
    if checks.srm.over_time:
        p_value = checks.srm.p_anytime
        said = "" if p_value is None else f"; the same on all days, p = {p_value:.2g}"
        return f"{counts} (drawn elsewhere{said})"
    if checks.srm.p_anytime is None:
        return f"{counts} (planned {shares})"
    return f"{counts} (planned {shares}; p = {checks.srm.p_anytime:.2g}, valid at every look)"


def _losses(checks: Checks) -> str:
    lost = ", ".join(
        f"{name(arm, 40)} lost {n:,} of {checks.attrition.exposed[arm]:,}"
        for arm, n in checks.attrition.lost.items()
    )
    reason = checks.attrition.reason
    return f"{lost}. {name(reason, 300)}" if reason else lost or "no trials yet"


def lateness_seen(checks: Checks) -> str:
    """Say what came late, by arm."""
    seen = checks.lateness
    if seen is None:
        return "no day was told again"
    late = ", ".join(f"{name(arm, 40)} {share:.1%}" for arm, share in seen.late.items())
    return f"of {name(seen.measure, 40)} came late: {late} (p = {seen.p_value:.2g})"


def _exposure(checks: Checks) -> str:
    seen = checks.exposure
    return f"{seen.exposed:,} of {seen.assigned:,} received their variant"


def _versions(checks: Checks) -> str:
    ran = checks.fingerprint
    models = ", ".join(
        f"{name(it, 40)} {n:,}" for it, n in list(ran.models.items())[:_MOST_MODELS]
    )
    return name(ran.reason or models or "no model recorded", 300)


_SEEN: dict[CheckName, Callable[[Checks], str]] = {
    CheckName.ASSIGNMENT: _assignment,
    CheckName.LOSSES: _losses,
    CheckName.LATENESS: lateness_seen,
    CheckName.EXPOSURE: _exposure,
    CheckName.VERSIONS: _versions,
}
