"""What stands in a team's store of who decides and who draws what, and does not count there.

The database cannot keep a member from writing rows that are in the way. They decide nothing,
and who wrote them is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.errors import as_word
from meta_experiment.services.teams.deciding_lease import held_by, why_not_held
from meta_experiment.services.teams.kept_facts import read_kept
from meta_experiment.services.teams.leasing import LAST_POSITION
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.team_decisions import TeamRecord, record_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import RowKind
from meta_experiment.types import Experiment
from meta_experiment.types.results.health import Finding


def check_decisions(
    workspace: Workspace, member: Membership, experiment: Experiment, known: BelievedMachines
) -> Iterator[Finding]:
    """Yield what is in the way of deciding an experiment, and which user of the database it is.

    Raises:
        NetworkError, RemoteError: the store does not answer.
    """
    rows = member.exchange.written(experiment.experiment_id)
    if not rows:
        return
    writers = {(row.kind, row.place): row.by for row in rows}
    name = experiment.experiment_id
    record = record_of(member, known, experiment, read_kept(workspace, experiment))
    for item in record.aside:
        if item.otherwise:
            hint = "The store had forgotten the first. What stands on the branch holds."
            yield Finding(name, ok=False, detail=item.sentence, hint=hint)
    held = member.exchange.lease(name)
    if held is not None and not why_not_held(member, known, experiment, held):
        said = f"machine {as_word(held.machine)} has the right to decide"
        detail = f"{said}, {held_by(member, experiment, held)}"
        yield Finding(name, ok=True, detail=detail)
    found: dict[tuple[str | None, RowKind], list[str]] = {}
    for kind, place, said in _in_the_way(member, experiment, known, record):
        found.setdefault((writers.get((kind, place)), kind), []).append(said)
    for (user, _), (first, *others) in found.items():
        more = f" (and {len(others):,} more)" if others else ""
        by = f", written by the database's user {as_word(user)}" if user else ""
        yield Finding(
            name,
            ok=False,
            detail=f"{first}{more}. It counts nowhere{by}",
            hint="Ask who that is. Whoever owns the schema takes the right from a user: select "
            "meta_experiment.disallow('USER', 'PROJECT')",
        )


def _in_the_way(
    member: Membership, experiment: Experiment, known: BelievedMachines, record: TeamRecord
) -> Iterator[tuple[RowKind, int, str]]:
    table, name = member.exchange, experiment.experiment_id
    for item in record.aside:
        if not item.otherwise:
            yield RowKind.DECISION, item.generation, item.sentence
    held = table.lease(name)
    if held is not None and (why := why_not_held(member, known, experiment, held)):
        said = f"the right to decide, as {as_word(held.machine)} is said to have it: {why}"
        yield RowKind.LEASE, held.fence, said
    if table.leased_end(name) > LAST_POSITION:
        widest = max(table.leased(name), key=lambda item: len(item.positions))
        positions = widest.positions
        said = (
            f"{len(positions):,} positions from {positions.start:,} on, which "
            f"{as_word(widest.machine)} is said to have: more than anybody needs, so that "
            "units are drawn apart"
        )
        yield RowKind.POSITIONS, positions.start, said
