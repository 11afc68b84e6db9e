"""One exchange with the team's store, both ways: what is new here, and what is new there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    DriftError,
    InvalidStateError,
    LockedError,
    MetaExperimentError,
    NewerVersionError,
    RefusedError,
)
from meta_experiment.files.headway import steps
from meta_experiment.files.lock import FileLock
from meta_experiment.services.find import find_in
from meta_experiment.services.teams.exchange_note import note_exchange, note_failure
from meta_experiment.services.teams.membership import (
    BelievedMachines,
    Membership,
    believed,
    require_owner,
    with_numbers,
)
from meta_experiment.services.teams.pulling import pull
from meta_experiment.services.teams.shipping import publish, ship_logs
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.services.teams.team_setting import write_setting
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.team_store import ExchangedExperiment, StoreExchange

Exchanged = TypeVar("Exchanged")
_OF_ONE = (RefusedError, ConflictError, DriftError, CorruptStoreError)


def exchange_now(workspace: Workspace, by: Callable[[Membership], Exchanged]) -> Exchanged:
    """Open the store that is in use and exchange by what is given; what stops it is noted.

    Raises:
        MetaExperimentError: also where the store cannot be opened.
    """
    try:
        with opened_member(workspace) as member:
            return by(member)
    except InvalidStateError:
        raise  # of what was asked for
    except MetaExperimentError as error:
        if not isinstance(error, LockedError):
            note_failure(workspace, error.message)
        raise


def exchange(
    workspace: Workspace, member: Membership, selectors: Sequence[str] = ()
) -> StoreExchange:
    """Ship and pull the named experiments, or all; what one refuses stops no other.

    A checkout that ships alone takes trials of others where their experiment is named, as who
    decides it does.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses; what was done stands.
        RefusedError: it is another's store. LockedError: another process exchanges just now.
    """
    with FileLock(workspace.layout.lock("store"), verb="store ship"):
        require_owner(member)
        known = believed(member)
        if known.numbers != member.setting.numbers:
            write_setting(workspace, with_numbers(member.setting, known.numbers))
        chosen = team_experiments(workspace, selectors)
        takes = member.setting.pulls or bool(selectors)
        done = [
            _exchanged(workspace, member, experiment, known, takes=takes)
            for experiment in steps(chosen, "exchanging trials")
        ]
        unknown = _unknown(workspace, member)
        refused = {machine: known.refused[machine] for machine in sorted(known.refused)}
        found = StoreExchange(member.setting.project, tuple(done), refused, unknown)
        note_exchange(workspace, found, whole=not selectors, alone=not member.setting.pulls)
        return found


def team_experiments(workspace: Workspace, selectors: Sequence[str] = ()) -> list[Experiment]:
    """Return the named experiments, or all that are of a team by their plans and began.

    Raises:
        InvalidStateError: one that is named is of no team, or a draft.
    """
    if not selectors:
        every = workspace.store.experiments()
        return [item for item in every if item.plan.team and item.status is not Status.DRAFT]
    chosen = [find_in(workspace.store, item) for item in selectors]
    for item in chosen:
        if item.plan.team is None:
            raise InvalidStateError(
                f"The plan of {item.experiment_id} names no team: its trials stay here.",
                hint="A plan says so before it begins: meta-experiment create … --team BRANCH",
            )
        if item.status is Status.DRAFT:
            raise InvalidStateError(
                f"{item.experiment_id} is a draft and has no trials.",
                hint=f"meta-experiment start {item.experiment_id}",
            )
    return chosen


def _exchanged(
    workspace: Workspace,
    member: Membership,
    experiment: Experiment,
    known: BelievedMachines,
    *,
    takes: bool,
) -> ExchangedExperiment:
    name, refused, shipped = experiment.experiment_id, None, 0
    try:
        if _takes_part(workspace, experiment):
            publish(workspace, member, experiment)
        try:
            shipped = ship_logs(workspace, member, experiment)
        except (ConflictError, CorruptStoreError) as error:  # what others wrote is as it was
            refused = _said(error)
        pulled = pull(workspace, member, experiment, known, takes=takes)
    except NewerVersionError:
        raise
    except _OF_ONE as error:
        return ExchangedExperiment(name, shipped, 0, 0, (), _said(error))
    return ExchangedExperiment(
        name, shipped, pulled.lines, pulled.removed, pulled.aside, refused
    )


def _takes_part(workspace: Workspace, experiment: Experiment) -> bool:
    """Tell whether this checkout has anything to do with an experiment that a pull brought."""
    if workspace.checkout.started_here(experiment):
        return True
    counting = workspace.checkout.counting()
    return any(
        log.size for log in own_logs(workspace.layout, counting, experiment.experiment_id)
    )


def _unknown(workspace: Workspace, member: Membership) -> tuple[str, ...]:
    """Return the experiments of the team that this checkout does not know."""
    here = {item.experiment_id for item in workspace.store.experiments()}
    here |= workspace.store.archived_ids()
    there = (item.experiment_id for item in member.exchange.published())
    return tuple(name for name in there if name not in here)


def _said(error: MetaExperimentError) -> str:
    return f"{error.message} {error.hint}" if error.hint else error.message
