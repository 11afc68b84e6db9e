"""Result of recording trials."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """Acknowledgement of trials: durable on disk. A conflict kept the first value.

    `trial_ids` has one for every observation; several may tell of one of the `recorded` trials.
    Of these `known` had an outcome before, to which what is new was added.
    """

    recorded: int
    trial_ids: tuple[str, ...]
    conflicts: tuple[str, ...]
    known: int
