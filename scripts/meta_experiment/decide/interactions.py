"""Whether two experiments on the same units change each other's effect.

A unit that is in both has an arm in each. The effect of one treatment among the units that had
the other experiment's control is held against that among the units that had its treatment: the
difference of differences of four means, with Welch's t at one look. It is shown and decides
nothing, as nobody planned for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.scale import sign
from meta_experiment.decide.units import arms_of
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ttest import Contrast, t_test
from meta_experiment.types import Interaction, Interval, Plan, Scale, Trial

FEWEST = 5  # units of each of the four groups


def interactions(
    plan: Plan, trials: Iterable[Trial], other: Plan, other_id: str, others: Iterable[Trial]
) -> Iterator[Interaction]:
    """Yield what the arms of another experiment do to the effects of this plan's treatments.

    Nothing where too few units are in both, or the primary metric is no mean or rate.
    """
    if not plan.primary.is_recorded:
        return
    homes = {
        unit.unit: name
        for name, arm in arms_of(other, others).items()
        for unit in arm.units
        if unit.exposed
    }
    values = {
        name: dict(zip(sample.units, sample.values, strict=True))
        for name, arm in arms_of(plan, trials).items()
        if (sample := sample_of(arm, plan.primary)).has_values
    }
    for mine in plan.treatments:
        for theirs in other.treatments:
            arms = [values.get(name, {}) for name in (plan.control.name, mine.name)]
            groups = [
                [[value for unit, value in arm.items() if homes.get(unit) == name]
                 for arm in arms]
                for name in (other.control.name, theirs.name)
            ]  # fmt: skip
            if min(len(group) for pair in groups for group in pair) < FEWEST:
                continue
            found = _interaction(plan, groups, mine.name, other_id, theirs.name)
            if found is not None:
                yield found


def _interaction(
    plan: Plan,
    groups: Sequence[Sequence[Sequence[float]]],
    treatment: str,
    other: str,
    beside: str,
) -> Interaction | None:
    """Hold the effect among units of the other control (first) against that of its arm."""
    try:
        cells = [[Moments.of(group) for group in pair] for pair in groups]
        parts = [(cell.variance / cell.n, cell.n) for pair in cells for cell in pair]
        variance = math.fsum(part for part, _ in parts)
        if not variance > 0:
            return None
        df = variance**2 / math.fsum(part**2 / (n - 1) for part, n in parts)
        alone, together = (treated.mean - control.mean for control, treated in cells)
        level = max(1e-6, 1 - 2 * plan.alpha)
        test = t_test(Contrast(together - alone, math.sqrt(variance), df, 1.0), level=level)
    except DegenerateDataError:
        return None
    log = plan.primary.scale is Scale.LOG
    side = sign(plan.primary)

    def told(change: float) -> float:
        return side * (math.expm1(change) if log else change)

    ends = sorted((told(test.low), told(test.high)))
    return Interaction(
        treatment=treatment,
        other=other,
        beside=beside,
        units=sum(len(group) for pair in groups for group in pair),
        relative=log,
        alone=told(alone),
        together=told(together),
        difference=told(together - alone),
        interval=Interval(level, *ends),
        p_value=test.p_value,
    )
