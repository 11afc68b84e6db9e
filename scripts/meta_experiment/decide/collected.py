"""What was collected of an experiment: sums of each arm and day, never a unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from meta_experiment.records import dataclass
from meta_experiment.stats.joint_moments import JointMoments


@dataclass(frozen=True, slots=True)
class MetricSums:
    """What the units of one arm and day show of a metric.

    `joint` are the moments on the metric's scale: of the value and its covariates, or of a
    ratio's two parts; `raw` those in its unit, where the scale is another. `binary` says that
    every value is 0 or 1. `skipped` counts by reason what cannot stand on the scale.
    `values` are those of a quantile, each with the number of units that have it.
    """

    joint: JointMoments
    raw: JointMoments | None
    binary: bool
    skipped: Mapping[str, int]
    values: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ArmDay:
    """Units of an arm that were first exposed on one day, with what they show by metric.

    `day` counts from 1970 in UTC; None where there is no time. `tainted` more units were seen
    in another arm as well and count in none.
    """

    variant: str
    day: int | None
    units: int
    tainted: int
    metrics: Mapping[str, MetricSums]


@dataclass(frozen=True, slots=True)
class RetoldDays:
    """What an engine tells now of days that were taken before.

    `days` are those that differ; all others until `through` are as they were taken. `looks` is
    how often days were told again so far.
    """

    days: tuple[ArmDay, ...]
    through: int
    looks: int


@dataclass(frozen=True, slots=True)
class CollectedSums:
    """All that was collected, by day; `covariates` are the names of each metric's columns.

    `retold` is what a later collection says of the days that stand.
    """

    days: tuple[ArmDay, ...]
    covariates: Mapping[str, tuple[str, ...]]
    retold: RetoldDays | None = None


@dataclass(frozen=True, slots=True)
class SumsOfDays:
    """What the days of one arm show of a metric, in their order; `places` are which days.

    Of its covariates those at the places `kept` are of use, which are called `columns`.
    """

    days: Sequence[MetricSums]
    places: Sequence[int | None]
    columns: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()

    @property
    def skipped(self) -> dict[str, int]:
        """How many events were left out, by reason."""
        found = Counter[str]()
        for item in self.days:
            found.update(item.skipped)
        return dict(found)

    @property
    def joint(self) -> JointMoments:
        """The moments of all days together."""
        return together(item.joint for item in self.days)


def together(parts: Iterable[JointMoments]) -> JointMoments:
    """Return the moments of all parts together."""
    return reduce(JointMoments.merge, parts, JointMoments(0, (), (), ()))
