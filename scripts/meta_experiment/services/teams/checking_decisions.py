"""What stands in a team's store of who decides and who draws what, and does not count there.

The database cannot keep a member from writing rows that are in the way. They decide nothing,
and who wrote them is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from meta_experiment.errors import CorruptStoreError, as_word
from meta_experiment.services.teams.deciding_lease import held_by, why_not_held
from meta_experiment.services.teams.kept_facts import read_kept
from meta_experiment.services.teams.leasing import LAST_POSITION
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.team_decisions import record_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import RowKind
from meta_experiment.types import Experiment
from meta_experiment.types.results.health import Finding

_Hindrance = tuple[RowKind, int, str]
"""A row that is in the way: of what, its place, and what is to be said of it."""


def check_decisions(
    workspace: Workspace, member: Membership, experiment: Experiment, known: BelievedMachines
) -> Iterator[Finding]:
    """Yield which decisions in the store count nowhere, and who wrote them.

    Raises:
        NetworkError, RemoteError: the store does not answer.
        CorruptStoreError: it has too much to be read.
    """
    name = experiment.experiment_id
    record = record_of(member, known, experiment, read_kept(workspace, experiment))
    others = list[_Hindrance]()
    for item in record.aside:
        if item.otherwise:
            hint = "The store had forgotten the first. What stands on the branch holds."
            yield Finding(name, ok=False, detail=item.sentence, hint=hint)
        else:
            others.append((RowKind.DECISION, item.generation, item.sentence))
    yield from _told(member, name, others)


def check_lease(
    member: Membership, experiment: Experiment, known: BelievedMachines
) -> Iterator[Finding]:
    """Yield who has the right to decide, or is only said to have it. Raises as its siblings."""
    held, name = member.exchange.lease(experiment.experiment_id), experiment.experiment_id
    if held is None:
        return
    if why := why_not_held(member, known, experiment, held):
        said = f"the right to decide, as {as_word(held.machine)} is said to have it: {why}"
        yield from _told(member, name, [(RowKind.LEASE, held.fence, said)])
    else:
        said = f"machine {as_word(held.machine)} has the right to decide"
        detail = f"{said}, {held_by(member, experiment, held)}"
        yield Finding(name, ok=True, detail=detail)


def check_positions(member: Membership, experiment: Experiment) -> Iterator[Finding]:
    """Yield who is said to have more positions than make sense. Raises as its siblings."""
    table, name = member.exchange, experiment.experiment_id
    if table.leased_end(name) <= LAST_POSITION:
        return
    widest = max(table.leased(name), key=lambda item: len(item.positions))
    positions = widest.positions
    said = (
        f"{len(positions):,} positions from {positions.start:,} on, which "
        f"{as_word(widest.machine)} is said to have: more than anybody needs, so that "
        "units are drawn apart"
    )
    yield from _told(member, name, [(RowKind.POSITIONS, positions.start, said)])


def _told(member: Membership, name: str, hindrances: Sequence[_Hindrance]) -> Iterator[Finding]:
    """Yield what is in the way, together by the user of the database who wrote it."""
    if not hindrances:
        return
    writers = dict[tuple[RowKind, int], str]()
    with suppress(CorruptStoreError):  # too much of it to be read: nobody is named
        writers |= {(row.kind, row.place): row.by for row in member.exchange.written(name)}
    found: dict[str | None, list[str]] = {}
    for kind, place, said in hindrances:
        found.setdefault(writers.get((kind, place)), []).append(said)
    for user, (first, *others) in found.items():
        more = f" (and {len(others):,} more)" if others else ""
        by = f", written by the database's user {as_word(user)}" if user else ""
        yield Finding(
            name,
            ok=False,
            detail=f"{first}{more}. It counts nowhere{by}",
            hint="Ask who that is. Whoever owns the schema takes the right from a user: select "
            "meta_experiment.disallow('USER', 'PROJECT')",
        )
