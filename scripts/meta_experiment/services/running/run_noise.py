"""Noise of an experiment's runs: what equal texts differ by, measure for measure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from meta_experiment.runs.criteria.judging import final_score
from meta_experiment.runs.equal_arms import bound_by_arm, bound_by_repeats
from meta_experiment.runs.stability import noise_floor
from meta_experiment.services.running.run_views import SUCCESS, value_of
from meta_experiment.types import Comparator, Metric, Plan, Scale
from meta_experiment.types.results.run_summary import MeasureNoise
from meta_experiment.types.runs import CellOutcome

_FEWEST_CASES = 2  # that have a criterion of one name
_MOST_CRITERIA = 20

Measure = Callable[[CellOutcome], float | None]
Cells = dict[tuple[str, str], list[float]]  # by case and variant, the values of the repeats


def run_noise(plan: Plan, runs: Sequence[CellOutcome]) -> Iterator[MeasureNoise]:
    """Yield the noise of the primary metric, of success and score, and of each criterion.

    What neither repeats nor an A/A arm tell of is left out.
    """
    metric, logs = plan.primary, plan.primary.scale is Scale.LOG
    again = next((it.name for it in plan.comparators if it.comparator is Comparator.AA), None)
    measures: list[tuple[str, bool, Measure]] = [
        (metric.name, logs, lambda run: _on_scale(run, metric))
    ]
    measures += [
        (SUCCESS, False, lambda run: run.report.metrics.get(SUCCESS)),
        ("score", False, lambda run: final_score(run.criteria)),
        *((name, False, _passed(name)) for name in _criteria(runs)),
    ]
    measures = list({item[0]: item for item in reversed(measures)}.values())[::-1]
    for name, relative, measure in measures:
        found = _noise(name, relative, _cells(runs, measure), plan.control.name, again)
        if found.run is not None or found.aa is not None:
            yield found


def _noise(
    name: str, relative: bool, cells: Cells, control: str, again: str | None
) -> MeasureNoise:
    cases = sorted({case for case, _ in cells})
    arms = len({variant for _, variant in cells})
    paired = [case for case in cases if (case, control) in cells and (case, again) in cells]
    differences = [
        _mean(cells[case, again]) - _mean(cells[case, control]) for case in paired if again
    ]
    aa = _mean(differences) if differences else None
    repeats = tuple(cells.values())
    size = _share if relative else _same
    return MeasureNoise(
        name=name,
        relative=relative,
        cases=len(cases),
        run=size(noise_floor(repeats)),
        repeats=size(bound_by_repeats(repeats, max(arms, 1))),
        aa=size(aa),
        aa_bound=size(bound_by_arm(differences)),
    )


def _cells(runs: Sequence[CellOutcome], measure: Measure) -> Cells:
    cells: Cells = {}
    for run in runs:
        value = measure(run)
        if value is not None:
            cells.setdefault((run.cell.case_id, run.cell.variant), []).append(value)
    return cells


def _criteria(runs: Sequence[CellOutcome]) -> list[str]:
    """Return the names of criteria that several cases have, the most frequent first."""
    named = {(item.name, run.cell.case_id) for run in runs for item in run.criteria}
    counts = Counter(name for name, _ in sorted(named))
    return [name for name, n in counts.most_common(_MOST_CRITERIA) if n >= _FEWEST_CASES]


def _passed(name: str) -> Measure:
    def measure(run: CellOutcome) -> float | None:
        found = next((item.passed for item in run.criteria if item.name == name), None)
        return None if found is None else float(found)

    return measure


def _on_scale(run: CellOutcome, metric: Metric) -> float | None:
    value = value_of(run, metric)
    if value is None or metric.scale is not Scale.LOG:
        return value
    return math.log(value) if value > 0 else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _share(size: float | None) -> float | None:
    """Return a difference of logarithms as a part of what it is held against."""
    return None if size is None else math.expm1(size)


def _same(size: float | None) -> float | None:
    return size
