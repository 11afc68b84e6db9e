"""Where an experiment of a workflow stands: decided or not, what it lacks and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.telling.explain import explain
from meta_experiment.decide.telling.outlook import outlook, per_arm_a_day
from meta_experiment.decide.telling.progress import progress
from meta_experiment.decide.units import arms_of
from meta_experiment.model.instants import DAY
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Analysis, Experiment, Plan
from meta_experiment.types.results.workflow_import import ExperimentStanding
from meta_experiment.workflows.arm_names import as_declared
from meta_experiment.workflows.state.tally import Tally

_AHEAD = 200  # units per arm
_SHORTEST = 0.5  # days; a rate from less than half a day says little


def standing(
    workspace: Workspace, experiment: Experiment, tallied: Tally, names: Mapping[str, str]
) -> tuple[ExperimentStanding, Analysis]:
    """Say where an experiment stands now, in the workflow's `names`, and by what analysis.

    Raises:
        CorruptStoreError, StorageError: its trials cannot be read.
    """
    log = workspace.store.trials(experiment)
    plan, analysis = experiment.plan, examine(workspace, experiment, log=log).analysis
    rate = runs_per_day(tallied)
    control = arms_of(plan, log.trials)[plan.control.name]
    seen = outlook(
        _within_reach(plan, rate),
        past=sample_of(control, plan.primary).raw,
        units_per_day=rate,
    )
    ahead = progress(plan, analysis)
    to_go = None if ahead.held_by else ahead.units_to_go
    days = None if to_go is None or rate is None else to_go / per_arm_a_day(plan, rate)
    return (
        ExperimentStanding(
            decision=analysis.decision,
            reason_code=analysis.reason_code,
            reason=as_declared(explain(plan, analysis), names),
            winner=next((k for k, v in names.items() if v == analysis.winner), analysis.winner),
            runs_per_day=rate,
            days_to_go=days,
            ready_on=None if days is None else workspace.clock() + days * DAY,
            reach=seen.reach,
            outlook=seen.sentence,
        ),
        analysis,
    )


def _within_reach(plan: Plan, rate: float | None) -> Plan:
    """Return a plan that ends after the units that one looks ahead to, if not before."""
    if rate is None:
        return plan
    whole = max(_AHEAD, plan.sample_size) + 0.5  # of which the half is none
    days = whole / per_arm_a_day(plan, rate)
    return replace(plan, max_duration_days=min(plan.max_duration_days, days))


def runs_per_day(tallied: Tally) -> float | None:
    """Return how many runs a day are drawn a variant; None where too few days are known."""
    if tallied.first is None or tallied.last is None:
        return None
    days = (tallied.last - tallied.first) / DAY
    listed = sum(item.drawn for item in tallied.variants.values())
    return listed / days if days >= _SHORTEST and listed else None
