"""What this checkout wrote, brought into the team's store: whole lines, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from meta_experiment.errors import ConflictError
from meta_experiment.files.headway import tell
from meta_experiment.services.teams.exchange_note import read_note
from meta_experiment.services.teams.membership import Membership
from meta_experiment.services.teams.statements import batch_statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Batch
from meta_experiment.store.local.outgoing import OutgoingLog, own_logs
from meta_experiment.store.local.sealing import refusals
from meta_experiment.types import Experiment

_TOGETHER = 4  # batches of one transaction


def ship_logs(
    workspace: Workspace,
    member: Membership,
    experiment: Experiment,
    sizes: Mapping[tuple[str, str], int],
) -> int:
    """Bring what is new in this checkout's own logs into the store; return how many lines.

    The store says by `sizes` how far it has each, so that what it took and could not
    acknowledge is not brought twice. Before that what is new is made durable here: no store is
    to have what a loss of power takes from the log that it is of.

    Raises:
        ConflictError: a log here is not what the store has of it.
    """
    name = experiment.experiment_id
    terms = terms_sha256(experiment)
    logs = own_logs(workspace.layout, workspace.checkout.counting(), name)
    known = {log.name: sizes.get((name, log.name), 0) for log in logs}
    since = read_note(workspace.layout).at or 0.0
    looked_at = [log for log in logs if log.size != known[log.name] or log.changed > since]
    _require_same(member, name, looked_at, sizes)
    new = [(log, known[log.name]) for log in logs if log.size != known[log.name]]
    total = sum(log.size - begin for log, begin in new)
    for log, _ in new:
        with refusals(log.path):
            workspace.files.sync_file(log.path)
    batches = (
        _signed(member, terms, Batch(name, member.signer.machine, log.name, first, lines, b""))
        for log, begin in new
        for first, lines in log.pieces(begin)
    )
    shipped = done = 0
    while together := list(islice(batches, _TOGETHER)):
        member.exchange.ship(together)
        shipped += sum(batch.lines.count(b"\n") for batch in together)
        done += sum(len(batch.lines) for batch in together)
        tell("shipping trials", done, total)
    return shipped


def waiting_bytes(
    workspace: Workspace, experiment_id: str, sizes: Mapping[tuple[str, str], int]
) -> int:
    """Return how much of an experiment's own logs the store does not have yet."""
    logs = own_logs(workspace.layout, workspace.checkout.counting(), experiment_id)
    return sum(max(log.size - sizes.get((experiment_id, log.name), 0), 0) for log in logs)


def _signed(member: Membership, terms: str, batch: Batch) -> Batch:
    said = batch_statement(member.exchange.project, terms, batch)
    return batch._replace(signature=member.signer.sign(said))


def _require_same(
    member: Membership,
    experiment_id: str,
    logs: Sequence[OutgoingLog],
    sizes: Mapping[tuple[str, str], int],
) -> None:
    """Refuse logs of which one is another than the store has, by its last batch."""
    machine, by_name = member.signer.machine, {log.name: log for log in logs}
    cursors = {}
    for (name, log_name), size in sizes.items():
        log = by_name.get(log_name) if name == experiment_id else None
        cursors[machine, log_name] = size if log is None else size - 1
        if log is not None and size > log.size:
            raise ConflictError(
                f"{log.path} ends {size - log.size:,} bytes before what the store has of it, "
                "as after a backup was put back. Nothing was shipped.",
                hint="Take it from the store: meta-experiment store ship --restore",
            )
    if not any(log.size for log in logs):
        return
    for batch in member.exchange.batches_after(experiment_id, [machine], cursors):
        log = by_name.get(batch.log)
        if log is not None and (
            batch.left_out or log.read(batch.first, len(batch.lines)) != batch.lines
        ):
            raise ConflictError(
                f"{log.path} is not what the store has of it, from byte {batch.first:,} on, as "
                "after a backup was put back. Nothing was shipped.",
                hint="Take from the store what it has: meta-experiment store ship --restore",
            )
