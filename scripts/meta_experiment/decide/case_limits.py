"""Detectable difference: what so many measured cases can show, whatever their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.decide.metrics import design_of
from meta_experiment.decide.rules.rule import e_value_bar
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.scale import sign
from meta_experiment.decide.telling.outlook import POWER, outlook
from meta_experiment.decide.units import Arm, arms_of, mean
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.power import t_detectable_effect
from meta_experiment.stats.root_finding import fewest
from meta_experiment.types import Direction, Metric, Plan, Scale, Trial, Unit

_MOST_CASES = 1_000
_MOST_NAMED = 20  # beyond 2²⁰ chance is no argument any more


def limits_of(plan: Plan, trials: Sequence[Trial]) -> tuple[str, ...]:
    """Say, one sentence each, the least that these data could show and what they cannot.

    For cases that ran in both arms: how often chance alone lets one of two equal texts win
    every case (the sign test's best, 1 in 2ⁿ), and the smallest difference that a single
    look at so many pairs finds in 80% of runs.
    """
    arms = arms_of(plan, trials)
    if plan.unit is not Unit.CASE:
        past = sample_of(arms[plan.control.name], plan.primary).raw
        return (outlook(plan, past=past).sentence,)
    sentences: list[str] = []
    for item in plan.treatments:
        pairs = paired_values(arms[plan.control.name], arms[item.name], plan.primary)
        prefix = f"{item.name}: " if len(plan.treatments) > 1 else ""
        sentences += [prefix + sentence for sentence in _of_pairs(plan, pairs)]
    return tuple(sentences)


def fewest_cases(plan: Plan) -> int:
    """Return the number of cases below which no result, however clear, decides.

    The e-value of so few pairs is bounded, whatever their values: of means by an endless t.
    """
    design = design_of(plan, plan.primary)
    bar = e_value_bar(plan.alpha, len(plan.treatments))
    enough = fewest(lambda pairs: design.clearest(pairs) >= bar, 1, _MOST_CASES)
    return max(enough or _MOST_CASES, design.fewest_units(plan.primary))


def cases_to_decide(plan: Plan) -> int:
    """Return the number of cases that a decision takes: that, or the plan's minimum."""
    return max(plan.sample_size, fewest_cases(plan))


def paired_values(
    control: Arm, treatment: Arm, metric: Metric
) -> tuple[tuple[float, float], ...]:
    """Return both values, on the metric's scale, of every case measured in both arms."""
    one, other = _by_case(control, metric), _by_case(treatment, metric)
    return tuple((one[case], other[case]) for case in one if case in other)


def _by_case(arm: Arm, metric: Metric) -> dict[str, float]:
    found = {}
    for unit in arm.units:
        values = sample_of(replace(arm, units=(unit,)), metric).values
        if values:
            found[unit.unit] = values[0]
    return found


def _of_pairs(plan: Plan, pairs: Sequence[tuple[float, float]]) -> list[str]:
    n = len(pairs)
    if n == 0:
        return [f"No case has {plan.primary.name} in both arms, so nothing can be compared."]
    alpha = plan.alpha / len(plan.treatments)
    sentences = [_best_by_chance(n, alpha)]
    if n >= 2:
        sentences.append(_smallest(plan.primary, pairs, alpha))
    if n < plan.sample_size:
        sentences.append(
            f"A decision is open from {plan.sample_size} cases in both arms; there are {n}. "
            "More runs of the same cases make each case surer, they are not more cases."
        )
    return sentences


def _best_by_chance(n: int, alpha: float) -> str:
    times = f"1 of {2**n:,}" if n <= _MOST_NAMED else f"less than 1 of {2**_MOST_NAMED:,}"
    cases = "the one case" if n == 1 else f"all {n} cases"
    said = (
        f"Of two equal texts, a given one wins {cases} in {times} comparisons by chance alone"
    )
    if 0.5**n > alpha:
        return f"{said}, more than the {alpha:.3g} allowed: not even that would settle it."
    return f"{said}: that would be evidence, a few cases better and a few worse are not."


def _smallest(metric: Metric, pairs: Sequence[tuple[float, float]], alpha: float) -> str:
    """Say what a single look finds: a paired t has the distribution of two arms of (n+1)/2."""
    n = len(pairs)
    none = (
        f"The {n} cases differ between the arms by exactly the same, so that no spread is "
        "known from which to say what so many could find."
    )
    try:
        spread = Moments.of(other - one for one, other in pairs).sd
    except DegenerateDataError:
        return none
    if spread == 0:
        return none
    per_arm = 0.5 * (n + 1)
    d = t_detectable_effect(per_arm, power=POWER, alpha=alpha, sides=1)
    difference = d * math.sqrt(per_arm / (2 * n)) * spread
    centre = mean([one for one, _ in pairs])
    room = _room(metric, centre)
    if metric.scale is not Scale.LOG and room is not None and difference > room:
        return (
            f"The differences of these {n} cases spread so widely that a single look finds no "
            f"improvement of {metric.name} in {POWER:.0%} of runs, not even the largest there "
            f"is room for ({_figure(room)}). More cases are needed."
        )
    found = _described(metric, difference, centre)
    return (
        f"With the spread of these {n} cases, a single look finds in {POWER:.0%} of runs an "
        f"improvement of {metric.name} {found}; a smaller one stays hidden more often."
    )


def _described(metric: Metric, difference: float, centre: float) -> str:
    if metric.scale is Scale.LOG:
        return f"of {abs(math.expm1(sign(metric) * difference)):.0%} or more"
    relative = f" ({difference / abs(centre):.0%} of the control's mean)" if centre else ""
    return f"of {_figure(difference)} or more{relative}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _room(metric: Metric, centre: float) -> float | None:
    """Return how much better the metric can get at all, where that is bounded."""
    if metric.direction is Direction.LOWER:
        return centre if centre > 0 else None
    # By name, past the family's room: a pass rate is bounded, and of a kind that is not.
    return 1.0 - centre if metric.name in ("pass_rate", "preference", "success") else None
