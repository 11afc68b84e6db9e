"""An experiment of a team, decided once by whoever holds the lease, and taken up everywhere.

    exchange → lease → exchange → decide → record → carry out → say so → take up

Each step can be the last of a machine that dies. What it recorded is finished by the next that
holds the lease: the branch tells by the change's name whether it was carried out, and taking up
is each checkout's own. Before that nothing was decided. Who saw a decision keeps it, and tells
a store that has forgotten it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from meta_experiment.errors import (
    ConflictError,
    LockedError,
    MetaExperimentError,
    RefusedError,
    RemoteError,
)
from meta_experiment.records import dataclass
from meta_experiment.services.acting.action_plan import ActionPlan, without_stand_ins
from meta_experiment.services.acting.carrying_out import carry_out
from meta_experiment.services.acting.execution import execute
from meta_experiment.services.teams.deciding_lease import LEASE_SECONDS, take_lease
from meta_experiment.services.teams.exchanging import exchange
from meta_experiment.services.teams.kept_facts import change_kept, read_kept
from meta_experiment.services.teams.membership import (
    BelievedMachines,
    Membership,
    believed,
)
from meta_experiment.services.teams.said_decisions import (
    DecidedOutcome,
    bear_witness,
    counted_lines,
    note_carried_out,
    signed_decision,
)
from meta_experiment.services.teams.team_decisions import TeamRecord, record_of
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import TeamDecision, TeamNote, next_generation
from meta_experiment.types import Action, Experiment, FileReplacement, Outcome, Status
from meta_experiment.types.results.action import ActionResult

_TAKEN_UP = (Status.RUNNING, Status.PAUSED)

Due = Callable[[], Outcome | None]
"""Work out what is to be decided on what is known now; None for nothing."""


@dataclass(frozen=True, slots=True)
class SettledDecision:
    """What stands of an experiment: the record, and why it was not carried out, if so."""

    record: TeamRecord
    failed: MetaExperimentError | None = None


class TeamSeat:
    """A checkout at the table of its team, over one experiment."""

    def __init__(
        self,
        workspace: Workspace,
        member: Membership,
        experiment: Experiment,
        known: BelievedMachines | None = None,
    ) -> None:
        self.workspace, self.member, self.experiment = workspace, member, experiment
        self.known = known or believed(member)

    @property
    def may_not(self) -> str:
        """Say why this machine may not decide; empty where it may."""
        return self.known.why_not_decides(self.member.signer.machine, self.experiment)

    def record(self) -> TeamRecord:
        """Return what stands in the store, or was seen here before."""
        kept = read_kept(self.workspace, self.experiment)
        return record_of(self.member, self.known, self.experiment, kept)

    def remember(self, found: TeamRecord) -> TeamRecord:
        """Keep what is decided under this machine's seal; return it.

        Raises:
            LockedError: another process does it for too long. StorageError: the disk refused.
        """
        decided = found.decided
        if decided is not None:
            change_kept(
                self.workspace,
                self.experiment,
                lambda before: replace(
                    before,
                    decision=decided.signed,
                    public_key=decided.public_key,
                    carried_out=found.note,
                ),
            )
        return found

    def tell_again(self, found: TeamRecord) -> str:
        """Tell the store what it has forgotten, and bear witness; return what it had forgotten.

        Who may not write it there leaves that to another.
        """
        table, decided = self.member.exchange, found.decided
        told = list[str]()
        with suppress(RemoteError, LockedError, ConflictError):
            for item in found.lost:
                if isinstance(item, TeamNote):
                    table.note(item._replace(number=0))
                    told.append("where it was carried out")
                else:
                    self._decide_again(item)
                    told.append("what was decided")
            if decided and not (found.witnessed or self._is_own(decided) or self.may_not):
                bear_witness(self.member, decided.signed, terms_sha256(self.experiment))
        return " and ".join(told)

    def _is_own(self, decided: DecidedOutcome) -> bool:
        return decided.machine == self.member.signer.machine

    def _decide_again(self, decision: TeamDecision) -> None:
        """Put a decision into the store as its machine signed it, in the next place."""
        table, name = self.member.exchange, self.experiment.experiment_id
        lease = take_lease(self.workspace, self.member, self.known, self.experiment)
        try:
            free = next_generation(table.decisions(name))
            table.decide(lease, decision._replace(generation=free, fence=lease.fence))
        finally:
            table.release(lease)

    def settle(self, due: Due) -> SettledDecision:
        """Decide what is due under the lease, and carry out what is decided.

        Raises:
            LockedError: another machine holds the lease.
            RefusedError: this machine was removed meanwhile.
            NetworkError, RemoteError: the store does not answer, or refuses.
        """
        table, name = self.member.exchange, self.experiment.experiment_id
        lease = take_lease(self.workspace, self.member, self.known, self.experiment)
        try:
            exchange(self.workspace, self.member, [name])  # all that there is, from now on
            self._require_may()
            found = self.record()
            if found.decided is None:
                outcome = due()
                if outcome is None:
                    return SettledDecision(found)
                counted = counted_lines(self.workspace, self.member, self.experiment)
                decision = signed_decision(
                    self.member, self.experiment, lease, found.free, outcome, counted
                )
                try:
                    table.decide(lease, decision)
                except ConflictError:  # another checkout of this machine was first
                    if self.record().decided is None:
                        raise
                found = self.remember(self.record())
            if self.is_to_be_carried_out(found):
                self._require_may()
                lease = table.renew(lease, LEASE_SECONDS)
                return self._carried_out(found)
            return SettledDecision(found)
        finally:
            with suppress(MetaExperimentError):
                table.release(lease)

    def _require_may(self) -> None:
        """Look again whether this machine may decide: the owner may have said otherwise since.

        Raises:
            RefusedError: it may not.
        """
        self.known = believed(self.member)
        if self.may_not:
            name = self.experiment.experiment_id
            raise RefusedError(
                f"This machine decides nothing of {name} any more: {self.may_not}.",
                hint="What others decide comes with the next exchange: meta-experiment auto",
            )

    @staticmethod
    def is_to_be_carried_out(found: TeamRecord) -> bool:
        """Tell whether a promotion was decided of which nobody said that it was carried out."""
        decided = found.decided
        return (
            decided is not None
            and decided.outcome.action is Action.PROMOTE
            and found.carried_out is None
        )

    def _carried_out(self, found: TeamRecord) -> SettledDecision:
        decided = found.decided
        if decided is None:
            return SettledDecision(found)
        try:
            done = carry_out(self.workspace, self.experiment, decided.outcome)
        except MetaExperimentError as error:  # the decision stands; the next look tries again
            return SettledDecision(found, error)
        note_carried_out(self.member, self.experiment, decided, done)
        return SettledDecision(self.remember(self.record()))

    def take_up(self, found: TeamRecord) -> ActionResult | None:
        """End the experiment in this checkout as its team decided; None where it is ended.

        The prompt file stays what it is: the promoted text comes by git. A stand-in makes room
        for the control. Where it was carried out is added to what was taken up before.

        Raises:
            ConflictError: another command changed the experiment meanwhile.
        """
        decided, name = found.decided, self.experiment.experiment_id
        if decided is None:
            return None
        commit = found.carried_out.commit if found.carried_out else None
        present = self.workspace.store.experiment(name)
        if present.status not in _TAKEN_UP:
            _add_commit(self.workspace, present, decided.outcome, commit)
            return None
        files, user_content = without_stand_ins(self.workspace, present)
        outcome = replace(
            decided.outcome, commit=commit, files=_replaced(present, decided.outcome)
        )
        plan = ActionPlan(present, outcome, files, "restored", user_content, decided=True)
        done = execute(self.workspace, plan, commit=False, dry_run=False)
        return replace(done, commit=commit, commit_note=None)


def _replaced(experiment: Experiment, outcome: Outcome) -> dict[str, FileReplacement]:
    """Say which text replaces which, by the plan alone."""
    if outcome.action is not Action.PROMOTE or outcome.winner is None:
        return {}
    control = experiment.plan.control.name
    pairs = {
        path: FileReplacement(arms[control], arms[outcome.winner])
        for path, arms in experiment.versions.items()
    }
    return {path: pair for path, pair in pairs.items() if pair.before != pair.after}


def _add_commit(
    workspace: Workspace, experiment: Experiment, outcome: Outcome, commit: str | None
) -> None:
    last = experiment.outcome
    if commit is None or last is None or last.change_id != outcome.change_id or last.commit:
        return

    def with_commit(before: Experiment) -> Experiment:
        known = before.outcomes
        if not known or known[-1] != last:
            return before
        return replace(before, outcomes=(*known[:-1], replace(last, commit=commit)))

    workspace.store.change(experiment.experiment_id, with_commit)
