"""Collections of one experiment put together: a day that was decided on stays as it was.

A unit belongs to the day of its first exposure. Rows that come late can only add units to the
days until some day, or move them to earlier ones. Where an arm has fewer units until a day than
it had, rows are gone; the units whose first exposures these were would come again with their
next, on a new day, and count twice. New days are then not taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums, RetoldDays
from meta_experiment.records import dataclass
from meta_experiment.stats.joint_moments import JointMoments

_ROUNDING = 1e-9  # of sums, which an engine adds up in any order
_DIGITS = 11  # binary ones, to which an engine rounds values where there are many
_FEWEST_DAYS = 3  # that all show something else, until it is no longer what came late


@dataclass(frozen=True, slots=True)
class LateDay:
    """Day that an engine tells otherwise now than when it was collected.

    `units` are how many more there are now, of all arms; what they showed is left as it was.
    """

    day: int
    units: int


@dataclass(frozen=True, slots=True)
class LostUnits:
    """Units of an arm that are no longer there, until a day that was taken with them."""

    variant: str
    day: int
    units: int


@dataclass(frozen=True, slots=True)
class JoinedSums:
    """What is known after a collection: the sums, how many days it added, what came late.

    `lost` says of which arm fewer units are left than were taken. `otherwise` are metrics that
    show other values on every day that was taken.
    """

    sums: CollectedSums
    added: int
    late: tuple[LateDay, ...]
    lost: LostUnits | None = None
    otherwise: tuple[str, ...] = ()


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
    retold = RetoldDays(
        tuple(
            _bare(day) for place, day in again.items() if not _is_same(before.get(place), day)
        ),
        through,
        1 + (known.retold.looks if known.retold else 0),
    )
    return JoinedSums(
        CollectedSums((*known.days, *new), found.covariates, retold),
        len({day.day for day in new}),
        tuple(LateDay(day, units) for day, units in sorted(changed.items())),
        next(_lost(before, again), None),
        tuple(_otherwise(before, again)),
    )


def _by_place(sums: CollectedSums, through: int) -> Mapping[tuple[int, str], ArmDay]:
    return {
        (day.day, day.variant): day
        for day in sums.days
        if day.day is not None and day.day <= through
    }


def _bare(day: ArmDay) -> ArmDay:
    """Return a day without single values, which nobody asks of it."""
    bare = {name: replace(item, values=()) for name, item in day.metrics.items()}
    return replace(day, metrics=bare)


def _units(day: ArmDay | None) -> int:
    return 0 if day is None else day.units + day.tainted


def _lost(
    before: Mapping[tuple[int, str], ArmDay], again: Mapping[tuple[int, str], ArmDay]
) -> Iterator[LostUnits]:
    """Yield where an arm has fewer units until a day than it had: what is late only adds."""
    days = sorted({day for day, _ in (*before, *again)})
    for variant in sorted({variant for _, variant in before}):
        more = (
            _units(again.get((day, variant))) - _units(before.get((day, variant)))
            for day in days
        )
        for day, sum_of_more in zip(days, accumulate(more), strict=True):
            if sum_of_more < 0:
                yield LostUnits(variant, day, -sum_of_more)


def _otherwise(
    before: Mapping[tuple[int, str], ArmDay], again: Mapping[tuple[int, str], ArmDay]
) -> Iterator[str]:
    """Yield the metrics that differ in every arm and day that both tell of."""
    both = sorted(before.keys() & again.keys())
    if len({day for day, _ in both}) < _FEWEST_DAYS:
        return
    for name in before[both[0]].metrics:
        pairs = [(before[it].metrics.get(name), again[it].metrics.get(name)) for it in both]
        told = [(one, other) for one, other in pairs if one and other and one.joint.n]
        if told and not any(_is_alike(one, other) for one, other in told):
            yield name


def _is_same(one: ArmDay | None, other: ArmDay | None) -> bool:
    if one is None or other is None:
        return _units(one) == _units(other)
    return (
        (one.units, one.tainted) == (other.units, other.tainted)
        and one.metrics.keys() == other.metrics.keys()
        and all(_is_alike(one.metrics[name], other.metrics[name]) for name in one.metrics)
    )


def _is_alike(one: MetricSums, other: MetricSums) -> bool:
    if one.joint.n != other.joint.n:
        return False
    pairs = zip(_numbers(one.joint), _numbers(other.joint), strict=True)
    alike = all(math.isclose(a, b, rel_tol=_ROUNDING, abs_tol=1e-12) for a, b in pairs)
    return alike and _are_alike(one.values, other.values)


def _numbers(joint: JointMoments) -> Iterator[float]:
    """Yield the means, and the spreads as lengths, in which a rounding is as small."""
    yield from joint.centres
    for place, row in enumerate(joint.among):
        yield math.sqrt(row[place])


def _are_alike(one: Sequence[tuple[float, int]], other: Sequence[tuple[float, int]]) -> bool:
    """Return whether values may be of the same units: one's may be rounded, the other's not.

    Rounding keeps their order, so that the least is still the least, and so on.
    """
    is_rounded = _has_few_digits(one) or _has_few_digits(other)
    most = 2.0**-_DIGITS if is_rounded else _ROUNDING
    steps = sorted({*_ends(one), *_ends(other)})
    pairs = zip(_at(one, steps), _at(other, steps), strict=True)
    return all(math.isclose(a, b, rel_tol=most * (1 + _ROUNDING)) for a, b in pairs)


def _has_few_digits(values: Sequence[tuple[float, int]]) -> bool:
    return all(math.ldexp(math.frexp(value)[0], _DIGITS).is_integer() for value, _ in values)


def _ends(values: Sequence[tuple[float, int]]) -> Iterator[int]:
    """Yield how many units have each value or a lower one."""
    return accumulate(units for _, units in values)


def _at(values: Sequence[tuple[float, int]], steps: Sequence[int]) -> Iterator[float]:
    """Yield the values of the units at these places, in their order."""
    ends = zip(_ends(values), values, strict=True)
    end, (value, _) = next(ends, (math.inf, (math.nan, 0)))
    for step in steps:
        while step > end:
            end, (value, _) = next(ends, (math.inf, (math.nan, 0)))
        yield value
