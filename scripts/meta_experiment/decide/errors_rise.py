"""Errors that rise hold a promotion back: a saving that comes with them is none.

A crashed trial costs nothing and ends at once, so that a crashing variant looks cheap and
fast well before its harm is proven at the bar of a rollback. Holding a promotion back needs no
such bar: an alarm raised too often only makes it wait.
"""

from __future__ import annotations

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.proportion import fisher_exact
from meta_experiment.types import Plan


def errors_rise(plan: Plan, samples: Samples, treatment: str) -> str | None:
    """Say that a treatment has more units with errors than chance explains; None if not.

    Fisher's exact test, one-sided at the plan's α, not corrected for repeated looks.
    """
    control, treated = samples.compared(treatment, ERROR_RATE)
    try:
        before, after = _units_with_errors(control), _units_with_errors(treated)
        p = fisher_exact(before, len(control), after, len(treated)).p_greater
    except DegenerateDataError:
        return None
    if p > plan.alpha:
        return None
    return (
        f"{treatment} has errors in {after} of {len(treated)} units, {plan.control.name} in "
        f"{before} of {len(control)}: not promoted while that stands (p = {p:.2g})."
    )


def _units_with_errors(sample: Sample) -> int:
    return sum(value > 0 for value in sample.values)
