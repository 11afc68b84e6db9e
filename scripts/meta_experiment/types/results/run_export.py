"""Result of an export of runs."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RunExport:
    """Runs of two variants in a file of another tool's form.

    `left_out` are the runs of these that count and have no verdict.
    """

    experiment_id: str
    file: str
    control: str
    treatment: str
    runs: int
    left_out: int
