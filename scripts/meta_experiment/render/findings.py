"""Headings of a report: each says what was found, in words that every form of it has."""

from __future__ import annotations

from meta_experiment.render.report_words import (
    between,
    evidence,
    listed,
    name,
    per_cent,
    planned,
    quantity,
    value,
)
from meta_experiment.render.words import capital, counted
from meta_experiment.types import Decision, Interval, MetricKind, ReasonCode
from meta_experiment.types.results.report import EvidenceSeries, GateName, ReportDocument
from meta_experiment.types.results.report_metrics import (
    MetricRole,
    ReportComparison,
    ReportMetric,
    ReportResult,
    ResultState,
)

VERDICTS = {
    Decision.PROMOTE: ("▲", "Promote", "good"),
    Decision.REJECT: ("▼", "Reject", "bad"),
    Decision.EXTEND: ("◆", "Not decided yet", "open"),
    Decision.INCONCLUSIVE: ("■", "Inconclusive", "open"),
}
_SIGNS = {
    ResultState.BETTER: ("✓", "good"),
    ResultState.WORSE: ("✗", "bad"),
    ResultState.OPEN: ("?", "open"),
    ResultState.HOLDS: ("✓", "good"),
    ResultState.BEYOND: ("!", "bad"),
    ResultState.BROKEN: ("✗", "bad"),
    ResultState.MISSING: ("?", "open"),
    ResultState.EARLY: ("?", "open"),
    ResultState.SHOWN: ("", "plain"),
}
STATES = {state: (sign, state.word, tone) for state, (sign, tone) in _SIGNS.items()}
GATES = {
    GateName.DATA: "Data are sound",
    GateName.UNITS: "Enough units",
    GateName.GUARDRAILS: "No guardrail is broken",
    GateName.EVIDENCE: "Better than control",
    GateName.THRESHOLD: "Worth having",
    GateName.DOUBTS: "Stands up to what is missing",
    GateName.TIME: "Time is left",
}
_SHARES = (MetricKind.PROPORTION, MetricKind.PREFERENCE)
_SAID_OF_THE_ARM = ("s", "USD")  # which is faster or cheaper itself
_TOO_FEW = (ReasonCode.INSUFFICIENT_SAMPLES, ReasonCode.WAITING_FOR_TRIALS)


def lead(report: ReportDocument) -> tuple[ReportMetric, ReportComparison] | None:
    """Return the metric that decides with the comparison that is spoken of, if there is one."""
    result = report.results[0]
    for item in result.comparisons:
        if item.treatment == report.verdict.leading:
            return result.metric, item
    return None


def headline(report: ReportDocument) -> str:
    """Say what came of the experiment."""
    found = lead(report)
    if found is None:
        return "No data yet"
    return _unready(report) or _outcome(report, *found)


def _unready(report: ReportDocument) -> str | None:
    """Say why there is nothing to be told of the effect, if there is not."""
    code, ready = report.verdict.reason_code, report.readiness
    if code is ReasonCode.NO_DATA:
        return "No data yet"
    if code in _TOO_FEW:
        units = f"{ready.smallest_arm:,} of {ready.needed_per_arm:,} {report.unit.value}s"
        which = "smaller" if len(report.arms) < 3 else "smallest"
        return f"Too early to tell: {units} in the {which} arm"
    return "Nothing can be decided on these data" if report.gates[0].decides else None


def _outcome(report: ReportDocument, metric: ReportMetric, comparison: ReportComparison) -> str:
    verdict, said = report.verdict, _said(report, metric, comparison)
    broken = [] if verdict.decision is Decision.PROMOTE else _broken(report)
    if broken:
        return f"{said}, but {_broke(broken)}"
    if verdict.reason_code is ReasonCode.NO_MEANINGFUL_DIFFERENCE:
        return f"{capital(metric.label)} differs by less than matters"
    clear = verdict.decision in (Decision.PROMOTE, Decision.REJECT)
    if clear or comparison.state is ResultState.BETTER:
        return said
    return f"{said}, which may still be chance"


def _said(report: ReportDocument, metric: ReportMetric, comparison: ReportComparison) -> str:
    control = name(report.arms[0].name, 40)
    treatment = name(capital(comparison.treatment), 40)
    relative = comparison.effect.relative
    if metric.kind in _SHARES and len(report.arms) == 2:
        before, after = comparison.control_value or 0.0, comparison.treatment_value or 0.0
        moved = "rose" if after > before else "fell" if after < before else "stayed"
        ends = f"from {value(before, metric)} to {value(after, metric)}"
        if moved == "stayed":
            ends = f"at {value(after, metric)}"
        return f"{capital(metric.label)} {moved} {ends}"
    if relative is None:
        return f"{treatment} cannot be compared with {control} in per cent"
    if relative == 0:
        return f"{treatment} is just as {control} on {metric.label}"
    how = f"{per_cent(abs(relative))} {metric.better if relative > 0 else metric.worse}"
    if metric.unit in _SAID_OF_THE_ARM:
        return f"{treatment} is {how} than {control}"
    if metric.better == "fewer":
        return f"{treatment} takes {how} {metric.label} than {control}"
    return f"{capital(metric.label)} is {how} with {name(comparison.treatment, 40)}"


