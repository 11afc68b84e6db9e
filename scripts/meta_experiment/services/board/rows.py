"""Row of the board: what `status` says of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_experiment.decide.due_actions import DUE, VERBS
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.telling.progress import leading, progress
from meta_experiment.decide.telling.stages import (
    step_of_experiment,
    step_of_holdout,
    step_of_plan,
)
from meta_experiment.model.experiment_document import outcome_to_document
from meta_experiment.model.instants import to_text
from meta_experiment.model.result_document import to_document
from meta_experiment.services.acting.decided_on import changed_since
from meta_experiment.types import (
    Action,
    Analysis,
    CarryOut,
    Experiment,
    Holdout,
    Interval,
    Outcome,
    ReasonCode,
    Scale,
    Status,
    TeamTerms,
    Unit,
)
from meta_experiment.types.guidance import Step
from meta_experiment.types.vocabulary import Lack, Stage
from meta_experiment.workflows.workflow_names import acting_command

Row = dict[str, Any]


def row(
    experiment: Experiment,
    analysis: Analysis | None,
    apart: Sequence[str] = (),
    *,
    step: Step | None = None,
    learned: bool = False,
    watched: bool = False,
) -> Row:
    """Make the row of an experiment; without an analysis it has not started, or has ended.

    `apart` says which of its logs do not count, and `step` how far it is, where more is known
    of that than its status and its evidence tell; `learned` that it has an entry, and
    `watched` that a holdout of it runs.

    Then its outcome says what was decided, and what its logs hold was not read. One that runs
    has none where its logs cannot be read.
    """
    plan = experiment.plan
    outcome, promotion = experiment.outcome, _promotion(experiment)
    decided = analysis or outcome
    step = step or step_of(experiment, analysis, learned=learned, watched=watched)
    leads, improvement = _leading(analysis) if analysis else _as_decided(outcome)
    interval = _interval(experiment, analysis) if analysis and leads else None
    return {
        "id": experiment.experiment_id,
        "name": plan.name,
        "status": experiment.status.value,
        "hypothesis": plan.hypothesis,
        "files": list(plan.files),
        "auto": plan.auto,
        "team": plan.team and to_document(plan.team),
        "alpha": plan.alpha,
        "created": to_text(experiment.created),
        "started": experiment.started and to_text(experiment.started),
        "max_duration_days": plan.max_duration_days,
        "start_date": plan.start_date and to_text(plan.start_date),
        "end_date": plan.end_date and to_text(plan.end_date),
        "primary": {
            "metric": plan.primary.name,
            "direction": plan.primary.direction.value,
            "scale": plan.primary.scale.value,
            "unit": plan.primary.unit,
            "statistic": family_of(plan.primary).statistic(plan.primary.scale),
        },
        "variants": _variants(experiment, analysis),
        "progress": _progress(experiment, analysis),
        "improvement": improvement,
        "interval": interval,
        "leading": leads,
        "ended": _ended(experiment, analysis),
        "decision": decided and decided.decision and decided.decision.value,
        "reason_code": decided and decided.reason_code and decided.reason_code.value,
        "reason": decided and decided.reason,
        "winner": decided and decided.winner,
        "apart": [*apart, *_moved(experiment, analysis)],
        "alerts": [item.message for item in analysis.alerts] if analysis else [],
        "bandit": analysis and to_document(analysis.bandit),
        "ramp": analysis and to_document(analysis.ramp),
        "watches": plan.holdout and plan.holdout.of,
        "holdout": analysis and to_document(analysis.holdout),
        "outcome": outcome and outcome_to_document(outcome),
        "promoted": promotion and to_text(promotion.at),
        "promoted_e_value": promotion and promotion.e_value,
        "stage": step.stage.value,
        "missing": [lack.value for lack in step.missing],
        "skill": step.skill.value,
        "next_action": _next_action(experiment, analysis, step),
    }


def _moved(experiment: Experiment, analysis: Analysis | None) -> list[str]:
    moved = analysis and changed_since(experiment, analysis)
    return [moved] if moved else []


def step_of(
    experiment: Experiment,
    analysis: Analysis | None,
    *,
    silent: bool = False,
    learned: bool = False,
    watched: bool = False,
) -> Step:
    """Return the step of an experiment that was started, or has ended."""
    if experiment.status is Status.DRAFT:
        return step_of_plan((Lack.START,))
    if experiment.plan.holdout is not None and experiment.status.is_open:
        return step_of_holdout()
    return step_of_experiment(
        experiment.status,
        analysis.decision if analysis else None,
        analysis.reason_code if analysis else None,
        ready=analysis is not None and _is_ready(analysis),
        harmful=analysis is not None and _harmful(analysis) is not None,
        silent=silent,
        acting=bool(experiment.plan.files),
        # what ended as a draft showed nothing, and a holdout's finding is of its promotion
        learned=learned or experiment.started is None or experiment.plan.holdout is not None,
        holdout=watched,
        obstacles=_obstacles(experiment, analysis) if analysis else (),
    )


def _obstacles(experiment: Experiment, analysis: Analysis) -> list[ReasonCode]:
    held = progress(experiment.plan, analysis).held_by
    return [item.reason_code for item in (*analysis.obstacles, *held)]


def next_action(experiment: Experiment, analysis: Analysis) -> str:
    """Say what to do next about an experiment, as its row does."""
    return _next_action(experiment, analysis, step_of(experiment, analysis))


def _is_ready(analysis: Analysis) -> bool:
    ready = analysis.readiness
    return ready.smallest_arm >= ready.needed_per_arm


def _harmful(analysis: Analysis) -> str | None:
    """Return an arm that harm has ended, which is not on record."""
    return next((item.treatment for item in analysis.ended if item.at is None), None)


def _variants(experiment: Experiment, analysis: Analysis | None) -> list[Row]:
    rows = []
    for variant in experiment.plan.variants:
        arm = analysis.primary.variants.get(variant.name) if analysis else None
        log_scale = experiment.plan.primary.scale is Scale.LOG
        mean = None
        if arm is not None:
            mean = _exp(arm.log_mean) if log_scale else arm.mean
        unread = analysis is None and experiment.started is not None
        n = arm.n if arm else None if unread else 0
        rows.append({"name": variant.name, "n": n, "mean": mean})
    return rows


def _ended(experiment: Experiment, analysis: Analysis | None) -> list[Row]:
    return [
        {
            "treatment": item.treatment,
            "at": item.at and to_text(item.at),
            "reason_code": item.reason_code and item.reason_code.value,
            "reason": item.reason,
        }
        for item in (analysis.ended if analysis else experiment.ended_arms)
    ]


def _progress(experiment: Experiment, analysis: Analysis | None) -> Row:
    needed = analysis.readiness.needed_per_arm if analysis else opens_at(experiment.plan)
    if analysis is None and experiment.started is not None:
        trials = experiment.outcome.trials if experiment.outcome else 0
        return {"trials": trials, "smallest_arm": None, "needed_per_arm": needed} | _UNKNOWN
    if analysis is None:
        begun = {"trials": 0, "smallest_arm": 0, "needed_per_arm": needed}
        return begun | _UNKNOWN | {"fraction": 0.0}
    ahead = progress(experiment.plan, analysis)
    return {
        "trials": sum(item.trials for item in analysis.samples.values()),
        "smallest_arm": analysis.readiness.smallest_arm,
        "needed_per_arm": needed,
        "fraction": ahead.fraction,
        "units_to_go": ahead.units_to_go,
        "days_to_go": ahead.days_to_go,
        "held_by": to_document(ahead.held_by),
        "waits_until": _waits_until(analysis),
    }


def _waits_until(analysis: Analysis) -> str | None:
    at = analysis.readiness.waits_until
    return None if at is None else to_text(at)


_UNKNOWN: Row = {
    "fraction": None, "units_to_go": None, "days_to_go": None, "held_by": [],
    "waits_until": None,
}  # fmt: skip


def _leading(analysis: Analysis) -> tuple[str | None, float | None]:
    """Return what leads and its effect; neither before every arm has the plan's minimum."""
    best = leading(analysis)
    if best is None or not _is_ready(analysis):
        return None, None
    return best.treatment, best.estimate.relative


