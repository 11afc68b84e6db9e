"""The effect in parts of the units, to be explored: by version, and earlier against later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.compare import estimate
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reporting.results import rule_interval
from meta_experiment.decide.units import Arm, UnitRecord
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import Unit
from meta_experiment.types.results.report import Stratum

PARTS = ("model", "client")
MOST = 6  # versions of each
_FEWEST = 5  # units of an arm
_HALVES = ("first half", "second half")


def strata(basis: Basis) -> tuple[Stratum, ...]:
    """Compare each treatment with the control within parts of the units, if large enough."""
    return tuple(_strata(basis))


def _strata(basis: Basis) -> Iterator[Stratum]:
    arms = basis.samples.arms
    for part in PARTS:
        of_unit = {name: _versions(arm, part) for name, arm in arms.items()}
        used = Counter(version for known in of_unit.values() for version in known.values())
        if len(used) > 1:
            for version, _ in sorted(used.items(), key=lambda item: (-item[1], item[0]))[:MOST]:
                inside = {
                    name: {unit for unit, its in known.items() if its == version}
                    for name, known in of_unit.items()
                }
                yield from _compared(basis, part, version, inside)
    if basis.plan.unit is not Unit.CASE:
        for place, half in enumerate(_HALVES):
            inside = {
                name: {unit.unit for unit in _half(arm.units, place)}
                for name, arm in arms.items()
            }
            yield from _compared(basis, "half", half, inside)


def _half(units: Sequence[UnitRecord], place: int) -> Sequence[UnitRecord]:
    middle = len(units) // 2
    return units[middle:] if place else units[:middle]


def _versions(arm: Arm, part: str) -> dict[str, str]:
    return {
        unit.unit: version
        for unit in arm.units
        if unit.trials and (version := unit.trials[0].fingerprint.get(part))
    }


def _compared(
    basis: Basis, part: str, name: str, inside: Mapping[str, set[str]]
) -> Iterator[Stratum]:
    plan = basis.plan
    for treatment in plan.treatments:
        arms = (plan.control.name, treatment.name)
        pair = basis.samples.compared(treatment.name, plan.primary)
        if not all(sample.has_values for sample in pair):
            continue
        control, treated = (
            _picked(sample, inside[arm]) for arm, sample in zip(arms, pair, strict=True)
        )
        if plan.unit is Unit.CASE:
            control, treated = basis.samples.match(control, treated)
        if min(len(control), len(treated)) < _FEWEST:
            continue
        try:
            effect = estimate(plan, plan.primary, control, treated).relative
        except DegenerateDataError:
            effect = None
        yield Stratum(
            part,
            name,
            treatment.name,
            len(control),
            len(treated),
            effect,
            rule_interval(plan, basis, plan.primary, control, treated),
        )


def _picked(sample: Sample, units: set[str]) -> Sample:
    return sample.picked([place for place, unit in enumerate(sample.units) if unit in units])