def _broken(report: ReportDocument) -> list[str]:
    return [
        result.metric.label
        for result in report.results
        for item in result.comparisons
        if item.state is ResultState.BROKEN and item.treatment == report.verdict.leading
    ]


def _broke(labels: list[str]) -> str:
    return (
        f"{listed(labels)} broke {'its guardrail' if len(labels) == 1 else 'their guardrails'}"
    )


def metrics_finding(report: ReportDocument) -> str:
    """Say how the guardrails stand."""
    states: dict[ResultState, list[str]] = {}
    for result in report.results:
        if result.metric.role is MetricRole.GUARDRAIL:
            for item in result.comparisons:
                if item.treatment == report.verdict.leading:
                    states.setdefault(item.state, []).append(result.metric.label)
    told = "" if len(report.arms) < 3 else f"With {name(report.verdict.leading or '')}, "
    broken = states.get(ResultState.BROKEN, [])
    unsettled = states.get(ResultState.OPEN, []) + states.get(ResultState.MISSING, [])
    if not states:
        return _primary_finding(report)
    if broken:
        return capital(f"{told}{_broke(broken)}")
    if not unsettled:
        held = states.get(ResultState.HOLDS, [])
        return capital(
            f"{told}{'the guardrail holds' if len(held) == 1 else 'all guardrails hold'}"
        )
    verb = "is" if len(unsettled) == 1 else "are"
    return capital(f"{told}no guardrail is broken; {listed(unsettled)} {verb} not settled")


def _primary_finding(report: ReportDocument) -> str:
    found = lead(report)
    if found is None or found[1].effect.relative is None:
        return "No change is known yet"
    metric, comparison = found
    seen = per_cent(comparison.effect.relative, signed=True)
    return (
        f"{capital(metric.label)}: {seen}, and the truth within {between(comparison.interval)}"
    )


def course_finding(report: ReportDocument, series: EvidenceSeries) -> str:
    """Say since when the evidence suffices."""
    who = "" if len(report.series) == 1 else f"{name(capital(series.treatment))}: "
    unit = report.unit.value
    if not report.verdict.any_look:
        return f"{who}The effect as {unit}s arrived; the plan looks once, at its end"
    if series.points and (series.points[-1].high or 0.0) < 0.0:
        odds = report.verdict.by_e_values
        seen = evidence(series.points[-1].log_worse, odds=odds)
        needed = evidence(report.verdict.bar_worse, odds=odds)
        return f"{who}Worse than control by evidence of {seen}; {needed} ends it"
    if series.enough_since is not None:
        since = counted(series.enough_since, unit)
        return f"{who}“No change” has been ruled out since {since} per arm"
    if series.first_enough is not None:
        return (
            f"{who}“No change” was ruled out at {counted(series.first_enough, unit)} per arm, "
            "and is not any more"
        )
    return f"{who}“No change” is not ruled out yet"


def evidence_finding(report: ReportDocument, series: EvidenceSeries) -> str:
    """Say how strong the evidence is now."""
    if not series.points:
        return "No evidence yet"
    odds = report.verdict.by_e_values
    last = evidence(series.points[-1].log_better_adjusted, odds=odds)
    bar = evidence(series.bar, odds=odds)
    return f"Evidence that {name(series.treatment)} is better: {last}, {bar} needed"


def distribution_finding(result: ReportResult) -> str:
    """Say the centres of the arms."""
    told = [
        f"{value(arm.centre, result.metric)} with {name(who, 40)}"
        for who, arm in reversed(result.arms.items())
    ]
    return f"{capital(result.metric.label)}: {', '.join(told)}"


def data_finding(report: ReportDocument) -> str:
    """Say whether the data are sound."""
    checks = report.checks
    if not checks.exposure.assigned:
        return "There are no data to check yet"
    failed = [
        label
        for label, check in (
            ("assignment", checks.srm),
            ("losses", checks.attrition),
            ("exposure", checks.exposure),
            ("versions", checks.fingerprint),
        )
        if not check.ok
    ]
    if not failed:
        return "The data pass all four checks"
    return f"The data do not pass: {listed(failed)}"


def change_finding(report: ReportDocument) -> str:
    """Say how much of the prompt changes."""
    diffs = [one for prompt in report.prompts for one in prompt.diffs]
    added, removed = sum(one.added for one in diffs), sum(one.removed for one in diffs)
    files = counted(len(report.prompts), "file")
    return f"The change: {counted(added, 'line')} in, {removed:,} out, in {files}"


def impact_finding(report: ReportDocument) -> str | None:
    """Say what a month of uses would save or cost; None where nothing is known of it."""
    impact = report.impact
    if impact is None or not impact.items or impact.uses is None:
        return None
    less = [it for it in impact.items if it.low is not None and it.low > 0]
    more = [it for it in impact.items if it.high is not None and it.high < 0]
    told = [
        f"{word} about {listed([quantity(abs(it.saved), it.unit) for it in items])}{end}"
        for word, items, end in (("save", less, ""), ("cost", more, " more"))
        if items
    ]
    if told:
        return f"A month of uses would {' and '.join(told)}"
    return "What a month of uses would save is not settled"


def interval_words(report: ReportDocument, interval: Interval) -> str:
    """Say of what kind an interval is."""
    looks = "valid at every look" if report.verdict.any_look else "valid at the plan's one look"
    return f"{planned(interval.level)} interval, {looks}; + is better"