def _interval(experiment: Experiment, analysis: Analysis) -> Row | None:
    """Return that of what leads, as the plan's rule has it."""
    best = leading(analysis)
    if best is None:
        return None
    found: Interval | None = (best.adjusted or best).interval
    if rule_of(experiment.plan).by_e_values:
        found = best.sequential.interval if best.sequential else None
    if best.corrected:
        found = best.corrected.interval
    if found is None:
        return None
    return {"level": found.level, "low": found.low, "high": found.high}


def _as_decided(outcome: Outcome | None) -> tuple[str | None, float | None]:
    return (outcome.winner, outcome.improvement) if outcome else (None, None)


def _promotion(experiment: Experiment) -> Outcome | None:
    """Return how a treatment was last put in the place of the control."""
    done = (it for it in reversed(experiment.outcomes) if it.action is Action.PROMOTE)
    return next(done, None)


_UNANALYSED = {
    Status.DRAFT: "start it: meta-experiment start {}",
    Status.RUNNING: "see why its trials cannot be read: meta-experiment analyze {}",
    Status.PAUSED: "resume it: meta-experiment resume {}",
}
_AT_ITS_END = {
    Stage.ENDED: "write down what it taught: meta-experiment learn {} --why TEXT --next TEXT",
    Stage.LEARNED: "put it away: meta-experiment archive {}",
    Stage.HOLDOUT: "see what its holdout says: meta-experiment holdout {}",
}
_STILL = {  # what can be done with one that has ended
    Status.PROMOTED: "; to take it back: meta-experiment rollback {}",
    Status.EXPIRED: "; to go on after all: meta-experiment resume {}",
}
_LASTING = "; to see whether it lasts: meta-experiment holdout {}"
_ON_CASES = {
    Status.DRAFT: "run its cases: meta-experiment run {} --cases PATH",
    Status.EXPIRED: "; with more cases: meta-experiment run {} --cases PATH",
}
_UNSHAPED = {
    Stage.HYPOTHESIS: (
        "say the hypothesis whole: meta-experiment amend {} --set hypothesis=TEXT --why TEXT"
    ),
    Stage.MEASUREMENT: (
        "say who records its guardrails: meta-experiment amend {} --set report=NAME --why TEXT"
    ),
}


