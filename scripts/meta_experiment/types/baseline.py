"""How a prompt file did before anything was tried."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """How a metric varied over past units: a tenth of them lies below `low` and above `high`.

    `unit` is that of the metric; `sd` is None for a single value.
    """

    metric: str
    unit: str
    n: int
    mean: float
    median: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Habit:
    """How often a prompt file was used, how that ended, and what it came to.

    `unit` is what the spreads have one value of; `days` reach back to the first use.
    `per_day` counts all uses, the rest is without those made under an experiment.
    """

    name: str
    unit: str
    uses: int
    sessions: int
    days: float
    per_day: float | None
    statuses: Mapping[str, int]
    spreads: tuple[Spread, ...]
    transcripts: int
    transcripts_left_out: int
    uses_under_experiment: int = 0
