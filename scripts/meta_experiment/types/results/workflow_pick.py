"""Result of picking the variants of a run."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class PickedVariant:
    """A variant of a run, and how it came about.

    `how` is one of seed, weight, least_used; gated where an experiment was outside of its
    dates, and kept where the run had it before. `counts` are with this run.
    """

    experiment: str
    variant: str
    how: str
    probability: float
    stage: int | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class WorkflowPick:
    """The variants of a run; `prefix` goes before a title, the file `state` keeps them."""

    run_id: str
    timestamp: str
    prefix: str
    assignments: dict[str, str]
    experiments: tuple[PickedVariant, ...]
    state: str
