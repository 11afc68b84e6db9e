"""Positions of a team's one sequence, leased ahead so that no prompt waits for a network.

A store that was restored to an earlier moment has forgotten who got which. Each checkout keeps
how far it saw them leased, and tells the store before it or anybody behind it gets more.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from meta_experiment.assign.permuted_blocks import whole_round
from meta_experiment.errors import RefusedError, StorageError
from meta_experiment.files.lock import FileLock
from meta_experiment.services.teams.kept_facts import change_kept, read_kept
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Exchange
from meta_experiment.types import Assignment, Experiment

AHEAD = 1000  # positions, about; a lease costs no balance, as it is of whole blocks
_LOW = 500  # left; below that a machine leases anew
LAST_POSITION = 1 << 40  # of a sequence; what is beyond it no program of ours leased
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
    _tell_again(workspace, exchange, experiment)
    if workspace.checkout.positions_left(name) >= _LOW:
        return 0
    data = workspace.machine.data
    if not data:
        raise StorageError("There is no home folder, so nothing is leased.", hint="Set HOME.")
    size = whole_round(len(experiment.plan.variants))
    with FileLock(Path(data, "positions.lock"), timeout=10.0, verb="lease positions"):
        known = sum(item.machine == exchange.machine for item in exchange.leased(name))
        count = -(-AHEAD // size) * size
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
        hint="No program of ours wrote it. See who did: meta-experiment store check",
    )


def _tell_again(workspace: Workspace, exchange: Exchange, experiment: Experiment) -> None:
    """Tell the store how far positions were leased, where it has forgotten that."""
    name, kept = experiment.experiment_id, read_kept(workspace, experiment).leased_end
    held = (item.positions.stop for item in workspace.checkout.positions(name).ranges)
    known, there = max(kept, *held, 0), exchange.leased_end(name)
    if there > LAST_POSITION:
        raise _no_sense(name)
    if known > there:
        exchange.pass_positions(name, known)
    if there > kept:
        change_kept(workspace, experiment, lambda before: replace(before, leased_end=there))
