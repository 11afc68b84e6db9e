"""This machine as a member of a project: its store, its key, and whom it believes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.errors import RefusedError
from meta_experiment.records import dataclass
from meta_experiment.services.teams.machine_keys import Signer
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import (
    admission_statement,
    fingerprint,
    machine_id,
)
from meta_experiment.services.teams.team_setting import TeamSetting
from meta_experiment.store.exchange import Exchange, MachineAdmission, TeamMachine
from meta_experiment.types import Experiment

NOT_ADMITTED = "the owner has not admitted it"
NO_LONGER = "the owner admits it no longer"
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
    others `not_admitted` says why. `numbers` are the last words of the owner, as the setting
    keeps them.
    """

    here: Mapping[str, bytes]
    admitted: Mapping[str, bytes]
    joined: Mapping[str, bytes]
    not_admitted: Mapping[str, str]
    numbers: Mapping[str, int]

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


def require_owner(member: Membership) -> None:
    """Refuse a store in which the project is another's than when it was first used.

    Raises:
        RefusedError: it is.
    """
    owner = member.exchange.owner()
    if owner is None or owner.public_key != member.setting.owner:
        said = "nobody" if owner is None else fingerprint(owner.public_key)[:17]
        known = fingerprint(member.setting.owner)[:17]
        raise RefusedError(
            f"The project {member.setting.project} is owned by {said} in this store; here its "
            f"owner is {known}. Nothing was exchanged.",
            hint="It is another store, or somebody changed it. If that is meant: "
            "meta-experiment store use URL --anew",
        )


def believed(member: Membership) -> BelievedMachines:
    """Return which machines count: this one, the owner, whom it or this checkout admitted.

    An admission counts under the owner's signature. Words of the owner that were seen before
    hold where the store has only older ones.
    """
    setting = member.setting
    own, owner = member.signer.key, machine_id(member.setting.owner)
    here = {own.machine: own.public_key}
    here |= {machine: bytes.fromhex(key) for machine, key in setting.admitted.items()}
    admitted = {owner: setting.owner}
    joined, not_admitted = dict(admitted), dict[str, str]()
    numbers = dict(setting.numbers)
    for known in member.exchange.machines():
        machine, public = known.key.machine, known.key.public_key
        if machine == owner:
            continue
        why = _why_not(member, known, numbers)
        if why:
            not_admitted[machine] = why
        else:
            admitted[machine] = public
        if why not in {FORGED_ID, NO_LONGER}:
            joined[machine] = public
    return BelievedMachines(here, admitted, joined, not_admitted, numbers)


def _why_not(member: Membership, known: TeamMachine, numbers: dict[str, int]) -> str:
    """Say why a machine does not count; note the owner's last word on it."""
    machine, public = known.key.machine, known.key.public_key
    if machine_id(public) != machine:
        return FORGED_ID
    words = [word for word in known.admissions if is_owners(member.setting, word)]
    last = max(words, key=lambda word: word.number, default=None)
    seen = numbers.get(machine, 0)
    if last is None or last.number < abs(seen):
        return NO_LONGER if seen < 0 else NOT_ADMITTED
    if last.public_key != public:
        return NOT_ADMITTED
    numbers[machine] = last.number if last.counts else -last.number
    return "" if last.counts else NO_LONGER


def is_owners(setting: TeamSetting, word: MachineAdmission) -> bool:
    """Tell whether the project's owner said this of a machine."""
    statement = admission_statement(setting.project, word._replace(signature=b""))
    return is_signed(setting.owner, word.signature, statement)


def with_numbers(setting: TeamSetting, numbers: Mapping[str, int]) -> TeamSetting:
    """Return a setting that remembers these words of the owner."""
    return replace(setting, numbers=dict(numbers))
