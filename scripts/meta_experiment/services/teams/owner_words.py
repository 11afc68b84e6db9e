"""What the owner of a project said of its machines, wherever it was seen.

A word bears the owner's signature, so that it is true whoever keeps it. Each checkout keeps the
last one on every machine under its own seal: a store that was restored to an earlier moment, or
that somebody took a word from, makes nobody forget it, and gets it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import count

from meta_experiment.errors import ConflictError, RemoteError
from meta_experiment.services.teams.machine_keys import Signer
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import admission_statement, machine_id
from meta_experiment.services.teams.team_setting import TeamSetting
from meta_experiment.store.exchange import Exchange, MachineAdmission, MachineKey, TeamMachine

Words = Mapping[str, MachineAdmission]  # by machine, the last one


def last_words(
    setting: TeamSetting, machines: Iterable[TeamMachine]
) -> dict[str, MachineAdmission]:
    """Return the owner's last word on each machine: of those kept here and those in the store.

    Of two with one number, as two copies of the owner's key may say them, that a machine counts
    no longer is the last: everywhere the same, and nobody counts by it who should not.
    """
    found = dict(setting.words)
    for known in machines:
        for word in known.admissions:
            before = found.get(word.machine)
            if word == before or (before is not None and _place(word) < _place(before)):
                continue
            if word.machine == known.key.machine and is_owners(setting, word):
                found[word.machine] = word
    return found


def is_owners(setting: TeamSetting, word: MachineAdmission) -> bool:
    """Tell whether the project's owner said this of a machine, by its key."""
    said = admission_statement(setting.project, word._replace(signature=b""))
    own_id = machine_id(word.public_key) == word.machine
    return own_id and is_signed(setting.owner, word.signature, said)


def owners_word(
    signer: Signer, project: str, key: MachineKey, number: int, *, counts: bool
) -> MachineAdmission:
    """Say as the owner that a machine counts, or counts no longer."""
    word = MachineAdmission(key.machine, key.public_key, number, counts, b"")
    return word._replace(signature=signer.sign(admission_statement(project, word)))


def next_number(last: MachineAdmission | None, admissions: Iterable[MachineAdmission]) -> int:
    """Return the number of the next word on a machine: the first free one behind the last.

    What somebody else put into the store takes away single numbers, and no more.
    """
    taken = {word.number for word in admissions}
    behind = last.number if last else 0
    return next(number for number in count(behind + 1) if number not in taken)


def tell_again(
    exchange: Exchange, setting: TeamSetting, signer: Signer, lost: Iterable[MachineAdmission]
) -> Words:
    """Bring words into the store that it does not have; return those that this made the last.

    A machine that the store does not know either joins again by itself first, as the user of
    the database that it is bound to.

    Where another word stands in the place of one, the owner's own machine says it once more
    under the next number; on others it is kept here and waits for that. One that this user of
    the database may not bring waits for somebody who may.

    Raises:
        NetworkError: the store does not answer.
    """
    there = {item.key.machine: item.admissions for item in exchange.machines()}
    said = {}
    for known in lost:
        word, taken = known, there[known.machine]
        if any(word.number == other.number for other in taken):
            if signer.key.public_key != setting.owner:
                continue
            key = MachineKey(word.machine, word.public_key, "")
            number = next_number(word, taken)
            word = owners_word(signer, setting.project, key, number, counts=word.counts)
            said[word.machine] = word
        with suppress(RemoteError, ConflictError):
            exchange.admit(word)
    return said


def _place(word: MachineAdmission) -> tuple[int, bool]:
    return word.number, not word.counts
