"""What an analysis rests on and came to as tables: the units, and the looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.units import UnitRecord
from meta_experiment.types import Plan, Scale
from meta_experiment.types.results.report import EvidenceSeries
from meta_experiment.types.tidy_table import Cell, ColumnKind, TidyColumn, TidyTable

_UNIT: tuple[tuple[str, ColumnKind], ...] = (
    ("unit", "text"),
    ("variant", "text"),
    ("order", "whole"),
    ("exposed", "flag"),
    ("compared", "flag"),
    ("trials", "whole"),
    ("excluded", "whole"),
    ("began", "moment"),
    ("closed", "moment"),
)
_LOOK: tuple[tuple[str, ColumnKind], ...] = (
    ("treatment", "text"),
    ("control_units", "whole"),
    ("treatment_units", "whole"),
    ("at", "moment"),
    ("effect", "number"),
    ("low", "number"),
    ("high", "number"),
    ("log_better", "number"),
    ("log_worse", "number"),
    ("log_better_adjusted", "number"),
    ("bar", "number"),
    ("valid", "flag"),
)


def tidy_units(basis: Basis) -> TidyTable:
    """Return the units with the one value of each metric that is analysed.

    `metrics.NAME` is in the metric's unit, the mean of the unit's trials; of a metric on the
    log scale `log.NAME` is what is compared: the mean of their natural logarithms. `compared`
    are the units whose value of the primary metric is held against another arm's.
    """
    plan, samples = basis.plan, basis.samples
    arms = samples.arms.values()
    groups: list[tuple[str, list[str]]] = [
        ("metrics", [metric.name for metric in plan.metrics]),
        ("log", [metric.name for metric in plan.metrics if metric.scale is Scale.LOG]),
        ("covariates", sorted({n for arm in arms for it in arm.units for n in it.covariates})),
    ]
    columns = [TidyColumn(name, kind) for name, kind in _UNIT]
    columns += [
        TidyColumn(f"{group}.{it}", "number") for group, names in groups for it in names
    ]
    return TidyTable(tuple(columns), _unit_rows(plan, samples, groups[-1][1]))


def _unit_rows(
    plan: Plan, samples: Samples, covariates: Sequence[str]
) -> Iterator[Sequence[Cell]]:
    compared = _compared(plan, samples)
    for variant, arm in samples.arms.items():
        found = [(metric, samples.of(variant, metric)) for metric in plan.metrics]
        raw = [_by_unit(sample, "raw") for _, sample in found]
        logs = [_by_unit(it, "values") for metric, it in found if metric.scale is Scale.LOG]
        for unit in arm.units:
            known = unit.covariates
            row: list[Cell] = [unit.unit, variant, unit.order, unit.exposed]
            row += [unit.unit in compared[variant], len(unit.trials), _left_out(unit)]
            row += [unit.began, unit.closed]
            row += [values.get(unit.unit) for values in (*raw, *logs)]
            row += [known.get(name) for name in covariates]
            yield row


def _left_out(unit: UnitRecord) -> int:
    return len(unit.history) - len(unit.trials)


def _by_unit(sample: Sample, which: str) -> dict[str, float]:
    """Return the values of a sample by unit; of sums alone there are none."""
    if not sample.has_values:
        return {}
    return dict(zip(sample.units, getattr(sample, which), strict=True))


def _compared(plan: Plan, samples: Samples) -> dict[str, set[str]]:
    """Return the units of every arm that are held against another arm's."""
    found: dict[str, set[str]] = {name: set() for name in samples.arms}
    for treatment in plan.treatments:
        pair = samples.compared(treatment.name, plan.primary)
        for name, sample in zip((plan.control.name, treatment.name), pair, strict=True):
            found[name].update(sample.units if sample.has_values else ())
    return found


def tidy_looks(series: Iterable[EvidenceSeries]) -> TidyTable:
    """Return the evidence for every treatment at the looks; the last is that of the analysis.

    Evidence is in natural logarithms, effects and their bounds are fractions.
    """
    columns = tuple(TidyColumn(name, kind) for name, kind in _LOOK)
    rows = (
        [
            item.treatment if name == "treatment" else
            item.bar if name == "bar" else getattr(point, name)
            for name, _ in _LOOK
        ]
        for item in series
        for point in item.points
    )  # fmt: skip
    return TidyTable(columns, rows)
