"""The experiment of this pack that holds what the runs of a workflow's experiment came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meta_experiment.services.workflows.workflow_plan import arm_weights
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
    names = arm_names(declared.variants)
    same = [
        item
        for item in _tagged(experiments, workflow, declared)
        if {one.name for one in item.plan.variants} <= set(names.values())
    ]

    def place(item: Experiment) -> tuple[bool, float, float]:
        return item.plan.control.name == names[declared.control], *_age(item)

    return max(same, key=place, default=None)


def drawn_alike(
    experiments: Iterable[Experiment],
    workflow: str,
    declared: DeclaredExperiment,
    control: str | None,
) -> Experiment | None:
    """Return the newest experiment that an import can add to, by its arms, shares and control.

    Its plan is of this very draw, so that a run of another one is no trial of it. Which metric
    decides is not asked.

    Raises:
        UsageError: the control is no variant.
    """
    names = arm_names(declared.variants)
    arms = {
        names[variant]: weight for variant, weight in arm_weights(declared, control, []).items()
    }
    same = [
        item
        for item in _tagged(experiments, workflow, declared)
        if item.status is not Status.ARCHIVED
        and item.plan.control.name == next(iter(arms))
        and {one.name: one.weight for one in item.plan.variants} == arms
    ]
    return max(same, key=_age, default=None)


def _tagged(
    experiments: Iterable[Experiment], workflow: str, declared: DeclaredExperiment
) -> Iterator[Experiment]:
    tag = experiment_tag(workflow, declared.name)
    return (
        item
        for item in experiments
        if tag in item.plan.tags and item.status is not Status.DRAFT
    )


def _age(item: Experiment) -> tuple[float, float]:
    return item.began or 0.0, item.created
