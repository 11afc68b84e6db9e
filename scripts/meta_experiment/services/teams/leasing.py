"""Positions of a team's one sequence, leased ahead so that no prompt waits for a network."""

from __future__ import annotations

from pathlib import Path

from meta_experiment.assign.permuted_blocks import whole_round
from meta_experiment.errors import RefusedError, StorageError
from meta_experiment.files.lock import FileLock
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Exchange
from meta_experiment.types import Assignment, Experiment

AHEAD = 1000  # positions, about; a lease costs no balance, as it is of whole blocks
_LOW = 500  # left; below that a machine leases anew
LAST_POSITION = (
    1 << 40
)  # of a sequence; a range beyond it was never leased by a program of ours
_DRAWN = (Assignment.BLOCK, Assignment.WEIGHTED)


def draws_from_leases(experiment: Experiment) -> bool:
    """Tell whether units of an experiment are drawn at positions of its team's sequence."""
    plan = experiment.plan
    return plan.team is not None and plan.assignment in _DRAWN


def lease_ahead(workspace: Workspace, exchange: Exchange, experiment: Experiment) -> int:
    """See to it that this checkout has positions for days; return how many it leased.

    Whole blocks are leased. What was leased and could not be written down here is lost: no
    position is given to two checkouts, which is why those of one machine lease in turn.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses.
        NotFoundError: it does not have the experiment.
        RefusedError: somebody wrote numbers into the store that make no sense.
        LockedError: another checkout leases for too long. StorageError: the disk refused.
    """
    name = experiment.experiment_id
    if workspace.checkout.positions_left(name) >= _LOW:
        return 0
    data = workspace.machine.data
    if not data:
        raise StorageError("There is no home folder, so nothing is leased.", hint="Set HOME.")
    size = whole_round(len(experiment.plan.variants))
    with FileLock(Path(data, "positions.lock"), timeout=10.0, verb="lease positions"):
        ranges = exchange.leased(name)
        ends = [item.positions.stop for item in ranges]
        ends += [item.beginning for item in exchange.published(name)]
        known = sum(item.machine == exchange.machine for item in ranges)
        count = -(-AHEAD // size) * size
        if max(ends, default=0) > LAST_POSITION:
            raise _no_sense(name)
        found = exchange.lease_positions(name, count, known)
        if len(found) > 2 * count or found.stop > 2 * LAST_POSITION:
            raise _no_sense(name)
    start = -(-found.start // size) * size  # of a store that counts from another place on
    leased = range(start, max(start, found.stop - (found.stop - start) % size))
    workspace.checkout.add_positions(name, leased)
    return len(leased)


def _no_sense(experiment_id: str) -> RefusedError:
    return RefusedError(
        f"What the store has of the positions of {experiment_id} makes no sense, so none is "
        "leased; units are drawn apart.",
        hint="Ask who keeps the store: no program of ours wrote it.",
    )
