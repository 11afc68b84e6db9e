"""A plan's evidence averaged with that of the draw alone, which asks nothing of the values.

A few wild values hide from a t what the ranks show, and of arms that do not vary at all a t
says nothing for ever. The draw (see `stats.randomization`) speaks of both, but it cannot tell
a lower mean from another shape: it is laid beside the rule, never in its place.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial

from meta_experiment.decide.evidence import NOTHING, Evidence, beyond_reach
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.reported import ReportedTest
from meta_experiment.decide.scale import Bound, sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.log_sums import log_add
from meta_experiment.stats.randomization import (
    Group,
    Layout,
    Part,
    log_e_of_draws,
    log_e_of_groups,
)
from meta_experiment.stats.root_finding import narrowed
from meta_experiment.stats.special import normal_isf
from meta_experiment.types import AnalysisType, Assignment, EffectSize, Metric, Plan, Scale

_SHORT, _LONG = Part(4, 2), Part(6, 3)  # the blocks of `assign.permuted_blocks`, of two arms
_LAYOUTS: tuple[Layout, ...] = ((_SHORT, _LONG), (_LONG, _SHORT))
_ROUND = _SHORT.length + _LONG.length
_FARTHEST = 20.0  # of the logarithm of a ratio
_FIRST_STEP, _FARTHER = 0.05, 1.5
_PRECISION = 0.005  # of the way from the estimate to an end

Weigh = Callable[[Sequence["Drawn"], int], float]
"""The log evidence of the draw for greater values, or less with a sign of -1."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A unit as it was drawn: its place, whether it was treated, and its value."""

    place: int
    treated: int
    value: float


def robust_design(plan: Plan, family: Family) -> Design:
    """Return the family's design with the evidence of the draw averaged in, of two arms."""
    design, weigh = family.separate, weigh_draw(plan)
    return replace(
        design,
        evidence=partial(_evidence, design, weigh),
        test=partial(_test, design),
        interval_once=partial(_interval_once, design),
        effect_size=partial(_effect_size, family),
        interval_always=partial(_interval_always, design, weigh),
    )


def weigh_draw(plan: Plan) -> Weigh:
    """Return what weighs the draw of a plan's units, of two arms."""
    control, treatment = (variant.weight for variant in plan.variants)
    if plan.assignment is Assignment.BLOCK and control == treatment:
        return _by_rounds
    return by_share(treatment / (control + treatment), block_of(plan))


def by_share(share: float, block: int) -> Weigh:
    """Return what weighs units of such a share; `block` as `block_of` has it."""
    return partial(_by_blocks, share, block) if block else partial(_by_draws, share)


def block_of(plan: Plan) -> int:
    """Return in how many units unequal shares are exact; 0: they are drawn one by one."""
    if plan.holdout is None or plan.assignment is not Assignment.BLOCK:
        return 0
    return plan.holdout.block


