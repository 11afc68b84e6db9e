"""A run that a person judges, or has judged."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RunRating:
    """A run that waits for a verdict, or the verdict on one.

    `run` is its key, which does not tell the variant; the `variant` is named only where the
    user named it. `open` are the criteria that still wait. `passed` is null where the run is
    only shown, all else is where none waits. `waiting` counts the runs that do. `metrics` are
    those that the verdict made known, `conflicts` what differs from an earlier one and is not
    kept.
    """

    experiment_id: str
    run: str | None
    case: str | None
    variant: str | None
    criterion: str | None
    passed: bool | None
    open: tuple[str, ...]
    waiting: int
    prompt: str
    output: str
    metrics: dict[str, float]
    conflicts: tuple[str, ...] = ()
