"""Stages: how far a question is, from what is stored of it; a table and two functions.

A plan, in a file or as a draft, is at the first stage whose lacks it has. An experiment that
was started is where its status and its evidence have brought it.
"""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.decide.due_actions import DUE
from meta_experiment.types import Decision, ReasonCode, Status
from meta_experiment.types.guidance import Step
from meta_experiment.types.vocabulary import Lack, Skill, Stage

# in the order of a question's life: who helps there, and what it may lack there
STAGES: dict[Stage, tuple[Skill, tuple[Lack, ...]]] = {
    Stage.NOTHING: (Skill.EXPERIMENT_GUIDE, (Lack.PLAN,)),
    Stage.HYPOTHESIS: (
        Skill.HYPOTHESIS_DESIGN,
        (Lack.HYPOTHESIS, Lack.CHANGE, Lack.METRIC_WORD, Lack.DIRECTION, Lack.REASON),
    ),
    Stage.MEASUREMENT: (
        Skill.MEASUREMENT_DESIGN,
        (Lack.PRIMARY_METRIC, Lack.METRIC_DIRECTION, Lack.GUARDRAIL_SOURCE, Lack.REACH),
    ),
    Stage.DRAFT: (
        Skill.EXPERIMENT_WORKSPACE,
        (Lack.SOUND_PLAN, Lack.FILES, Lack.NEW_TEXT, Lack.CREATION, Lack.START),
    ),
    Stage.RUNNING: (
        Skill.EXPERIMENT_WORKSPACE,
        (
            Lack.RESUMPTION,
            Lack.TRIALS,
            Lack.UNITS,
            Lack.EVIDENCE,
            Lack.GUARDRAIL_WITHIN_MARGIN,
            Lack.NO_RISE_OF_ERRORS,
            Lack.WORTHWHILE_EFFECT,
            Lack.CERTAINTY,
        ),
    ),
    Stage.DUE: (Skill.EVIDENCE_ANALYSIS, (Lack.SOUND_DATA, Lack.ACTION)),
    Stage.ENDED: (Skill.LEARNING_CAPTURE, (Lack.LEARNING,)),
    Stage.HOLDOUT: (Skill.EXPOSURE_CONTROL, ()),
    Stage.LEARNED: (Skill.HYPOTHESIS_DESIGN, ()),
}
_STAGE_OF = {lack: stage for stage, (_, lacks) in STAGES.items() for lack in lacks}

# nothing can be decided on such data: somebody has to look
OBJECTIONS = frozenset(
    {
        ReasonCode.SAMPLE_RATIO_MISMATCH,
        ReasonCode.SHARES_CHANGED,
        ReasonCode.ATTRITION_DIFFERS,
        ReasonCode.LATENESS_DIFFERS,
        ReasonCode.EXPOSURE_UNCONFIRMED,
        ReasonCode.DEGENERATE_DATA,
        ReasonCode.EVIDENCE_STALE,
    }
)

# what a promotion lacks by what stands in its way; by all else, evidence
_LACKS = {
    ReasonCode.GUARDRAIL_FAILED: Lack.GUARDRAIL_WITHIN_MARGIN,
    ReasonCode.GUARDRAIL_MISSING: Lack.GUARDRAIL_WITHIN_MARGIN,
    ReasonCode.GUARDRAIL_BEYOND_MARGIN: Lack.GUARDRAIL_WITHIN_MARGIN,
    ReasonCode.GUARDRAIL_UNDETERMINED: Lack.GUARDRAIL_WITHIN_MARGIN,
    ReasonCode.ERRORS_RISE: Lack.NO_RISE_OF_ERRORS,
    ReasonCode.BELOW_THRESHOLD_SO_FAR: Lack.WORTHWHILE_EFFECT,
    ReasonCode.NO_RELATIVE_EFFECT: Lack.WORTHWHILE_EFFECT,
    ReasonCode.INTERRUPTIONS_UNCERTAIN: Lack.CERTAINTY,
    ReasonCode.MISSING_UNCERTAIN: Lack.CERTAINTY,
    ReasonCode.RARE_VALUES_UNCERTAIN: Lack.CERTAINTY,
    ReasonCode.MEANS_DISAGREE: Lack.CERTAINTY,
}


def step_of_plan(lacks: Iterable[Lack], *, shared: bool = False) -> Step:
    """Return the step of a plan that lacks this; `shared` says who gets what needs thought.

    That is so where units are not split evenly, or where something else runs on them.
    """
    missing = set(lacks)
    first = next(stage for stage in STAGES if missing & set(STAGES[stage][1]))
    if shared and missing <= {Lack.CREATION, Lack.START}:
        return _step(first, missing, Skill.EXPOSURE_CONTROL)
    return _step(first, missing)


def step_of_experiment(
    status: Status,
    decision: Decision | None,
    reason_code: ReasonCode | None,
    *,
    ready: bool = False,
    harmful: bool = False,
    silent: bool = False,
    acting: bool = True,
    learned: bool = False,
    holdout: bool = False,
    obstacles: Iterable[ReasonCode] = (),
) -> Step:
    """Return the step of an experiment that was started, or ended before that.

    Args:
        status: how it stands; no draft.
        decision: what its evidence asks for, None where it was not read.
        reason_code: the reason of that.
        ready: whether every arm has the plan's minimum.
        harmful: whether harm has ended an arm, and that is not on record.
        silent: whether it runs and had no trial for days.
        acting: whether there are files to act on; else it ends with its decision.
        learned: whether what was learnt of it is written down.
        holdout: whether a share still gets the old version after its promotion.
        obstacles: what stands between what leads and its promotion.
    """
    decided = decision is not None and DUE[decision] is not None
    if not status.is_open or (decided and not acting):
        end = Stage.HOLDOUT if holdout else Stage.LEARNED if learned else Stage.ENDED
        return _step(end, STAGES[end][1])
    if decided or harmful:
        return _step(Stage.DUE, {Lack.ACTION})
    if reason_code in OBJECTIONS:
        return _step(Stage.DUE, {Lack.SOUND_DATA})
    missing = {_LACKS.get(code, Lack.EVIDENCE) for code in obstacles} or {Lack.EVIDENCE}
    if not ready:
        missing = {Lack.UNITS}
    if status is Status.PAUSED:
        missing.add(Lack.RESUMPTION)
    elif silent:
        return _step(Stage.RUNNING, {Lack.TRIALS, *missing}, Skill.EXPOSURE_CONTROL)
    return _step(Stage.RUNNING, missing)


def step_of_holdout() -> Step:
    """Return the step of a holdout that runs, and of what it watches: nothing is lacking."""
    return _step(Stage.HOLDOUT, ())


def _step(stage: Stage, missing: Iterable[Lack], skill: Skill | None = None) -> Step:
    """Return a step whose lacks stand in the order of the table."""
    chosen = set(missing)
    ordered = tuple(lack for lack in _STAGE_OF if lack in chosen)
    return Step(stage, ordered, skill or STAGES[stage][0])
