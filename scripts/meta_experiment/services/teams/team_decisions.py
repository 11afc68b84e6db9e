"""What a team decided, as it stands in its store: once, signed, and checked by whoever reads.

Who can merely write to the store decides nothing: a decision counts when a machine that may
decide the experiment signed it for this project and plan. One that does not fit is passed over,
and the next place is free for one that does.

What was decided stays. Who saw a decision that counted keeps it, whatever the store has later.
Where its machine counts no longer, another one that decides has borne witness: it said under
its own signature that the decision counted when it came.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from meta_experiment.errors import UsageError, as_word
from meta_experiment.model import fields
from meta_experiment.model.experiment_document import outcome_from_document, outcome_to_document
from meta_experiment.records import dataclass
from meta_experiment.services.teams.change_places import told_address, told_branch
from meta_experiment.services.teams.kept_facts import NOTHING_SEEN, KeptFacts
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import machine_id, statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Lease, TeamDecision, TeamNote, next_generation
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.store.local.replicas import replicas
from meta_experiment.types import Action, Experiment, Outcome

CARRIED_OUT, WITNESSED = "carried_out", "witnessed"
_NAME_DIGITS = 16
_OBJECT_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # of git
Counted = Mapping[str, Mapping[str, int]]  # by machine and log: how much of it was counted


@dataclass(frozen=True, slots=True)
class DecidedOutcome:
    """A decision that counts: what it was, by whom, on whose lines; and how it is signed."""

    machine: str
    outcome: Outcome
    counted: Counted
    signed: TeamDecision
    public_key: bytes


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """Where a decision was carried out: the commit, the branch it is on, how people see it.

    `taken_back` says that the team's branch had other texts when that was looked up: again,
    or by a later edit.
    """

    commit: str
    branch: str
    url: str
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class PassedDecision:
    """A decision in the store that does not count, and why.

    `otherwise` says that it would, had nothing else been decided before.
    """

    generation: int
    machine: str
    why: str
    otherwise: bool = False

    @property
    def sentence(self) -> str:
        """Say so."""
        return f"decision {self.generation} of {as_word(self.machine)}: {self.why}"


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """What is decided of an experiment, as far as the store and this checkout know.

    Attributes:
        decided: the decision; None before the first that counts.
        carried_out: where that was done, if somebody said so; `note` is how it was said.
        free: the place of the next decision in the store.
        aside: of each one there that does not count, or not any more, why.
        lost: what the store has forgotten of it: the decision, the note, or both.
        witnessed: whether another machine than its own said that the decision counted.
    """

    decided: DecidedOutcome | None
    carried_out: CarriedOut | None
    note: TeamNote | None
    free: int
    aside: tuple[PassedDecision, ...] = ()
    lost: tuple[TeamDecision | TeamNote, ...] = ()
    witnessed: bool = False


def record_of(
    member: Membership,
    known: BelievedMachines,
    experiment: Experiment,
    kept: KeptFacts = NOTHING_SEEN,
) -> TeamRecord:
    """Read what was decided of an experiment, and whether it was carried out.

    What was seen here counts before what the store has.
    """
    rows = member.exchange.decisions(experiment.experiment_id)
    free = next_generation(rows)
    if not rows and kept.decision is None:
        return TeamRecord(None, None, None, free)
    return _RecordReading(member, known, experiment, kept).record(rows, free)


class _RecordReading:
    """The decisions and notes of one experiment, being believed or not."""

    def __init__(
        self,
        member: Membership,
        known: BelievedMachines,
        experiment: Experiment,
        kept: KeptFacts,
    ) -> None:
        self._member, self._experiment, self._kept = member, experiment, kept
        self._deciders = known.deciders_of(experiment)
        owner = member.setting.owner
        self._notes = _told(member, experiment, {**self._deciders, machine_id(owner): owner})

    def record(self, rows: Sequence[TeamDecision], free: int) -> TeamRecord:
        """Return what stands: what was seen here, else the first that counts."""
        aside = list[PassedDecision]()
        decided = self._kept_decision()
        for row in rows:
            found = row.left_out or self._believed(row)
            if isinstance(found, str):
                aside.append(PassedDecision(row.generation, row.machine, found))
            elif decided is None:
                decided = found
            elif _what(found) != _what(decided):
                why = f"{_what(decided)} was decided before, as is known here"
                why = f"{_what(found)}, where {why}"
                aside.append(PassedDecision(row.generation, row.machine, why, otherwise=True))
        if decided is None:
            return TeamRecord(None, None, None, free, tuple(aside))
        return self._whole(decided, rows, free, aside)

    def _whole(
        self,
        decided: DecidedOutcome,
        rows: Sequence[TeamDecision],
        free: int,
        aside: Sequence[PassedDecision],
    ) -> TeamRecord:
        done, note = self._carried_out(decided), self._kept.carried_out
        if note is not None:
            kept = _as_carried_out(self._experiment, _read(note.document))
            done = (kept, note) if kept is not None else done
        lost: list[TeamDecision | TeamNote] = []
        if not any(_same(row, decided.signed) for row in rows):
            lost.append(decided.signed)
        if done and not any(_same(it, done[1]) for it, _ in self._notes):
            lost.append(done[1])
        carried_out, note = done or (None, None)
        witnessed = self._is_witnessed(decided.signed)
        return TeamRecord(
            decided, carried_out, note, free, tuple(aside), tuple(lost), witnessed
        )

    def _kept_decision(self) -> DecidedOutcome | None:
        row = self._kept.decision
        found = row and self._read(row, self._kept.public_key)
        return found if isinstance(found, DecidedOutcome) else None

    def _believed(self, row: TeamDecision) -> DecidedOutcome | str:
        """Return a decision as it counts, else why it does not."""
        key = self._deciders.get(row.machine) or self._former(row)
        if row.experiment_id != self._experiment.experiment_id or key is None:
            return "that machine may not decide it"
        if not is_decided(self._member, terms_sha256(self._experiment), row, key):
            return "the machine did not sign it for this plan"
        return self._read(row, key)

    def _former(self, row: TeamDecision) -> bytes | None:
        """Return the key of a machine that counts no longer, where this one had counted."""
        team = self._experiment.plan.team
        if team is None or (team.machines and row.machine not in team.machines):
            return None
        if not self._is_witnessed(row):
            return None
        keys = [item.key for item in self._member.exchange.machines()]
        return next(
            (
                key.public_key
                for key in keys
                if key.machine == row.machine == machine_id(key.public_key)
            ),
            None,
        )

    def _is_witnessed(self, row: TeamDecision) -> bool:
        digest = _digest(row)
        return any(
            note.machine != row.machine and document.get("decision") == digest
            for note, document in self._notes
        )

    def _read(self, row: TeamDecision, key: bytes) -> DecidedOutcome | str:
        try:
            document = fields.mapping(json.loads(row.document), "decision")
            outcome = outcome_from_document(document.get("outcome"))
            counted = {
                machine: dict(fields.mapping(logs, "counted"))
                for machine, logs in fields.mapping(document.get("counted"), "counted").items()
            }
        except (ValueError, UsageError) as error:
            return f"it cannot be read: {error}"
        treatments = {arm.name for arm in self._experiment.plan.treatments}
        if outcome.action is Action.PROMOTE and outcome.winner not in treatments:
            return "it promotes what the plan does not have"
        if outcome.change_id != change_name(self._member.setting.project, self._experiment):
            return "its change cannot have that name"
        return DecidedOutcome(row.machine, outcome, counted, row, key)

    def _carried_out(self, decided: DecidedOutcome) -> tuple[CarriedOut, TeamNote] | None:
        """Return where a change was carried out, by the first that said so."""
        for note, document in self._notes:
            same = document.get("change") == decided.outcome.change_id
            done = _as_carried_out(self._experiment, document) if same else None
            if done is not None:
                return done, note
        return None


def change_name(project: str, experiment: Experiment) -> str:
    """Return the name of the one change that decides an experiment of a project.

    Whoever decides it names it so, also where one decides again what a store has forgotten: by
    that name it is found where it was carried out.
    """
    terms = terms_sha256(experiment)
    said = statement("change", project, experiment.experiment_id, terms)
    return hashlib.sha256(said).hexdigest()[:_NAME_DIGITS]


def signed_decision(
    member: Membership,
    experiment: Experiment,
    lease: Lease,
    generation: int,
    outcome: Outcome,
    counted: Counted,
) -> TeamDecision:
    """Write a decision under this machine's signature."""
    document = {"outcome": outcome_to_document(outcome), "counted": counted}
    unsigned = TeamDecision(
        experiment_id=experiment.experiment_id,
        generation=generation,
        machine=member.signer.machine,
        fence=lease.fence,
        document=_text(document),
        signature=b"",
    )
    said = _decision_statement(member, terms_sha256(experiment), unsigned)
    return unsigned._replace(signature=member.signer.sign(said))


