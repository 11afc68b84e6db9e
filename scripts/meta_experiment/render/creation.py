"""Page of `create`: the id, the plan in a few lines, what it can decide."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.decide.rules import rule_of
from meta_experiment.render import over_time, words
from meta_experiment.render.blocks import Facts, Heading, Page
from meta_experiment.types import Assignment, Plan, Status, Unit
from meta_experiment.types.results.creation import Creation


def creation(made: Creation) -> Page:
    """Show what is planned, and what to do next."""
    plan = made.experiment.plan
    arms = ", ".join(words.name(item.name) for item in plan.variants)
    facts = (
        ("Hypothesis", words.quoted(plan.hypothesis)),
        *(("File", words.name(path)) for path in plan.files),
        *_folder(made),
        ("Arms", f"{arms}, assigned by {plan.assignment.value} per {plan.unit.value}"),
        ("Decides on", f"{plan.primary.name} ({plan.primary.direction.value} is better)"),
        *(
            ("Guardrail", f"{item.metric.name} may worsen by {words.chosen(item.margin)}")
            for item in plan.guardrails
        ),
        *((("Covariates", ", ".join(plan.covariates)),) if plan.covariates else ()),
        ("Rule", _rule(plan)),
        *_exposure(plan),
        *_team(plan),
        ("Outlook", made.outlook),
        ("Next", _next(made)),
    )
    return ((Heading(words.name(made.experiment_id), made.status.value), Facts(facts)),)


def _folder(made: Creation) -> Iterator[tuple[str, str]]:
    """Say how many files there are beside the prompts, of skills that are compared whole."""
    count = len(made.experiment.versions) - len(made.experiment.plan.files)
    if count > 0:
        yield "Folder", f"{count:,} more file{'s' if count > 1 else ''} of the skill with it"


def _exposure(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say the steps, the dates and the layer, where there are any."""
    if plan.ramp is not None:
        steps = ", ".join(map(over_time.share, plan.ramp.steps))
        yield (
            "Ramp",
            (
                f"{steps} of units to the treatments, each for {plan.ramp.days:g} days and "
                f"{plan.ramp.units:,} units at least"
            ),
        )
    yield from over_time.planned(plan)


def _team(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say where a team's promotion goes, and who brings it there."""
    if team := plan.team:
        how = team.carry_out.value
        yield "Team", words.team(team.branch, how, team.machines, auto=plan.auto)


def _rule(plan: Plan) -> str:
    promote = f"promote at {words.chosen(plan.improvement_threshold)} better or more"
    robust = "; the exact evidence of the draw averaged in" if plan.robust else ""
    return f"{rule_of(plan).words.terms(plan)}; {promote}{robust}"


def _next(made: Creation) -> str:
    if made.experiment.plan.unit is Unit.CASE and made.experiment.versions:
        return f"meta-experiment run {made.experiment_id} --cases PATH --preview"
    if made.status is Status.DRAFT:
        return f"meta-experiment start {made.experiment_id}"
    if made.served:
        return "use it as always; how it stands: meta-experiment status"
    if made.experiment.plan.assignment is Assignment.EXTERNAL:
        return (
            f"run a version, then: meta-experiment record {made.experiment_id} "
            f"--variant NAME --metric {made.experiment.plan.primary.name}=…"
        )
    return f"meta-experiment assign {made.experiment_id} --json, run it, then record"
