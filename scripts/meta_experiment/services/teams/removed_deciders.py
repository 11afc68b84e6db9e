"""What a machine decided while it counted, when the owner says that it does so no longer."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from meta_experiment.services.teams.kept_facts import read_kept
from meta_experiment.services.teams.membership import Membership, believed
from meta_experiment.services.teams.team_decisions import bear_witness, record_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment


def witness_decisions(member: Membership, machines: Collection[str]) -> None:
    """Bear witness of all that these machines decided so far.

    The owner's word on them comes after it: what one of them signs later has no witness.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses.
    """
    table = member.exchange
    for item in table.published():
        for row in table.decisions(item.experiment_id):
            if row.machine in machines:
                bear_witness(member, row, item.plan_sha256)


def decisions_of(
    workspace: Workspace, member: Membership, machines: Collection[str]
) -> tuple[str, ...]:
    """Say what these machines decided, and what is in flight of it.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses.
    """
    every = [item for item in workspace.store.experiments() if item.plan.team is not None]
    return tuple(note for item in every for note in _said(workspace, member, item, machines))


def _said(
    workspace: Workspace, member: Membership, experiment: Experiment, machines: Collection[str]
) -> Iterator[str]:
    name, known = experiment.experiment_id, believed(member)
    record = record_of(member, known, experiment, read_kept(workspace, experiment))
    decided, held = record.decided, member.exchange.lease(name)
    if decided is not None and decided.machine in machines:
        what = f"{decided.machine} decided {name} ({decided.outcome.action.value}); that stands"
        if decided.outcome.action is Action.PROMOTE and record.carried_out is None:
            yield (
                f"{what}, and is not carried out yet: the next `meta-experiment auto` of a "
                "machine that may decide does so."
            )
        else:
            yield f"{what}."
    elif decided is None and held is not None and held.machine in machines:
        yield (
            f"{held.machine} is deciding {name} just now. What it has not recorded yet does "
            "not count."
        )
