"""Baseline of a prompt file before any experiment, and what one on it could show."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.types.plan import Plan
from meta_experiment.types.results.forecast import Outlook
from meta_experiment.types.results.noise import NoiseFloor


@dataclass(frozen=True, slots=True)
class MetricSpread:
    """Spread of a metric over past units: a tenth lies below `low`, another above `high`.

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
class UsageBaseline:
    """Past uses of a prompt file: how many, how they ended, what they came to and could show.

    `metric` is what an experiment would be about, and `plan` is that experiment; `halves` is
    the noise between two halves of this very past, None when it is too short. `unit` is what
    the spreads have one value of; `days` reach back to the first use, `rate_days` are those
    that rates are taken over, half a day at least. `per_day` counts all uses, the rest is
    without those made under an experiment.
    """

    metric: str
    units_per_day: float | None
    halves: NoiseFloor | None
    plan: Plan
    outlook: Outlook
    warnings: tuple[str, ...]
    name: str
    unit: str
    uses: int
    sessions: int
    days: float
    per_day: float | None
    statuses: Mapping[str, int]
    spreads: tuple[MetricSpread, ...]
    transcripts: int
    transcripts_left_out: int
    uses_under_experiment: int = 0
    rate_days: float = 0.0
