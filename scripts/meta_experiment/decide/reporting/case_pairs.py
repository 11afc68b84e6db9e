"""Eval cases with their value in both arms."""

from __future__ import annotations

from meta_experiment.decide.samples import Samples
from meta_experiment.decide.scale import sign
from meta_experiment.decide.units import Arm
from meta_experiment.types import Plan, Unit
from meta_experiment.types.results.report import CaseComparison, CasePair

MOST = 500
MOST_NAMES = 100


def case_pairs(plan: Plan, samples: Samples) -> tuple[CaseComparison, ...]:
    """Hold the values of each case against each other; nothing where units are no cases."""
    if plan.unit is not Unit.CASE or not plan.primary.is_recorded:
        return ()
    return tuple(_pairs(plan, samples, item.name) for item in plan.treatments)


def _pairs(plan: Plan, samples: Samples, treatment: str) -> CaseComparison:
    control, treated = samples.compared(treatment, plan.primary)
    runs = {name: _runs(samples.arms[name]) for name in (plan.control.name, treatment)}
    rows = [
        CasePair(case, before, after, runs[plan.control.name][case], runs[treatment][case])
        for case, before, after in zip(control.units, control.raw, treated.raw, strict=True)
    ]
    better = sign(plan.primary)
    rows.sort(key=lambda row: (-better * (row.treatment - row.control), row.case))
    ups = sum(better * row.treatment > better * row.control for row in rows)
    downs = sum(better * row.treatment < better * row.control for row in rows)
    same = [row.case for row in rows if row.treatment == row.control]
    shown = rows if len(rows) <= MOST else [*rows[: MOST // 2], *rows[-MOST // 2 :]]
    return CaseComparison(
        treatment, ups, downs, len(same), tuple(shown), tuple(same[:MOST_NAMES])
    )


def _runs(arm: Arm) -> dict[str, int]:
    return {unit.unit: len(unit.trials) for unit in arm.units}
