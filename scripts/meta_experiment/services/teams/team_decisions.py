"""What a team decided, as it stands in its store: once, signed, and checked by whoever reads.

Who can merely write to the store decides nothing: a decision counts when a machine that may
decide the experiment signed it for this project, plan and place. One that does not fit is
passed over, and the next place is free for one that does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.errors import UsageError, as_word
from meta_experiment.model import fields
from meta_experiment.model.experiment_document import outcome_from_document, outcome_to_document
from meta_experiment.records import dataclass
from meta_experiment.services.teams.change_places import told_address, told_branch
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Lease, TeamDecision, TeamNote
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.store.local.replicas import replicas
from meta_experiment.types import Action, Experiment, Outcome

CARRIED_OUT = "carried_out"
_NAME_DIGITS = 16
_OBJECT_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # of git
Counted = Mapping[str, Mapping[str, int]]  # by machine and log: how much of it was counted


@dataclass(frozen=True, slots=True)
class DecidedOutcome:
    """A decision that counts: what it was, in which generation, by whom, on whose lines."""

    generation: int
    machine: str
    outcome: Outcome
    counted: Counted


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """Where a decision was carried out: the commit, the branch it is on, how people see it.

    `taken_back` says that the team's branch had other texts again when that was looked up.
    """

    commit: str
    branch: str
    url: str
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """What the store has of an experiment's decision.

    `decided` is None before the first that counts, for which `free` is the place; `aside` says
    of each that does not count why.
    """

    decided: DecidedOutcome | None
    carried_out: CarriedOut | None
    free: int
    aside: tuple[str, ...] = ()


def record_of(
    member: Membership, known: BelievedMachines, experiment: Experiment
) -> TeamRecord:
    """Read what was decided of an experiment, and whether it was carried out."""
    keys = known.deciders_of(experiment)
    aside, free = list[str](), 0
    decided: DecidedOutcome | None = None
    for item in member.exchange.decisions(experiment.experiment_id):
        free = item.generation + 1
        found = item.left_out or _decided(member, keys, experiment, item)
        if isinstance(found, DecidedOutcome):
            decided = found
            break
        aside.append(f"decision {item.generation} of {as_word(item.machine)}: {found}")
    if decided is None:
        return TeamRecord(None, None, free, tuple(aside))
    done = next(_carried_out(member, keys, experiment, decided), None)
    return TeamRecord(decided, done, free, tuple(aside))


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
    said = _decision_statement(member, experiment, unsigned)
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
    document = {
        "kind": CARRIED_OUT,
        "generation": decided.generation,
        "commit": done.commit,
        "branch": done.branch,
        "url": done.url,
        "taken_back": done.taken_back,
    }
    name, machine = experiment.experiment_id, member.signer.machine
    unsigned = TeamNote(name, 0, machine, _text(document), b"")
    said = _note_statement(member, experiment, unsigned)
    member.exchange.note(unsigned._replace(signature=member.signer.sign(said)))


def _decided(
    member: Membership,
    keys: Mapping[str, bytes],
    experiment: Experiment,
    item: TeamDecision,
) -> DecidedOutcome | str:
    """Return a decision as it counts, else why it does not."""
    key = keys.get(item.machine)
    if item.experiment_id != experiment.experiment_id or key is None:
        return "that machine may not decide it"
    if not is_signed(key, item.signature, _decision_statement(member, experiment, item)):
        return "the machine did not sign it for this plan and place"
    try:
        document = fields.mapping(json.loads(item.document), "decision")
        outcome = outcome_from_document(document.get("outcome"))
        counted = {
            machine: dict(fields.mapping(logs, "counted"))
            for machine, logs in fields.mapping(document.get("counted"), "counted").items()
        }
    except (ValueError, UsageError) as error:
        return f"it cannot be read: {error}"
    treatments = {arm.name for arm in experiment.plan.treatments}
    if outcome.action is Action.PROMOTE and outcome.winner not in treatments:
        return "it promotes what the plan does not have"
    if outcome.change_id != change_name(member.setting.project, experiment):
        return "its change cannot have that name"
    return DecidedOutcome(item.generation, item.machine, outcome, counted)


def _carried_out(
    member: Membership,
    keys: Mapping[str, bytes],
    experiment: Experiment,
    decided: DecidedOutcome,
) -> Iterator[CarriedOut]:
    for note in member.exchange.notes(experiment.experiment_id):
        key = keys.get(note.machine)
        said = _note_statement(member, experiment, note)
        if key is None or not is_signed(key, note.signature, said):
            continue
        try:
            document = fields.mapping(json.loads(note.document), "note")
            if (document.get("kind"), document.get("generation")) == (
                CARRIED_OUT,
                decided.generation,
            ):
                yield CarriedOut(
                    commit=_object_name(document),
                    branch=told_branch(experiment, document),
                    url=told_address(document),
                    taken_back=document.get("taken_back") is True,
                )
        except (ValueError, UsageError):
            continue


def _object_name(document: Mapping[str, object]) -> str:
    commit = fields.text(document, "commit", "note")
    if not _OBJECT_NAME.fullmatch(commit):
        raise UsageError("a note names no commit")
    return commit


def _decision_statement(
    member: Membership, experiment: Experiment, decision: TeamDecision
) -> bytes:
    """Say that a machine decided so, in this place of this experiment, under this plan."""
    return statement(
        "decision",
        member.setting.project,
        experiment.experiment_id,
        terms_sha256(experiment),
        decision.machine,
        decision.generation,
        decision.fence,
        hashlib.sha256(decision.document).digest(),
    )


def _note_statement(member: Membership, experiment: Experiment, note: TeamNote) -> bytes:
    """Say that a machine told this of an experiment, under this plan."""
    return statement(
        "note",
        member.setting.project,
        experiment.experiment_id,
        terms_sha256(experiment),
        note.machine,
        hashlib.sha256(note.document).digest(),
    )


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=False).encode()
