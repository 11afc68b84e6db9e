"""What was read of other people's results, for the screen to show."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.types.experiment import Experiment


@dataclass(frozen=True, slots=True)
class ArmRead:
    """What was read of one arm: different cases, runs, and runs with the primary metric."""

    variant: str
    cases: int
    runs: int
    measured: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import read and did.

    `experiment` is the one that holds the trials, or would; `created` says that it is new,
    `known` how many of the trials it held before. `paired` counts the cases that every arm
    ran. `reach` says what so many cases can and cannot show.
    """

    experiment: Experiment
    kind: str
    sources: tuple[str, ...]
    arms: tuple[ArmRead, ...]
    paired: int
    metrics: tuple[str, ...]
    excluded: Mapping[str, int]
    notes: tuple[str, ...]
    reach: tuple[str, ...]
    added: int
    known: int
    created: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class SummedArm:
    """One arm as pasted: a rate with its interval, or a mean with its spread."""

    name: str
    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Summed:
    """Treatment against control, from sums: treatment minus control, and at one look.

    `low` and `high` bound the difference at `level`. `better` is None when nothing says which
    direction is better; `size` is Hedges' g.
    """

    control: SummedArm
    treatment: SummedArm
    test: str
    difference: float
    relative: float | None
    low: float
    high: float
    p_value: float
    size: float | None
    better: bool | None
    level: float
    limits: tuple[str, ...]
