"""A log that a backup put back, made whole from the team's store.

What the store has of it this machine wrote and signed. It becomes the log again, and what was
written here since comes behind it: a trial that is then told twice is one trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from operator import attrgetter

from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.lock import FileLock
from meta_experiment.protocol import log_head, sequence
from meta_experiment.services.teams.exchanging import team_experiments
from meta_experiment.services.teams.membership import Membership, require_owner
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import batch_statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.replicas import is_log_name
from meta_experiment.store.local.sealing import refusals
from meta_experiment.types import Experiment

_VERB = "take a log back"


def restore_all(
    workspace: Workspace, member: Membership, selectors: Sequence[str] = ()
) -> tuple[str, ...]:
    """Do it for the named experiments, or all of a team; say which logs were not whole.

    Raises:
        MetaExperimentError: as `restore_logs`, or the store is another's.
    """
    with FileLock(workspace.layout.lock("store"), verb=_VERB):
        require_owner(member)
        return tuple(
            f"{log} of {item.experiment_id} is again what the store has of it; what was "
            "written here since stands behind that."
            for item in team_experiments(workspace, selectors)
            for log in restore_logs(workspace, member, item)
        )


def restore_logs(
    workspace: Workspace, member: Membership, experiment: Experiment
) -> tuple[str, ...]:
    """Make this checkout's own logs again what the store has of them; return which were not.

    Raises:
        CorruptStoreError: what the store has was not signed by this machine, or has a gap.
        LockedError: another process writes to one of them. StorageError: the disk refused.
    """
    name = experiment.experiment_id
    for _ in _as_stored(workspace, member, experiment):
        pass  # nothing is taken back where one of them does not fit
    mended = []
    for log, stored in _as_stored(workspace, member, experiment):
        with ExitStack() as held:
            for lock in (f"{name}.assign", "live", _writer_lock(log)):
                path = workspace.layout.lock(lock)
                held.enter_context(FileLock(path, verb=_VERB))
            if _mend(workspace, name, log, stored):
                mended.append(log)
    return tuple(mended)


def _as_stored(
    workspace: Workspace, member: Membership, experiment: Experiment
) -> Iterator[tuple[str, bytes]]:
    """Yield what the store has of every log of this checkout, checked, one after the other."""
    own, mark = member.signer.key, log_head.mark(workspace.checkout.seal())
    terms = terms_sha256(experiment)
    every = member.exchange.batches_after(experiment.experiment_id, [own.machine], {})
    for log, batches in groupby(every, attrgetter("log")):
        if not is_log_name(log) or log_head.writer_of(log) != mark:
            continue
        data = bytearray()
        for batch in batches:
            said = batch_statement(member.setting.project, terms, batch)
            if batch.first != len(data) or not is_signed(own.public_key, batch.signature, said):
                raise CorruptStoreError(
                    f"What the store has of {log} from byte {batch.first:,} on is not what "
                    "this machine shipped; nothing was taken back."
                )
            data += batch.lines
        yield log, bytes(data)


def _mend(workspace: Workspace, experiment_id: str, log: str, stored: bytes) -> bool:
    """Write a log anew where it is not what the store has; tell whether it was not."""
    path = workspace.layout.trials(experiment_id) / log
    head = log_head.head(workspace.checkout.seal(), experiment_id, log)
    with refusals(path):
        before = workspace.files.read(path) if path.exists() else b""
        here = before.removeprefix(head)
        here = here[: here.rfind(b"\n") + 1]
        if here.startswith(stored):
            return False
        known = set(stored.splitlines(keepends=True))
        behind = [line for line in here.splitlines(keepends=True) if line not in known]
        if sequence.is_assignment_file(log):
            behind = list(_counted_on(stored, behind))
        write_atomically(workspace.files, path, head + stored + b"".join(behind))
    return True


def _counted_on(stored: bytes, lines: list[bytes]) -> Iterator[bytes]:
    """Yield lines of assignments that go on counting where the stored ones end."""
    units = {line.split(b"\t")[1] for line in stored.splitlines() if line.count(b"\t") >= 4}
    for line in lines:
        count, tab, rest = line.partition(b"\t")
        if count != b"0" and tab:
            units.add(rest.split(b"\t")[0])
            count = b"%d" % len(units)
        yield count + tab + rest


def _writer_lock(log: str) -> str:
    stem = log.rpartition(".")[0].removeprefix("assignments-").removeprefix("assignments.")
    return f"writer.{stem}"
