"""A holdout: what a share that keeps the old version says of a promotion, at every look.

Three e-processes, all on units that were drawn after the launch: that the promoted text is
still better than the one before, that it is worse by now, and that its effect is below what it
was to keep. That boundary is fixed at the launch, so that each errs with α at most, however
often one looks (Howard et al. 2021, Annals of Statistics 49(2)); the first as far as a t of
skewed values does, of which the small arm is taken to spread as the large one may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from meta_experiment.decide.evidence import NOTHING, Evidence
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import Claim, Holdout, HoldoutStanding, Plan, Trial

PROMOTED, PREVIOUS = "promoted", "previous"
"""The arms of a holdout: the file as it is, and the text before."""

_PART_KEPT = 0.5  # of the lower bound that was promoted
_IN_A_ROW = 3  # uses on another model; one of them may be somebody's look at another


def decayed_below(plan: Plan, lowest: float | None) -> float:
    """Return the effect below which a promotion has decayed: half of its lower bound.

    That is the plan's threshold where that was claimed, and where nothing was shown (`lowest`
    is the lower end of the always-valid interval at the promotion).
    """
    if plan.claim is Claim.THRESHOLD or lowest is None or lowest <= 0:
        return plan.improvement_threshold
    return _PART_KEPT * lowest


def standing(plan: Plan, rule: Rule, samples: Samples) -> HoldoutStanding | None:
    """Return how a promotion stands, of a plan as its arms are compared; None of no holdout."""
    holdout = plan.holdout
    if holdout is None:
        return None
    previous, promoted = samples.compared(plan.treatments[0].name, plan.primary)

    def worse(at: float) -> float:
        return log_worse(plan, rule, previous, promoted, at)

    return HoldoutStanding(
        of=holdout.of,
        still_better=safe_exp(log_better(plan, rule, previous, promoted)),
        reversed=safe_exp(worse(0.0)),
        decayed=safe_exp(worse(holdout.decayed_below)),
        decayed_below=holdout.decayed_below,
        previous=len(previous),
        promoted=len(promoted),
    )


def log_better(plan: Plan, rule: Rule, previous: Sample, promoted: Sample) -> float:
    """Return the log evidence that the promoted text is still better than the one before."""
    own = _by_values(plan, rule, previous, promoted, 0.0)
    if own is NOTHING:
        return own.better
    from meta_experiment.decide.metrics.held_spread import better_at_one_spread  # few are

    alike = better_at_one_spread(plan.primary, previous, promoted)
    return own.better if alike is None else min(own.better, alike)


def log_worse(
    plan: Plan,
    rule: Rule,
    previous: Sample,
    promoted: Sample,
    at: float,
    *,
    least: float = -inf,
) -> float:
    """Return the log evidence that the effect is below `at`, by the values and by the draw.

    The draw, which takes longer, is not asked where the values say less than `least`.
    """
    own = _by_values(plan, rule, previous, promoted, at)
    if own is NOTHING or own.worse < least:
        return own.worse
    from meta_experiment.decide.metrics.held_draw import worse_by_draw  # few are holdouts

    drawn = worse_by_draw(plan, previous, promoted, at)
    return own.worse if drawn is None else min(own.worse, drawn)


def _by_values(
    plan: Plan, rule: Rule, previous: Sample, promoted: Sample, at: float
) -> Evidence:
    try:
        return rule.evidence(plan, previous, promoted, plan.primary, at)
    except DegenerateDataError:
        return NOTHING


def other_model(holdout: Holdout, trials: Sequence[Trial]) -> str | None:
    """Return the model on which the last uses ran, if the promotion was shown on others.

    Several in a row: one use on another model changes no question. Where the evidence did not
    tell its models, that of the first use stands for them.
    """
    begun = sorted(trials, key=lambda trial: (trial.order, trial.assigned_at or 0.0))
    ran = [model for trial in begun if (model := trial.fingerprint.get("model"))]
    known = set(holdout.models) or set(ran[:1])
    last = set(ran[-_IN_A_ROW:])
    if len(ran) < _IN_A_ROW or last & known:
        return None
    return ran[-1]


def within(trials: Iterable[Trial], end: float) -> tuple[Trial, ...]:
    """Return the trials that were assigned before a moment."""
    return tuple(it for it in trials if it.assigned_at is not None and it.assigned_at < end)