def counted_lines(workspace: Workspace, member: Membership, experiment: Experiment) -> Counted:
    """Return how much of every log stands here that counts, by the machine that wrote it."""
    found: dict[str, dict[str, int]] = {}
    layout, counting = workspace.layout, workspace.checkout.counting()
    for log in own_logs(layout, counting, experiment.experiment_id):
        found.setdefault(member.signer.machine, {})[log.name] = log.size
    for item in replicas(layout, counting, experiment.experiment_id):
        found.setdefault(item.machine, {})[item.log] = item.size
    return found


def note_carried_out(
    member: Membership, experiment: Experiment, decided: DecidedOutcome, done: CarriedOut
) -> None:
    """Tell the others where a decision was carried out."""
    _tell(
        member,
        experiment.experiment_id,
        terms_sha256(experiment),
        {
            "kind": CARRIED_OUT,
            "change": decided.outcome.change_id,
            "decision": _digest(decided.signed),
            "commit": done.commit,
            "branch": done.branch,
            "url": done.url,
            "taken_back": done.taken_back,
        },
    )


def bear_witness(member: Membership, row: TeamDecision, terms: str) -> None:
    """Tell the others that a decision counts, also when its machine does so no longer.

    `terms` are those of its experiment, as `terms_sha256` names them.
    """
    document = {"kind": WITNESSED, "decision": _digest(row)}
    _tell(member, row.experiment_id, terms, document)


