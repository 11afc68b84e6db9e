"""This machine as a member of a project: its store, its key, and whom it believes there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from meta_experiment.errors import RefusedError
from meta_experiment.records import dataclass
from meta_experiment.services.teams.machine_keys import KEY_FILE, Signer
from meta_experiment.services.teams.owner_words import Words, last_words
from meta_experiment.services.teams.statements import fingerprint, machine_id
from meta_experiment.services.teams.team_setting import TeamSetting
from meta_experiment.store.exchange import Exchange, MachineAdmission, TeamMachine
from meta_experiment.types import Experiment
from meta_experiment.types.results.team_store import NO_LONGER, NOT_ADMITTED

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace

FORGED_ID = "its id is not that of its key"


@dataclass(frozen=True, slots=True)
class Membership:
    """What a machine needs to speak with its team."""

    exchange: Exchange
    setting: TeamSetting
    signer: Signer


@dataclass(frozen=True, slots=True)
class BelievedMachines:
    """Machines whose trials count, by id with their public keys, and why others do not.

    `admitted` are the owner and whom it admitted, `joined` all of the project but whom it
    admits no longer, `here` this one and those that this checkout admitted by itself. Of all
    others `not_admitted` says why. `words` are the owner's last ones, of which the store
    `lost` some on machines that it knows: those `stored`, by their names; `machines` is all
    that it said of them, read once. What is here already of a machine goes only where a word
    has `taken_back` that it counts.
    """

    here: Mapping[str, bytes]
    admitted: Mapping[str, bytes]
    joined: Mapping[str, bytes]
    not_admitted: Mapping[str, str]
    words: Words
    lost: tuple[MachineAdmission, ...]
    stored: Mapping[str, str]
    taken_back: frozenset[str]
    machines: tuple[TeamMachine, ...]

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Those that count here where a plan names none."""
        return {**self.admitted, **self.here}

    @property
    def refused(self) -> Mapping[str, str]:
        """Why those do not count here that do not."""
        return {who: why for who, why in self.not_admitted.items() if who not in self.here}

    def keys_of(self, experiment: Experiment) -> Mapping[str, bytes]:
        """Return those that count in an experiment: whom its plan names, where it does."""
        team = experiment.plan.team
        if team is None or not team.machines:
            return self.keys
        return {**self.deciders_of(experiment), **self.here}

    def deciders_of(self, experiment: Experiment) -> Mapping[str, bytes]:
        """Return those that decide an experiment, for all others: whom its plan names.

        Where it names none, the owner and whom it admitted. What a checkout admits by itself
        counts in it and decides nothing.
        """
        team = experiment.plan.team
        if team is None or not team.machines:
            return self.admitted
        named = {machine: self.joined.get(machine) for machine in team.machines}
        return {machine: key for machine, key in named.items() if key is not None}

    def why_not_decides(self, machine: str, experiment: Experiment) -> str:
        """Say why a machine may not decide an experiment of its team; empty where it may."""
        team = experiment.plan.team
        if machine in self.deciders_of(experiment):
            return ""
        if team is not None and team.machines and machine not in team.machines:
            return "its plan names others"
        return self.not_admitted.get(machine, "it has not joined")


def copy_hint(workspace: Workspace, member: Membership) -> str | None:
    """Say to the owner that all hangs on one key; None on other machines."""
    if member.signer.key.public_key != member.setting.owner:
        return None
    path = Path(workspace.machine.data, KEY_FILE)
    return (
        f"This machine alone owns the project. Keep a copy of {path} where you keep other "
        "keys: put into the same place of another machine it makes that one the owner"
    )


def not_counted(member: Membership, known: BelievedMachines) -> dict[str, str]:
    """Return why machines do not count for others than themselves, by their ids in order."""
    own, found = member.signer.machine, dict(known.refused)
    if own in known.not_admitted:
        why = known.not_admitted[own]
        found[own] = f"{why}; it is this one, so that its trials count here alone"
    return dict(sorted(found.items()))


def require_owner(member: Membership) -> None:
    """Refuse a store in which the project is another's than when it was first used.

    Raises:
        RefusedError: it is.
    """
    owner = member.exchange.owner()
    if owner is None or owner.public_key != member.setting.owner:
        said = "nobody" if owner is None else fingerprint(owner.public_key)[:17]
        known = fingerprint(member.setting.owner)[:17]
        lost = "If it was restored and lost the project, its owner makes it again: "
        other = "It is another store, or somebody changed it. If that is meant: "
        raise RefusedError(
            f"The project {member.setting.project} is owned by {said} in this store; here its "
            f"owner is {known}. Nothing was exchanged.",
            hint=f"{lost}meta-experiment store use URL --create"
            if owner is None
            else f"{other}meta-experiment store use URL --anew",
        )


def believed(member: Membership) -> BelievedMachines:
    """Return which machines count: this one, the owner, whom it or this checkout admitted.

    An admission counts under the owner's signature. Of a word that was seen here once it does
    not matter whether the store has it still, nor whether it knows the machine.
    """
    setting, machines = member.setting, member.exchange.machines()
    own, owner = member.signer.key, machine_id(member.setting.owner)
    here = {own.machine: own.public_key}
    here |= {machine: bytes.fromhex(key) for machine, key in setting.admitted.items()}
    words = last_words(setting, machines)
    keys = {item.key.machine: item.key.public_key for item in machines}
    keys |= {word.machine: word.public_key for word in words.values()}
    admitted = {owner: setting.owner}
    joined, not_admitted = dict(admitted), dict[str, str]()
    for machine in keys.keys() - {owner}:
        why = _why_not(machine, keys[machine], words.get(machine))
        if why:
            not_admitted[machine] = why
        else:
            admitted[machine] = keys[machine]
        if why not in {FORGED_ID, NO_LONGER}:
            joined[machine] = keys[machine]
    no_longer = {machine for machine, word in words.items() if not word.counts}
    stored = {item.key.machine: item.key.name for item in machines}
    there = {word for item in machines for word in item.admissions}
    return BelievedMachines(
        here=here,
        admitted=admitted,
        joined=joined,
        not_admitted=not_admitted,
        words=words,
        lost=tuple(
            word for word in words.values() if word not in there and word.machine in stored
        ),
        stored=stored,
        taken_back=setting.taken_back | no_longer,
        machines=tuple(machines),
    )


def _why_not(machine: str, public_key: bytes, word: MachineAdmission | None) -> str:
    """Say why a machine does not count, by the owner's last word on it."""
    if machine_id(public_key) != machine:
        return FORGED_ID
    if word is None:
        return NOT_ADMITTED
    return "" if word.counts else NO_LONGER
