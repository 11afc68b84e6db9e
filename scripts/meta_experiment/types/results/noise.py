"""Noise floor: how different two identical arms look by chance."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Relative differences between two identical arms of `units` units each.

    Half of all such comparisons differ by more than `typical`, one in twenty by more than
    `large`; both are fractions, whichever arm is ahead.
    """

    units: int
    typical: float
    large: float


@dataclass(frozen=True, slots=True)
class NoiseResult:
    """The noise of a metric, from so many past values of these experiments.

    They are of eval cases (`of_cases`) or of live use, never of both.
    """

    metric: str
    values: int
    experiments: tuple[str, ...]
    floors: tuple[NoiseFloor, ...]
    of_cases: bool = False
