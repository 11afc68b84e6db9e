"""Attrition: whether the arms lose trials at the same rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.time_strata import compared
from meta_experiment.decide.order import (
    Moment,
    OrderedTotals,
    Totals,
    total_of_first,
    totals_by_moment,
)
from meta_experiment.decide.units import (
    Arm,
    UnitRecord,
    is_abandoned,
    is_closed,
    reading,
    was_cut_short,
)
from meta_experiment.records import dataclass
from meta_experiment.stats.pairs import pair_rule
from meta_experiment.types import Assignment, AttritionCheck, Metric, Plan, Unit

_ROUNDING = 1e-9  # of sums of shares, in units


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of lost trials, one per unit, with the places of the units."""

    values: list[float]
    order: list[int]
    began: list[Moment] = field(default_factory=list)

    def add(self, unit: UnitRecord, lost: int, trials: int) -> None:
        """Add a unit that lost so many of its trials."""
        self.values.append(lost / trials)
        self.order.append(unit.order)
        self.began.append(unit.began)

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.values)

    @property
    def total(self) -> float:
        """The sum of the shares."""
        return math.fsum(self.values)

    @property
    def by_moment(self) -> dict[Moment, Totals] | None:
        """Units and their shares by when they began; None where a unit lost a part."""
        if not all(value in (0.0, 1.0) for value in self.values):
            return None
        return totals_by_moment(self.began, self.values)

    def total_of_first(self, count: int) -> float:
        """Sum the shares of the first so many units."""
        return total_of_first(self.values, self.order, count)


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of one arm.

    `cut` is the share of the trials cut short of every unit that has ended trials, `gone` that
    without a value or excluded; `lost` counts the trials that are any of these, `trials` all
    of them.
    """

    cut: Shares | OrderedTotals
    gone: Shares | OrderedTotals
    lost: int
    trials: int


def attrition(
    plan: Plan, arms: Mapping[str, Arm], as_of: float, alpha: float
) -> AttritionCheck:
    """Compare how often the arms lose trials that have ended or never will.

    Two things block. A treatment whose trials are cut short (interrupted, timed out) more
    often than the control's: that flatters what was measured until then, while fewer of them
    is what a faster treatment brings. And values of the primary metric that go missing more
    often in either arm, because a trial never closed, closed without one or with one that
    cannot be (a duration of 0), or was excluded: an answer that never came may be one that
    took too long. Tested by the exact sequential rule on pairs of units, or within times where
    shares are unequal or not known, at a level shared among all tests made.
    """
    lost = {name: losses(arm, plan.primary, as_of) for name, arm in arms.items()}
    control = lost[plan.control.name]
    weights = {item.weight for item in plan.variants}
    weigh = _in_pairs
    if plan.unit is not Unit.CASE and (
        plan.assignment is Assignment.EXTERNAL or len(weights) > 1 or plan.moves_shares
    ):
        weigh = _within_time
    evidence = []
    for treatment in (lost[item.name] for item in plan.treatments if item.name in lost):
        more_cut, _ = weigh(control.cut, treatment.cut)
        evidence += [more_cut, *weigh(control.gone, treatment.gone)]
    log_p = math.log(len(evidence)) - max(evidence)
    return AttritionCheck(
        ok=log_p > math.log(alpha),
        lost={name: found.lost for name, found in lost.items()},
        exposed={name: found.trials for name, found in lost.items()},
        p_value=math.exp(min(0.0, log_p)),
        reason=_reason(plan, lost),
    )


def missing_beyond(control: Shares | OrderedTotals, treatment: Shares | OrderedTotals) -> int:
    """Return how many units' values a treatment misses beyond the share that the control does.

    Args:
        control: the shares of trials without a value, one per unit.
        treatment: the same of the treatment.
    """
    share = control.total / control.units if control.units else 0.0
    beyond = treatment.total - share * treatment.units
    return max(0, math.ceil(beyond - _ROUNDING))


def losses(arm: Arm, metric: Metric, as_of: float) -> Losses:
    """Count what one arm lost of a metric; a value that cannot stand on its scale is lost."""
    if arm.missing:
        gone_units = arm.missing.get(metric.name, OrderedTotals(()))
        return Losses(OrderedTotals(()), gone_units, round(gone_units.total), gone_units.units)
    read, why_not = reading(metric), family_of(metric).why_not
    cut_shares, gone_shares, lost, trials = Shares([], []), Shares([], []), 0, 0
    for unit in arm.units:
        cut, gone, ended = 0, unit.excluded, 0
        lost += unit.excluded
        for trial in unit.trials:
            if not (is_closed(trial) or is_abandoned(trial, as_of)):
                continue
            value, is_cut = read(trial), was_cut_short(trial)
            is_gone = value is None or why_not(value, metric) is not None
            ended += 1
            cut += is_cut
            gone += is_gone
            lost += is_cut or is_gone
        trials += len(unit.trials) + unit.excluded
        if ended:
            cut_shares.add(unit, cut, ended)
        if ended or unit.excluded:
            gone_shares.add(unit, gone, ended + unit.excluded)
    return Losses(cut_shares, gone_shares, lost, trials)


def _reason(plan: Plan, lost: Mapping[str, Losses]) -> str | None:
    """Say what is known of values that a treatment misses more often than the control."""
    control, metric = lost[plan.control.name], plan.primary
    beyond = {
        item.name: missing_beyond(control.gone, lost[item.name].gone)
        for item in plan.treatments
        if item.name in lost
    }
    said = [f"{name} misses {number}" for name, number in beyond.items() if number]
    if not said:
        return None
    return (
        f"{' and '.join(said)} more values of {metric.name} than the control's share would be; "
        "chance may do that, but a promotion must also stand with these at "
        f"{family_of(metric).missing_words(metric, plan.unit is Unit.CASE)}"
    )


def _within_time(
    control: Shares | OrderedTotals, treatment: Shares | OrderedTotals
) -> tuple[float, float]:
    """Compare units of the same time, as arms of other shares have to be."""
    known = control.by_moment, treatment.by_moment
    if None in known:  # a unit lost one of several trials
        return _in_pairs(control, treatment)
    wholes = ((it.units, it.total) for it in (control, treatment))
    greater, less, _ = compared(*known, *wholes)
    return greater, less


def _in_pairs(
    control: Shares | OrderedTotals, treatment: Shares | OrderedTotals
) -> tuple[float, float]:
    pairs = min(control.units, treatment.units)
    before, after = (shares.total_of_first(pairs) for shares in (control, treatment))
    if before == after == 0:
        return 0.0, 0.0
    found = pair_rule(before, after, pairs)
    return found.log_e_greater, found.log_e_less