def _next_action(experiment: Experiment, analysis: Analysis | None, step: Step) -> str:
    name, status = experiment.experiment_id, experiment.status
    last = _AT_ITS_END.get(step.stage, "")
    if experiment.plan.holdout is not None and status is not Status.DRAFT:
        return _of_holdout(experiment, experiment.plan.holdout)
    if not experiment.plan.files:
        read = f"read it: meta-experiment analyze {name}"
        act = acting_command(experiment.plan.name, experiment.plan.tags)
        if act and analysis is not None and DUE[analysis.decision] is not None:
            read = f"write the next generation: {act}; {read}"
        return f"{last.format(name)}; {read}" if last else f"none to be taken here; {read}"
    if status is Status.RUNNING and analysis is not None:
        return _while_running(experiment, analysis, step)
    on_cases = _ON_CASES if experiment.plan.unit is Unit.CASE else {}
    usual = (_UNANALYSED | _STILL | on_cases).get(status, "").format(name)
    if step.stage is Stage.LEARNED and status is Status.ARCHIVED:
        return "none; it is put away"
    if step.stage in _UNSHAPED:
        return f"{_UNSHAPED[step.stage].format(name)}; or as it is, {usual}"
    if status is Status.PROMOTED and experiment.plan.team is not None:
        usual = f"; {_text_of_team(name, experiment.plan.team)}"
    elif (status, step.stage) == (Status.PROMOTED, Stage.ENDED) and not on_cases:
        usual = f"{_LASTING.format(name)}{usual}"
    return f"{last.format(name)}{usual}"


def _text_of_team(name: str, team: TeamTerms) -> str:
    """Say how a promoted text comes to a checkout of a team."""
    said = f"its text comes by git, from {team.branch}"
    if team.carry_out is CarryOut.COMMIT:
        return said
    return f"{said}, once it is merged (how that stands: meta-experiment promote {name})"


def _of_holdout(experiment: Experiment, holdout: Holdout) -> str:
    name, status = experiment.experiment_id, experiment.status
    if status is Status.RUNNING:
        return f"none, it ends by itself; see it: meta-experiment holdout {holdout.of}"
    if status is Status.PAUSED:
        return f"resume it: meta-experiment resume {name}"
    if status is Status.ARCHIVED:
        return "none; it is put away"
    return f"put it away: meta-experiment archive {name}"


def _while_running(experiment: Experiment, analysis: Analysis, step: Step) -> str:
    name, action = experiment.experiment_id, DUE[analysis.decision]
    if Lack.TRIALS in step.missing:
        return f"see why {name} has had no trial for days: meta-experiment doctor"
    if action is None:
        return _while_undecided(experiment, analysis)
    if experiment.plan.auto:
        return "meta-experiment auto will act on it"
    return f"act on it: meta-experiment {VERBS[action]} {name}"


_UNSOUND = (
    ReasonCode.SAMPLE_RATIO_MISMATCH,
    ReasonCode.SHARES_CHANGED,
    ReasonCode.ATTRITION_DIFFERS,
    ReasonCode.LATENESS_DIFFERS,
    ReasonCode.EXPOSURE_UNCONFIRMED,
)
"""Reasons for which more units of the same kind decide nothing."""


def _while_undecided(experiment: Experiment, analysis: Analysis) -> str:
    name, ready = experiment.experiment_id, analysis.readiness
    harmful = _harmful(analysis)
    if harmful is not None:
        by_hand = f"end what does harm: meta-experiment stop {name} --variant {harmful}"
        return f"meta-experiment auto will end {harmful}" if experiment.plan.auto else by_hand
    if experiment.plan.unit is Unit.CASE:
        return f"go on with its cases: meta-experiment run {name} --cases PATH"
    if ready.waits_until is not None:
        last = to_text(ready.waits_until)
        return f"collect its days, the last from {last}: meta-experiment collect {name}"
    if analysis.reason_code in _UNSOUND:
        return f"find out what is amiss: meta-experiment explain {name}"
    if ready.smallest_arm < ready.needed_per_arm:
        return f"collect at least {ready.needed_per_arm - ready.smallest_arm:,} more per arm"
    return f"go on collecting; why: meta-experiment explain {name}"


def _exp(value: float | None) -> float | None:
    import math

    return None if value is None else math.exp(value)
