"""Joining a team's project, and the word on who counts in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    NotFoundError,
    RefusedError,
    cite,
)
from meta_experiment.services.teams.exchange_note import forget_exchanges
from meta_experiment.services.teams.machine_keys import Signer
from meta_experiment.services.teams.membership import Membership, believed
from meta_experiment.services.teams.owner_words import last_words, next_number, owners_word
from meta_experiment.services.teams.removed_deciders import witness_decisions
from meta_experiment.services.teams.statements import fingerprint, machine_id
from meta_experiment.services.teams.team_setting import (
    TeamSetting,
    change_setting,
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
    setting = TeamSetting(
        exchange.project, owner.public_key, url, command, pulls=pulls, name=signer.key.name
    )
    if before is not None:
        setting = _gone_on(setting, before)
    if anew or not same:
        forget_exchanges(workspace)
    write_setting(workspace, setting)
    return Membership(exchange, setting, signer)


def _gone_on(setting: TeamSetting, before: TeamSetting) -> TeamSetting:
    """Keep who counts where the owner is the same; where another is, nobody counts so far."""
    if (before.project, before.owner) == (setting.project, setting.owner):
        kept = before.admitted, before.taken_back, before.words
        return replace(setting, admitted=kept[0], taken_back=kept[1], words=kept[2])
    counted = {machine_id(before.owner), *before.words, *before.admitted}
    return replace(setting, taken_back=before.taken_back | counted)


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
        meant = {item.key.machine: item.key.public_key.hex() for item in chosen}
        change_setting(workspace, member.setting, partial(_here, meant, remove=remove))
    else:
        _require_own_word(member)
        if remove:
            witness_decisions(workspace, member, [item.key.machine for item in chosen])
        for item in chosen:
            member.exchange.admit(_word(member, item, counts=not remove))
        said_by_now = believed(member).words
        change_setting(
            workspace, member.setting, lambda before: replace(before, words=said_by_now)
        )
    return tuple(
        MachineWord(item.key.machine, item.key.name, fingerprint(item.key.public_key))
        for item in chosen
    )


def _here(meant: Mapping[str, str], before: TeamSetting, *, remove: bool) -> TeamSetting:
    """Let machines count in this checkout by its own word, or by that no longer."""
    admitted = {who: key for who, key in before.admitted.items() if who not in meant}
    if remove:
        return replace(before, admitted=admitted, taken_back=before.taken_back | meant.keys())
    return replace(
        before, admitted={**admitted, **meant}, taken_back=before.taken_back - meant.keys()
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
    last = last_words(member.setting, [item]).get(item.key.machine)
    number = next_number(last, item.admissions)
    project = member.setting.project
    return owners_word(member.signer, project, item.key, number, counts=counts)
