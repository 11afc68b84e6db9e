"""What the parts of a plan must be to each other."""

from __future__ import annotations

import math
import re
from itertools import pairwise

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model import fields
from meta_experiment.model.instants import end_told, to_text
from meta_experiment.model.metrics import KNOWN_METRICS, known_metric
from meta_experiment.model.team_document import check_team
from meta_experiment.stats.figures import chosen
from meta_experiment.types import (
    Assignment,
    Comparator,
    Direction,
    MetricKind,
    Plan,
    Scale,
    Unit,
)
from meta_experiment.types.covariates import (
    DERIVED_COVARIATES,
    KNOWN_COVARIATES,
    MOST_COLUMNS,
    columns_of,
)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
OF_CASES = (
    "eval cases are compared with themselves. What a case has of its own, as its size, is in "
    "both of its values and leaves their difference, so that no covariate has more to explain."
)
_MOST_TREATMENTS = 100
_NO_ERROR_RATE = 0.5  # of one side
_TINY = 1e-9  # what rounding may take from a share


def check_plan(plan: Plan) -> None:
    """Refuse a plan whose parts do not go together.

    Raises:
        UsageError: what does not, and what is expected.
    """
    names = [item.name for item in plan.variants]
    if len(names) < 2 or len(set(names)) < len(names) or len(names) > _MOST_TREATMENTS + 1:
        raise UsageError(
            f"plan.variants: {', '.join(names)}: expected a control and one to "
            f"{_MOST_TREATMENTS} treatments, each with a name of its own."
        )
    _check_comparators(plan)
    if len(set(plan.files)) < len(plan.files):
        raise UsageError("plan.files: a file is named twice.")
    metrics = [plan.primary.name, *(item.metric.name for item in plan.guardrails)]
    if len(set(metrics)) < len(metrics):
        raise UsageError(
            f"plan.metrics: a metric is named twice among {', '.join(metrics)}; "
            "primary and guardrails must differ."
        )
    _check_report(plan)
    _check_parts(plan)
    _check_covariates(plan)
    _check_robust(plan)
    _check_belief(plan)
    _check_bandit(plan)
    _check_ramp(plan)
    _check_dates(plan)
    _check_layer(plan)
    equal = len({item.weight for item in plan.variants}) == 1 and not plan.moves_shares
    counted = (MetricKind.PROPORTION, MetricKind.QUANTILE)
    summed = plan.primary.kind not in counted and plan.primary.scale is Scale.RAW
    if not equal and summed:
        raise UsageError(
            f"The metric {cite(plan.primary.name)} is compared on its raw scale, which needs "
            "arms of equal weight: a small arm of skewed values does not keep the error rate.",
            hint=(
                f"Compare ratios with --scale log, or leave the {plan.assignment.value}."
                if plan.moves_shares
                else "Give every variant the same weight, or compare ratios with --scale log."
            ),
        )
    if plan.primary.direction is Direction.LOWER and plan.improvement_threshold >= 1:
        raise UsageError(
            f"targets.improvement_threshold: nothing lowers {plan.primary.name} by "
            f"{chosen(plan.improvement_threshold)}; expected less than 100."
        )
    if plan.max_sample is not None and plan.max_sample < plan.sample_size:
        raise UsageError(
            f"stopping.max_sample {plan.max_sample} is below sample_size {plan.sample_size}: "
            "the experiment would end before it may decide."
        )


def _check_comparators(plan: Plan) -> None:
    if not plan.treatments or plan.control.comparator is not None:
        raise UsageError(
            "plan.variants: expected a control first and a treatment beside it; an arm with a "
            "comparator is neither."
        )
    kinds = [item.comparator for item in plan.comparators]
    if len(set(kinds)) < len(kinds):
        raise UsageError("plan.variants: of each comparator one arm is enough.")
    if kinds and plan.unit is not Unit.CASE:
        raise UsageError(
            f"plan.variants: {plan.comparators[0].name} is there to be compared alone, and in "
            f"live use every {plan.unit.value} of it is lost to whoever works.",
            hint="Run it on cases: --unit case",
        )
    if Comparator.PLACEBO in kinds and len(plan.treatments) > 1:
        raise UsageError(
            f"plan.variants: a placebo is as long as one treatment, and there are "
            f"{len(plan.treatments)}.",
            hint="Leave it out, or try one treatment at a time.",
        )


