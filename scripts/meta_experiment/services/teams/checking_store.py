"""Everything that a team's store has held against everything that is here. Changes nothing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from meta_experiment.errors import MetaExperimentError, as_word, cite
from meta_experiment.files.headway import steps
from meta_experiment.protocol import log_head
from meta_experiment.services.teams.checking_decisions import (
    check_decisions,
    check_lease,
    check_positions,
)
from meta_experiment.services.teams.exchange_note import read_note, told_losses
from meta_experiment.services.teams.exchanging import team_experiments
from meta_experiment.services.teams.membership import (
    BelievedMachines,
    Membership,
    believed,
    copy_hint,
    not_counted,
    require_owner,
)
from meta_experiment.services.teams.publications import has_texts, published_of, why_aside
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import batch_statement
from meta_experiment.services.teams.store_losses import losses
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.teams.unread_rows import told_unread
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Batch, PublishedExperiment, ending_hint
from meta_experiment.store.local.outgoing import own_logs, read_lines_at
from meta_experiment.store.local.replicas import is_log_name, replicas
from meta_experiment.types import Experiment
from meta_experiment.types.results.health import Finding, Health
from meta_experiment.types.results.team_store import NOT_ADMITTED

_NAMED = 50  # machines, one by one
_SHIP = "meta-experiment store ship"


def check_store(workspace: Workspace, member: Membership) -> Health:
    """Check owner, machines, plans, and every byte of every log, here and there.

    Raises:
        NetworkError, RemoteError: the store does not answer.
    """
    owner = _owner(workspace, member)
    findings = [owner]
    if owner.ok:
        known = believed(member)
        findings += _members(member, known)
        findings += _by_itself("store", _lost(workspace, member, known))
        experiments = team_experiments(workspace)
        findings += _by_itself("locks", _held(workspace, member, experiments))
        for experiment in steps(experiments, "checking the store"):
            findings += _experiment(workspace, member, experiment, known)
    return Health.of(sys.executable, str(workspace.root), findings)


def _owner(workspace: Workspace, member: Membership) -> Finding:
    try:
        require_owner(member)
    except MetaExperimentError as error:
        return Finding("owner", ok=False, detail=error.message, hint=error.hint)
    hint = copy_hint(workspace, member)
    return Finding("owner", ok=True, detail="the one whose key was pinned here", hint=hint)


def _members(member: Membership, known: BelievedMachines) -> Iterator[Finding]:
    joined = known.machines
    refused = not_counted(member, known)
    counts = sum(item.key.machine not in refused for item in joined)
    yield Finding("machines", ok=True, detail=f"{counts} of {len(joined)} count for all")
    for item in member.exchange.unread_machines():
        yield told_unread("machines", member.setting.project, item)
    for machine, why in islice(refused.items(), _NAMED):
        hint = f"If it is one of yours: meta-experiment store admit {as_word(machine)}"
        name = cite(known.stored.get(machine) or "unnamed", 40)
        said = f"{as_word(machine)} ({name}): {why}"
        yield Finding(
            "machine", ok=True, detail=said, hint=hint if why == NOT_ADMITTED else None
        )
    if len(refused) > _NAMED:
        more = f"{len(refused) - _NAMED:,} more do not count for all"
        yield Finding("machine", ok=True, detail=more)


def _lost(
    workspace: Workspace, member: Membership, known: BelievedMachines
) -> Iterator[Finding]:
    """Yield what the store had and has no longer, now and when it was last looked."""
    published = {item.experiment_id for item in member.exchange.published()}
    lost = [*losses(workspace, member, known, published, member.exchange.sizes())]
    if lost:
        detail = f"it went back to an earlier moment, and lacks {', '.join(lost)}"
        hint = f"Bring again what is here of that, and let the others do so: {_SHIP}"
        yield Finding("store", ok=False, detail=detail, hint=hint)
    note = read_note(workspace.layout)
    if note.lost:
        yield Finding("store", ok=True, detail=told_losses(note.lost, note.lost_at))


def _held(
    workspace: Workspace, member: Membership, experiments: Sequence[Experiment]
) -> Iterator[Finding]:
    """Yield who holds what an exchange would wait for."""
    layout, counting = workspace.layout, workspace.checkout.counting()
    names = [item.experiment_id for item in experiments]
    logs = {name: [log.name for log in own_logs(layout, counting, name)] for name in names}
    for holder in member.exchange.lock_holders(logs):
        detail = f"{holder.sentence}, holds what exchanges wait for"
        yield Finding("locks", ok=False, detail=detail, hint=ending_hint([holder]))


def _experiment(
    workspace: Workspace, member: Membership, experiment: Experiment, known: BelievedMachines
) -> Iterator[Finding]:
    name = experiment.experiment_id
    findings = list[Finding]()
    try:
        found = published_of(member, name)
    except MetaExperimentError as error:  # the rest is looked at all the same
        findings.append(Finding(name, ok=False, detail=error.message, hint=error.hint))
        parts = list[Iterator[Finding]]()
    else:
        if found is None:
            yield Finding(name, ok=True, detail="not in the store yet", hint=_SHIP)
            return
        parts = [_publication(member, experiment, known, found)]
    parts += [
        _LogsHeld(workspace, member, experiment, known).faults(),
        check_decisions(workspace, member, experiment, known),
        check_lease(member, experiment, known),
        check_positions(member, experiment),
        _unread(member, experiment),
    ]
    for part in parts:
        findings += _by_itself(name, part)
    yield from findings
    if not findings:
        yield Finding(name, ok=True, detail="the store and this checkout agree")


def _by_itself(name: str, part: Iterator[Finding]) -> Iterator[Finding]:
    """Yield what a part of the check finds; that it fails hides nothing of another."""
    try:
        yield from part
    except MetaExperimentError as error:
        yield Finding(name, ok=False, detail=error.message, hint=error.hint)


def _publication(
    member: Membership,
    experiment: Experiment,
    known: BelievedMachines,
    found: PublishedExperiment,
) -> Iterator[Finding]:
    """Yield what is wrong with an experiment as it stands in the store; it hinders nobody."""
    why = why_aside(member, known, experiment, found)
    if not why and not has_texts(member, experiment):
        why = "its texts are not those of the plan"
    if why:
        said = f"the plan that machine {as_word(found.machine)} published under this id: {why}"
        hint = "Ask who keeps the store; nobody is bound by it."
        yield Finding(experiment.experiment_id, ok=False, detail=said, hint=hint)


def _unread(member: Membership, experiment: Experiment) -> Iterator[Finding]:
    """Yield who wrote more than is read, beside what others wrote."""
    name = experiment.experiment_id
    for item in member.exchange.unread(name):
        yield told_unread(name, member.setting.project, item)


class _LogsHeld:
    """The logs of one experiment, here and in the store."""

    def __init__(
        self,
        workspace: Workspace,
        member: Membership,
        experiment: Experiment,
        known: BelievedMachines,
    ) -> None:
        self._name = experiment.experiment_id
        self._keys = known.keys_of(experiment)
        self._member, self._terms = member, terms_sha256(experiment)
        layout, counting = workspace.layout, workspace.checkout.counting()
        own = member.signer.machine
        self._here = {
            (own, log.name): (log.path, log.size)
            for log in own_logs(layout, counting, self._name)
        }
        for item in replicas(layout, counting, self._name):
            self._here[item.machine, item.log] = (item.path, item.size)
        self._ends: Counter[tuple[str, str]] = Counter()
        self._mark = log_head.mark(counting.seal)

    def faults(self) -> Iterator[Finding]:
        """Yield what differs, and what waits."""
        stuck: set[tuple[str, str]] = set()
        machines = [*self._keys]
        for batch in self._member.exchange.batches_after(self._name, machines, {}):
            place = batch.machine, batch.log
            if place in stuck:
                continue
            why = self._why_wrong(batch)
            if why:
                stuck.add(place)
                yield self._fault(batch, why)
            self._ends[place] = max(self._ends[place], batch.end)
        for place, (path, size) in self._here.items():
            there = self._ends[place]
            if place in stuck or size == there:
                continue
            if size < there:
                waits = f"{there - size:,} bytes of {_said(place)} are not here yet"
            elif self._is_own(*place):
                waits = f"{size - there:,} bytes of {path.name} wait here to be shipped"
            else:
                yield Finding(
                    self._name,
                    ok=False,
                    detail=f"{path.name} has {size - there:,} bytes that the store does not "
                    "have (any more)",
                    hint="Where the store lost them, their machine brings them again with its "
                    f"next exchange: leave the file alone. Where not: rm {path}, then {_SHIP}",
                )
                continue
            yield Finding(self._name, ok=True, detail=waits, hint=_SHIP)
        missing = [place for place in self._ends if place not in self._here]
        for place in missing:
            if place not in stuck:
                detail = f"{_said(place)} is not here yet"
                yield Finding(self._name, ok=True, detail=detail, hint=_SHIP)

    def _why_wrong(self, batch: Batch) -> str:
        if batch.left_out:
            return batch.left_out
        place = batch.machine, batch.log
        statement = batch_statement(self._member.setting.project, self._terms, batch)
        if not is_log_name(batch.log):
            return "no log of this program's is named so"
        if not is_signed(self._keys[batch.machine], batch.signature, statement):
            return "its machine did not sign it for this place and plan"
        if batch.first != self._ends[place]:
            return f"it does not follow what is before it, up to byte {self._ends[place]:,}"
        return self._why_other(batch)

    def _why_other(self, batch: Batch) -> str:
        """Say how a batch differs from what is here of its log; "" where it does not."""
        place = batch.machine, batch.log
        own = self._is_own(*place)
        if place not in self._here:
            return "this checkout's own log is gone here" if own else ""
        path, size = self._here[place]
        length = max(min(batch.end, size) - batch.first, 0)
        if read_lines_at(path, batch.first, length) != batch.lines[:length]:
            return f"{path.name} is another here"
        if own and size < batch.end:
            return f"{path.name} ends here before it, as after a backup was put back"
        return ""

    def _fault(self, batch: Batch, why: str) -> Finding:
        place = batch.machine, batch.log
        own = self._is_own(*place)
        detail = f"{_said(place)}, from byte {batch.first:,} on: {why}"
        hint = f"{_SHIP} --restore" if own else "Ask who keeps the store; nothing of it counts."
        return Finding(self._name, ok=False, detail=detail, hint=hint)

    def _is_own(self, machine: str, log: str) -> bool:
        own = machine == self._member.signer.machine
        return own and log_head.writer_of(log) == self._mark


def _said(place: tuple[str, str]) -> str:
    machine, log = place
    return f"log {as_word(log)} of machine {as_word(machine)}"
