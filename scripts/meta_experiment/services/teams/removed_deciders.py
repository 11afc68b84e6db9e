"""What a machine decided while it counted, when the owner says that it does so no longer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from meta_experiment.errors import CorruptStoreError
from meta_experiment.services.teams.kept_facts import read_kept
from meta_experiment.services.teams.membership import BelievedMachines, Membership, believed
from meta_experiment.services.teams.said_decisions import bear_witness, is_decided
from meta_experiment.services.teams.team_decisions import record_of
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import PublishedExperiment, TeamDecision
from meta_experiment.types import Action, Experiment


def witness_decisions(
    workspace: Workspace, member: Membership, machines: Collection[str]
) -> None:
    """Bear witness of all that these machines decided so far, each where it may.

    The owner's word on them comes after it: what one of them signs later has no witness.
    Anybody may write rows in their names: what they did not sign is passed over, and what
    nobody can read keeps nobody from removing them.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses.
    """
    known, told = believed(member), set[bytes]()
    for row, terms, deciders in _decided(workspace, member, known):
        key = deciders.get(row.machine) if row.machine in machines else None
        if key is None or row.signature in told or row.left_out:
            continue
        if is_decided(member, terms, row, key):
            told.add(row.signature)
            bear_witness(member, row, terms)


def _decided(
    workspace: Workspace, member: Membership, known: BelievedMachines
) -> Iterator[tuple[TeamDecision, str, Mapping[str, bytes]]]:
    """Yield what was seen here or is in the store, with the terms and who decides under them.

    Terms come from the plan that is here: under an id anybody may have published another. Of a
    plan that is not here they are as the store says, and a signature shows whether they hold.
    """
    here = [item for item in workspace.store.experiments() if item.plan.team is not None]
    for item in here:
        terms, deciders = terms_sha256(item), known.deciders_of(item)
        if kept := read_kept(workspace, item).decision:
            yield kept, terms, deciders
        for row in _rows(member, item.experiment_id):
            yield row, terms, deciders
    for found in _published(member):
        if found.experiment_id not in {item.experiment_id for item in here}:
            for row in _rows(member, found.experiment_id):
                yield row, found.plan_sha256, known.admitted


def _rows(member: Membership, experiment_id: str) -> Sequence[TeamDecision]:
    try:
        return member.exchange.decisions(experiment_id)
    except CorruptStoreError:
        return ()


def _published(member: Membership) -> Sequence[PublishedExperiment]:
    try:
        return member.exchange.published()
    except CorruptStoreError:
        return ()


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
