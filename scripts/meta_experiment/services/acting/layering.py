"""The place of a plan in its layer, among the experiments that have not ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from meta_experiment.assign.layers import SLOTS, first_free
from meta_experiment.errors import ConflictError, cite
from meta_experiment.types import Experiment, Plan


def placed_in_layer(plan: Plan, experiments: Iterable[Experiment]) -> Plan:
    """Return the plan with free slots of its layer, if it is in one.

    Raises:
        ConflictError: the layer has no room for it, or is one of other units.
    """
    layer = plan.layer
    if layer is None:
        return plan
    beside = [
        item for item in experiments if item.status.is_open and in_layer(item, layer.name)
    ]
    for other in beside:
        if other.plan.unit is not plan.unit:
            raise ConflictError(
                f"The layer {cite(layer.name)} is one of {other.plan.unit.value}s "
                f"({other.experiment_id}), and this plan is by {plan.unit.value}: they would "
                "meet all the same.",
                hint=f"Use --unit {other.plan.unit.value}, or another --layer.",
            )
    taken = [item.plan.layer.slots for item in beside if item.plan.layer is not None]
    first = first_free(taken, layer.count)
    if first is None:
        free = SLOTS - sum(end - begin for begin, end in taken)
        held = ", ".join(f"{it.experiment_id} {_share(it):g}%" for it in beside)
        raise ConflictError(
            f"The layer {cite(layer.name)} has no {layer.count / 10:g}% in a row for another "
            f"experiment: {held} hold all but {free / 10:g}%.",
            hint="Ask for less (--layer NAME:PCT), take another layer, or end one: "
            f"meta-experiment stop {beside[-1].experiment_id}",
        )
    return replace(plan, layer=replace(layer, first=first))


def refuse_taken_slots(experiment: Experiment, others: Iterable[Experiment]) -> None:
    """Refuse to run on slots that a running experiment holds, as two registries may merge.

    Raises:
        ConflictError: names the other experiment.
    """
    layer = experiment.plan.layer
    if layer is None:
        return
    first, end = layer.slots
    for other in others:
        its = other.plan.layer
        if (
            other.experiment_id != experiment.experiment_id
            and other.status.is_open
            and its is not None
            and its.name == layer.name
            and its.slots[0] < end
            and first < its.slots[1]
        ):
            raise ConflictError(
                f"{other.experiment_id} ({other.status.value}) holds slots of the layer "
                f"{cite(layer.name)} that {experiment.experiment_id} was given: units would "
                "be in both.",
                hint=f"End one of them (meta-experiment stop {other.experiment_id}), or create "
                "this one anew: it then gets slots that are free.",
            )


def in_layer(experiment: Experiment, name: str) -> bool:
    """Tell whether an experiment is in the layer of that name."""
    return experiment.plan.layer is not None and experiment.plan.layer.name == name


def _share(experiment: Experiment) -> float:
    layer = experiment.plan.layer
    return layer.count / 10 if layer else 0.0
