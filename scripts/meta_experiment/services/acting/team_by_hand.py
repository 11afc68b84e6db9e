"""What a person asks of a team's experiment: it is done as `auto` does it, for all machines."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.due_actions import DUE
from meta_experiment.deploy import FileChange
from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.services.acting.analysing import study
from meta_experiment.services.acting.carrying_out import changes_of
from meta_experiment.services.acting.promotion import ActionOptions
from meta_experiment.services.acting.team_auto import (
    counted_sentence,
    due_outcome,
    going_where,
    told_step,
)
from meta_experiment.services.acting.team_settling import TeamSeat
from meta_experiment.services.acting.team_sharing import share
from meta_experiment.services.teams.team_door import TeamDoor
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment
from meta_experiment.types.results.action import ActionResult, FileChangeResult


def act_with_team(
    workspace: Workspace,
    open_team: TeamDoor,
    experiment: Experiment,
    options: ActionOptions,
    wanted: Action,
    *,
    dry_run: bool,
) -> ActionResult:
    """Promote or roll back on the evidence of all machines, as a person asked for it.

    It is done as `auto` does it.

    Raises:
        RefusedError: this machine may not, or the evidence does not say so.
        UsageError: one of the options. LockedError: another machine is deciding it.
    """
    name = experiment.experiment_id
    _refuse_options(name, options)
    with open_team() as member:
        if not dry_run:
            share(workspace, member, [name])
        seat = TeamSeat(workspace, member, workspace.store.experiment(name))
        if seat.may_not:
            raise RefusedError(
                f"This machine, {member.signer.machine}, does not decide {name}: "
                f"{seat.may_not}.",
                hint="Do it on a machine that may, or let the owner admit this one: "
                f"meta-experiment store admit {member.signer.machine}",
            )
        if seat.record().decided is None:
            winner = _require_due(seat, wanted)
            if dry_run:
                return _rehearsed(seat, wanted, winner)
        settled = seat.settle(lambda: due_outcome(seat, by_auto=False))
        if settled.record.decided is None:
            _require_due(seat, wanted)
        taken = seat.take_up(settled.record)
        if settled.failed is not None:
            raise settled.failed
        told = told_step(seat, settled, False)
        if taken is None:
            status = workspace.store.experiment(name).status
            taken = ActionResult(name, told.action or wanted, status, False, told.sentence, ())
        return replace(taken, message=told.sentence)


def _refuse_options(name: str, options: ActionOptions) -> None:
    asked = {
        "--override": options.override is not None,
        "--variant": options.variant is not None,
        "--merge": options.merge,
        "--current": bool(options.current),
        "--no-commit": not options.commit,
    }
    for flag in filter(asked.get, asked):
        raise UsageError(
            f"{flag} is not for {name}, which its team decides by the evidence of all "
            "machines.",
            hint="Leave it out. Against the evidence change the file on its branch, and leave "
            f"the experiment: meta-experiment stop {name}",
        )


def _require_due(seat: TeamSeat, wanted: Action) -> str | None:
    """Return the winner, where the evidence asks for what is wanted."""
    analysis = study(seat.workspace, seat.experiment).examination.analysis
    if DUE[analysis.decision] is not wanted:
        word = next(item.value for item, action in DUE.items() if action is wanted)
        raise RefusedError(
            f"The evidence does not say {word}: {analysis.decision.value} "
            f"({analysis.reason_code.value}), {analysis.reason}",
            hint=f"Look closer: meta-experiment analyze {seat.experiment.experiment_id}. To "
            "leave it on this machine alone: meta-experiment stop "
            f"{seat.experiment.experiment_id}",
        )
    return analysis.winner


def _rehearsed(seat: TeamSeat, wanted: Action, winner: str | None) -> ActionResult:
    experiment, files = seat.experiment, list[FileChange]()
    controls: dict[str, Content | None] = {}
    if wanted is Action.PROMOTE and winner is not None:
        controls, files = changes_of(seat.workspace, experiment, winner)
    what = {Action.PROMOTE: "promoted"}.get(wanted, "rolled back")
    said = f"would be {what} for all machines, by {going_where(experiment, wanted)}."
    return ActionResult(
        experiment_id=experiment.experiment_id,
        action=wanted,
        status=experiment.status,
        dry_run=True,
        message=f"{said} {counted_sentence(seat)}",
        files=tuple(FileChangeResult(item.path, "changed") for item in files),
        diff="".join(
            unified_diff(item.path, controls[item.path], item.target) for item in files
        ),
    )
