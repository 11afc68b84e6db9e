"""Joining a team's project, and the word on who counts in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    NotFoundError,
    RefusedError,
    cite,
)
from meta_experiment.services.teams.machine_keys import Signer
from meta_experiment.services.teams.membership import (
    Membership,
    believed,
    is_owners,
    with_numbers,
)
from meta_experiment.services.teams.statements import (
    admission_statement,
    fingerprint,
    machine_id,
)
from meta_experiment.services.teams.team_setting import (
    TeamSetting,
    read_setting,
    write_setting,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Exchange, MachineAdmission, MachineKey, TeamMachine
from meta_experiment.types.results.team_store import MachineWord

_SHORTEST = 4  # digits by which a machine may be named


def join(
    workspace: Workspace,
    exchange: Exchange,
    signer: Signer,
    *,
    url: str,
    command: str = "",
    create: bool = False,
    anew: bool = False,
    pulls: bool = True,
) -> Membership:
    """Make this machine known to a project, and let this checkout use it from now on.

    A project that nobody made is made where `create` says so, and then owned by this machine.
    Who is its owner now stays so here: another one later is refused, unless `anew` says that
    it is another store.

    Raises:
        NotFoundError: there is no such project. RefusedError: it has another owner than before.
        CorruptStoreError: the store names an owner whose id is not that of its key.
    """
    if exchange.owner() is None and not create:
        raise NotFoundError(
            f"There is no project {cite(exchange.project)} in this store.",
            hint="If you are the first: the same with --create, which makes this machine its "
            "owner. Else name the project as the others do: --project NAME",
        )
    owner = exchange.join(signer.key)
    if machine_id(owner.public_key) != owner.machine:
        raise CorruptStoreError(
            "The store names an owner whose id is not that of its key; nothing was joined."
        )
    before = read_setting(workspace)
    same = before is not None and before.project == exchange.project
    if before is not None and same and before.owner != owner.public_key and not anew:
        raise RefusedError(
            f"The project {cite(exchange.project)} in this store is owned by "
            f"{fingerprint(owner.public_key)[:17]}; the one used here so far by "
            f"{fingerprint(before.owner)[:17]}.",
            hint="If it is another store, and you know it: the same again with --anew",
        )
    setting = TeamSetting(exchange.project, owner.public_key, url, command, pulls=pulls)
    if before is not None and same and before.owner == owner.public_key:
        setting = replace(setting, admitted=before.admitted, numbers=before.numbers)
    write_setting(workspace, setting)
    return Membership(exchange, setting, signer)


def admit(
    workspace: Workspace,
    member: Membership,
    words: Sequence[str],
    *,
    remove: bool = False,
    here: bool = False,
) -> tuple[MachineWord, ...]:
    """Let machines count in the project, or no longer; `here` in this checkout alone.

    A word is the beginning of an id, or a name.

    Raises:
        NotFoundError, ConflictError: a word means no machine, or several. RefusedError: this
            machine is not the owner's.
    """
    known = member.exchange.machines()
    chosen = [_meant(word, known) for word in words]
    if here:
        admitted = dict(member.setting.admitted)
        for item in chosen:
            admitted.pop(item.key.machine, None)
            if not remove:
                admitted[item.key.machine] = item.key.public_key.hex()
        write_setting(workspace, replace(member.setting, admitted=admitted))
    else:
        _require_own_word(member)
        for item in chosen:
            member.exchange.admit(_word(member, item, counts=not remove))
        numbers = believed(member).numbers
        write_setting(workspace, with_numbers(member.setting, numbers))
    return tuple(
        MachineWord(item.key.machine, item.key.name, fingerprint(item.key.public_key))
        for item in chosen
    )


def _meant(word: str, known: Sequence[TeamMachine]) -> TeamMachine:
    digits = word.lower().replace(" ", "")
    found = [
        item
        for item in known
        if word == item.key.name
        or (len(digits) >= _SHORTEST and item.key.machine.startswith(digits[:16]))
    ]
    if not found:
        there = ", ".join(f"{item.key.machine} ({cite(item.key.name)})" for item in known[:20])
        raise NotFoundError(
            f"No machine {cite(word)} has joined the project.",
            hint=f"There are: {there}. It joins by `meta-experiment store use` on it.",
        )
    if len(found) > 1:
        ids = ", ".join(item.key.machine for item in found)
        raise ConflictError(
            f"{cite(word)} fits {len(found)} machines: {ids}.", hint="Name one by its id."
        )
    _require_own_id(found[0].key)
    return found[0]


def _require_own_id(key: MachineKey) -> None:
    if machine_id(key.public_key) != key.machine:
        raise CorruptStoreError(
            f"The id of {key.machine} is not that of its key: somebody wrote it into the store."
        )


def _require_own_word(member: Membership) -> None:
    if member.signer.key.public_key != member.setting.owner:
        owner = machine_id(member.setting.owner)
        raise RefusedError(
            f"This machine ({member.signer.machine}) is not that of the project's owner "
            f"({owner}), whose word alone counts for all.",
            hint="Run it there; or admit it in this checkout alone: the same with --here",
        )


def _word(member: Membership, item: TeamMachine, *, counts: bool) -> MachineAdmission:
    """Return the owner's next word on a machine, signed."""
    machine = item.key.machine
    said = [word.number for word in item.admissions if is_owners(member.setting, word)]
    last = max([0, abs(member.setting.numbers.get(machine, 0)), *said])
    word = MachineAdmission(machine, item.key.public_key, last + 1, counts, b"")
    statement = admission_statement(member.setting.project, word)
    return word._replace(signature=member.signer.sign(statement))
