"""Evidence of a holdout's draw alone, which asks nothing of the values.

A small arm of skewed values deceives a t: it has not met the rare dear value yet. The draw is
not deceived (see `stats.randomization`), and cannot tell a lower mean from another shape. So
what takes a promotion back has to convince both.
"""

from __future__ import annotations

from meta_experiment.decide.metrics.robust import units, weigh_draw
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.scale import sign
from meta_experiment.types import MetricKind, Plan

_MOSTLY = 0.5  # of the units have a place that is known


def worse_by_draw(plan: Plan, previous: Sample, promoted: Sample, at: float) -> float | None:
    """Return the log evidence of the draw that the effect is below `at`.

    None where the draw tells nothing more, or nothing at all: rates are weighed exactly, of
    ratios and quantiles no unit has a value, and of units that were recorded without a draw
    nobody knows their place. `plan` is that of the holdout as it is compared.
    """
    metric = plan.primary
    if not metric.is_recorded or metric.kind is MetricKind.PROPORTION:
        return None
    if not (previous.has_values and promoted.has_values and len(previous) and len(promoted)):
        return None
    null = moved(previous, at, metric)
    if null is None:
        return None
    drawn = units(null, promoted)
    if len(drawn) < _MOSTLY * (len(previous) + len(promoted)):
        return None
    return weigh_draw(plan)(drawn, -sign(metric))
