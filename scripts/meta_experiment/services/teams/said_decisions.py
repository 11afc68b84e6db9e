"""What a machine says of a decision, under its signature: that it is, was carried out, counts.

Nothing here is believed: `team_decisions` reads what stands in the store of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from meta_experiment.model.experiment_document import outcome_to_document
from meta_experiment.records import dataclass
from meta_experiment.services.teams.membership import Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Lease, TeamDecision, TeamNote
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.store.local.replicas import replicas
from meta_experiment.types import Experiment, Outcome

CARRIED_OUT, WITNESSED = "carried_out", "witnessed"
_NAME_DIGITS = 16
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
            "decision": decision_digest(decided.signed),
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
    document = {"kind": WITNESSED, "decision": decision_digest(row)}
    _tell(member, row.experiment_id, terms, document)


def _tell(
    member: Membership, experiment_id: str, terms: str, document: Mapping[str, Any]
) -> None:
    machine = member.signer.machine
    unsigned = TeamNote(experiment_id, 0, machine, _text(document), b"")
    said = note_statement(member, terms, unsigned)
    member.exchange.note(unsigned._replace(signature=member.signer.sign(said)))


def decision_digest(row: TeamDecision) -> str:
    """Name a decision of a machine for whoever bears witness of it."""
    return hashlib.sha256(row.document + row.signature).hexdigest()


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


def note_statement(member: Membership, terms: str, note: TeamNote) -> bytes:
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
