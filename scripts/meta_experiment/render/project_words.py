"""What is said of an experiment among all of a project, whatever the form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meta_experiment.render.findings import FINDINGS, VERDICTS, Said
from meta_experiment.render.report_words import day, per_cent
from meta_experiment.render.standing_words import STATES, stands
from meta_experiment.render.words import counted
from meta_experiment.types import ReasonCode
from meta_experiment.types.results.project_report import (
    ProjectExperiment,
    ProjectReport,
    Urgency,
)
from meta_experiment.types.results.report_standing import StandingState

NO_VERDICT: Said = ("", "None yet", "plain")
_NONE = "none"
VERDICT_WORDS = {  # by what stands for it among experiments that are to be chosen from
    **{it.value.lower(): said for it, (_, said, _) in VERDICTS.items()},
    **{it.value: said for it, (_, said, _) in FINDINGS.items()},
    _NONE: NO_VERDICT[1],
}
OPEN = (StandingState.RUNNING, StandingState.PAUSED, StandingState.DRAFT)
_LOST: dict[ReasonCode | None, str] = {
    ReasonCode.REVERSED: "take it back",
    ReasonCode.DECAYED: "it has lost most of its effect; to take it back",
}
"""Why a promotion is to be taken back, by what its holdout found."""
URGENT = (Urgency.DUE, Urgency.LOOK)


def headline(report: ProjectReport) -> str:
    """Say how many there are, and how many were worth it."""
    many = counted(len(report.experiments), "experiment")
    if not report.decided:
        return f"{many}, none decided yet"
    return f"{many}: {report.promoted:,} of {report.decided:,} that ended are promoted"


def verdict_key(item: ProjectExperiment) -> str:
    """Return what stands for the verdict of the evidence."""
    if item.watches is not None and item.reason_code in FINDINGS:
        return item.reason_code.value
    return _NONE if item.decision is None else item.decision.value.lower()


def verdict(item: ProjectExperiment) -> Said:
    """Say what the evidence says: what was taken back is no win, whatever it said then."""
    if item.watches is not None and item.reason_code in FINDINGS:
        return FINDINGS[item.reason_code]
    if item.decision is None:
        return NO_VERDICT
    sign, word, tone = VERDICTS[item.decision]
    return sign, word, "plain" if item.state is StandingState.TAKEN_BACK else tone


def state(item: ProjectExperiment) -> Said:
    """Say where it stands, as its report does."""
    return stands(item.state, item.reason_code)


def state_key(item: ProjectExperiment) -> StandingState:
    """Return the first state that is called like that of an experiment."""
    return next(it for it in STATES if STATES[it][1] == STATES[item.state][1])


def done(item: ProjectExperiment) -> Iterator[str]:
    """Say when it came to where it is, and what there is to know of that."""
    if item.ended is None or item.state in OPEN:
        yield f"since {day(item.created)}"
        return
    yield day(item.ended)
    if (told := later(item)) is not None:
        yield told


def later(item: ProjectExperiment) -> str | None:
    """Say what came of a promotion, or that it went against its evidence."""
    if item.state is StandingState.TAKEN_BACK:
        return f"promoted {day(item.promoted)}"
    if item.finding is not None:
        return f"holdout: {FINDINGS[item.finding][1].lower()}"
    against = item.overridden and item.state is StandingState.PROMOTED
    return "against its evidence" if against else None


def change(item: ProjectExperiment) -> str:
    """Write the change; a dash where it is not known without the trials."""
    return "–" if item.improvement is None else per_cent(item.improvement, signed=True)


def due(item: ProjectExperiment) -> str | None:
    """Say what is to be done about it, if it should not wait."""
    if item.urgency not in URGENT:
        return None
    lost = _LOST.get(item.finding)
    due_ = item.next_action if lost is None else f"{lost}: {item.next_action}"
    return "; ".join((*item.alerts, due_))


def urgent_finding(items: Iterable[ProjectExperiment]) -> str:
    """Say how many wait for somebody."""
    found = [item.urgency for item in items]
    due_, look = found.count(Urgency.DUE), found.count(Urgency.LOOK)
    told = [
        f"{counted(due_, 'action')} {'is' if due_ == 1 else 'are'} due" if due_ else "",
        f"{look:,} should be looked at" if look else "",
    ]
    return "; ".join(filter(None, told)) or "Nothing waits for you"