def check_new_plan(plan: Plan) -> None:
    """Refuse what stored plans may have and a plan that is made, or changed, now may not.

    Raises:
        UsageError: what that is, and what is expected.
    """
    if plan.alpha >= _NO_ERROR_RATE:
        raise UsageError(
            f"stopping.alpha: {plan.alpha:g} is a coin's, and leaves an interval no "
            "confidence; expected less.",
            hint="Give it as a fraction: 0.05 is five per cent.",
        )
    for metric in plan.metrics:
        if metric.kind is MetricKind.PREFERENCE and plan.unit is not Unit.CASE:
            raise UsageError(
                f"plan.metrics: {metric.name} says which of two works is preferred; "
                f"expected a plan whose units are cases, not {plan.unit.value}s.",
                hint="Add --unit case, or name another metric.",
            )
    _check_steps(plan)
    check_team(plan)
    names = [item.name for item in plan.variants]
    if len({name.casefold() for name in names}) < len(names):
        raise UsageError(
            f"plan.variants: {', '.join(names)}: two names differ in case alone and are one to "
            "some file systems; expected names that differ in more."
        )
    kinds = {name: item.kind for name, item in KNOWN_METRICS.items()}
    kinds |= {item.name: item.kind for item in plan.metrics}
    for metric in plan.metrics:
        (base, *_) = metric.recorded
        quantile = metric.kind is MetricKind.QUANTILE
        if quantile and kinds.get(base) is MetricKind.PROPORTION:
            raise UsageError(
                f"plan.metrics: {metric.name} is a quantile of {base}, which is 0 or 1 for "
                "each trial, so that a quantile of it is no more than one of these.",
                hint=f"Name {base} itself.",
            )


def _check_steps(plan: Plan) -> None:
    """Steps are told by the shares of the last draw, which are whole parts of 10,000."""
    ramp = plan.ramp
    if ramp is None:
        return
    from meta_experiment.assign.adaptive import PARTS

    if len(ramp.steps) == 1:
        share = ramp.steps[0]
        what = (
            "a treatment for everybody at once, without a control to show harm"
            if share == 1.0
            else "a fixed share"
        )
        raise UsageError(
            f"assignment.ramp: one step of {100 * share:.4g}% is no ramp but {what}; expected "
            "two steps or more.",
            hint="For a ramp: --ramp 5,25,50. A share that is to stay as it is has weights, in "
            "a plan file: variants: [{name: control, weight: 3}, {name: treatment, weight: 1}]",
        )
    weights = [item.weight for item in plan.variants[1:]]
    least = sum(weights) / min(weights) / PARTS
    if ramp.steps[0] < least - _TINY:
        raise UsageError(
            f"assignment.ramp: {100 * ramp.steps[0]:.4g}% of the units leave one of "
            f"{len(weights)} treatments less than 0.01%, the least that is drawn; expected "
            f"{_rounded_up(100 * least):g}% or more.",
            hint="Begin with a larger step, or try fewer treatments.",
        )
    apart = 2 / PARTS  # the share of an arm is off by up to one part, as all sum exactly
    for before, after in pairwise(ramp.steps):
        if after - before < apart - _TINY:
            raise UsageError(
                f"assignment.ramp: the steps {100 * before:.6g}% and {100 * after:.6g}% cannot "
                f"be told apart; expected at least {100 * apart:g} between two steps.",
                hint="For example: --ramp 5,25,50",
            )


def _rounded_up(per_cent: float) -> float:
    return math.ceil(per_cent * 100 - _TINY) / 100


def _check_report(plan: Plan) -> None:
    """What the model is asked for must be a metric that can be recorded."""
    known = KNOWN_METRICS.keys() | {item.name for item in plan.metrics if item.is_recorded}
    for name in plan.report:
        if name not in known:
            raise UsageError(
                f"plan.report: the metric {cite(name)} is neither in the plan nor a known one.",
                hint=fields.suggestion(name, known)
                or f"Describe it first, for example --secondary {as_word(name)}:higher",
            )


def _check_parts(plan: Plan) -> None:
    """What a ratio or a quantile is made of must be a metric that can be recorded."""
    described = {metric.name for metric in plan.metrics if metric.is_recorded}
    for metric in plan.metrics:
        for name in metric.recorded:
            if known_metric(name) is None and name not in described:
                raise UsageError(
                    f"plan.metrics: {metric.name} is made of {cite(name)}, which is neither in "
                    "the plan nor a known metric.",
                    hint=fields.suggestion(name, KNOWN_METRICS)
                    or f"Describe it, for example --secondary {as_word(name)}:lower",
                )


def _check_robust(plan: Plan) -> None:
    """The draw speaks where it is known: of two arms, whose values are recorded."""
    if plan.robust and not plan.knows_its_draw:
        raise UsageError(
            f"plan.robust does not serve {plan.primary.name} of {len(plan.variants)} arms per "
            f"{plan.unit.value}, assigned by {plan.assignment.value}: expected a metric that "
            "trials have (no ratio, no quantile), one treatment, and another unit than cases, "
            "drawn here (block, hash, weighted) by one machine.",
            hint="Leave it out.",
        )


def _check_bandit(plan: Plan) -> None:
    """A bandit moves shares by what closed: over units in live use, looked at on the way."""
    bandit = plan.bandit
    if bandit is None:
        return
    arms = len(plan.variants)
    if arms * bandit.floor > 1.0 + 1e-9:
        raise UsageError(
            f"assignment.floor: {arms} arms of at least {bandit.floor:.4g} each are more than "
            f"all; expected at most {1 / arms:.4g}.",
            hint=f"At {100 / arms:.4g} every arm has the same share, and nothing moves.",
        )
    _check_moving(plan)
    if plan.primary.kind in (MetricKind.RATIO, MetricKind.QUANTILE):
        raise UsageError(
            f"assignment.method: {plan.primary.name} is a {plan.primary.kind.value}; a bandit "
            "moves by a mean or a rate of the units.",
            hint="Name such a --primary-metric, or leave the bandit.",
        )
    if len({item.weight for item in plan.variants}) > 1:
        raise UsageError(
            "plan.variants: a bandit moves the shares itself; expected arms of equal weight.",
            hint="Leave the weights out; --floor names the least share.",
        )


