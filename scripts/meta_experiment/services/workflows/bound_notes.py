"""What each variant has now of the metrics that a workflow bounds, which decides nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping

from meta_experiment.decide.units import mean, recording
from meta_experiment.types import Trial
from meta_experiment.types.workflows import DeclaredExperiment, MetricBound
from meta_experiment.workflows.native_metrics import matched

_KEEPS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def bound_notes(
    declared: DeclaredExperiment,
    trials: Iterable[Trial],
    names: Mapping[str, str],
    mapping: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Say of every declared bound on which side of it the mean of each variant lies.

    Args:
        declared: the experiment.
        trials: all that are on record.
        names: of the variants in the plan, by those in the workflow.
        mapping: what a metric of the workflow is among those that are measured.
    """
    counted = [item for item in trials if item.excluded is None]
    for bound in declared.guardrail_metrics:
        match = matched(bound.name)
        wished = (mapping or {}).get(bound.name)
        own = [wished] if wished else [bound.name, *(item.name for item in match.metrics)]
        for metric in own:
            factor = match.factor if metric != bound.name and not wished else 1.0
            read = recording(metric)
            values = {
                variant: [
                    value / factor
                    for item in counted
                    if item.variant == name and (value := read(item)) is not None
                ]
                for variant, name in names.items()
            }
            means = {variant: mean(found) for variant, found in values.items() if found}
            if means:
                told = ", ".join(
                    f"{variant} {value:.4g} ({_side(bound, value)})"
                    for variant, value in means.items()
                )
                limit = f"{bound.name} {bound.comparison} {bound.bound:g}"
                yield f"{limit} by the means now: {told}."
                break


def _side(bound: MetricBound, value: float) -> str:
    return "kept" if _KEEPS[bound.comparison](value, bound.bound) else "not kept"
