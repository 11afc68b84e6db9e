"""Result of writing a workflow whose jobs make runs."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class MatrixResult:
    """A workflow: where it is, how many runs each job makes, what each may take at most.

    `path` is None where it was only shown, `secrets` are the names of those that the repository
    must have.
    """

    experiment_id: str
    path: str | None
    runs: tuple[int, ...]
    usd_of_a_job: float | None
    tokens_of_a_job: float | None
    secrets: tuple[str, ...]
    notes: tuple[str, ...]
    workflow: str
