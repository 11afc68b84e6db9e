"""Renewing weights that move from what has closed, out of the way of every prompt."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from meta_experiment.assign.adaptive import PARTS, parts_in_force, with_ended
from meta_experiment.decide.best_chances import (
    best_chances,
    closed_first,
    closed_values,
)
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.protocol.sequence import format_draw
from meta_experiment.records import dataclass
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Aim, BanditStanding, Experiment, Plan, SampleCount, Trial


@dataclass(frozen=True, slots=True)
class Renewal:
    """The parts of every arm that are in force, and on how many closed trials they rest."""

    parts: Sequence[float]
    known: int


def renewed(workspace: Workspace, experiment: Experiment) -> Renewal:
    """Return the weights that follow from the trials that have closed by now."""
    plan, ended = experiment.plan, {item.treatment for item in experiment.ended_arms}
    if plan.ramp is not None:
        from meta_experiment.services.recording.ramping import step_in_force

        parts, known = step_in_force(workspace, experiment, ended)
        return Renewal(parts, known)
    if plan.primary.name == ERROR_RATE.name:  # which trials have without recording it
        closed = closed_first(workspace.store.trials(experiment).trials)
        return Renewal(weights_of(plan, closed, ended), len(closed))
    values = workspace.store.closed_values(experiment, plan.primary.name)
    return Renewal(_weights(plan, best_chances(plan, values, ended), ended), len(values))


def weights_of(plan: Plan, closed: Iterable[Trial], ended: Container[str]) -> list[int]:
    """Return the parts of 10,000 with which each arm is drawn next; one that ended has none."""
    return _weights(plan, best_chances(plan, closed_values(plan, closed), ended), ended)


def _weights(plan: Plan, chances: Sequence[float | None], ended: Container[str]) -> list[int]:
    if plan.bandit is None:
        raise ValueError("the plan has no bandit")
    finds_best = plan.bandit.aim is Aim.FIND_BEST
    parts = parts_in_force(chances, plan.bandit.floor, finds_best=finds_best)
    return with_ended(parts, [item.name not in ended for item in plan.variants])


def standing(
    experiment: Experiment, trials: Iterable[Trial], samples: Mapping[str, SampleCount]
) -> BanditStanding | None:
    """Say how the bandit of an experiment stands, if it has one."""
    plan, bandit = experiment.plan, experiment.plan.bandit
    if bandit is None:
        return None
    ended = {item.treatment for item in experiment.ended_arms}
    closed = closed_first(trials)
    found = best_chances(plan, closed_values(plan, closed), ended)
    going = [item.name for item in plan.variants if item.name not in ended]
    chances = dict(zip(going, found, strict=True))
    known = {name: chance for name, chance in chances.items() if chance is not None}
    leads = max(known, key=known.__getitem__, default=None)
    names = [item.name for item in plan.variants]
    parts = _weights(plan, found, ended)
    units = {name: samples[name].completed for name in names}
    return BanditStanding(
        aim=bandit.aim,
        floor=bandit.floor,
        shares={name: part / PARTS for name, part in zip(names, parts, strict=True)},
        chances={name: chances.get(name) for name in names},
        known=len(closed),
        leads=leads,
        spared=None if leads is None else units[leads] - sum(units.values()) / len(names),
        information=None if leads is None else _information(plan, units, leads),
    )


def _information(plan: Plan, units: Mapping[str, int], leads: str) -> float:
    """Return n₁n₂/(n₁+n₂) of the two arms that are compared, over that of equal arms."""
    control = plan.control.name
    others = [item.name for item in plan.treatments]
    other = leads if leads != control else max(others, key=units.__getitem__)
    one, two = units[control], units[other]
    equal = 0.5 * sum(units.values()) / len(units)
    return one * two / (one + two) / equal if one and two else 0.0


def drawn_by(plan: Plan, weights: Renewal, position: int | None) -> str:
    """Return by what a unit is drawn: in turns at first, then and apart by the weights."""
    turns = plan.bandit.burn_in * len(plan.variants) if plan.bandit else 0
    if position is not None and position < turns:
        return format_draw([1] * len(plan.variants), 0)
    return format_draw(weights.parts, weights.known)
