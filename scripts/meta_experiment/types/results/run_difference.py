"""Difference between what two variants made of the same case."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Unified diffs from the first variant to the second: of their answers, of their patches.

    One is empty where both are the same; `patches` is null where one was not kept. `cut` says
    that not all of them is here.
    """

    experiment_id: str
    case: str
    repeat: int
    variants: tuple[str, ...]
    output: str
    patches: str | None
    cut: bool
