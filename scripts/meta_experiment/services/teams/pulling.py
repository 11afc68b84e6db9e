"""What other checkouts of the team wrote, taken into replicas beside this checkout's own logs.

The store is believed in nothing: a batch counts when a machine that counts signed it for this
project, experiment, plan, log and place, and when it follows what is here already. What does
not fit stays outside with the reason, and so does what follows it in its log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from meta_experiment.errors import StorageError, as_word
from meta_experiment.files.headway import tell
from meta_experiment.protocol import log_head
from meta_experiment.records import dataclass
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import batch_statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Batch
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.store.local.replicas import Replica, is_log_name, replica, replicas
from meta_experiment.types import Experiment

_TOGETHER = 4 << 20  # bytes that are written at once

_Place = tuple[str, str]  # machine and log


@dataclass(frozen=True, slots=True)
class PulledLines:
    """Lines that were taken over, and what was left outside, each with its reason.

    `removed` are lines of machines that count no longer.
    """

    lines: int
    aside: tuple[str, ...]
    removed: int


def pull(
    workspace: Workspace,
    member: Membership,
    experiment: Experiment,
    known: BelievedMachines,
    *,
    takes: bool = True,
) -> PulledLines:
    """Take over what is new of the machines that count; let go of that of those taken back.

    Unless it `takes` any, it only lets go. Where it ends here is told by the replicas alone, so
    that whatever cuts it off loses and doubles nothing.

    Raises:
        StorageError: the disk refused.
    """
    keys = known.keys_of(experiment)
    removed = _let_go(workspace, experiment.experiment_id, known.taken_back - keys.keys())
    if not takes:
        return PulledLines(0, (), removed)
    taking = _Taking(workspace, member, experiment, keys)
    lines = sum(taking.lines())
    return PulledLines(lines, tuple(taking.aside), removed)


def _let_go(workspace: Workspace, experiment_id: str, taken_back: Collection[str]) -> int:
    """Remove the replicas of machines that count no longer; return how many lines they had.

    Somebody's word says that of each; that the store knows nothing of one takes nothing.
    """
    counting, removed = workspace.checkout.counting(), 0
    for item in replicas(workspace.layout, counting, experiment_id):
        if item.machine in taken_back:
            try:
                removed += workspace.files.read(item.path).count(b"\n") - 1
                workspace.files.remove(item.path)
                workspace.files.sync_directory(item.path.parent)
            except OSError as error:
                raise StorageError(
                    f"{item.path} cannot be removed: {error.strerror}."
                ) from error
    return removed


class _Taking:
    """The batches of one experiment on their way into replicas."""

    def __init__(
        self,
        workspace: Workspace,
        member: Membership,
        experiment: Experiment,
        keys: Mapping[str, bytes],
    ) -> None:
        self._workspace, self._member = workspace, member
        self._name, self._keys = experiment.experiment_id, keys
        self._terms = terms_sha256(experiment)
        layout, counting = workspace.layout, workspace.checkout.counting()
        self._seal = counting.seal
        self._own = {log.name: log.size for log in own_logs(layout, counting, self._name)}
        self._replicas = {
            (item.machine, item.log): item for item in replicas(layout, counting, self._name)
        }
        self._stuck: set[_Place] = set()
        self.aside: list[str] = []

    def lines(self) -> Iterator[int]:
        """Take what is new, and yield how many lines were, each time some are on the disk."""
        own = self._member.signer.machine
        cursors = {(own, name): size for name, size in self._own.items()}
        cursors |= {place: item.size for place, item in self._replicas.items()}
        waiting: list[Batch] = []
        taken = 0
        for batch in self._member.exchange.batches_after(self._name, [*self._keys], cursors):
            if waiting and not _goes_on(waiting, batch):
                yield self._written(waiting)
                waiting = []
            if self._fits(batch, waiting[-1].end if waiting else None):
                waiting.append(batch)
                taken += len(batch.lines)
                tell("taking trials of others", taken, 2 * taken)
        if waiting:
            yield self._written(waiting)

    def _fits(self, batch: Batch, end: int | None) -> bool:
        """Tell whether a batch may be taken over; note why not, once for a log."""
        place = batch.machine, batch.log
        if place in self._stuck:
            return False
        why = batch.left_out or self._why_not(batch)
        if not why:
            known = self._replica(place).size if end is None else end
            if batch.first > known:
                why = f"{batch.first - known:,} bytes before it are missing in the store"
        if why:
            self._stuck.add(place)
            self.aside.append(
                f"machine {as_word(batch.machine)}, log {as_word(batch.log)}, from byte "
                f"{batch.first:,} on: {why}"
            )
        return not why

    def _why_not(self, batch: Batch) -> str:
        key = self._keys.get(batch.machine)
        if batch.experiment_id != self._name or key is None:
            return "it was not asked for"
        if not is_log_name(batch.log):
            return "no log of this program's is named so"
        if not batch.lines.endswith(b"\n"):
            return "it does not end with a line"
        statement = batch_statement(self._member.setting.project, self._terms, batch)
        if not is_signed(key, batch.signature, statement):
            return (
                "the machine did not sign these lines for this place and plan; they were "
                "changed, or are of another plan"
            )
        if batch.machine == self._member.signer.machine and self._is_own(batch.log):
            return "the store has more of this checkout's own log than is here"
        return ""

    def _is_own(self, log: str) -> bool:
        return log_head.writer_of(log) == log_head.mark(self._seal)

    def _replica(self, place: _Place) -> Replica:
        known = self._replicas.get(place)
        if known is None:
            machine, log = place
            known = replica(self._workspace.layout, self._seal, self._name, machine, log)
            self._replicas[place] = known
        return known

    def _written(self, batches: list[Batch]) -> int:
        """Write batches of one log that follow one another; return how many lines are new."""
        place = batches[0].machine, batches[0].log
        known, lines = self._replica(place), b"".join(batch.lines for batch in batches)
        new = lines[max(known.size - batches[0].first, 0) :].count(b"\n")
        known.extend(self._workspace.files, lines, batches[-1].end)
        del self._replicas[place]  # it is another one now
        return new


def _goes_on(waiting: list[Batch], batch: Batch) -> bool:
    """Tell whether a batch is written together with those before it."""
    last = waiting[-1]
    follows = (last.machine, last.log, last.end) == (batch.machine, batch.log, batch.first)
    return follows and sum(len(item.lines) for item in waiting) < _TOGETHER
