"""Whether as much of every arm comes late, of days that were collected before it was there.

A day is taken when its windows are over and what the mapping calls lateness has passed. Where
the events of one arm take longer than that, its units lack some of what they did, and it looks
cheaper, or worse, than it is. Later collections tell the same days again: what they gained
since is compared, as a share, so that an arm that has more of everything gains no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.decide.collected import ArmDay, CollectedSums
from meta_experiment.decide.quality import ALPHA
from meta_experiment.records import dataclass
from meta_experiment.stats.late_shares import LateCount, LateSum, late_counts, late_sums
from meta_experiment.types import LatenessCheck, Metric, Plan, Scale

_UNITS, _VALUES = "units", "units with a value"


@dataclass(frozen=True, slots=True)
class _Amount:
    """Units and values of an arm over days, and sums and squares of each measure."""

    units: int
    values: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]


def lateness(plan: Plan, collected: CollectedSums) -> LatenessCheck | None:
    """Compare what came late of each treatment's days with what did of the control's.

    Of units, of those with a value, and of the sums of a metric that every unit has from the
    first, as sums and counts do. The least p-value is multiplied by their number, and by
    looks·(looks + 1), whose inverses sum to one over all collections. None where no day was
    told again.
    """
    told = collected.retold
    if told is None:
        return None
    first = {
        (day.day, day.variant): day for day in collected.days if _is_until(day, told.through)
    }
    now = first | {(day.day, day.variant): day for day in told.days}
    arms = {
        item.name: (
            _amount([it for it in first.values() if it.variant == item.name], plan.primary),
            _amount([it for it in now.values() if it.variant == item.name], plan.primary),
        )
        for item in plan.variants
    }
    control = arms[plan.control.name]
    found = [
        seen
        for item in plan.treatments
        for seen in _compared(plan.primary, control, arms[item.name])
    ]
    p_value, measure, place = min(found, default=(1.0, _UNITS, None))
    looks = told.looks * (told.looks + 1)
    p_value = min(1.0, p_value * max(1, len(found)) * looks)
    return LatenessCheck(
        ok=p_value > ALPHA,
        measure=measure,
        late={name: _share(measure, place, *amounts) for name, amounts in arms.items()},
        p_value=p_value,
        days=len({day for day, _ in first}),
    )


def _is_until(day: ArmDay, last: int) -> bool:
    return day.day is not None and day.day <= last


def _amount(days: Sequence[ArmDay], metric: Metric) -> _Amount:
    units, told = sum(day.units for day in days), [day.metrics.get(metric.name) for day in days]
    joints = [it.joint for it in told if it is not None and it.joint.n]
    parts = range(len(metric.recorded))
    moments = [[joint.moments(place) for joint in joints] for place in parts]
    return _Amount(
        units,
        sum(joint.n for joint in joints),
        tuple(sum(it.mean * it.n for it in row) for row in moments),
        tuple(sum(it.m2 + it.mean * it.mean * it.n for it in row) for row in moments),
    )


def _compared(
    metric: Metric, control: tuple[_Amount, _Amount], treatment: tuple[_Amount, _Amount]
) -> Iterator[tuple[float, str, int | None]]:
    """Yield p-values, with what they are of; of sums with the place of the part as well."""
    both = control, treatment
    yield late_counts(*(_late(a.units, b.units) for a, b in both)), _UNITS, None
    yield late_counts(*(_late(a.values, b.values) for a, b in both)), _VALUES, None
    whole = all(it.values == it.units for arm in both for it in arm)
    if not whole or metric.scale is Scale.LOG:
        return
    for place, name in enumerate(metric.recorded):
        sums = [
            LateSum(a.sums[place], b.sums[place], a.squares[place], b.squares[place])
            for a, b in both
        ]
        if all(it.only_grew for it in sums):
            yield late_sums(*sums), name, place


def _late(first: int, now: int) -> LateCount:
    """Count what is late; some may be gone, as where a unit came to another arm meanwhile."""
    return LateCount(max(0, now - first), max(first, now))


def _share(measure: str, place: int | None, first: _Amount, now: _Amount) -> float:
    pairs: Mapping[str, tuple[float, float]] = {
        _UNITS: (first.units, now.units),
        _VALUES: (first.values, now.values),
    }
    one, other = pairs.get(measure) or (first.sums[place or 0], now.sums[place or 0])
    return max(0.0, other - one) / other if other else 0.0
