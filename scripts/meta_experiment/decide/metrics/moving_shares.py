"""Evidence on units that a bandit drew: what their values and their draw both convince of.

Shares that follow the data are drawn more often at some times than at others. Where all values
drift in time, as they do, arms that are alike then differ in their pooled means: a t by itself
promotes one in up to half of experiments. The draw alone is immune: each unit's chance to be
treated is on record, so that no effect on anyone leaves its factors an expectation of one,
whatever the values are (`stats.randomization`). It cannot tell a lower mean from another shape
of the same mean, which the t can. The lesser of both e-values is one for either null; an
outcome of 0 or 1 has no other shape, and needs the draw alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from meta_experiment.decide.evidence import Evidence, beyond_reach
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.rates import as_decided
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.scale import Bound, sign
from meta_experiment.records import dataclass
from meta_experiment.stats.randomization import log_e_of_draws
from meta_experiment.types import Draw, Metric, Plan

_FARTHEST = 3.0  # standard deviations; a value beyond counts as if it lay there
DRAW = "exact evidence of the draw"


@dataclass(frozen=True, slots=True)
class _PlacedUnit:
    """Unit of one of two arms, with its value and its draw."""

    place: int
    treated: int
    value: float
    draw: Draw


@dataclass(frozen=True, slots=True)
class Chances:
    """By draw of one of two arms: the chance of the treatment, what came of it, and a score."""

    probabilities: Sequence[float]
    treated: Sequence[int]
    scores: Sequence[float]


def moving_design(plan: Plan, family: Family) -> Design:
    """Return the family's design, its evidence held against that of a bandit's draws."""
    names = tuple(item.name for item in plan.variants)
    evidence = partial(_evidence, family, names)
    return replace(
        family.separate,
        evidence=evidence,
        interval_always=partial(_interval_always, family.separate, evidence),
    )


def _evidence(
    family: Family,
    arms: tuple[str, ...],
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
) -> Evidence:
    """Return the lesser log e-values of values and draw, each against the effect `at`.

    A rate beyond a margin is beyond none as well, against which the draw tells of it.
    """
    design = family.separate
    if not (control.has_values and treatment.has_values):
        return design.evidence(control, treatment, metric, at)
    if family.draw_suffices:
        drawn = _drawn(arms, control, treatment, metric)
        if at == 0:
            return drawn
        own = design.evidence(control, treatment, metric, at)
        if at > 0:
            return replace(own, better=min(own.better, drawn.better))
        return replace(own, worse=min(own.worse, drawn.worse))
    own = design.evidence(control, treatment, metric, at)
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    drawn = _drawn(arms, null, treatment, metric)
    return Evidence(
        min(own.better, drawn.better),
        min(own.worse, drawn.worse),
        f"the lesser of {own.rule} and {DRAW}",
    )


def _drawn(
    arms: tuple[str, ...], control: Sample, treatment: Sample, metric: Metric
) -> Evidence:
    """Return the log e-values of the draw for better and for worse."""
    greater, less = _weighed(arms, control, treatment)
    return Evidence(*((greater, less) if sign(metric) > 0 else (less, greater)), DRAW)


@lru_cache(maxsize=64)  # an analysis asks for the same two samples again and again
def _weighed(arms: tuple[str, ...], control: Sample, treatment: Sample) -> tuple[float, float]:
    """Return the log e-values of the draw for greater values of the treatment, and for less."""
    seen = chances(arms, control, treatment)
    drawn = seen.probabilities, seen.treated, seen.scores
    return log_e_of_draws(*drawn, 1), log_e_of_draws(*drawn, -1)


def chances(arms: tuple[str, ...], control: Sample, treatment: Sample) -> Chances:
    """Return the draws between two arms, given that each was of one of the two.

    A value is scored by its distance from the middle of both arms' means before it: what the
    arms came to before a draw is known to it. Of a turn at the beginning, in which every arm
    came once, which of the two came first is one draw, with a score of their difference.
    """
    sides = [arms.index(item.drawn.variant) for item in (control, treatment) if item.drawn]
    if len(sides) < 2:  # an arm has no unit yet whose draw is known
        return Chances((), (), ())
    probabilities, treated, scores = list[float](), list[int](), list[float]()
    first: dict[int, _PlacedUnit] = {}
    known = _ArmsSoFar()
    for unit in sorted(_units(control, treatment), key=lambda unit: unit.place):
        parts = unit.draw.parts
        if len(parts) != len(arms):
            continue
        if not _is_in_turn(unit.draw):
            one, other = parts[sides[0]], parts[sides[1]]
            probability, score = other / ((one + other) or 1), known.score(unit.value)
            known.add(unit)
        else:
            before = first.setdefault(unit.place // len(arms), unit)
            if before.treated == unit.treated:
                continue
            probability, score = 0.5, known.score(before.value) - known.score(unit.value)
            known.add(before)
            known.add(unit)
            unit = before  # noqa: PLW2901 - whose place the draw was about
        if 0.0 < probability < 1.0:
            probabilities.append(probability)
            treated.append(unit.treated)
            scores.append(score)
    return Chances(tuple(probabilities), tuple(treated), tuple(scores))


class _ArmsSoFar:
    """What is known of two arms before a draw: their means, and the spread of all values."""

    __slots__ = ("_count", "_mean", "_means", "_squares", "_units")

    def __init__(self) -> None:
        self._means, self._units = [0.0, 0.0], [0, 0]
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def score(self, value: float) -> float:
        """Return the distance of a value from the middle, in standard deviations with it."""
        if 0 in self._units:
            return 0.0
        step = value - self._mean
        squares = self._squares + step * step * self._count / (self._count + 1)
        if squares <= 0.0:
            return 0.0
        away = (value - 0.5 * sum(self._means)) / math.sqrt(squares / self._count)
        return max(-_FARTHEST, min(_FARTHEST, away))

    def add(self, unit: _PlacedUnit) -> None:
        """Take a unit in (Welford 1962)."""
        arm, value = unit.treated, unit.value
        self._units[arm] += 1
        self._means[arm] += (value - self._means[arm]) / self._units[arm]
        self._count += 1
        step = value - self._mean
        self._mean += step / self._count
        self._squares += step * (value - self._mean)


def _is_in_turn(draw: Draw) -> bool:
    """Say whether every arm came once in a turn, as before anything was known."""
    return draw.known == 0 and set(draw.parts) == {1}


def _units(control: Sample, treatment: Sample) -> Iterator[_PlacedUnit]:
    for treated, arm in enumerate((control, treatment)):
        if arm.drawn is None:
            return
        for place, draw, value in zip(
            arm.drawn.places, arm.drawn.draws, arm.values, strict=False
        ):  # units that were joined to an arm to its harm come last, and were never drawn
            if draw is not None:
                yield _PlacedUnit(place, treated, value, draw)


def _interval_always(
    design: Design,
    evidence: partial[Evidence],
    control: Sample,
    treatment: Sample,
    metric: Metric,
    alpha: float,
) -> tuple[Bound, Bound]:
    """Return the interval of the values, which passes no change exactly when both convince."""
    ends = design.interval_always(control, treatment, metric, alpha)
    return as_decided(ends, evidence(control, treatment, metric, 0.0), metric, alpha)
