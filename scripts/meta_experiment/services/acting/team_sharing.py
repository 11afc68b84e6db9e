"""One exchange with the team's store, and what follows from it in this checkout."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.errors import MetaExperimentError, NetworkError, RemoteError
from meta_experiment.services.acting.team_settling import TeamSeat
from meta_experiment.services.serving.reconciliation import reconcile_quietly
from meta_experiment.services.teams.exchanging import exchange
from meta_experiment.services.teams.leasing import draws_from_leases, lease_ahead
from meta_experiment.services.teams.membership import Membership, believed
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.team_store import StoreExchange

_OVER = (NetworkError, RemoteError)  # nothing that follows would be answered


def share(
    workspace: Workspace, member: Membership, selectors: Sequence[str] = ()
) -> StoreExchange:
    """Ship and pull; lease positions for days, and take up what the team decided meanwhile.

    Raises:
        MetaExperimentError: as `exchange`.
    """
    done = exchange(workspace, member, selectors)
    known, leased = believed(member), 0
    for item in done.experiments:
        experiment = workspace.store.experiment(item.experiment_id)
        if experiment.status not in (Status.RUNNING, Status.PAUSED):
            continue
        try:
            leased += _leased(workspace, member, experiment)
            seat = TeamSeat(workspace, member, experiment, known)
            seat.take_up(seat.record())
        except _OVER:
            raise
        except MetaExperimentError:  # of one experiment; whoever looks at it is told
            continue
    if leased:
        reconcile_quietly(workspace)
    return done


def _leased(workspace: Workspace, member: Membership, experiment: Experiment) -> int:
    running = experiment.status is Status.RUNNING
    if not (running and draws_from_leases(experiment)):
        return 0
    if not workspace.checkout.started_here(experiment):
        return 0
    return lease_ahead(workspace, member.exchange, experiment)
