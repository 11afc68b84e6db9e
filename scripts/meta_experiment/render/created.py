"""What `create` answers: the id, the plan in a few lines, what it can decide."""

from __future__ import annotations

from meta_experiment.decide.rules import rule_of
from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types import Assignment, Experiment, Plan, Status


def created(experiment: Experiment, outlook: str, style: Style, *, served: bool) -> str:
    """Write the answer to a new experiment; `served` tells that it is by itself."""
    plan = experiment.plan
    arms = ", ".join(words.name(item.name) for item in plan.variants)
    lines = [
        f"{style.strong(words.name(experiment.experiment_id))}  {experiment.status.value}",
        f"  Hypothesis  {words.quoted(plan.hypothesis)}",
        *(f"  File        {words.name(path)}" for path in plan.files),
        f"  Arms        {arms}, assigned by {plan.assignment.value} per {plan.unit.value}",
        f"  Decides on  {plan.primary.name} ({plan.primary.direction.value} is better)",
        *(
            f"  Guardrail   {item.metric.name} may worsen by {words.per_cent(item.margin)}"
            for item in plan.guardrails
        ),
        f"  Rule        {_rule(plan)}",
        f"  Outlook     {outlook}",
        f"  Next        {_next(experiment, served=served)}",
    ]
    return "\n".join(lines)


def _rule(plan: Plan) -> str:
    promote = f"promote at {words.per_cent(plan.improvement_threshold)} better or more"
    return f"{rule_of(plan).words.terms(plan)}; {promote}"


def _next(experiment: Experiment, *, served: bool) -> str:
    if experiment.status is Status.DRAFT:
        return f"meta-experiment start {experiment.experiment_id}"
    if served:
        return "use it as always; how it stands: meta-experiment status"
    if experiment.plan.assignment is Assignment.EXTERNAL:
        return (
            f"run a version, then: meta-experiment record {experiment.experiment_id} "
            f"--variant NAME --metric {experiment.plan.primary.name}=…"
        )
    return f"meta-experiment assign {experiment.experiment_id} --json, run it, then record"
