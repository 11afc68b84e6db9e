"""The units by their keys, for a report that is asked for them."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.decide.samples import Samples
from meta_experiment.types import Plan
from meta_experiment.types.results.report_units import ReportUnit, UnitList

MOST_UNITS = 500


def unit_list(plan: Plan, samples: Samples) -> UnitList:
    """List the exposed units; of many those with the least and the largest values."""
    total = sum(unit.exposed for arm in samples.arms.values() for unit in arm.units)
    rows = tuple(_rows(plan, samples)) if total <= MOST_UNITS else _ends(plan, samples)
    return UnitList(plan.primary.name, total, rows)


def _rows(plan: Plan, samples: Samples) -> Iterator[ReportUnit]:
    for name, arm in samples.arms.items():
        sample = samples.of(name, plan.primary)
        known = dict(zip(sample.units, sample.raw, strict=True)) if sample.has_values else {}
        for unit in arm.units:
            if unit.exposed:
                yield ReportUnit(unit.unit, name, unit.closed, known.get(unit.unit))


def _ends(plan: Plan, samples: Samples) -> tuple[ReportUnit, ...]:
    known = sorted(
        (row.value, row.unit, row.variant, row)
        for row in _rows(plan, samples)
        if row.value is not None
    )
    each = MOST_UNITS // 2
    ends = known if len(known) <= MOST_UNITS else [*known[:each], *known[-each:]]
    return tuple(item[3] for item in ends)
