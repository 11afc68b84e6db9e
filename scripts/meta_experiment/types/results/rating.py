"""Result of a rating: what was noted of the quality of a trial."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RatingResult:
    """The trial that metrics were added to, and what it now says of them.

    A conflict kept the first value.
    """

    experiment_id: str
    trial_id: str
    variant: str
    metrics: Mapping[str, float]
    conflicts: tuple[str, ...]
