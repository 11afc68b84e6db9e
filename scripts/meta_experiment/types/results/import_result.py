"""Result of an import: what was read of other people's results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.experiment import Experiment
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.vocabulary import Status


@dataclass(frozen=True, slots=True)
class ArmRead:
    """Data read of one arm: different cases, runs, and runs with the primary metric."""

    variant: str
    cases: int
    runs: int
    measured: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of an import: what it read and did.

    `experiment_id` is None when nothing holds the trials yet; `created` says that one was made
    for them, `already_recorded` how many it held before. `paired_cases` counts the cases that
    every arm ran. `reach` says what so many cases can and cannot show; `notes` end with it.
    `experiment` is the one that holds the trials, or would.
    """

    experiment_id: str | None
    created: bool
    dry_run: bool
    status: Status
    kind: str
    sources: tuple[str, ...]
    control: str
    treatments: tuple[str, ...]
    primary_metric: str
    metrics: tuple[str, ...]
    unit: str
    arms: Mapping[str, ArmRead]
    paired_cases: int
    added: int
    already_recorded: int
    excluded: Mapping[str, int]
    notes: tuple[str, ...]
    reach: tuple[str, ...]
    experiment: Experiment = field(metadata=ASIDE)
