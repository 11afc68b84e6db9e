"""Families of metrics: what a kind of metric is, and what two samples of it show.

`FAMILIES` names the family of each kind. A new one is a module with a `Family` in it and a line
here.
"""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.table import entry
from meta_experiment.types import Assignment, Metric, Plan, Unit

FAMILIES = {
    "continuous": "meta_experiment.decide.metrics.means:MEANS",
    "count": "meta_experiment.decide.metrics.means:COUNTS",
    "ratio": "meta_experiment.decide.metrics.ratios:RATIOS",
    "quantile": "meta_experiment.decide.metrics.quantiles:QUANTILES",
    "proportion": "meta_experiment.decide.metrics.rates:RATES",
    "preference": "meta_experiment.decide.metrics.preferences:PREFERENCES",
}


def family_of(metric: Metric) -> Family:
    """Return the family that a metric is of."""
    family: Family = entry(FAMILIES[metric.kind])
    return family


def design_of(plan: Plan, metric: Metric) -> Design:
    """Return how a plan compares a metric: eval cases, which run in all arms, case by case."""
    family = family_of(metric)
    if plan.unit is Unit.CASE:
        return family.paired()
    if plan.moves_shares and metric.is_recorded:
        from meta_experiment.decide.metrics.moving_shares import moving_design

        return moving_design(plan, family)
    if plan.assignment is Assignment.EXTERNAL:
        from meta_experiment.decide.metrics.time_strata import external_design

        family = replace(family, separate=external_design(family))
    elif family.draw_suffices and len({item.weight for item in plan.variants}) > 1:
        from meta_experiment.decide.metrics.unequal_shares import unequal_design

        family = replace(family, separate=unequal_design(plan, family))
    if not (plan.robust and metric == plan.primary):
        return family.separate
    from meta_experiment.decide.metrics.robust import robust_design

    return robust_design(plan, family)
