"""A plan in words, row by row, for every form of a report."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render.report_words import name, planned
from meta_experiment.render.words import counted
from meta_experiment.types import Assignment, Claim, Plan, Stopping
from meta_experiment.types.results.report import ReportDocument

_MOST = 365.0  # days; a plan that may go on for longer has no end worth a word
_RULES = {
    Stopping.SEQUENTIAL: "sequential: it may be looked at after every unit",
    Stopping.FIXED: "fixed: one look, at its end",
    Stopping.BAYESIAN: "sequential, with what is believed shown beside",
}
_DRAWN = {
    Assignment.BLOCK: "in balanced blocks",
    Assignment.HASH: "by a hash of the unit",
    Assignment.LEAST_USED: "to the arm with the fewest units",
    Assignment.WEIGHTED: "by chance, with the weights of the arms",
    Assignment.BANDIT: "by a bandit: more units to what looks best",
    Assignment.RAMP: "on a ramp: more units to the treatments step by step",
    Assignment.EXTERNAL: "elsewhere, not by this program",
}


def plan_rows(report: ReportDocument) -> Iterator[tuple[str, str]]:
    """Yield what was planned, by what it is about; names of somebody's are on one line."""
    plan = report.plan
    yield "Decides on", f"{name(plan.primary.name)}, {plan.primary.direction.value} is better"
    yield "Guardrails", _guardrails(plan)
    rule = _RULES.get(plan.stopping, plan.stopping.value)
    yield "Rule", f"{rule}; error at most {planned(plan.alpha)} each way"
    yield "Least units", f"{plan.sample_size:,} per arm"
    yield "Worth having", _worth(plan)
    yield "Ends", _end(plan)
    yield "Arms", ", ".join(name(arm.name, 40) for arm in report.arms)
    yield "Assigned", f"{_DRAWN[plan.assignment]}, one arm per {plan.unit.value}"


def _guardrails(plan: Plan) -> str:
    told = [
        f"{name(it.metric.name)} at most {planned(it.margin)} worse"
        f"{', to be proven' if it.required else ''}"
        for it in plan.guardrails
    ]
    return "; ".join(told) or "none"


def _worth(plan: Plan) -> str:
    if not plan.improvement_threshold:
        return "any improvement that is shown"
    if plan.claim is Claim.THRESHOLD:
        return f"more than {planned(plan.improvement_threshold)} better, to be proven"
    return f"an estimate of {planned(plan.improvement_threshold)} better or more"


def _end(plan: Plan) -> str:
    ends = [] if plan.max_duration_days > _MOST else [f"{plan.max_duration_days:g} days"]
    if plan.max_sample:
        ends.append(f"{counted(plan.max_sample, 'unit')} per arm")
    return f"after {' or '.join(ends)}" if ends else "only when it is decided or stopped"
