"""Collections of one experiment put together: a day that was decided on stays as it was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums
from meta_experiment.records import dataclass
from meta_experiment.stats.joint_moments import JointMoments

_ROUNDING = 1e-9  # of sums, which an engine adds up in any order


@dataclass(frozen=True, slots=True)
class LateDay:
    """Day that an engine tells otherwise now than when it was collected.

    `units` are how many more there are now, of all arms; what they showed is left as it was.
    """

    day: int
    units: int


@dataclass(frozen=True, slots=True)
class JoinedSums:
    """What is known after a collection: the sums, how many days it added, what came late."""

    sums: CollectedSums
    added: int
    late: tuple[LateDay, ...]


def joined(
    known: CollectedSums | None, found: CollectedSums, through: int | None
) -> JoinedSums:
    """Add the days that are new; `through` is the last that was collected before, if any."""
    if known is None or through is None:
        return JoinedSums(found, len({day.day for day in found.days}), ())
    new = tuple(day for day in found.days if day.day is not None and day.day > through)
    again = _by_place(found, through)
    before = _by_place(known, through)
    changed: dict[int, int] = {}
    for place in sorted({*again, *before}):
        one, other = before.get(place), again.get(place)
        if not _is_same(one, other):
            more = _units(other) - _units(one)
            changed[place[0]] = changed.get(place[0], 0) + more
    return JoinedSums(
        CollectedSums((*known.days, *new), found.covariates),
        len({day.day for day in new}),
        tuple(LateDay(day, units) for day, units in sorted(changed.items())),
    )


def _by_place(sums: CollectedSums, through: int) -> Mapping[tuple[int, str], ArmDay]:
    return {
        (day.day, day.variant): day
        for day in sums.days
        if day.day is not None and day.day <= through
    }


def _units(day: ArmDay | None) -> int:
    return 0 if day is None else day.units + day.tainted


def _is_same(one: ArmDay | None, other: ArmDay | None) -> bool:
    if one is None or other is None:
        return _units(one) == _units(other)
    return (
        (one.units, one.tainted) == (other.units, other.tainted)
        and one.metrics.keys() == other.metrics.keys()
        and all(_is_alike(one.metrics[name], other.metrics[name]) for name in one.metrics)
    )


def _is_alike(one: MetricSums, other: MetricSums) -> bool:
    if one.joint.n != other.joint.n or len(one.values) != len(other.values):
        return False
    pairs = zip(_numbers(one), _numbers(other), strict=True)
    return all(math.isclose(a, b, rel_tol=_ROUNDING, abs_tol=1e-12) for a, b in pairs)


def _numbers(sums: MetricSums) -> Iterator[float]:
    """Yield the means, and the spreads as lengths, in which a rounding is as small."""
    yield from sums.joint.centres
    yield from _lengths(sums.joint)
    for value, units in sums.values:
        yield value
        yield units


def _lengths(joint: JointMoments) -> Iterator[float]:
    for place, row in enumerate(joint.among):
        yield math.sqrt(row[place])
