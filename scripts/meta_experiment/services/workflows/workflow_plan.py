"""A plan of this pack for an experiment that a workflow declares."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from meta_experiment.decide.metrics import family_of
from meta_experiment.errors import UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.model.per_cents import per_cent
from meta_experiment.model.plan_document import metric_to_document, plan_from_document
from meta_experiment.model.secrets import redacted_plan
from meta_experiment.records import dataclass
from meta_experiment.services.workflows.metric_choice import (
    ChosenMetric,
    MetricChoice,
    MetricWishes,
)
from meta_experiment.types import (
    AnalysisType,
    Assignment,
    Direction,
    MetricKind,
    Plan,
    Scale,
    Unit,
)
from meta_experiment.types.results.workflow_import import UnmappedMetric
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.arm_names import arm_names
from meta_experiment.workflows.workflow_names import TAG, experiment_tag

_ALL_DAYS = 3650.0  # where nobody says when it ends
_LEAST_ALPHA, _MOST_ALPHA = 1e-6, 0.49
_MOST_THRESHOLD = 99.0  # per cent; nothing is lowered by more


@dataclass(frozen=True, slots=True)
class WorkflowPlan:
    """The plan of an experiment, the name of each variant in it, and what was assumed."""

    plan: Plan
    variants: Mapping[str, str]
    unmapped: tuple[UnmappedMetric, ...]
    notes: tuple[str, ...]


def plan_for(
    workflow: str,
    declared: DeclaredExperiment,
    measured: Mapping[str, float],
    wishes: MetricWishes,
    directions: Mapping[str, Direction],
    control: str | None = None,
) -> WorkflowPlan:
    """Make the plan; what it says is fixed with the first import.

    Args:
        workflow: its name.
        declared: what it declares.
        measured: of every metric that any run has the control's mean, or that of all runs.
        wishes: what the user says of metrics.
        directions: what graders say of which way is better.
        control: which variant is the control, if not the first.

    Raises:
        UsageError: the primary metric is none that runs measure, or a wish makes no sense.
    """
    choice = MetricChoice(declared, tuple(measured), wishes, directions)
    chosen = choice.primary()
    notes = choice.notes
    arms = arm_weights(declared, control, notes)
    called = arm_names(declared.variants)
    names = {variant: called[variant] for variant in arms}
    notes += [
        f"The arm {item!r} is called {name}." for item, name in names.items() if item != name
    ]
    unequal = len(set(arms.values())) > 1
    primary = chosen.metric
    apart = unequal or declared.continual is not None
    if apart and primary.scale is Scale.RAW and primary.kind is not MetricKind.PROPORTION:
        primary = replace(primary, scale=Scale.LOG)
        notes.append(f"As the shares are unequal, {primary.name} is compared by ratios.")
    policy, mean = declared.decision, measured.get(primary.name)
    regression = policy.regression_tolerance
    guardrails = choice.guardrails(primary)
    secondary = choice.secondary(primary, [item["name"] for item in guardrails])
    first, *others = arms
    shares = sorted(arms.items()) if unequal else ()
    compared = (first, sorted(others), primary.name, primary.direction.value, *shares)
    digest = hashlib.sha256(repr(compared).encode()).hexdigest()[:16]
    identity = experiment_tag(workflow, declared.name)
    document: dict[str, Any] = {
        "name": f"{workflow}/{declared.name}",
        "hypothesis": declared.hypothesis
        or f"A variant is better than {next(iter(arms))} in {primary.name}.",
        "files": [],
        "variants": [
            {"name": name, "weight": arms[variant]} for variant, name in names.items()
        ],
        "metrics": {
            "primary": metric_to_document(primary),
            "guardrails": guardrails,
            "secondary": secondary,
        },
        "targets": {
            "improvement_threshold": _relative(policy.minimum_effect, chosen, mean, notes)
        }
        | (
            {}
            if regression is None
            else {"max_regression": _relative(regression, chosen, mean, notes)}
        ),
        "stopping": {
            "alpha": min(max(round(1.0 - policy.confidence, 12), _LEAST_ALPHA), _MOST_ALPHA),
            "sample_size": max(2, declared.min_samples),
            "max_duration_days": _days(declared, notes),
        },
        "unit": Unit.INVOCATION.value,
        # no workflow draws side by side: a variant that is new comes alone until it has as many
        # runs as the others, and what changed in time meanwhile would be taken for its effect
        "covariates": ["position"] if family_of(primary).takes_covariates else [],
        "assignment": {"method": Assignment.EXTERNAL.value},
        "analysis_type": _test(declared, primary.kind, notes),
        "tags": [f"imported:{TAG}", identity, f"{identity}@{digest}"],
    }
    plan = plan_from_document(redacted_plan(document))
    return WorkflowPlan(plan, names, tuple(choice.unmapped), tuple(dict.fromkeys(notes)))


def arm_weights(
    declared: DeclaredExperiment, control: str | None, notes: list[str]
) -> dict[str, float]:
    """Return the variants with their weights, the control first; none that no run gets.

    What was assumed is added to the notes.

    Raises:
        UsageError: the control is no variant.
    """
    first = control or declared.control
    if first not in declared.variants:
        raise UsageError(
            f"{declared.name} has no variant {first!r:.80}; it has "
            f"{', '.join(declared.variants)}.",
            hint=suggestion(first, declared.variants),
        )
    order = (first, *(item for item in declared.variants if item != first))
    if declared.continual is not None:
        notes.append(
            f"The shares of {declared.name} grow by stages; counts are not held against any."
        )
        return dict.fromkeys(order, 1.0)
    if declared.weight is None:
        return dict.fromkeys(order, 1.0)
    weights = dict(zip(declared.variants, declared.weight, strict=True))
    none = [item for item in order if weights[item] <= 0]
    if none and len(none) < len(order) - 1 and first not in none:
        notes.append(f"{', '.join(none)} of {declared.name} has the weight 0 and gets no runs.")
        order = tuple(item for item in order if item not in none)
    top = max(weights.values()) or 1.0
    return {item: max(weights[item] / top, 0.001) for item in order}


def _relative(
    effect: float, chosen: ChosenMetric, mean: float | None, notes: list[str]
) -> float:
    """Return an effect in the unit of a metric as per cent of the control's mean."""
    if not effect:
        return 0.0
    if not mean:
        notes.append(
            f"An effect of {effect:g} is asked for; as the control has no mean yet, any counts."
        )
        return 0.0
    share = min(per_cent(abs(effect * chosen.factor / mean)), _MOST_THRESHOLD)
    notes.append(
        f"An effect of {effect:g} is {share:.3g}% of what the control of these runs has on "
        f"average, {mean / chosen.factor:.4g}."
    )
    return share


def _days(declared: DeclaredExperiment, notes: list[str]) -> float:
    if declared.end_date is None or declared.start_date is None:
        if declared.end_date is None:
            notes.append(
                f"{declared.name} declares no end_date, so that nothing ends it but a decision."
            )
        return _ALL_DAYS
    try:
        span = date.fromisoformat(declared.end_date) - date.fromisoformat(declared.start_date)
    except ValueError:
        return _ALL_DAYS
    return float(min(max(span.days + 1, 1), _ALL_DAYS))


def _test(declared: DeclaredExperiment, kind: MetricKind, notes: list[str]) -> str:
    """Return the test that is reported beside, where it is one for such a metric."""
    asked = declared.analysis_type
    if asked is None:
        return AnalysisType.AUTO.value
    of_rates = asked.value in (AnalysisType.PROPORTION_TEST, AnalysisType.BAYESIAN_AB)
    if of_rates and kind is not MetricKind.PROPORTION:
        notes.append(f"{asked.value} is for rates; the usual test is shown beside.")
        return AnalysisType.AUTO.value
    return asked.value