def _tell(
    member: Membership, experiment_id: str, terms: str, document: Mapping[str, Any]
) -> None:
    machine = member.signer.machine
    unsigned = TeamNote(experiment_id, 0, machine, _text(document), b"")
    said = _note_statement(member, terms, unsigned)
    member.exchange.note(unsigned._replace(signature=member.signer.sign(said)))


def _told(
    member: Membership, experiment: Experiment, keys: Mapping[str, bytes]
) -> list[tuple[TeamNote, Mapping[str, Any]]]:
    """Return the notes of machines that decide, and what each says."""
    found, terms = [], terms_sha256(experiment)
    for note in member.exchange.notes(experiment.experiment_id):
        key = keys.get(note.machine)
        said = _note_statement(member, terms, note)
        if key is not None and is_signed(key, note.signature, said):
            found.append((note, _read(note.document)))
    return found


def _read(document: bytes) -> Mapping[str, Any]:
    try:
        return fields.mapping(json.loads(document), "note")
    except (ValueError, UsageError):
        return {}


def _as_carried_out(experiment: Experiment, document: Mapping[str, Any]) -> CarriedOut | None:
    if document.get("kind") != CARRIED_OUT:
        return None
    try:
        return CarriedOut(
            commit=_object_name(document),
            branch=told_branch(experiment, document),
            url=told_address(document),
            taken_back=document.get("taken_back") is True,
        )
    except UsageError:
        return None


def _what(decided: DecidedOutcome) -> str:
    outcome = decided.outcome
    return f"{outcome.action.value} {outcome.winner or ''}".strip()


def _same(one: TeamDecision | TeamNote, other: TeamDecision | TeamNote) -> bool:
    """Tell whether two are one, wherever they stand."""
    return (one.machine, one.document, one.signature) == (
        other.machine,
        other.document,
        other.signature,
    )


def _digest(row: TeamDecision) -> str:
    """Name a decision of a machine for whoever bears witness of it."""
    return hashlib.sha256(row.document + row.signature).hexdigest()


def _object_name(document: Mapping[str, object]) -> str:
    commit = fields.text(document, "commit", "note")
    if not _OBJECT_NAME.fullmatch(commit):
        raise UsageError("a note names no commit")
    return commit


def is_decided(member: Membership, terms: str, row: TeamDecision, key: bytes) -> bool:
    """Tell whether the holder of a key decided so, under the plan of these terms.

    The place in the store was signed too at first: what was decided then stays decided.
    """
    placed = _decision_statement(member, terms, row, row.generation, row.fence)
    plain = _decision_statement(member, terms, row)
    return any(is_signed(key, row.signature, said) for said in (plain, placed))


def _decision_statement(
    member: Membership, terms: str, decision: TeamDecision, *place: int
) -> bytes:
    """Say that a machine decided so of this experiment, under this plan.

    Its place in the store is not said: a store may forget it, and get it again in another.
    """
    return statement(
        "decision",
        member.setting.project,
        decision.experiment_id,
        terms,
        decision.machine,
        *place,
        hashlib.sha256(decision.document).digest(),
    )


def _note_statement(member: Membership, terms: str, note: TeamNote) -> bytes:
    """Say that a machine told this of an experiment, under this plan."""
    return statement(
        "note",
        member.setting.project,
        note.experiment_id,
        terms,
        note.machine,
        hashlib.sha256(note.document).digest(),
    )


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=False).encode()
