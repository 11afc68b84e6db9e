"""Proof of harm, on which an arm ends before any other decision is open."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.decide.metrics import design_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import e_value_bar
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.scale import effect, sign
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import described
from meta_experiment.types import Metric, Plan

_FEWEST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Harm:
    """A treatment shown to be worse on a safety metric.

    `excess` is the log evidence beyond what the metric's share of α asks for.
    """

    metric: str
    excess: float
    sentence: str


def safety_metrics(plan: Plan) -> tuple[Metric, ...]:
    """Return what is watched for harm: the primary, the error rate, and what the plan adds."""
    watched = (ERROR_RATE, *plan.secondary, *(rail.metric for rail in plan.guardrails))
    known = {item.name: item for item in (*watched, plan.primary)}
    named = (plan.primary.name, ERROR_RATE.name, *plan.safety_metrics)
    return tuple(known[name] for name in dict.fromkeys(named) if name in known)


def harm(
    plan: Plan, samples: Samples, treatment: str, shares: Mapping[str, float]
) -> Harm | None:
    """Return the clearest proven harm of a treatment, or None.

    Every metric needs an e-value of 1/(its share of α), so that at most α of harmless
    treatments end in this way, however often it looks, under either stopping rule. From three
    pairs on: a twofold slowdown is caught after about a dozen.
    """
    found = (
        item
        for metric in safety_metrics(plan)
        if (item := _harm(plan, samples, treatment, metric, shares[metric.name])) is not None
        and item.excess >= 0
    )
    return max(found, key=lambda item: item.excess, default=None)


def _harm(
    plan: Plan, samples: Samples, treatment: str, metric: Metric, share: float
) -> Harm | None:
    control, treated = samples.compared(treatment, metric)
    if min(len(control), len(treated)) < _FEWEST_PAIRS:
        return None
    if plan.ramp is None and sign(metric) * (treated.centre - control.centre) >= 0:
        return None  # on a ramp pooled means tell of times as well as of arms
    try:
        worse = design_of(plan, metric).evidence(control, treated, metric, 0.0).worse
    except DegenerateDataError:
        return None
    return Harm(
        metric.name,
        worse - e_value_bar(plan.alpha, 1 / share),
        f"{treatment} does harm: {metric.name} is {_seen(control, treated, metric)} over "
        f"{len(treated)} units (against {len(control)} of the control).",
    )


def _seen(control: Sample, treated: Sample, metric: Metric) -> str:
    seen = effect(control.centre, treated.centre, metric)
    if seen.relative is None:
        return f"{treated.centre:.3g} against {control.centre:.3g}"
    return described(seen.relative)
