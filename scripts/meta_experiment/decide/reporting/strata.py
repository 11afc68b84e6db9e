"""The effect in parts of the units, to be explored: by version, and earlier against later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.compare import estimate
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reporting.results import rule_interval
from meta_experiment.decide.units import Arm
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import FingerprintCheck, Unit
from meta_experiment.types.results.report import Stratum

MOST = 6  # versions of each
_FEWEST = 5  # units of an arm
_HALVES = ("first half", "second half")


def strata(basis: Basis, seen: FingerprintCheck) -> tuple[Stratum, ...]:
    """Compare each treatment with the control within parts of the units, if large enough."""
    return tuple(_strata(basis, {"model": seen.models, "client": seen.clients}))


def _strata(basis: Basis, seen: Mapping[str, Mapping[str, int]]) -> Iterator[Stratum]:
    arms = basis.samples.arms
    for part, counts in seen.items():
        if len(counts) < 2:
            continue
        of_unit = {name: _versions(arm, part) for name, arm in arms.items()}
        for version in sorted(counts, key=lambda name: (-counts[name], name))[:MOST]:
            inside = partial(_having, of_unit, version)
            yield from _compared(basis, part, version, inside)
    if basis.plan.unit is not Unit.CASE:
        for place, half in enumerate(_HALVES):
            yield from _compared(basis, "half", half, partial(_half, place))


def _versions(arm: Arm, part: str) -> dict[str, str]:
    return {
        unit.unit: version
        for unit in arm.units
        if unit.trials and (version := unit.trials[0].fingerprint.get(part))
    }


def _having(
    of_unit: Mapping[str, Mapping[str, str]], version: str, arm: str, sample: Sample
) -> Sequence[int]:
    known = of_unit[arm]
    return [place for place, unit in enumerate(sample.units) if known.get(unit) == version]


def _half(place: int, arm: str, sample: Sample) -> Sequence[int]:
    del arm
    middle = len(sample) // 2
    return range(middle, len(sample)) if place else range(middle)


def _compared(
    basis: Basis, part: str, name: str, inside: Callable[[str, Sample], Sequence[int]]
) -> Iterator[Stratum]:
    plan = basis.plan
    for treatment in plan.treatments:
        pair = basis.samples.compared(treatment.name, plan.primary)
        if not all(sample.has_values for sample in pair):
            continue
        control = pair[0].picked(inside(plan.control.name, pair[0]))
        treated = pair[1].picked(inside(treatment.name, pair[1]))
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
