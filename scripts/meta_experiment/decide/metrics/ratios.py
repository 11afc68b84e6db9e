"""Ratios of sums, such as cost per success: what all units took over what all units brought.

A unit counts as what it adds to its arm's ratio, by the delta method, so that ratios are
compared as means are. A mean of the units' own ratios would be another thing, and would not
exist for a unit that brought nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from meta_experiment.decide.metrics.means import MEANS
from meta_experiment.decide.metrics.sample import Sample, why_not_number
from meta_experiment.decide.reported import ReportedTest, evidence_by, t_test
from meta_experiment.decide.units import Arm, UnitRecord, recording, was_cut_short
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.ratio import linearised
from meta_experiment.types import AnalysisType, Direction, EffectSize, Metric, Trial

if TYPE_CHECKING:
    from meta_experiment.decide.collected import SumsOfDays

NOTHING_BELOW = "zero_denominator"


def sample(arm: Arm, metric: Metric, stretch: float) -> Sample:
    """Return what each unit adds to the arm's ratio, of the trials that have both parts.

    The numerator of a trial that was cut short is stretched where lower is better.
    """
    stretched = stretch if metric.direction is Direction.LOWER else 1.0
    skipped: Counter[str] = Counter()
    read = [recording(name) for name in metric.recorded]
    found = [
        (unit, sums)
        for unit in arm.units
        if (sums := _sums(unit, read, metric, stretched, skipped)) is not None
    ]
    if not found:
        return Sample((), (), dict(skipped), ())
    try:
        values = tuple(linearised(*zip(*(sums for _, sums in found), strict=True)))
    except DegenerateDataError:
        return Sample((), (), {**skipped, NOTHING_BELOW: len(found)}, ())
    units = tuple(unit.unit for unit, _ in found)
    return Sample(values, values, dict(skipped), units, [unit.order for unit, _ in found])


def _sums(
    unit: UnitRecord,
    read: Sequence[Callable[[Trial], float | None]],
    metric: Metric,
    stretch: float,
    skipped: Counter[str],
) -> tuple[float, float] | None:
    """Return the sums of a unit's numerators and denominators, None where it has neither."""
    numerators, denominators = [], []
    for trial in unit.trials:
        top, bottom = (part(trial) for part in read)
        if top is None or bottom is None:
            continue
        reason = why_not_number(top, metric) or why_not_number(bottom, metric)
        if reason is not None:
            skipped[reason] += 1
            continue
        numerators.append(top * stretch if was_cut_short(trial) else top)
        denominators.append(bottom)
    return (math.fsum(numerators), math.fsum(denominators)) if numerators else None


def _test(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> ReportedTest:
    """Run Welch's t-test, whatever the plan asks for: others do not compare ratios of sums."""
    del kind, metric
    return t_test(control, treatment)


def _no_size(control: Sample, treatment: Sample, metric: Metric) -> EffectSize:
    del control, treatment, metric
    return EffectSize(None, None)


def _of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    from meta_experiment.decide.metrics.day_sample import ratio_of_days

    return ratio_of_days(sums, metric)


RATIOS = replace(
    MEANS,
    sample=sample,
    sample_of_sums=_of_days,
    separate=replace(
        MEANS.separate,
        test=_test,
        evidence_once=partial(evidence_by, _test),
        adjusted=None,
    ),
    effect_size=_no_size,
    statistic=lambda _: "ratio of sums",
)
