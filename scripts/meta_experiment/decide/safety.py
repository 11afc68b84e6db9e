"""Proof of harm, on which an arm is rolled back before any other decision is open."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.decide.metrics import design_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import e_value_bar
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.scale import described, effect, sign
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.types import Metric, Plan

_FEWEST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Harm:
    """A treatment shown to be worse on a safety metric; `log_e` is the evidence."""

    treatment: str
    metric: str
    log_e: float
    sentence: str


def safety_metrics(plan: Plan) -> tuple[Metric, ...]:
    """Return what is watched for harm: the primary, the error rate, and what the plan adds."""
    watched = (ERROR_RATE, *plan.secondary, *(rail.metric for rail in plan.guardrails))
    known = {item.name: item for item in (*watched, plan.primary)}
    named = (plan.primary.name, ERROR_RATE.name, *plan.safety_metrics)
    return tuple(known[name] for name in dict.fromkeys(named) if name in known)


def harm(plan: Plan, samples: Samples) -> Harm | None:
    """Return the clearest proven harm, or None.

    Every metric of every treatment needs an e-value of K/α, with K of them in all: at most α
    of harmless experiments are rolled back in this way, however often it looks, under either
    stopping rule. From three pairs on: a twofold slowdown is caught after about 11.
    """
    metrics = safety_metrics(plan)
    needed = e_value_bar(plan.alpha, len(metrics) * len(plan.treatments))
    found = [item for item in _evidence(plan, metrics, samples) if item.log_e >= needed]
    return max(found, key=lambda item: item.log_e, default=None)


def _evidence(plan: Plan, metrics: tuple[Metric, ...], samples: Samples) -> Iterator[Harm]:
    for metric in metrics:
        evidence = design_of(plan, metric).evidence
        for treatment in plan.treatments:
            control, treated = samples.compared(treatment.name, metric)
            if min(len(control), len(treated)) < _FEWEST_PAIRS:
                continue
            if sign(metric) * (treated.centre - control.centre) >= 0:
                continue
            try:
                worse = evidence(control, treated, metric, 0.0).worse
            except DegenerateDataError:
                continue
            yield Harm(
                treatment.name,
                metric.name,
                worse,
                f"{treatment.name} does harm: {metric.name} is "
                f"{_seen(control, treated, metric)} over {len(treated)} units "
                f"(against {len(control)} of the control).",
            )


def _seen(control: Sample, treated: Sample, metric: Metric) -> str:
    seen = effect(control.centre, treated.centre, metric)
    if seen.relative is None:
        return f"{treated.centre:.3g} against {control.centre:.3g}"
    return described(seen.relative)
