"""Renewing the weights of a bandit from what has closed, out of the way of every prompt."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from meta_experiment.assign.adaptive import parts_in_force, with_ended
from meta_experiment.decide.best_chances import best_chances, closed_first
from meta_experiment.protocol.sequence import format_draw
from meta_experiment.records import dataclass
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Aim, Experiment, Plan, Trial


@dataclass(frozen=True, slots=True)
class Renewal:
    """The parts of every arm that are in force, and on how many closed trials they rest."""

    parts: Sequence[float]
    known: int


def renewed(workspace: Workspace, experiment: Experiment) -> Renewal:
    """Return the weights that follow from the trials that have closed by now."""
    closed = closed_first(workspace.store.trials(experiment).trials)
    ended = {item.treatment for item in experiment.ended_arms}
    return Renewal(weights_of(experiment.plan, closed, ended), len(closed))


def weights_of(plan: Plan, closed: Iterable[Trial], ended: Container[str]) -> list[int]:
    """Return the parts of 10,000 with which each arm is drawn next; one that ended has none."""
    if plan.bandit is None:
        raise ValueError("the plan has no bandit")
    parts = parts_in_force(
        best_chances(plan, closed, ended),
        plan.bandit.floor,
        finds_best=plan.bandit.aim is Aim.FIND_BEST,
    )
    return with_ended(parts, [item.name not in ended for item in plan.variants])


def drawn_by(plan: Plan, weights: Renewal, position: int | None) -> str:
    """Return by what a unit is drawn: in turns at first, then and apart by the weights."""
    turns = plan.bandit.burn_in * len(plan.variants) if plan.bandit else 0
    if position is not None and position < turns:
        return format_draw([1] * len(plan.variants), 0)
    return format_draw(weights.parts, weights.known)
