"""What `auto` and `promote` do with a team's experiments: these are decided over the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from meta_experiment.decide.due_actions import DUE, VERBS
from meta_experiment.deploy.on_branch import WaitingChange
from meta_experiment.errors import MetaExperimentError, as_word
from meta_experiment.services.acting.action_plan import outcome_of
from meta_experiment.services.acting.analysing import Study, study
from meta_experiment.services.acting.carrying_out import target_of, waiting_change
from meta_experiment.services.acting.ending_arms import end_arms
from meta_experiment.services.acting.impacts import measured_impact
from meta_experiment.services.acting.team_settling import SettledDecision, TeamSeat
from meta_experiment.services.acting.team_sharing import no_longer_there, share
from meta_experiment.services.teams.change_places import own_branch
from meta_experiment.services.teams.membership import believed
from meta_experiment.services.teams.said_decisions import CarriedOut, change_name
from meta_experiment.services.teams.team_door import TeamDoor
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, EndedArm, Experiment, Outcome, Status, TeamTerms
from meta_experiment.types.results.auto import AutoStep

_MOST_NAMED = 8  # machines in one sentence
_NOT_HERE = (
    "Nothing is done by itself, as nobody has started it in this checkout with the plan and "
    "the texts that it has now: meta-experiment start"
)


def team_steps(
    workspace: Workspace, open_team: TeamDoor, *, dry_run: bool
) -> dict[str, AutoStep]:
    """Look at every experiment of the team that needs it; return the steps by experiment.

    Raises:
        MetaExperimentError: there is one, and the store could not be opened.
    """
    wanted = [item for item in workspace.store.experiments() if needs_a_look(item)]
    if not wanted:
        return {}
    steps = {}
    with open_team() as member:
        known = believed(member) if dry_run else share(workspace, member).known
        for item in wanted:
            present = workspace.store.experiment(item.experiment_id)
            seat = TeamSeat(workspace, member, present, known)
            try:
                step = _step(seat, was=item.status, dry_run=dry_run)
            except MetaExperimentError as error:
                step = failed_step(item, error)
            if step is not None:
                steps[item.experiment_id] = step
    return steps


def needs_a_look(experiment: Experiment) -> bool:
    """Tell what runs, and what was promoted and not carried out as far as is known here."""
    if experiment.plan.team is None:
        return False
    last = experiment.outcome
    waits = last is not None and last.commit is None and last.change_id is not None
    return experiment.status is Status.RUNNING or (
        experiment.status is Status.PROMOTED and waits
    )


def failed_step(experiment: Experiment, error: MetaExperimentError) -> AutoStep:
    """Say that an experiment could not be looked at."""
    return AutoStep(experiment.experiment_id, None, None, None, error.told, error=error.kind)


def _step(seat: TeamSeat, *, was: Status, dry_run: bool) -> AutoStep | None:
    """Decide, carry out or take up, as far as this machine may."""
    found, may_not = seat.record(), seat.may_not
    if found.decided is None:
        if was is not Status.RUNNING:
            return None  # promoted alone, before it was of a team
        return _undecided(seat, may_not, dry_run=dry_run)
    if seat.is_to_be_carried_out(found) and not may_not and not dry_run:
        settled = seat.settle(lambda: None)
        return told_step(seat, settled, settled.record.decided is not None)
    if was is not Status.RUNNING:
        seat.take_up(found)  # it was carried out by another meanwhile
        return None
    if dry_run:
        return told_step(seat, SettledDecision(found), False)
    seat.take_up(found)
    return told_step(seat, SettledDecision(found), True)


def _undecided(seat: TeamSeat, may_not: str, *, dry_run: bool) -> AutoStep:
    workspace, experiment = seat.workspace, seat.experiment
    name = experiment.experiment_id
    studied = study(workspace, experiment)
    analysis = studied.examination.analysis
    alerts = tuple(item.message for item in analysis.alerts)
    code, reason = analysis.reason_code, analysis.reason
    said = f"{reason} {counted_sentence(seat)}"
    step = AutoStep(name, analysis.decision, code, None, said, alerts, reason=reason)
    action = DUE[analysis.decision]
    arms = [item for item in analysis.ended if item.at is None]
    verbs = [f"stop {name} --variant {item.treatment}" for item in arms]
    verbs = verbs if action is None else [f"{VERBS[action]} {name}"]
    left = _left(seat, may_not, verbs)
    if left or not verbs:
        return replace(step, sentence=f"{said} {left}".rstrip())
    if action is None:
        return _ended(seat, step, arms, dry_run=dry_run)
    if dry_run:
        would = f"would be decided for all ({going_where(experiment, action)})"
        return replace(step, action=action, sentence=f"{said} {would}")
    settled = seat.settle(lambda: due_outcome(seat, by_auto=True))
    if settled.record.decided is None:
        return replace(step, sentence=f"{said} With the newest trials nothing is due.")
    return told_step(seat, settled, True)


def _ended(
    seat: TeamSeat, step: AutoStep, arms: Sequence[EndedArm], *, dry_run: bool
) -> AutoStep:
    """End arms in this checkout that all machines together have shown to do harm.

    The others do so by their own look at the same trials; until all is decided.
    """
    named = tuple(item.treatment for item in arms)
    said = f"{step.sentence} Shown to do harm: {', '.join(named)}."
    if dry_run:
        return replace(step, sentence=f"{said} Would get no more units here.")
    notes = end_arms(seat.workspace, step.experiment_id, arms)
    sentence = " ".join((f"{said} Gets no more units here.", *notes))
    return replace(step, sentence=sentence, ended=named)


def _left(seat: TeamSeat, may_not: str, verbs: Sequence[str]) -> str:
    """Say why nothing of what is due is done here by itself; empty where it is."""
    experiment = seat.experiment
    if may_not:
        return f"This machine decides nothing: {may_not}."
    if not verbs:
        return ""
    if not experiment.plan.auto:
        said = "; ".join(f"meta-experiment {verb}" for verb in verbs)
        return f"Its plan leaves this to you: {said}"
    if not seat.workspace.checkout.started_here(experiment):
        return f"{_NOT_HERE} {experiment.experiment_id}"
    return ""


def due_outcome(seat: TeamSeat, *, by_auto: bool) -> Outcome | None:
    """Work out what is due, on all that has come by now."""
    present = seat.workspace.store.experiment(seat.experiment.experiment_id)
    studied = study(seat.workspace, present)
    analysis = studied.examination.analysis
    action = DUE[analysis.decision]
    return None if action is None else _outcome(seat, action, studied, by_auto=by_auto)


def _outcome(seat: TeamSeat, action: Action, studied: Study, *, by_auto: bool) -> Outcome:
    analysis = studied.examination.analysis
    made = outcome_of(seat.workspace, action, analysis, analysis.reason)
    if action is Action.PROMOTE and analysis.winner is not None:
        impact = measured_impact(studied, analysis.winner)
        made = replace(made, winner=analysis.winner, impact=impact)
    named = change_name(seat.member.setting.project, seat.experiment)
    return replace(made, by_auto=by_auto, change_id=named)


def told_step(seat: TeamSeat, settled: SettledDecision, taken: bool) -> AutoStep:
    """Say what was decided, by whom and on whose trials, and what became of it."""
    found, experiment = settled.record, seat.experiment
    decided = found.decided
    if decided is None:
        return AutoStep(experiment.experiment_id, None, None, None, "Nothing is decided.")
    if taken:
        seat.take_up(found)
    outcome = decided.outcome
    names = _names(seat)
    by = "here"
    if decided.machine != seat.member.signer.machine:
        by = f"by {_named([decided.machine], names)}"
    return AutoStep(
        experiment_id=experiment.experiment_id,
        decision=outcome.decision,
        reason_code=outcome.reason_code,
        action=outcome.action,
        sentence=(
            f"Decided {by}: {_done(outcome)} {_way(seat, settled)} "
            f"{counted_sentence(seat, decided.counted)}"
        ),
        error=settled.failed.kind if settled.failed else None,
        reason=outcome.reason,
    )


def _done(outcome: Outcome) -> str:
    what = {
        Action.PROMOTE: f"{outcome.winner} is promoted",
        Action.ROLLBACK: "rolled back",
        Action.EXPIRE: "ended without a decision; the control stays",
    }[outcome.action]
    reason = outcome.reason.removeprefix(f"{outcome.winner} is ")
    return f"{what}: {reason}" + ("" if reason.endswith((".", "!", "?")) else ".")


def _way(seat: TeamSeat, settled: SettledDecision) -> str:
    """Say where the promoted text is, or why it is nowhere yet."""
    found, team = settled.record, seat.experiment.plan.team
    if team is None or found.decided is None:
        return ""
    if found.decided.outcome.action is not Action.PROMOTE:
        return "No file changes."
    if found.carried_out is not None:
        return _where(seat, team, found.decided.outcome, found.carried_out)
    if settled.failed is not None:
        return f"It is not carried out yet: {settled.failed.told}"
    return f"It will be carried out by a machine that may decide: {target_of(team)}."


def _where(seat: TeamSeat, team: TeamTerms, outcome: Outcome, done: CarriedOut) -> str:
    """Say where the promoted text is that was carried out."""
    where = done.url or f"commit {done.commit[:12]} on {done.branch}"
    if done.taken_back:
        return f"It was carried out: {where}. {no_longer_there(team.branch)}"
    if done.branch == team.branch:
        said = f"Take the text from {team.branch} now (git pull)."
    else:
        said = _asked_for(seat, team, outcome)
    return f"It is carried out: {where}. {said}"


def _asked_for(seat: TeamSeat, team: TeamTerms, outcome: Outcome) -> str:
    """Say how a promotion stands that waits for people to merge it."""
    stands = WaitingChange.WAITS
    with suppress(MetaExperimentError):  # what cannot be seen now may wait
        stands = waiting_change(seat.workspace, seat.experiment, outcome)
    if stands is WaitingChange.MERGED:
        return f"It is merged: take the text from {team.branch} now (git pull)."
    if stands is WaitingChange.GONE:
        own = own_branch(seat.experiment.experiment_id)
        return (
            f"Its branch, {own}, is gone, and {team.branch} does not have the text: it was "
            "closed without being merged. That is somebody's word, and it is not opened again."
        )
    return (
        f"Take the text from {team.branch} once it is merged (git pull). One that somebody "
        "closed without merging brings nothing, and is not opened again."
    )


def going_where(experiment: Experiment, action: Action | None) -> str:
    """Say where what is decided will go."""
    team = experiment.plan.team
    if team is None or action is not Action.PROMOTE:
        return "their word alone: no file changes"
    return target_of(team)


def counted_sentence(
    seat: TeamSeat, counted: Mapping[str, Mapping[str, int]] | None = None
) -> str:
    """Say which machines counted, and which did not and why."""
    keys = seat.known.keys_of(seat.experiment)
    names = _names(seat)
    which = sorted(keys if counted is None else counted)
    said = f"Counted: {_named(which, names)}."
    apart = [
        f"{as_word(machine)} ({seat.known.refused.get(machine, 'its plan names others')})"
        for machine in sorted(names)
        if machine not in keys and machine not in which
    ]
    return said if not apart else f"{said} Not counted: {_listed(apart)}."


def _names(seat: TeamSeat) -> dict[str, str]:
    """Return what the machines of the project are called, as may stand in a sentence."""
    joined = seat.member.exchange.machines()
    named = {it.key.machine: as_word(it.key.name) for it in joined if it.key.name}
    return named | {seat.member.signer.machine: "this one"}


def _named(machines: Sequence[str], names: Mapping[str, str]) -> str:
    shown = [
        f"{as_word(it)} ({names[it]})" if names.get(it) else as_word(it) for it in machines
    ]
    return _listed(shown)


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_MOST_NAMED]) or "none"
    more = len(items) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
