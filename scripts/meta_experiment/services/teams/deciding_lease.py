"""The right to decide a team's experiment: one machine has it, as long as it can show that.

Who can merely write to the store could keep everybody from deciding. So a lease holds where a
machine that may decide signed it, and for no longer than one takes: else it is passed over.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from meta_experiment.errors import CorruptStoreError, LockedError, as_word
from meta_experiment.services.teams.kept_facts import change_kept, read_kept
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Lease, RowKind, WrittenRow
from meta_experiment.types import Experiment

LEASE_SECONDS = 300.0
_HELD_AT_MOST = 6 * LEASE_SECONDS  # by one holder, who renews it once or twice


def take_lease(
    workspace: Workspace, member: Membership, known: BelievedMachines, experiment: Experiment
) -> Lease:
    """Take the right to decide, also from whoever does not hold it.

    Raises:
        LockedError: another machine holds it.
    """
    table, name = member.exchange, experiment.experiment_id
    held, over = table.lease(name), None
    if held is None or held.machine == member.signer.machine:  # whoever had it, gave it back
        change_kept(workspace, experiment, lambda before: replace(before, holders={}))
    else:
        over = held.fence
        if not why_not_held(member, known, experiment, held) and not _outstayed(
            workspace, experiment, held
        ):
            raise LockedError(
                f"Another machine of the team, {held.machine}, is deciding {name} just now, "
                f"{held_by(member, experiment, held)}.",
                hint="What it decides comes with the next exchange: meta-experiment auto. If "
                "that goes on for long, ask who wrote it",
            )
    lease = table.lease_decision(name, LEASE_SECONDS, over)
    if lease is None:
        raise LockedError(
            f"Another machine of the team began to decide {name} just now.",
            hint="What it decides comes with the next exchange: meta-experiment auto",
        )
    signature = member.signer.sign(_statement(member, experiment, lease))
    return table.renew(lease._replace(signature=signature), LEASE_SECONDS)


def why_not_held(
    member: Membership, known: BelievedMachines, experiment: Experiment, held: Lease
) -> str:
    """Say why nobody has the right to decide by this row of the store; empty where one has."""
    key = known.deciders_of(experiment).get(held.machine)
    if key is None:
        return "that machine may not decide it"
    if not is_signed(key, held.signature, _statement(member, experiment, held)):
        return f"{as_word(held.machine)} did not sign it"
    if held.seconds > LEASE_SECONDS:
        return "it is for longer than any machine takes it"
    return ""


def held_by(member: Membership, experiment: Experiment, held: Lease) -> str:
    """Say for how long one has the right to decide, and who wrote so into the database."""
    place, rows = (RowKind.LEASE, held.fence), list[WrittenRow]()
    with suppress(CorruptStoreError):  # too much of it to be read
        rows += member.exchange.written(experiment.experiment_id)
    users = [row.by for row in rows if (row.kind, row.place) == place and row.by]
    by = "".join(f", by the database's user {as_word(user)}" for user in users[:1])
    return f"for {held.seconds:.0f} s at most{by}"


def _outstayed(workspace: Workspace, experiment: Experiment, held: Lease) -> bool:
    """Tell whether one was seen here to have it for so long that it cannot be at work.

    Somebody prolongs it in its name, or puts its earlier ones there again, who need not have
    its key. A clock that was set back begins anew.
    """
    now = workspace.clock()
    since = read_kept(workspace, experiment).holders.get(held.machine)
    if since is None or since > now:
        change_kept(
            workspace,
            experiment,
            lambda before: replace(before, holders={**before.holders, held.machine: now}),
        )
        return False
    return now - since > _HELD_AT_MOST


def _statement(member: Membership, experiment: Experiment, lease: Lease) -> bytes:
    """Say that a machine has the right to decide, under this fence and plan."""
    return statement(
        "lease",
        member.setting.project,
        experiment.experiment_id,
        terms_sha256(experiment),
        lease.machine,
        lease.fence,
    )
