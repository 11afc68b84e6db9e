"""The differences between identical arms, by seeded resampling of past values."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Protocol

from meta_experiment.decide.alerts import CHECKS, Arms
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import effect
from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.types import AlertKind, Metric, Plan, Scale
from meta_experiment.types.results.noise import NoiseFloor

_FEWEST = 5
_MANY = 1000  # units per arm whose mean is as good as normal
_ON_PRIMARY = (AlertKind.REGRESSION, AlertKind.ANOMALY)
_EMPTY = Sample((), (), {}, ())


class Chance(Protocol):
    """Source of draws: a seeded `random.Random`."""

    def choices(self, population: Sequence[float], *, k: int) -> list[float]:
        """Draw so many with replacement."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Draw from a normal distribution."""


def noise_floor(
    values: Sequence[float], metric: Metric, *, units: int, chance: Chance, runs: int = 2000
) -> NoiseFloor:
    """Compare two arms drawn from the same past values, many times.

    Raises:
        DegenerateDataError: with fewer than five values, or values that the metric's scale
            does not know.
    """
    pool = _on_scale(values, metric)
    moments = Moments.of(pool)

    family = family_of(metric)

    def arm() -> float:
        if units > _MANY and family.compares_means:
            return chance.gauss(moments.mean, moments.sd / sqrt(units))
        return family.centre(chance.choices(pool, k=units), metric)

    seen = [effect(arm(), arm(), metric).relative for _ in range(runs)]
    sizes = [abs(size) for size in seen if size is not None]
    if not sizes:
        raise DegenerateDataError(
            f"{metric.name} is zero on average: nothing is relative to it"
        )
    return NoiseFloor(units, sample_quantile(sizes, 0.5), sample_quantile(sizes, 0.95))


def false_alarm_rate(
    plan: Plan,
    kind: AlertKind,
    values: Sequence[float],
    *,
    units: int,
    chance: Chance,
    runs: int = 400,
) -> float:
    """Return the share of identical arms in which an alert is raised at some look.

    `values` are past ones of what the alert looks at: the primary metric in its unit, errors
    as 0 and 1, or satisfaction. There is a look after every pair, up to `units` per arm.

    Raises:
        DegenerateDataError: with fewer than five values.
        UsageError: the alert is about age, which is not a matter of chance.
    """
    if kind not in CHECKS:
        raise UsageError(
            f"The alert {kind} does not look at values, so chance cannot raise it."
        )
    _require_some(values)
    if kind in _ON_PRIMARY:
        _on_scale(values, plan.primary)
    raised = sum(_is_raised(plan, kind, values, units, chance) for _ in range(runs))
    return raised / runs


def _is_raised(
    plan: Plan, kind: AlertKind, values: Sequence[float], units: int, chance: Chance
) -> bool:
    control, treated = plan.control.name, plan.treatments[0].name
    drawn = [chance.choices(values, k=units) for _ in range(2)]
    metric = plan.primary
    for n in range(1, units + 1):
        samples = {
            name: Sample(
                tuple(_scaled(row[:n], metric) if kind in _ON_PRIMARY else row[:n]),
                tuple(row[:n]),
                {},
                tuple(map(str, range(n))),
            )
            for name, row in zip((control, treated), drawn, strict=True)
        }
        if CHECKS[kind](plan, _watching(kind, samples), treated) is not None:
            return True
    return False


def _watching(kind: AlertKind, samples: dict[str, Sample]) -> Arms:
    nothing = dict.fromkeys(samples, _EMPTY)
    if kind is AlertKind.ERROR_RATE:
        return Arms(nothing, samples, nothing)
    if kind is AlertKind.SATISFACTION:
        return Arms(nothing, nothing, samples)
    return Arms(samples, nothing, nothing)


def _scaled(values: Sequence[float], metric: Metric) -> list[float]:
    return [log(value) for value in values] if metric.scale is Scale.LOG else list(values)


def _require_some(values: Sequence[float]) -> None:
    if len(values) < _FEWEST:
        raise DegenerateDataError(
            f"{len(values)} past values, expected at least {_FEWEST} to know how they vary"
        )


def _on_scale(values: Sequence[float], metric: Metric) -> list[float]:
    _require_some(values)
    if metric.scale is Scale.LOG and min(values) <= 0:
        raise DegenerateDataError(
            f"a past value of {metric.name} is zero or negative and has no logarithm"
        )
    return _scaled(values, metric)
