"""The top of a report: the verdict, the facts, why, and what to do next."""

from __future__ import annotations

from meta_experiment.render.findings import GATES, VERDICTS, headline, interval_words, lead
from meta_experiment.render.html.page import own
from meta_experiment.render.markup import Markup, element, joined
from meta_experiment.render.report_words import (
    between,
    change,
    day,
    evidence,
    moment,
    name,
    per_cent,
    planned,
    value,
)
from meta_experiment.render.words import capital
from meta_experiment.types import MetricKind
from meta_experiment.types.results.report import (
    GateName,
    GateReading,
    GateState,
    ReportDocument,
)

_SIGNS = {
    GateState.PASSED: ("✓", "good", "passed"),
    GateState.FAILED: ("✗", "bad", "not passed"),
    GateState.OPEN: ("?", "open", "open"),
    GateState.NOT_ASKED: ("–", "plain", "not asked"),
    GateState.NOTHING_YET: ("–", "plain", "nothing to check yet"),
}
_LONGEST_TEXT = 2_000
_LONGEST_REASON = 400


def top(report: ReportDocument) -> Markup:
    """Write all that a decision needs, before anybody scrolls."""
    sign, word, tone = VERDICTS[report.verdict.decision]
    files = [name(path) for path in report.plan.files[:3]]
    more = len(report.plan.files) - len(files)
    named = ", ".join(files) + (f" and {more} more" if more > 0 else "")
    return element(
        "header",
        element(
            "p",
            own(named or name(report.plan.name)),
            " · ",
            report.experiment_id,
            class_="kicker",
        ),
        element(
            "h1",
            element(
                "span",
                f"{sign} {word}",
                class_=f"badge {tone}",
                data_decision=report.verdict.decision.value,
            ),
            element("span", headline(report), id="headline"),
        ),
        element(
            "p", name(report.plan.hypothesis, _LONGEST_TEXT), class_="hypothesis", dir="auto"
        ),
        element("p", _status(report), class_="status"),
        _facts(report),
        element("h2", "Why", id="why"),
        element("ul", *(_gate(report, item) for item in report.gates), class_="why"),
        _next(report),
    )


def _status(report: ReportDocument) -> str:
    ready = report.readiness
    began = report.started if report.started is not None else report.created
    status = report.status.value.replace("_", " ")
    told = f"{capital(status)}, since {day(began)}"
    if report.ended is not None:
        told = f"{capital(status)}, {day(began)} to {day(report.ended)}"
    elif ready.days_left is not None:
        told += f", day {ready.days_running:.0f} of {ready.days_running + ready.days_left:.0f}"
    code = f"{report.verdict.decision.value} ({report.verdict.reason_code.value})"
    return f"{told}. {code}. As of {moment(report.as_of)}."


def _facts(report: ReportDocument) -> Markup | None:
    found = lead(report)
    if found is None:
        return None
    metric, comparison = found
    treatment = name(comparison.treatment, 24)
    values = [
        value(end, metric) for end in (comparison.treatment_value, comparison.control_value)
    ]
    told = f"{values[0]} against {values[1]}"
    relative = comparison.effect.relative
    if metric.kind in (MetricKind.PROPORTION, MetricKind.PREFERENCE) and relative is not None:
        told = f"{per_cent(abs(relative))} {metric.better if relative >= 0 else metric.worse}"
    arms = [arm.name for arm in report.arms if arm.name in report.flow]
    units = " / ".join(f"{report.flow[arm].compared:,}" for arm in arms)
    among = f"; corrected for {len(report.series)} treatments" if len(report.series) > 1 else ""
    odds = report.verdict.by_e_values
    known = comparison.evidence
    facts = (
        (
            f"{capital(metric.label)} with {treatment}",
            change(metric, comparison),
            told,
        ),
        (
            "True change lies in",
            between(comparison.interval),
            interval_words(report, comparison.interval),
        ),
        (
            "Evidence for “better”",
            evidence(known.log_better_adjusted, odds=odds) if known else "none yet",
            f"{evidence(report.verdict.bar, odds=odds)} needed{among}",
        ),
        (
            "Compared",
            units,
            f"{report.unit.value}s, {' / '.join(name(arm, 16) for arm in arms)}",
        ),
    )
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", label),
                element("dd", element("b", said), element("span", about)),
            )
            for label, said, about in facts
        ),
        class_="facts",
    )


def _gate(report: ReportDocument, gate: GateReading) -> Markup:
    sign, tone, said = _SIGNS[gate.state]
    return element(
        "li",
        element("span", sign, class_=f"sign {tone}", role="img", aria_label=said),
        element(
            "span",
            element("b", GATES[gate.gate]),
            element("span", _seen(report, gate), class_="soft"),
        ),
        data_gate=gate.gate.value,
        data_state=gate.state.value,
    )


def _seen(report: ReportDocument, gate: GateReading) -> str:
    seen, needed, odds = gate.seen, gate.needed, report.verdict.by_e_values
    if seen is not None and needed is not None:
        if gate.gate is GateName.UNITS:
            return f"{seen:,.0f} {report.unit.value}s in the smaller arm, {needed:,.0f} needed"
        if gate.gate is GateName.EVIDENCE:
            bar = evidence(needed, odds=odds)
            return f"evidence {evidence(seen, odds=odds)}, {bar} needed"
        if gate.gate is GateName.THRESHOLD:
            return f"estimate {per_cent(seen, signed=True)}, {planned(needed)} wanted"
        return f"day {seen:.0f} of {needed:.0f}"
    sentence = name(gate.sentence, _LONGEST_REASON).rstrip(".")
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _next(report: ReportDocument) -> Markup:
    said, separator, command = name(report.verdict.next_action, 600).partition(
        "meta-experiment "
    )
    shown = element("code", f"{separator}{command}") if separator else None
    return element("p", element("b", "Next: "), joined(said, shown), class_="next")


def contents(parts: list[tuple[str, str]]) -> Markup:
    """Write the way to each part of the page."""
    links = [element("li", element("a", word, href=f"#{identity}")) for identity, word in parts]
    return element("nav", element("ul", *links), aria_label="Parts of this report")
