"""The chance of each arm to be the best by what has closed: what moves the shares of a bandit.

A function of plan and trials alone, so that who has the log can work the shares out again. The
chance is no evidence: of arms that are alike one has .95 sooner or later in most experiments.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import arms_of, is_closed
from meta_experiment.stats.best_arm import best_mean, best_rate
from meta_experiment.types import Direction, MetricKind, Plan, Trial

_FEWEST = 2  # values of an arm


def closed_first(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that have closed, in the order in which they did."""
    closed = [item for item in trials if is_closed(item) and item.closed_at is not None]
    return sorted(closed, key=lambda item: (item.closed_at or 0.0, item.trial_id))


def best_chances(
    plan: Plan, closed: Iterable[Trial], ended: Container[str]
) -> list[float | None]:
    """Return the chance of each arm that goes on to have the best primary metric.

    None for an arm that cannot be scored: of fewer than two values, or of values that are all
    alike and tell nothing of their spread.
    """
    arms = arms_of(plan, closed)
    going = [item for item in plan.variants if item.name not in ended]
    samples = [sample_of(arms[item.name], plan.primary) for item in going]
    rate = plan.primary.kind is MetricKind.PROPORTION
    known = [sample for sample in samples if _can_be_scored(sample, rate=rate)]
    chances = iter(_chances(plan, known, rate=rate) if known else ())
    return [next(chances) if _can_be_scored(it, rate=rate) else None for it in samples]


def _chances(plan: Plan, known: Sequence[Sample], *, rate: bool) -> list[float]:
    lower = plan.primary.direction is Direction.LOWER
    if rate:  # a unit of several outcomes counts as one: their sum is rounded
        return best_rate([(round(it.total), len(it)) for it in known], lower=lower)
    return best_mean([sample.moments for sample in known], lower=lower)


def _can_be_scored(sample: Sample, *, rate: bool) -> bool:
    if len(sample) < _FEWEST:
        return False
    return rate or 0 < sample.moments.m2 < math.inf
