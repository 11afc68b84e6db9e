"""Where an experiment stands: what was done with it last, and why, beside its evidence."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.due_actions import DUE
from meta_experiment.types import (
    Action,
    Analysis,
    Experiment,
    Outcome,
    ReasonCode,
    Status,
)
from meta_experiment.types.results.report_standing import (
    ReportStanding,
    StandingCause,
    StandingState,
    WatchFinding,
)

_SAFETY = (ReasonCode.SAFETY_HARM, ReasonCode.ALERT_ACTED)
_ANSWERS = (ReasonCode.STILL_BETTER, ReasonCode.REVERSED, ReasonCode.DECAYED)
_UNRECORDED = {  # as an older registry has them, without an outcome
    Status.RUNNING: StandingState.RUNNING,
    Status.PAUSED: StandingState.PAUSED,
    Status.PROMOTED: StandingState.PROMOTED,
    Status.ROLLED_BACK: StandingState.ROLLED_BACK,
    Status.EXPIRED: StandingState.EXPIRED,
}


def standing_of(
    experiment: Experiment, analysis: Analysis, holdouts: tuple[WatchFinding, ...] = ()
) -> ReportStanding:
    """Say what was done with an experiment last; `holdouts` are those of its promotion."""
    done = None if experiment.status.is_open else experiment.outcome
    holdout = experiment.plan.holdout
    found = ReportStanding(
        state=_UNRECORDED.get(experiment.status, StandingState.STOPPED),
        status=experiment.status,
        at=experiment.ended,
        cause=None,
        by_auto=False,
        reason=None,
        treatment=None,
        decided=None,
        agrees=None,
        archived=experiment.status is Status.ARCHIVED,
        watches=None if holdout is None else holdout.of,
        holdouts=holdouts,
    )
    if done is None:
        return found
    cause = _cause(done, holdouts)
    return replace(
        found,
        state=state_after(
            done,
            promoted=any(it.action is Action.PROMOTE for it in experiment.outcomes[:-1]),
            holdout=holdout is not None,
        ),
        at=done.at,
        cause=cause,
        by_auto=done.by_auto,
        reason=done.override or done.reason,
        treatment=done.winner,
        decided=done.decision,
        agrees=None if holdout else _agrees(done, analysis),
    )


def state_after(done: Outcome, *, promoted: bool, holdout: bool) -> StandingState:
    """Return the state that an outcome left: of what was `promoted` before, of a `holdout`."""
    if done.action is Action.PROMOTE:
        return StandingState.PROMOTED
    if done.action is Action.ROLLBACK:
        return StandingState.TAKEN_BACK if promoted else StandingState.ROLLED_BACK
    by_itself = holdout or _cause(done, ()) is StandingCause.EVIDENCE
    return StandingState.EXPIRED if by_itself else StandingState.STOPPED


def _cause(done: Outcome, holdouts: tuple[WatchFinding, ...]) -> StandingCause:
    """Tell why it was done; a reversal that a holdout showed is evidence too."""
    if done.override is not None:
        return StandingCause.OVERRIDE
    reversed_ = [it.reason for it in holdouts if it.reason_code is ReasonCode.REVERSED]
    taken_back = done.action is Action.ROLLBACK and any(
        reason and reason in done.reason for reason in reversed_
    )
    if taken_back or done.reason_code in _ANSWERS:
        return StandingCause.EVIDENCE
    if done.decision is None or DUE[done.decision] is not done.action:
        return StandingCause.HAND
    return StandingCause.SAFETY if done.reason_code in _SAFETY else StandingCause.EVIDENCE


def _agrees(done: Outcome, analysis: Analysis) -> bool:
    """Tell whether what the evidence says now asks for what was done."""
    same = done.action is not Action.PROMOTE or done.winner == analysis.winner
    return DUE[analysis.decision] is done.action and same
