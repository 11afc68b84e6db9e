"""What a team decided, as it stands in its store: once, signed, and checked by whoever reads.

Who can merely write to the store decides nothing: a decision counts when a machine that may
decide the experiment signed it for this project and plan. One that does not fit is passed over,
and the next place is free for one that does.

What was decided stays. Who saw a decision that counted keeps it, whatever the store has later.
Where its machine counts no longer, another one that decides has borne witness: it said under
its own signature that the decision counted when it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from meta_experiment.errors import UsageError, as_word
from meta_experiment.model import fields
from meta_experiment.model.experiment_document import outcome_from_document
from meta_experiment.records import dataclass
from meta_experiment.services.teams.change_places import told_address, told_branch
from meta_experiment.services.teams.kept_facts import NOTHING_SEEN, KeptFacts
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.said_decisions import (
    CARRIED_OUT,
    CarriedOut,
    DecidedOutcome,
    change_name,
    decision_digest,
    is_decided,
    note_statement,
)
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import machine_id
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.store.exchange import TeamDecision, TeamNote, next_generation
from meta_experiment.types import Action, Experiment

_OBJECT_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # of git


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
        self._deciders, self._machines = known.deciders_of(experiment), known.machines
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
        keys = [item.key for item in self._machines]
        return next(
            (
                key.public_key
                for key in keys
                if key.machine == row.machine == machine_id(key.public_key)
            ),
            None,
        )

    def _is_witnessed(self, row: TeamDecision) -> bool:
        digest = decision_digest(row)
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


def _told(
    member: Membership, experiment: Experiment, keys: Mapping[str, bytes]
) -> list[tuple[TeamNote, Mapping[str, Any]]]:
    """Return the notes of machines that decide, and what each says."""
    found, terms = [], terms_sha256(experiment)
    for note in member.exchange.notes(experiment.experiment_id):
        key = keys.get(note.machine)
        said = note_statement(member, terms, note)
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


def _object_name(document: Mapping[str, object]) -> str:
    commit = fields.text(document, "commit", "note")
    if not _OBJECT_NAME.fullmatch(commit):
        raise UsageError("a note names no commit")
    return commit