def _evidence(
    design: Design, weigh: Weigh, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return the logs of the means of both e-values; one without a word counts as 1."""
    if _is_without_ratio(control, treatment, metric):
        return design.evidence(control, treatment, metric, at)
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    own = _own(design, control, treatment, metric, at)
    drawn, better = units(null, treatment), sign(metric)
    if own is NOTHING and len({unit.value for unit in drawn}) < 2:
        return design.evidence(control, treatment, metric, at)  # which says why there is none
    return Evidence(
        _mean(own.better, weigh(drawn, better)),
        _mean(own.worse, weigh(drawn, -better)),
        f"{own.rule}, averaged with the exact evidence of the draw",
    )


def _own(
    design: Design, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    try:
        return design.evidence(control, treatment, metric, at)
    except DegenerateDataError:
        return NOTHING


def _is_without_ratio(control: Sample, treatment: Sample, metric: Metric) -> bool:
    """Say whether the arms' means have no ratio whose nulls could be gone through."""
    return metric.scale is Scale.RAW and min(control.centre, treatment.centre) <= 0


def _mean(one: float, other: float) -> float:
    return log_add(one, other) - math.log(2.0)


def units(control: Sample, treatment: Sample) -> list[Drawn]:
    """Return the units of both arms by place, without those that share one.

    Raises:
        DegenerateDataError: only sums are known.
    """
    found = [
        Drawn(place, treated, value)
        for treated, arm in enumerate((control, treatment))
        for place, value in zip(arm.order, arm.values, strict=True)
    ]
    return alone(found)


def alone(found: Sequence[Drawn]) -> list[Drawn]:
    """Return units by place, without those that share one."""
    taken = Counter(unit.place for unit in found)
    return sorted(
        (unit for unit in found if taken[unit.place] == 1), key=lambda unit: unit.place
    )


def _by_rounds(drawn: Sequence[Drawn], sign: int) -> float:
    return log_e_of_groups(rounds(drawn), sign)


def rounds(
    drawn: Sequence[Drawn], size: int = _ROUND, layouts: Sequence[Layout] = _LAYOUTS
) -> Iterator[Group]:
    """Yield the rounds of the sequence that are over, with scores of all units up to each."""
    last = drawn[-1].place + 1 if drawn else 0
    start, before = 0, list[float]()
    for number in range(last // size):
        end = start
        while end < len(drawn) and drawn[end].place < (number + 1) * size:
            insort(before, drawn[end].value)
            end += 1
        treated, scores = [0] * size, [0.0] * size
        for unit in drawn[start:end]:
            treated[unit.place % size] = unit.treated
            scores[unit.place % size] = normal_score(before, unit.value)
        if end > start:
            yield Group(treated, scores, layouts)
        start = end


def _by_blocks(share: float, size: int, drawn: Sequence[Drawn], sign: int) -> float:
    layouts = ((Part(size, round(size * share)),),)
    return log_e_of_groups(rounds(drawn, size, layouts), sign)


def _by_draws(share: float, drawn: Sequence[Drawn], sign: int) -> float:
    before, scores = list[float](), []
    for unit in drawn:
        insort(before, unit.value)
        scores.append(normal_score(before, unit.value))
    treated = [unit.treated for unit in drawn]
    return log_e_of_draws([share] * len(drawn), treated, scores, sign)


def normal_score(ordered: Sequence[float], value: float) -> float:
    """Return the normal quantile of a value's rank among others, ties in the middle."""
    twice = bisect_left(ordered, value) + bisect_right(ordered, value)
    return _score(twice, len(ordered))


@lru_cache(maxsize=65_536)  # an interval asks for the same ranks again and again
def _score(twice: int, count: int) -> float:
    return normal_isf(1.0 - 0.5 * twice / count)


def _test(
    design: Design, kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> ReportedTest:
    """Run the design's test; of arms that do not vary there is none."""
    try:
        return design.test(kind, control, treatment, metric)
    except DegenerateDataError:
        units(control, treatment)
        return ReportedTest("none", None, None, None, 1.0, 1.0)


def _effect_size(
    family: Family, control: Sample, treatment: Sample, metric: Metric
) -> EffectSize:
    """Standardise the difference, where there is a spread to standardise it by."""
    try:
        return family.effect_size(control, treatment, metric)
    except DegenerateDataError:
        return EffectSize(None, None)


def _interval_once(
    design: Design, control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    try:
        return design.interval_once(control, treatment, metric, level)
    except DegenerateDataError:
        return None, None


def _interval_always(
    design: Design,
    weigh: Weigh,
    control: Sample,
    treatment: Sample,
    metric: Metric,
    alpha: float,
) -> tuple[Bound, Bound]:
    """Invert the averaged evidence: each end is the change up to which it convinces.

    Raises:
        DegenerateDataError: only sums are known, or an arm has no values.
    """
    if _is_without_ratio(control, treatment, metric):
        return design.interval_always(control, treatment, metric, alpha)
    one, other, log = control.centre, treatment.centre, metric.scale is Scale.LOG
    estimate = other - one if log else math.log(other / one)
    drawn = units(control, treatment)

    def excess(change: float) -> float:
        """Return how far the log evidence is beyond the bar, for either side of a change."""
        at, greater = sign(metric) * math.expm1(change), 1 if change < estimate else -1
        own = _own(design, control, treatment, metric, at)
        log_e = own.better if greater == sign(metric) else own.worse
        there = [_at(unit, change, log) for unit in drawn]
        return _mean(log_e, weigh(there, greater)) + math.log(alpha)

    alone = _interval_of(design, control, treatment, metric, alpha)
    steps = (
        side * _FIRST_STEP if end is None else (end if log else math.log1p(end)) - estimate
        for side, end in zip((-1, 1), alone, strict=True)
    )
    ends = [_end(cache(excess), estimate, step) for step in steps]
    low, high = ends if log else (end and math.expm1(end) for end in ends)
    return low, high


def _interval_of(
    design: Design, control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Return the design's own interval, near which that of the average ends."""
    try:
        return design.interval_always(control, treatment, metric, alpha)
    except DegenerateDataError:
        return None, None


def _at(unit: Drawn, change: float, log: bool) -> Drawn:
    """Return a unit as it would be if a change, of a logarithm, were all the treatment does."""
    if unit.treated:
        return unit
    value = unit.value + change if log else unit.value * math.exp(change)
    return Drawn(unit.place, 0, value)


def _end(excess: Callable[[float], float], estimate: float, step: float) -> Bound:
    """Return the nearest change that is ruled out; None where none is.

    No change at all is looked at itself, so that the end lies on its right side.
    """
    inside, outside = estimate, estimate + step
    if (estimate > 0) != (estimate + math.copysign(_FARTHEST, step) > 0):
        if excess(0.0) >= 0:
            outside = 0.0
        else:
            inside, outside = 0.0, max(outside, step) if step > 0 else min(outside, step)
    while excess(outside) < 0:
        if abs(outside - estimate) > _FARTHEST:
            return None
        inside, outside = outside, estimate + _FARTHER * (outside - estimate)
    near = inside + 0.6 * (outside - inside) if inside == estimate else inside
    if excess(near) < 0:
        inside = near
    else:
        outside = near
    found = narrowed(excess, inside, outside, _PRECISION * abs(outside - estimate))
    return found or inside  # no change that is ruled out lies outside, however near
