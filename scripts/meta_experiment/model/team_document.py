"""Who decides an experiment of several machines, as a document, and what goes with it."""

from __future__ import annotations

import re
from typing import Any

from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.model.fields import Document
from meta_experiment.types import Assignment, CarryOut, Plan, TeamTerms, Unit

TEAM_KEYS = {"branch", "carry_out", "machines"}
_MACHINE = re.compile(r"[0-9a-f]{16}")
_BRANCH = re.compile(
    r"(?!.*(\.\.|//|@\{|\.lock(/|$)|/\.|\.$))[A-Za-z0-9_][\w./@+-]{0,199}(?<!/)", re.ASCII
)
_MOST_MACHINES = 1000


def team_from(plan: Document) -> TeamTerms | None:
    """Read the team of a plan: by its branch alone, or with how it is carried out and by whom.

    Raises:
        UsageError: it names no branch, or no machine by its id.
    """
    value = plan.get("team")
    if value is None:
        return None
    team = {"branch": value} if isinstance(value, str) else fields.mapping(value, "team")
    fields.known_keys(team, TEAM_KEYS, "team")
    if team.get("branch") is None:
        raise UsageError(
            "team.branch: no branch is named; expected the one that everybody pulls.",
            hint="For example: --team main",
        )
    branch = fields.text(team, "branch", "team")
    if not _BRANCH.fullmatch(branch):
        raise UsageError(
            f"team.branch: {cite(branch)} is no name of a branch; expected the one that "
            "everybody pulls, such as main."
        )
    machines = fields.sequence(team.get("machines"), "team.machines")
    for index, machine in enumerate(machines):
        if not (isinstance(machine, str) and _MACHINE.fullmatch(machine)):
            raise UsageError(
                f"team.machines[{index}]: {cite(str(machine))} is no machine; expected the 16 "
                "hexadecimal digits by which the store knows one.",
                hint="Show them: meta-experiment store show",
            )
    if len(machines) > _MOST_MACHINES or len(set(machines)) < len(machines):
        raise UsageError(
            f"team.machines: expected at most {_MOST_MACHINES:,}, each of them once."
        )
    way = fields.word(team, "carry_out", "team", CarryOut, CarryOut.PULL_REQUEST)
    return TeamTerms(branch, way, tuple(machines))


def team_to_document(team: TeamTerms) -> dict[str, Any]:
    """Write the team of a plan."""
    named = {"machines": list(team.machines)} if team.machines else {}
    return {"branch": team.branch, "carry_out": team.carry_out.value, **named}


def check_team(plan: Plan) -> None:
    """Refuse what several machines cannot do with one plan, as one knows little of the others.

    Raises:
        UsageError: what that is, why, and what is expected.
    """
    if plan.team is None:
        return
    if plan.moves_shares:
        raise UsageError(
            f"plan.team: the shares of a {plan.assignment.value} move with what one machine "
            "has seen, and every machine of a team has seen something else; expected shares "
            "that stay.",
            hint="Leave --assignment and --ramp out: units are then drawn in blocks.",
        )
    if plan.assignment is Assignment.LEAST_USED:
        raise UsageError(
            "plan.team: which arm was used least is not known to a machine of a team at the "
            "moment of a draw; expected blocks, which every machine leases ahead.",
            hint="Use --assignment block.",
        )
    if plan.unit is Unit.CASE:
        raise UsageError(
            "plan.team: eval cases run in every arm, on one machine or by an executor, so that "
            "there is nothing for a team to share; expected units of live use.",
            hint="Leave --team out, or use --unit session.",
        )
    if plan.holdout is not None:
        raise UsageError(
            "plan.team: a holdout watches a promotion on one machine.",
            hint="Leave the team out of it.",
        )
    from meta_experiment.decide.rules import rule_of

    if not rule_of(plan).extendable:
        raise UsageError(
            "plan.team: one look at the first units is no look of a team, as what a machine "
            "without a network measured comes days later and would be among the first; "
            "expected a rule that is valid at every look.",
            hint="Leave --stopping out.",
        )
