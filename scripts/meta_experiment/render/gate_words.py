"""The gates of a decision in words: a title for each state, and what was seen of it."""

from __future__ import annotations

from meta_experiment.decide.horizon import in_days
from meta_experiment.render.blocks import Tone
from meta_experiment.render.findings import in_labels, smallest
from meta_experiment.render.report_words import (
    apart,
    evidence,
    evidence_bar,
    name,
    planned,
)
from meta_experiment.render.words import counted
from meta_experiment.types import ReasonCode
from meta_experiment.types.results.report import (
    GateName,
    GateReading,
    GateState,
    ReportDocument,
)
from meta_experiment.types.results.report_metrics import ResultState

_BROKEN = "A guardrail is broken"
_HELD_BACK = "A guardrail holds it back"
_PASSED, _FAILED, _OPEN = GateState.PASSED, GateState.FAILED, GateState.OPEN
_TITLES: dict[GateName, dict[GateState, str]] = {
    GateName.DATA: {
        _PASSED: "Data are sound",
        _FAILED: "Data are not sound",
        GateState.NOTHING_YET: "No data to check yet",
    },
    GateName.UNITS: {_PASSED: "Enough units", _OPEN: "Not enough units yet"},
    GateName.GUARDRAILS: {
        _PASSED: "No guardrail is broken",
        _FAILED: _BROKEN,
        _OPEN: _HELD_BACK,
        GateState.NOTHING_YET: "Guardrails: too early to tell",
        GateState.NOT_ASKED: "No guardrails",
    },
    GateName.EVIDENCE: {
        _PASSED: "Better than control",
        _FAILED: "Not shown to be better",
        _OPEN: "Not yet shown to be better",
        GateState.NOT_ASKED: "Better than control",
    },
    GateName.THRESHOLD: {
        _PASSED: "Worth having",
        _FAILED: "Not large enough",
        _OPEN: "Not large enough so far",
        GateState.NOT_ASKED: "Worth having",
    },
    GateName.DOUBTS: {
        _PASSED: "Stands up to what is missing",
        _FAILED: "Does not stand up to what is missing",
        _OPEN: "Does not yet stand up to what is missing",
        GateState.NOT_ASKED: "Stands up to what is missing",
    },
    GateName.TIME: {
        _PASSED: "Time is left",
        _FAILED: "Time is over",
        GateState.NOT_ASKED: "Time is no limit",
    },
}
_BY_REASON = {
    ReasonCode.DEGENERATE_DATA: "No evidence in the values",
    ReasonCode.EVIDENCE_STALE: "Evidence of another version",
    ReasonCode.SAFETY_HARM: "Harm is shown",
    ReasonCode.ALERT_ACTED: "An alert that may act has acted",
    ReasonCode.ERRORS_RISE: "Errors rise",
    ReasonCode.TREATMENT_WORSE: "Worse than control",
    ReasonCode.REVERSED: "Reversed",
    ReasonCode.GUARDRAIL_MISSING: "A guardrail is missing",
    ReasonCode.GUARDRAIL_BEYOND_MARGIN: _HELD_BACK,
    ReasonCode.GUARDRAIL_UNDETERMINED: _HELD_BACK,
    ReasonCode.FUTILE: "More units would hardly decide it",
    ReasonCode.STILL_BETTER: "Still better",
    ReasonCode.DECAYED: "Decayed",
}
"""Titles of the gate that decides, where its state alone does not say what it was."""

SIGNS: dict[GateState, tuple[str, Tone]] = {
    GateState.PASSED: ("✓", "good"),
    GateState.FAILED: ("✗", "bad"),
    GateState.OPEN: ("?", "warn"),
    GateState.NOT_ASKED: ("–", "dim"),
    GateState.NOTHING_YET: ("–", "dim"),
}
_LONGEST = 400


def gate_title(report: ReportDocument, gate: GateReading) -> str:
    """Say what a gate came to."""
    if gate.decides and report.verdict.reason_code in _BY_REASON:
        return _BY_REASON[report.verdict.reason_code]
    titles = _TITLES[gate.gate]
    return titles.get(gate.state, titles[_PASSED])


def gate_seen(report: ReportDocument, gate: GateReading) -> str:
    """Say what was seen at a gate, and what it needs."""
    seen, needed = gate.seen, gate.needed
    said = _plain(in_labels(report, gate.sentence))
    if gate_title(report, gate) == _BROKEN:
        said = said.removeprefix(f"{ResultState.BROKEN.word}: ")  # the title has said it
    if seen is None or needed is None:
        return said
    odds = report.verdict.by_e_values or report.verdict.reason_code is ReasonCode.SAFETY_HARM
    beside = "; not what it was decided on" if gate.state is GateState.NOT_ASKED else ""
    bar = evidence_bar(needed, odds=odds)
    strength = f"evidence {evidence(seen, odds=odds, bar=needed)}, {bar} needed"
    return {
        GateName.UNITS: (
            f"{counted(round(seen), report.unit.value)} in {smallest(report)}, "
            f"{needed:,.0f} needed"
        ),
        GateName.GUARDRAILS: f"{said}; {strength}",
        GateName.EVIDENCE: f"{strength}{beside}",
        GateName.THRESHOLD: (
            f"estimate {apart(seen, needed, signed=True)}, {planned(needed)} wanted{beside}"
        ),
        GateName.TIME: f"{in_days(max(0.0, needed - seen))} of {needed:,.0f} days left",
    }.get(gate.gate, said)


def _plain(sentence: str) -> str:
    """Write a sentence as what goes on after a title."""
    told = name(sentence, _LONGEST).rstrip(".")
    return told[:1].lower() + told[1:] if told[1:2].islower() else told
