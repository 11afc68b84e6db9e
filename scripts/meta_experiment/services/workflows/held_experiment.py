"""The experiment of this pack that holds what the runs of a workflow's experiment came to."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.types import Experiment, Status
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.arm_names import arm_names
from meta_experiment.workflows.workflow_names import experiment_tag


def holding(
    experiments: Iterable[Experiment], workflow: str, declared: DeclaredExperiment
) -> Experiment | None:
    """Return the newest experiment that holds the trials of these very variants.

    One that compares with the control of today comes before one with another.
    """
    tag, names = experiment_tag(workflow, declared.name), arm_names(declared.variants)
    same = [
        item
        for item in experiments
        if tag in item.plan.tags
        and item.status is not Status.DRAFT
        and {one.name for one in item.plan.variants} <= set(names.values())
    ]

    def place(item: Experiment) -> tuple[bool, float, float]:
        with_control = item.plan.control.name == names[declared.control]
        return with_control, item.began or 0.0, item.created

    return max(same, key=place, default=None)
