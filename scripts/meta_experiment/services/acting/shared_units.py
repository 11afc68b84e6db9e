"""Experiments that run on the same units, and what they do to each other's effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Interaction, Plan, Status, Trial, Unit

_MOST_OTHERS = 5
_MOST_ROWS = 10
_LASTING = (Unit.SESSION, Unit.USER)


def others_on_its_units(workspace: Workspace, experiment: Experiment) -> tuple[Experiment, ...]:
    """Return other experiments that run on units of this one; no log is read for that."""
    plan = experiment.plan
    if experiment.status is not Status.RUNNING or plan.unit not in _LASTING:
        return ()
    beside = (
        item
        for item in workspace.store.experiments()
        if item.experiment_id != experiment.experiment_id
        and item.status is Status.RUNNING
        and item.plan.unit is plan.unit
        and (plan.layer is None or item.plan.layer is None
             or plan.layer.name != item.plan.layer.name)
    )  # fmt: skip
    return tuple(islice(beside, _MOST_OTHERS))


def beside_others(
    workspace: Workspace,
    plan: Plan,
    trials: Sequence[Trial],
    others: Sequence[Experiment],
) -> Iterator[Interaction]:
    """Yield the interactions with other experiments, the most shared units first.

    The logs of all of them are read.
    """
    from meta_experiment.decide.interactions import interactions

    found = [
        row
        for other in others
        for row in interactions(
            plan,
            trials,
            other.plan,
            other.experiment_id,
            workspace.store.trials(other).trials,
        )
    ]
    yield from sorted(found, key=lambda row: -row.units)[:_MOST_ROWS]
