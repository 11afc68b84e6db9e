"""Where an experiment stands in words: what was done with it, beside what its evidence says."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render.findings import FINDINGS, VERDICTS, Said, headline, in_labels
from meta_experiment.render.report_words import day, moment, name
from meta_experiment.render.words import quoted
from meta_experiment.types import Decision, ReasonCode
from meta_experiment.types.results.report import GateName, ReportDocument
from meta_experiment.types.results.report_standing import (
    StandingCause,
    StandingState,
    WatchFinding,
)

STATES: dict[StandingState, Said] = {
    StandingState.RUNNING: ("◆", "Running", "open"),
    StandingState.PAUSED: ("◆", "Paused", "open"),
    StandingState.DRAFT: ("◇", "Draft", "plain"),
    StandingState.PROMOTED: ("▲", "Promoted", "good"),
    StandingState.ROLLED_BACK: ("▼", "Rolled back", "bad"),
    StandingState.TAKEN_BACK: ("▼", "Rolled back", "bad"),
    StandingState.EXPIRED: ("■", "Ended", "open"),
    StandingState.STOPPED: ("■", "Stopped", "plain"),
    StandingState.DROPPED: ("■", "Dropped", "plain"),
}
"""What is said of a state, on a report and in the index alike."""
_UNDECIDED = ("■", "Ended undecided", "open")
_ANSWERS = (
    ReasonCode.NO_MEANINGFUL_DIFFERENCE,
    ReasonCode.RISKS_BELOW_PRICE,
    ReasonCode.EFFECT_BELOW_THRESHOLD,
)
_SAYS = {
    Decision.PROMOTE: "says Promote",
    Decision.REJECT: "says Reject",
    Decision.EXTEND: "has not decided",
    Decision.INCONCLUSIVE: "is inconclusive",
}
_LOST = (ReasonCode.REVERSED, ReasonCode.DECAYED)
_COMMAND = "meta-experiment "
_BY_HAND = "by hand"  # as it is recorded where nobody gave a reason


def badge(report: ReportDocument) -> Said:
    """Return the sign and the word for what is true of an experiment in the project.

    While nothing is done, that is what its evidence asks for.
    """
    standing, verdict = report.standing, report.verdict
    if standing.watches is not None and standing.state is not StandingState.PAUSED:
        return FINDINGS.get(verdict.reason_code, _watching(standing.state))
    if standing.state is StandingState.RUNNING:
        return VERDICTS[verdict.decision]
    sign, word, tone = stands(standing.state, verdict.reason_code)
    doubted = standing.agrees is False or any(map(_lost, standing.holdouts))
    if standing.state is StandingState.PROMOTED and doubted:
        tone = "open"
    return sign, word, tone


def stands(state: StandingState, reason_code: ReasonCode | None) -> Said:
    """Return what is said of a state; what ended by itself may have no answer."""
    answered = reason_code in _ANSWERS or reason_code in FINDINGS
    if state is StandingState.EXPIRED and not answered:
        return _UNDECIDED
    return STATES[state]


def first_sentence(report: ReportDocument) -> str:
    """Say what goes on after the badge: when, by whom and why, and what the evidence says."""
    standing, found = report.standing, headline(report)
    evidence = f"the evidence {_SAYS[report.verdict.decision]}: {found}"
    if standing.state is StandingState.RUNNING or standing.watches is not None:
        return found
    if standing.state is StandingState.PAUSED:
        return f"· {evidence}"
    when = f"on {day(standing.at)}" if standing.at is not None else ""
    when += " by auto" if standing.by_auto else ""
    if standing.agrees:
        return f"{when}: {found}"
    return f"{when}{_why(report)} · {evidence}".strip()


def whole_sentence(report: ReportDocument) -> str:
    """Say the badge and what goes on after it, as a title has them."""
    word, goes_on = badge(report)[1], first_sentence(report)
    if report.standing.state is StandingState.RUNNING or report.standing.watches is not None:
        return f"{word}: {goes_on}"
    return f"{word} {goes_on}"


def status_line(report: ReportDocument) -> str:
    """Say since when it runs or ran, what the evidence asks for, and as of when that is."""
    began = report.started if report.started is not None else report.created
    status = stands(report.standing.state, report.verdict.reason_code)[1]
    told = f"{status}, since {day(began)}"
    if report.ended is not None:
        told = f"{status}, {day(began)} to {day(report.ended)}"
    elif (of := _day_of(report)) is not None:
        told += f", {of}"
    code = f"{report.verdict.decision.value} ({report.verdict.reason_code.value})"
    return f"{told}. Evidence: {code}. As of {moment(report.as_of)}."


def moved_lines(report: ReportDocument) -> Iterator[str]:
    """Say that other trials count by now than when it was decided, where that is so."""
    if report.moved is not None:
        yield name(report.moved, 600)


def watch_lines(report: ReportDocument) -> Iterator[str]:
    """Say what holdouts of the promotion found, and what this one watches."""
    if report.standing.watches is not None:
        yield f"A holdout: it watches the promotion of {name(report.standing.watches)}."
    for item in report.standing.holdouts:
        told = "has found nothing yet" if item.status.is_open else "ended without an answer"
        if item.reason_code is not None and item.reason_code in FINDINGS:
            told = f"found: {FINDINGS[item.reason_code][1].lower()}"
        reason = f" ({name(item.reason, 300)})" if item.reason else ""
        yield f"Its holdout {name(item.experiment_id)} {told}{reason}"


def why_heading(report: ReportDocument) -> str:
    """Name the gates: why that is asked for, or what the evidence says beside what was done."""
    done = report.standing.state is not StandingState.RUNNING
    return "What the evidence says" if done else "Why"


def next_steps(report: ReportDocument) -> list[tuple[str, str]]:
    """Return what can be done next, each with its command where it has one."""
    parts = (it.partition(_COMMAND) for it in name(report.verdict.next_action, 600).split("; "))
    return [(said, f"{separator}{command}") for said, separator, command in parts]


def surer(report: ReportDocument) -> str:
    """Say what would make one surer."""
    told = name(in_labels(report, report.ahead.sentence), 1_000)
    if report.verdict.decision is Decision.EXTEND and not report.status.is_open:
        return f"Had it gone on: {told[:1].lower()}{told[1:]}"
    return told


def _watching(state: StandingState) -> Said:
    if state is StandingState.RUNNING:
        return "◆", "Watching", "open"
    return "■", "Ended without an answer", "open"


def _lost(found: WatchFinding) -> bool:
    return found.reason_code in _LOST


def _why(report: ReportDocument) -> str:
    standing = report.standing
    cause, reason = standing.cause, name(standing.reason or "", 300)
    if cause is StandingCause.OVERRIDE:
        return f" by override, {quoted(reason)}"
    if cause is StandingCause.HAND:
        said = "" if reason == _BY_HAND or not reason else f", {quoted(reason)}"
        return f" by hand{said}"
    if cause is StandingCause.SAFETY:
        return f" for safety, {quoted(reason)}"
    return f" on the evidence of then, {quoted(reason)}" if reason else ""


def _day_of(report: ReportDocument) -> str | None:
    """Say which day it is of how many, where the plan's end is a limit that matters."""
    gate = next(item for item in report.gates if item.gate is GateName.TIME)
    if gate.seen is None or gate.needed is None or gate.needed < 1:
        return None
    return f"day {min(int(gate.seen) + 1, int(gate.needed)):,} of {gate.needed:,.0f}"
