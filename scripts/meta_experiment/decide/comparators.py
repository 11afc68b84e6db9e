"""Comparators: arms that are run to be compared, and that nothing can come of.

A decision is taken without them, on the very data that it would have if they were not there.
No action follows on one, so that there is no error in it to bound, and none of them takes a
part of the α of the treatments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide.compare import result_of
from meta_experiment.decide.samples import Samples, match_of
from meta_experiment.decide.units import arms_of
from meta_experiment.types import (
    Analysis,
    Comparator,
    ComparatorResult,
    Plan,
    Trial,
    Variant,
)


def without_comparators(plan: Plan, trials: Sequence[Trial]) -> tuple[Plan, Sequence[Trial]]:
    """Return what decides: the plan and the trials of the control and the treatments."""
    beside = {item.name for item in plan.comparators}
    if not beside:
        return plan, trials
    deciding = replace(plan, variants=(plan.control, *plan.treatments))
    return deciding, [item for item in trials if item.variant not in beside]


def with_comparators(plan: Plan, trials: Sequence[Trial], analysis: Analysis) -> Analysis:
    """Return an analysis with what the comparators are beside the other arms."""
    if not plan.comparators:
        return analysis
    found = tuple(_compared(plan, trials))
    own = {
        name: arm
        for item in found
        for name, arm in item.results[0].variants.items()
        if name not in analysis.primary.variants
    }
    variants = analysis.primary.variants | own
    return replace(
        analysis, comparators=found, primary=replace(analysis.primary, variants=variants)
    )


def _compared(plan: Plan, trials: Sequence[Trial]) -> Iterator[ComparatorResult]:
    for kind, control, treatment in _pairs(plan):
        pair = replace(plan, variants=(control, treatment))
        samples = Samples(arms_of(pair, trials), match_of(pair))
        results = tuple(result_of(pair, metric, samples) for metric in plan.metrics)
        yield ComparatorResult(kind, control.name, treatment.name, results)


def _pairs(plan: Plan) -> Iterator[tuple[Comparator, Variant, Variant]]:
    """Yield each comparator beside the control, and the treatment beside its placebo."""
    for item in plan.comparators:
        if item.comparator is not None:
            yield item.comparator, plan.control, replace(item, comparator=None)
        if item.comparator is Comparator.PLACEBO:
            for treatment in plan.treatments:
                yield item.comparator, item, treatment
