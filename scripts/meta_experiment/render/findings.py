"""Headings of a report: each says what was found, in words that every form of it has."""

from __future__ import annotations

import re

from meta_experiment.render.report_words import (
    apart,
    between,
    evidence,
    evidence_bar,
    listed,
    name,
    per_cent,
    planned,
    quantity,
    value,
)
from meta_experiment.render.words import capital, counted
from meta_experiment.types import Decision, Interval, MetricKind, ReasonCode
from meta_experiment.types.results.report import CaseComparison, EvidenceSeries, ReportDocument
from meta_experiment.types.results.report_metrics import (
    MetricRole,
    ReportComparison,
    ReportMetric,
    ReportResult,
    ResultState,
)
from meta_experiment.types.results.report_standing import CheckState, EndingEvidence

Led = tuple[ReportMetric, ReportComparison]
Guarded = dict[ResultState, list[Led]]
Said = tuple[str, str, str]  # a sign, a word, and the tone of both

VERDICTS: dict[Decision, Said] = {
    Decision.PROMOTE: ("▲", "Promote", "good"),
    Decision.REJECT: ("▼", "Reject", "bad"),
    Decision.EXTEND: ("◆", "Not decided yet", "open"),
    Decision.INCONCLUSIVE: ("■", "Inconclusive", "open"),
}
FINDINGS: dict[ReasonCode, Said] = {
    ReasonCode.STILL_BETTER: ("▲", "Still better", "good"),
    ReasonCode.DECAYED: ("■", "Decayed", "open"),
    ReasonCode.REVERSED: ("▼", "Reversed", "bad"),
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
_NONE = "No data yet"
_SHARES = (MetricKind.PROPORTION, MetricKind.PREFERENCE)
_SAID_OF_THE_ARM = ("s", "USD")  # which is faster or cheaper itself
_ANSWERS = (ReasonCode.STILL_BETTER, ReasonCode.REVERSED, ReasonCode.DECAYED)
_TOO_SMALL = (ReasonCode.EFFECT_BELOW_THRESHOLD, ReasonCode.BELOW_THRESHOLD_SO_FAR)
_TOO_FEW = (ReasonCode.INSUFFICIENT_SAMPLES, ReasonCode.WAITING_FOR_TRIALS)


def lead(report: ReportDocument) -> Led | None:
    """Return the metric that decides with the comparison that is spoken of, if there is one."""
    result = report.results[0]
    for item in result.comparisons:
        if item.treatment == report.verdict.leading:
            return result.metric, item
    return None


def in_labels(report: ReportDocument, text: str) -> str:
    """Call the metrics in a sentence by their labels, as all else on a report does."""
    for result in report.results:
        raw = rf"(?<![\w.]){re.escape(result.metric.name)}(?!\w|\.\w)"
        text = re.sub(raw, lambda _, to=result.metric.label: to, text)  # type: ignore[misc]
    return text


def headline(report: ReportDocument) -> str:
    """Say what came of the experiment."""
    found = lead(report)
    if (unready := _unready(report, found)) is not None:
        return unready
    return _NONE if found is None else _outcome(report, *found)


def _unready(report: ReportDocument, found: Led | None) -> str | None:
    """Say why there is nothing to be told of the effect, if there is not."""
    code, ready = report.verdict.reason_code, report.readiness
    if code is ReasonCode.NO_DATA:
        label, came = (
            report.results[0].metric.label,
            any(it.closed for it in report.flow.values()),
        )
        return f"No value of {label} can be compared" if came else _NONE
    if code in _TOO_FEW:
        units = f"{ready.smallest_arm:,} of {ready.needed_per_arm:,} {report.unit.value}s"
        return f"Too early to tell: {units} in {smallest(report)}"
    if code is ReasonCode.DEGENERATE_DATA and found is not None and _is_alike(found[1]):
        return f"{capital(found[0].label)} {_throughout(*found)}: no evidence either way"
    return "Nothing can be decided on these data" if report.gates[0].decides else None


def smallest(report: ReportDocument) -> str:
    """Name the arm whose units are counted: of a bandit, and where arms ended, not of all."""
    if len(report.arms) < 3:
        return "the smaller arm"
    least = min((arm.compared for arm in report.flow.values()), default=0)
    return f"the smallest arm{' that counts' if report.readiness.smallest_arm > least else ''}"


def _is_alike(comparison: ReportComparison) -> bool:
    """Say whether both arms are wholly alike, rather than too few to be told apart."""
    return comparison.control_value == comparison.treatment_value


def _throughout(metric: ReportMetric, comparison: ReportComparison) -> str:
    return f"is {value(comparison.control_value, metric)} throughout in every arm"


def _outcome(report: ReportDocument, metric: ReportMetric, comparison: ReportComparison) -> str:
    verdict, said = report.verdict, _said(report, metric, comparison)
    if verdict.reason_code is ReasonCode.NO_MEANINGFUL_DIFFERENCE:
        return f"{capital(metric.label)} differs by less than matters"
    shown, doubts = is_shown(report, comparison), []
    if not shown:
        doubts.append("may still be chance")
    if verdict.reason_code in _TOO_SMALL:
        doubts.append(f"is below the {planned(report.plan.improvement_threshold)} asked for")
    if doubts:
        said += f", which {listed(doubts)}"
    against = what_speaks_against(report, comparison.treatment)
    worse = shown and (comparison.effect.relative or 0.0) < 0.0
    return f"{said}, {'and' if worse else 'but'} {against}" if against else said


def is_shown(report: ReportDocument, comparison: ReportComparison) -> bool:
    """Say whether the effect on the metric that decides is proven, either way."""
    if comparison.state in (ResultState.BETTER, ResultState.WORSE):
        return True
    primary = report.results[0].metric.name
    proven = any(it.metric == primary for it in endings_of(report, comparison.treatment))
    answered = report.verdict.reason_code in _ANSWERS
    return proven or answered or report.verdict.decision is Decision.PROMOTE


def endings_of(report: ReportDocument, treatment: str | None) -> list[EndingEvidence]:
    """Return what ended a treatment, or the experiment with it."""
    return [item for item in report.endings if item.treatment in (treatment, None)]


def guarded(report: ReportDocument, treatment: str | None) -> Guarded:
    """Return the guardrails of a treatment by how they stand."""
    found: Guarded = {}
    for result in report.results:
        if result.metric.role is MetricRole.GUARDRAIL:
            for item in result.comparisons:
                if item.treatment == treatment:
                    found.setdefault(item.state, []).append((result.metric, item))
    return found


def what_speaks_against(report: ReportDocument, treatment: str) -> str | None:
    """Say what ended a treatment beside the metric that decides, or holds it back."""
    for item in endings_of(report, treatment):
        if (told := _ended(report, item)) is not None:
            return told
    if report.verdict.winner == treatment:
        return None
    states = guarded(report, treatment)
    if broken := states.get(ResultState.BROKEN):
        return _broke([metric.label for metric, _ in broken])
    if beyond := states.get(ResultState.BEYOND):
        return listed([beyond_words(*it) for it in beyond])
    return "errors rise" if report.verdict.reason_code is ReasonCode.ERRORS_RISE else None


def _ended(report: ReportDocument, ending: EndingEvidence) -> str | None:
    """Say what ended it, if it is not in the metric that decides or in a guardrail."""
    if ending.reason_code is ReasonCode.ALERT_ACTED:
        return "an alert that the plan lets act has ended it"
    elsewhere = ending.metric != report.results[0].metric.name
    if ending.reason_code is ReasonCode.SAFETY_HARM and elsewhere:
        return f"{ending.label} shows harm"
    return None


def beyond_words(metric: ReportMetric, comparison: ReportComparison) -> str:
    """Say by how much a guardrail looks worse than it may get."""
    seen = change_worse(metric, comparison)
    return f"{metric.label} looks {seen}, beyond its margin of {planned(metric.margin)}"


def change_worse(metric: ReportMetric, comparison: ReportComparison) -> str:
    """Say how much worse a guardrail looks, apart from its margin."""
    relative = comparison.effect.relative
    return "worse" if relative is None else f"{apart(abs(relative), metric.margin)} worse"


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


def _broke(labels: list[str]) -> str:
    return (
        f"{listed(labels)} broke {'its guardrail' if len(labels) == 1 else 'their guardrails'}"
    )


def metrics_finding(report: ReportDocument) -> str:
    """Say how the guardrails stand."""
    states = guarded(report, report.verdict.leading)
    told = "" if len(report.arms) < 3 else f"With {name(report.verdict.leading or '')}, "
    if not states:
        return _primary_finding(report)
    if set(states) <= {ResultState.EARLY}:
        return "It is too early to tell how the guardrails stand"
    if set(states) == {ResultState.HOLDS}:
        one = len(states[ResultState.HOLDS]) == 1
        return capital(f"{told}{'the guardrail holds' if one else 'all guardrails hold'}")
    labels = {state: [metric.label for metric, _ in some] for state, some in states.items()}
    parts = [beyond_words(*it) for it in states.get(ResultState.BEYOND, [])]
    if broken := labels.get(ResultState.BROKEN):
        parts.insert(0, _broke(broken))
    if not parts:
        parts = ["no guardrail is broken"]
    for state in (ResultState.MISSING, ResultState.OPEN, ResultState.EARLY):
        if some := labels.get(state):
            parts.append(f"{listed(some)} {'is' if len(some) == 1 else 'are'} {state.word}")
    return capital(f"{told}{'; '.join(parts)}")


def _primary_finding(report: ReportDocument) -> str:
    found = lead(report)
    if found is None or found[1].effect.relative is None:
        return "No change is known yet"
    metric, comparison = found
    seen = per_cent(comparison.effect.relative, signed=True)
    lies = between(comparison.interval)
    return f"{capital(metric.label)}: {seen}; the true change lies within {lies}"


def course_finding(report: ReportDocument, series: EvidenceSeries) -> str:
    """Say since when the evidence suffices."""
    who = "" if len(report.series) == 1 else f"{name(capital(series.treatment))}: "
    unit = report.unit.value
    if not report.verdict.any_look:
        return f"{who}The effect as {unit}s arrived; the plan looks once, at its end"
    if series.points and (series.points[-1].high or 0.0) < 0.0:
        odds = report.verdict.by_e_values
        seen = evidence(series.points[-1].log_worse, odds=odds)
        needed = evidence_bar(report.verdict.bar_worse, odds=odds)
        return f"{who}Worse than control by evidence of {seen}; {needed} ends it"
    if series.first_enough is not None:
        return f"{who}“No change” {since_when(report, series)}"
    return f"{who}“No change” is not ruled out yet"


def since_when(report: ReportDocument, series: EvidenceSeries) -> str:
    """Say when looks first ruled no change out, and since when all of them do."""
    first, since = series.first_enough, series.enough_since
    at = f"{counted(first or 0, report.unit.value)} per arm"
    if since is None:
        return f"was ruled out at {at}, and is not any more"
    if first == since:
        return f"has been ruled out since {at}"
    kept = ""
    if series.looks > len(series.points):
        kept = f" (of {counted(series.looks, 'look')} {len(series.points):,} are kept)"
    return f"was ruled out first at {at}, and at every look since {since:,}{kept}"


def evidence_finding(report: ReportDocument, series: EvidenceSeries) -> str:
    """Say how strong the evidence is now."""
    if not series.points:
        return "No evidence yet"
    odds = report.verdict.by_e_values
    if is_worse(report, series):
        last = evidence(series.points[-1].log_worse, odds=odds)
        least = evidence_bar(report.verdict.bar_worse, odds=odds)
        return f"Evidence that {name(series.treatment)} is worse: {last}, {least} ends it"
    last = evidence(series.points[-1].log_better_adjusted, odds=odds, bar=series.bar)
    least = evidence_bar(series.bar, odds=odds)
    return (
        f"Evidence that {name(series.treatment)} is better: {last}, {least} needed"
        f"{not_before(report)}"
    )


def not_before(report: ReportDocument) -> str:
    """Say, of a plan that looks once and has not yet, that nothing counts before."""
    early = not report.verdict.any_look and not report.readiness.ready
    return " at the plan's one look, and none counts before" if early else ""


def is_worse(report: ReportDocument, series: EvidenceSeries) -> bool:
    """Say whether it is the evidence for worse that suffices."""
    return bool(series.points) and series.points[-1].log_worse >= report.verdict.bar_worse


def distribution_finding(result: ReportResult) -> str:
    """Say the centres of the arms."""
    told = [
        f"{value(arm.centre, result.metric)} with {name(who, 40)}"
        for who, arm in reversed(result.arms.items())
    ]
    return f"{capital(result.metric.label)}: {', '.join(told)}"


def cases_finding(cases: CaseComparison) -> str:
    """Say how many cases got better."""
    total = cases.better + cases.worse + cases.same
    return (
        f"{cases.better} of {counted(total, 'case')} got better, {cases.worse} worse, "
        f"{cases.same} stayed"
    )


def data_finding(report: ReportDocument) -> str:
    """Say whether the data are sound."""
    states = {item.check.value: item.state for item in report.health}
    failed = [name for name, state in states.items() if state is CheckState.FAILED]
    seen = [name for name, state in states.items() if state is not CheckState.NOTHING_YET]
    if failed:
        return f"The data do not pass: {listed(failed)}"
    if not report.checks.exposure.assigned:
        return "There are no data to check yet"
    if len(seen) == len(states):
        return "The data pass all four checks"
    unseen = [name for name in states if name not in seen]
    return f"The data pass the checks of {listed(seen)}; of {listed(unseen)} there is no record"


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
    looks += ", and not before" if not_before(report) else ""
    return f"{planned(interval.level)} interval, {looks}; + is better"