def _check_moving(plan: Plan) -> None:
    """Shares that change are of units in live use, looked at on the way."""
    method = plan.assignment.value
    if plan.unit is Unit.CASE:
        raise UsageError(
            f"assignment.method: eval cases run in every arm, so that a {method} has nothing "
            "to draw; expected units of live use.",
            hint="Leave it out: runs on cases are compared case by case.",
        )
    from meta_experiment.decide.rules import rule_of

    if not rule_of(plan).extendable:
        raise UsageError(
            f"stopping.rule: one fixed look at units that a {method} drew errs more often than "
            "it says; expected a rule that is valid at every look.",
            hint="Leave --stopping out.",
        )


def _check_ramp(plan: Plan) -> None:
    """On a ramp time and arm go together, so that pooled sums tell nothing of an effect."""
    if plan.ramp is None:
        return
    _check_moving(plan)
    pooled = (MetricKind.RATIO, MetricKind.QUANTILE)
    for metric in (plan.primary, *(item.metric for item in plan.guardrails)):
        if metric.kind in pooled:
            raise UsageError(
                f"assignment.ramp: {metric.name} is a {metric.kind.value} of all units of an "
                "arm, and those of a ramp came at other times than the control's; expected "
                "means and rates.",
                hint="Name it with --secondary, which decides nothing, or leave the ramp.",
            )


def _check_dates(plan: Plan) -> None:
    start, end = plan.start_date, plan.end_date
    if start is None and end is None:
        return
    if plan.unit is Unit.CASE or plan.assignment is Assignment.EXTERNAL:
        raise UsageError(
            f"plan.{'end' if start is None else 'start'}_date: dates say when units of live "
            "use take part; eval cases, and what is drawn elsewhere, come when they are run.",
            hint="Leave it out.",
        )
    if start is not None and end is not None and end <= start:
        raise UsageError(
            f"plan.end_date: {end_told(end)} is not after start_date, {to_text(start)}; "
            "expected an end that comes after the start."
        )


def _check_layer(plan: Plan) -> None:
    """A layer keeps apart what meets in one unit, as prompts do in a session."""
    lasting = plan.unit in (Unit.SESSION, Unit.USER)
    if plan.layer is not None and (not lasting or plan.assignment is Assignment.EXTERNAL):
        drawn = "drawn elsewhere" if lasting else f"{plan.unit.value}s"
        raise UsageError(
            f"plan.layer: experiments of a layer are kept apart by sessions or users, and the "
            f"units here are {drawn}.",
            hint="Use --unit session, or leave the layer out.",
        )


def _check_belief(plan: Plan) -> None:
    """A prior and a price are of what is believed: they serve a rule that shows it."""
    asked = [name for name in ("prior", "price") if getattr(plan, name) is not None]
    if not asked:
        return
    from meta_experiment.decide.metrics import design_of
    from meta_experiment.decide.rules import rule_of

    if design_of(plan, plan.primary).believe is None or not rule_of(plan).believes:
        raise UsageError(
            f"plan.{asked[0]} does not serve {plan.primary.name} under the stopping rule "
            f"{plan.stopping.value}: expected a rule that shows what is believed, of a mean or "
            "a rate.",
            hint="Add --stopping bayesian, or leave it out.",
        )
    if plan.prior and plan.primary.direction is Direction.LOWER and plan.prior.mean >= 1:
        raise UsageError(
            f"prior.mean: nothing lowers {plan.primary.name} by {plan.prior.mean:.0%}; "
            "expected less than 100."
        )


def _check_covariates(plan: Plan) -> None:
    """Refuse what no unit can bring along, and what its own variant could move."""
    measured = KNOWN_METRICS.keys() | {metric.name for metric in plan.metrics}
    for name in plan.covariates:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"plan.covariates: {cite(name)} is no name of a covariate; letters, digits, "
                "'_', '.' and '-' are."
            )
        if name in measured or known_metric(name) is not None:
            raise UsageError(
                f"plan.covariates: {cite(name)} is measured on the unit itself, so that its "
                "variant can move it; expected what is known before the variant is drawn.",
                hint=f"For example: {', '.join((*KNOWN_COVARIATES, *DERIVED_COVARIATES))}.",
            )
    if plan.covariates and plan.unit is Unit.CASE:
        raise UsageError(f"plan.covariates: {OF_CASES}", hint="Leave them out.")
    if len(set(plan.covariates)) < len(plan.covariates):
        raise UsageError("plan.covariates: a covariate is named twice.")
    if columns_of(plan.covariates) > MOST_COLUMNS:
        raise UsageError(
            f"plan.covariates: {', '.join(plan.covariates)}: expected at most "
            f"{MOST_COLUMNS}, of which `previous` counts for two, the value and the arm of the "
            "unit before."
        )
