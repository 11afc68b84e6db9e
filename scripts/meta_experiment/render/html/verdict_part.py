"""The top of a report: the verdict, the facts, why, and what to do next."""

from __future__ import annotations

from meta_experiment.render.arm_words import ended_fact, further_arms
from meta_experiment.render.findings import (
    change_worse,
    guarded,
    in_labels,
    interval_words,
    lead,
    not_before,
)
from meta_experiment.render.gate_words import SIGNS, gate_seen, gate_title
from meta_experiment.render.html.page import own
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.report_words import (
    between,
    change,
    evidence,
    evidence_bar,
    name,
    per_cent,
    planned,
    value,
)
from meta_experiment.render.standing_words import (
    badge,
    first_sentence,
    moved_lines,
    next_steps,
    status_line,
    surer,
    watch_lines,
    why_heading,
)
from meta_experiment.render.words import capital
from meta_experiment.types import MetricKind
from meta_experiment.types.results.report import (
    GateReading,
    GateState,
    ReportDocument,
)
from meta_experiment.types.results.report_metrics import ResultState

_SAID_OF_GATES = {
    GateState.PASSED: ("good", "passed"),
    GateState.FAILED: ("bad", "not passed"),
    GateState.OPEN: ("open", "open"),
    GateState.NOT_ASKED: ("plain", "not asked"),
    GateState.NOTHING_YET: ("plain", "nothing to check yet"),
}
_LONGEST_TEXT = 2_000
_LONGEST_REASON = 400
_LONG_HYPOTHESIS = 200  # five lines of a telephone


def top(report: ReportDocument) -> Markup:
    """Write all that a decision needs, before anybody scrolls."""
    sign, word, tone = badge(report)
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
                data_standing=report.standing.state.value,
            ),
            element("span", first_sentence(report), id="headline"),
        ),
        _hypothesis(name(report.plan.hypothesis, _LONGEST_TEXT)),
        element("p", status_line(report), class_="status"),
        *(element("p", own(line), class_="status") for line in moved_lines(report)),
        *(element("p", own(line), class_="status") for line in watch_lines(report)),
        _facts(report),
        element("h2", why_heading(report), id="why"),
        element("ul", *(_gate(report, item) for item in report.gates), class_="why"),
        _besides(report),
        element("p", element("b", "To be surer: "), own(surer(report)), id="surer"),
        _next(report),
    )


def _hypothesis(text: str) -> Markup:
    """Write what was expected; a long text is folded below its beginning, before the facts."""
    if len(text) <= _LONG_HYPOTHESIS:
        return element("p", text, class_="hypothesis", dir="auto")
    return element(
        "details",
        element("summary", name(text, _LONG_HYPOTHESIS), dir="auto"),
        element("p", text, dir="auto"),
        class_="hypothesis",
    )


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
    compared = (
        "Compared",
        units,
        f"{report.unit.value}s, {' / '.join(name(arm, 16) for arm in arms)}",
    )
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
        ended_fact(report)
        or (
            "Evidence for “better”",
            evidence(known.log_better_adjusted, odds=odds) if known else "none yet",
            f"{evidence_bar(report.verdict.bar, odds=odds)} needed{not_before(report)}{among}",
        ),
        _beyond(report) or compared,
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


def _beyond(report: ReportDocument) -> tuple[str, str, str] | None:
    """Say which guardrail looks worse than it may get, if one does."""
    states = guarded(report, report.verdict.leading)
    for metric, item in states.get(ResultState.BEYOND, []):
        told = f"beyond its margin of {planned(metric.margin)}; not proven"
        return f"Guardrail {metric.label}", change_worse(metric, item), told
    return None


def _gate(report: ReportDocument, gate: GateReading) -> Markup:
    (sign, _), (tone, said) = SIGNS[gate.state], _SAID_OF_GATES[gate.state]
    return element(
        "li",
        element("span", sign, class_=f"sign {tone}", role="img", aria_label=said),
        element(
            "span",
            element("b", gate_title(report, gate)),
            element("span", gate_seen(report, gate), class_="soft"),
        ),
        data_gate=gate.gate.value,
        data_state=gate.state.value,
    )


def _besides(report: ReportDocument) -> Markup | None:
    """Say what came of further treatments, and what a person should look at."""
    told: list[tuple[Content, str]] = [(own(arm), said) for arm, said in further_arms(report)]
    told += [
        ("Alert", name(in_labels(report, item.message), _LONGEST_REASON))
        for item in report.alerts
    ]
    if not told:
        return None
    items = (element("li", element("b", about), ": ", own(said)) for about, said in told)
    return element("ul", *items, class_="besides")


def _next(report: ReportDocument) -> Markup:
    shown: list[Content] = []
    for said, command in next_steps(report):
        code = element("code", command) if command else None
        shown += ["; " if shown else None, said, code]
    return element("p", element("b", "Next: "), joined(*shown), class_="next")


def contents(parts: list[tuple[str, str]]) -> Markup:
    """Write the way to each part of the page."""
    links = [element("li", element("a", word, href=f"#{identity}")) for identity, word in parts]
    return element("nav", element("ul", *links), aria_label="Parts of this report")
