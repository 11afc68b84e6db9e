"""A prior of the lift from what an earlier experiment found, whose trials stay out."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.errors import NotFoundError, RefusedError, cite
from meta_experiment.model.per_cents import per_cent
from meta_experiment.model.plan_document import metric_from_document
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.planning.request import Request
from meta_experiment.services.workspace import Workspace
from meta_experiment.stats.lift_posterior import NormalPrior
from meta_experiment.types import Comparison, Metric, Plan


def with_learnt_prior(workspace: Workspace, request: Request) -> Request:
    """Fill in the prior of a request that names where it comes from, and nothing else of it.

    It is named by `ID`, or by `ID:VARIANT` where it had several treatments. The prior's middle
    is that of the interval that the experiment ended with, at one look (of a bandit at every
    look), and its standard deviation what makes the interval the central one of a normal.

    Raises:
        NotFoundError, ConflictError: no experiment or treatment, or several, are meant.
        RefusedError: it goes on, is on another metric, or has no such interval.
    """
    prior = request.document.get("prior")
    if not isinstance(prior, dict) or not prior.get("source") or "sd" in prior:
        return request
    selector, _, variant = str(prior["source"]).partition(":")
    found = find_in(workspace.store, selector)
    name = found.experiment_id
    if found.status.is_open:
        raise RefusedError(
            f"{name} is {found.status.value}: a prior comes from what has ended, so that no "
            "trial can count in both.",
            hint=f"meta-experiment stop {name}",
        )
    metric = metric_from_document(
        (request.document.get("metrics") or {}).get("primary"), "metrics.primary"
    )
    if _compared(found.plan.primary) != _compared(metric):
        raise RefusedError(
            f"{name} compared {_described(found.plan.primary)}: what it found is no prior of "
            f"{_described(metric)}.",
            hint="Name the same primary metric, or give --prior MEAN:SD.",
        )
    treatment = _meant(found.plan, variant, name)
    comparisons = examine(workspace, found).analysis.primary.comparisons
    compared = next(item for item in comparisons if item.treatment == treatment)
    learnt = _learnt(found.plan, compared, name)
    known = {
        "mean": per_cent(learnt.mean),
        "sd": per_cent(learnt.variance**0.5),
        "source": name,
    }
    note = (
        f"Prior of the improvement: {100 * learnt.mean:.3g}% with a standard deviation of "
        f"{known['sd']:.3g}%, from {name}, whose trials are not counted again."
    )
    return replace(
        request, document={**request.document, "prior": known}, notes=(*request.notes, note)
    )


def _compared(metric: Metric) -> tuple[object, ...]:
    return metric.name, metric.direction, metric.scale, metric.kind


def _described(metric: Metric) -> str:
    return f"{metric.name} ({metric.scale.value} scale, {metric.direction.value} is better)"


def _meant(plan: Plan, variant: str, name: str) -> str:
    """Return the treatment whose effect is meant: the one there is, or the one named.

    Who wins among several looks better than it is, so that none is taken for having won.
    """
    treatments = [item.name for item in plan.treatments]
    if variant and variant not in treatments:
        raise NotFoundError(
            f"{name} has no treatment {cite(variant)}.",
            hint=f"There are: {', '.join(treatments)}.",
        )
    if not variant and len(treatments) > 1:
        raise RefusedError(
            f"{name} had {len(treatments)} treatments: the effect of which is meant is yours "
            "to say. That of a winner is no fair guess, as it was picked for its size.",
            hint=f"Name one: --prior-from {name}:{treatments[0]}",
        )
    return variant or treatments[0]


def _learnt(plan: Plan, found: Comparison, name: str) -> NormalPrior:
    """Return the prior that an interval makes; of a bandit the one that holds at every look.

    At one look what a bandit drew says too much: its shares followed the values.
    """
    always = found.sequential.interval if found.sequential is not None else None
    interval = found.interval if plan.bandit is None else always
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    if interval is not None and low is not None and high is not None and low < high:
        return NormalPrior.from_interval(low, high, level=interval.level)
    every = " that holds at every look, as a bandit's must," if plan.bandit is not None else ""
    raise RefusedError(
        f"{name} ended without an interval{every} of its effect, which a prior is made of.",
        hint="Give it by hand: --prior MEAN:SD, in per cent.",
    )
