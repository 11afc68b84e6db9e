"""A prior of the lift from what an earlier experiment found, whose trials stay out."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.errors import RefusedError
from meta_experiment.model.per_cents import per_cent
from meta_experiment.model.plan_document import metric_from_document
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.planning.request import Request
from meta_experiment.services.workspace import Workspace
from meta_experiment.stats.lift_posterior import NormalPrior
from meta_experiment.types import Analysis, Comparison, Metric


def with_learnt_prior(workspace: Workspace, request: Request) -> Request:
    """Fill in the prior of a request that names where it comes from, and nothing else of it.

    Its middle is that of the interval that the experiment ended with, at one look, and its
    standard deviation what makes the interval the central one of a normal.

    Raises:
        NotFoundError, ConflictError: no experiment, or several, are meant.
        RefusedError: it goes on, is on another metric, or has no such interval.
    """
    prior = request.document.get("prior")
    if not isinstance(prior, dict) or not prior.get("source") or "sd" in prior:
        return request
    found = find_in(workspace.store, str(prior["source"]))
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
    interval = _best(examine(workspace, found).analysis).interval
    if interval.low is None or interval.high is None or interval.low >= interval.high:
        raise RefusedError(
            f"{name} ended without an interval of its effect, which a prior is made of.",
            hint="Give it by hand: --prior MEAN:SD, in per cent.",
        )
    learnt = NormalPrior.from_interval(interval.low, interval.high, level=interval.level)
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


def _best(analysis: Analysis) -> Comparison:
    comparisons = analysis.primary.comparisons
    won = [item for item in comparisons if item.treatment == analysis.winner]
    if len(comparisons) > 1 and not won:
        raise RefusedError(
            f"{analysis.experiment_id} had {len(comparisons)} treatments and none has won: "
            "which of its effects is meant is yours to say.",
            hint="Give it by hand: --prior MEAN:SD, in per cent.",
        )
    return (won or comparisons)[0]
