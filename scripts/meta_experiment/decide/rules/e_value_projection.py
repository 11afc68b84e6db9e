"""Projection of the units the e-values would take to decide, if all stays as it looks.

Those of the rule that decides are projected: of means the anytime-valid t, of rates the exact
rule on pairs, which knows them by their counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.rules.rule import e_value_bar
from meta_experiment.decide.scale import at_boundary, effect
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import fewest, root
from meta_experiment.types import (
    Adjustment,
    Analysis,
    ArmSummary,
    Claim,
    Comparison,
    Metric,
    Plan,
    Scale,
    Unit,
)

Expected = Callable[[Moments, Moments, Metric, float], Evidence]

_MOST_UNITS = 100_000
_FAR = 1e6  # of a t statistic


def all_needed(plan: Plan, analysis: Analysis) -> Sequence[int | None] | None:
    """Return for every treatment that goes on how many units, or cases, would promote it.

    None where the metric's family does not tell what is to be expected.
    """
    expected, arms = family_of(plan.primary).expected, analysis.primary.variants
    if expected is None:
        return None
    if plan.unit is Unit.CASE:
        cases = analysis.readiness.smallest_arm
        return [
            cases_needed(plan, item, cases, _runs_per_case(analysis, item))
            for item in analysis.going_on
        ]
    control = arms[plan.control.name]
    return [
        units_needed(plan, expected, control, arms[item.treatment], item.adjusted)
        for item in analysis.going_on
    ]


def evidence_share(plan: Plan, analysis: Analysis, share: float) -> float:
    """Return the part of the log evidence that is there of what a decision takes.

    For the better that of the best treatment that goes on, for the worse that of the least bad,
    held against the `share` of α that rejects, whichever is nearer.
    """
    weighed = [item.sequential for item in analysis.going_on]
    worse = [_log(item.e_reject) for item in weighed if item is not None]
    if not weighed or len(worse) < len(weighed):
        return 0.0
    better = [
        _log(item.sequential.e_promote)
        / e_value_bar(item.corrected.alpha if item.corrected else plan.alpha)
        for item in analysis.going_on
        if item.sequential is not None
    ]
    return min(1.0, max(0.0, *better, min(worse) / e_value_bar(plan.alpha, 1 / share)))


def units_needed(
    plan: Plan,
    expected: Expected,
    control: ArmSummary,
    treatment: ArmSummary,
    adjusted: Adjustment | None = None,
) -> int | None:
    """Return the units of the smaller arm at which the same means and spreads would promote.

    With what the covariates of `adjusted` explain taken out. None when they never would, or
    not within 100,000 units.
    """
    at = plan.improvement_threshold if plan.claim is Claim.THRESHOLD else 0.0
    needed = e_value_bar(plan.alpha, len(plan.treatments))
    arms = [_scale_moments(arm, plan.primary) for arm in (control, treatment)]
    present = [arm for arm in arms if arm is not None]
    if len(present) < len(arms):
        return None
    smaller = min(arm.n for arm in present)
    if adjusted is not None:
        present = _with_covariates(present[0], present[1], adjusted, plan.primary)

    def decides(units: int) -> bool:
        control, treated = (_grown(arm, units / smaller) for arm in present)
        rare = _with_rare_unit(plan, control, treated)
        try:
            return _is_enough(plan, control, treated, rare) and all(
                expected(control, arm, plan.primary, at).better >= needed
                for arm in (treated, rare)
            )
        except DegenerateDataError:
            return False

    return fewest(decides, 1, _MOST_UNITS)


def _with_covariates(
    control: Moments, treatment: Moments, found: Adjustment, metric: Metric
) -> list[Moments]:
    """Return both arms at the adjusted effect, with the spread that is left unexplained."""
    left = math.sqrt(1.0 - found.explained)
    moved = at_boundary(control, control.mean, found.effect.relative or 0.0, metric)
    mean = treatment.mean if moved is None else moved.mean
    return [
        Moments.from_summary(control.n, control.mean, left * control.sd),
        Moments.from_summary(treatment.n, mean, left * treatment.sd),
    ]


def _with_rare_unit(plan: Plan, control: Moments, treatment: Moments) -> Moments:
    """Return the treatment with the one more unit that a promotion must stand, if any."""
    value = family_of(plan.primary).rare(control.mean, plan.primary, plan.unit)
    return treatment if value is None else treatment.merge(Moments(1, value, 0.0))


def _is_enough(plan: Plan, control: Moments, treatment: Moments, rare: Moments) -> bool:
    """Say whether the one unit leaves what is large enough without it at the threshold."""
    before, after = (
        effect(control.mean, arm.mean, plan.primary).relative or 0.0
        for arm in (treatment, rare)
    )
    return after >= min(before, plan.improvement_threshold)


def _runs_per_case(analysis: Analysis, comparison: Comparison) -> float:
    counts = analysis.samples[comparison.treatment]
    return max(1.0, counts.trials / counts.completed) if counts.completed else 1.0


def cases_needed(
    plan: Plan, comparison: Comparison, cases: int, runs: float = 1.0
) -> int | None:
    """Return the cases at which differences of the same mean and spread would promote.

    From the e-value that so many cases have reached, each run so often on average; None as for
    `units_needed`.
    """
    if comparison.sequential is None or comparison.sequential.e_promote == 0 or cases < 2:
        return None
    needed = e_value_bar(plan.alpha, len(plan.treatments))
    size = statistic_of(comparison.sequential.e_promote, cases) / math.sqrt(cases)
    dear = _one_dear_case(plan, comparison, size, runs)

    def decides(n: int) -> bool:
        seen = Moments.from_summary(n, size, 1.0)
        return n > 1 and all(
            log_e_mixed(item.mean / item.standard_error, item.n - 1, item.n) >= needed
            for item in (seen, *(seen.merge(case) for case in dear))
        )

    return fewest(decides, 1, _MOST_UNITS)


def statistic_of(e_value: float, cases: int) -> float:
    """Return the t of the differences of so many cases that has this e-value."""
    reached = _log(e_value)
    if math.isinf(reached):
        return math.copysign(_FAR, reached)
    return root(lambda t: log_e_mixed(t, cases - 1, cases) - reached, -_FAR, _FAR)


def _one_dear_case(
    plan: Plan, comparison: Comparison, size: float, runs: float
) -> list[Moments]:
    """Return the one more case that a promotion must stand, in spreads of the differences."""
    seen = comparison.effect
    if not seen.absolute or not seen.relative or size == 0:
        return []
    centre, apart = abs(seen.absolute / seen.relative), abs(seen.absolute)
    if plan.primary.scale is Scale.LOG:
        centre, apart = 0.0, abs(math.log1p(-seen.relative))
    value = family_of(plan.primary).rare(centre, plan.primary, plan.unit)
    if value is None:
        return []
    return [Moments(1, size * (centre - value) / (runs * apart), 0.0)]


def _log(e_value: float) -> float:
    return math.log(e_value) if e_value > 0 else -math.inf


def _scale_moments(arm: ArmSummary, metric: Metric) -> Moments | None:
    log = metric.scale is Scale.LOG
    mean, sd = (arm.log_mean, arm.log_sd) if log else (arm.mean, arm.sd)
    return None if mean is None or sd is None else Moments.from_summary(arm.n, mean, sd)


def _grown(arm: Moments, factor: float) -> Moments:
    return Moments.from_summary(max(2, round(arm.n * factor)), arm.mean, arm.sd)
