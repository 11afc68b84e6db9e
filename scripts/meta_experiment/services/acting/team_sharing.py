"""One exchange with the team's store, and what follows from it in this checkout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.errors import (
    ForbiddenError,
    MetaExperimentError,
    NetworkError,
    RemoteError,
)
from meta_experiment.records import dataclass
from meta_experiment.services.acting.team_settling import TeamSeat
from meta_experiment.services.serving.reconciliation import reconcile_quietly
from meta_experiment.services.teams.exchanging import exchange, exchange_now
from meta_experiment.services.teams.leasing import draws_from_leases, lease_ahead
from meta_experiment.services.teams.membership import (
    BelievedMachines,
    Membership,
    believed,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.team_store import StoreExchange

_OVER = (NetworkError, RemoteError)  # nothing that follows would be answered
_WRITES_ALONE = (
    "The store lets this user write trials alone: no positions are leased, and units are drawn "
    "here by hash."
)


@dataclass(frozen=True, slots=True)
class TeamExchange:
    """What was exchanged, in `notes` what this checkout made of it, and by whom it counted."""

    exchanged: StoreExchange
    notes: tuple[str, ...]
    known: BelievedMachines


def share_now(workspace: Workspace, selectors: Sequence[str] = ()) -> TeamExchange:
    """Open the store that is in use, and do as `share`; what stops it is noted.

    Raises:
        MetaExperimentError: also where the store cannot be opened.
    """
    return exchange_now(workspace, lambda member: share(workspace, member, selectors))


def share(
    workspace: Workspace, member: Membership, selectors: Sequence[str] = ()
) -> TeamExchange:
    """Ship and pull; lease positions for days, and take up what the team decided meanwhile.

    Raises:
        MetaExperimentError: as `exchange`.
    """
    known = believed(member)
    done, notes = exchange(workspace, member, selectors, known), list[str]()
    leased, may_lease = 0, True
    for item in done.experiments:
        experiment = workspace.store.experiment(item.experiment_id)
        try:
            if may_lease and _draws_here(workspace, experiment):
                leased += lease_ahead(workspace, member.exchange, experiment)
        except ForbiddenError:
            may_lease = False
            notes.append(_WRITES_ALONE)
        except _OVER:
            raise
        except MetaExperimentError as error:  # what was decided is taken up all the same
            notes.append(f"{item.experiment_id}: {error.message}")
        try:
            notes += _taken_up(TeamSeat(workspace, member, experiment, known))
        except _OVER:
            raise
        except MetaExperimentError as error:
            notes.append(f"{item.experiment_id}: {error.message}")
    if leased:
        reconcile_quietly(workspace)
    return TeamExchange(done, tuple(notes), known)


def begin_sharing(workspace: Workspace, experiment: Experiment) -> tuple[str, ...]:
    """Tell the team of an experiment that began here, and lease positions; say what hinders.

    It began all the same: until then units are drawn apart.
    """
    if experiment.plan.team is None:
        return ()
    try:
        return share_now(workspace, [experiment.experiment_id]).notes
    except MetaExperimentError as error:
        said = "Its team has not heard of it, and units are drawn apart until then:"
        return (f"{said} {error.told}",)


def no_longer_there(branch: str) -> str:
    """Say that a branch has other texts than were promoted and brought there."""
    return (
        f"{branch} does not have that text any more: it was taken back there, or edited since. "
        "It is not brought again."
    )


def _draws_here(workspace: Workspace, experiment: Experiment) -> bool:
    """Tell whether units of an experiment are drawn in this checkout from leased positions."""
    running = experiment.status is Status.RUNNING and draws_from_leases(experiment)
    return running and workspace.checkout.started_here(experiment)


def _taken_up(seat: TeamSeat) -> Iterator[str]:
    name = seat.experiment.experiment_id
    found = seat.remember(seat.record())
    if forgotten := seat.tell_again(found):
        yield f"{name}: the store had forgotten {forgotten}, as after a backup was put back."
    taken = None
    if seat.experiment.status in (Status.RUNNING, Status.PAUSED):
        taken = seat.take_up(found)
    if taken is not None:
        branch = seat.experiment.plan.team.branch if seat.experiment.plan.team else ""
        where = f"What changed comes with git, from {branch}."
        if found.carried_out is not None and found.carried_out.branch != branch:
            asked = found.carried_out.url or f"the branch {found.carried_out.branch}"
            where = (
                f"What changed comes with git, from {branch}, once {asked} is merged; closed "
                "without that it brings nothing."
            )
        if found.carried_out is not None and found.carried_out.taken_back:
            where = no_longer_there(branch)
        yield f"{name} was decided by the team: {taken.message} {where}"
